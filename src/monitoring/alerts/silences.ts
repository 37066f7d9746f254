import { conflict, invalid, notFound } from '../../core/errors.ts';
import { formatId, parseId } from '../../core/ids.ts';
import type { Queryable } from '../../database/port.ts';
import type { Rule, Scope, Severity } from '../types.ts';
import { MAX_SILENCE_MS, MAX_SILENCES } from './limits.ts';
import type { Silence } from './silencing.ts';

/** A row of `alert_silences`. */
export interface SilenceRow {
  readonly id: number;
  readonly alert_id: string | null;
  readonly rule: Rule | null;
  readonly kind: string | null;
  readonly workspace: string | null;
  readonly segment: string | null;
  readonly up_to: Severity | null;
  readonly reason: string;
  readonly created_by: string;
  readonly created_at: Date;
  readonly starts_at: Date;
  readonly ends_at: Date;
}

/** As a caller asks for it. */
export interface NewSilence {
  readonly alert?: string | undefined;
  readonly rule?: Rule | undefined;
  readonly scope?: { readonly [K in keyof Scope]?: string | undefined } | undefined;
  readonly upTo?: Severity | undefined;
  readonly reason: string;
  readonly by?: string | undefined;
  /** ISO 8601; by default now. */
  readonly startsAt?: string | undefined;
  readonly endsAt: string;
}

export interface SilenceResource {
  readonly id: string;
  readonly state: 'active' | 'pending' | 'ended';
  readonly alert: string | null;
  readonly rule: Rule | null;
  readonly scope: Scope;
  readonly upTo: Severity | null;
  readonly reason: string;
  readonly by: string;
  readonly createdAt: string;
  readonly startsAt: string;
  readonly endsAt: string;
}

const COLUMNS =
  'id, alert_id, rule, kind, workspace, segment, up_to, reason, created_by, created_at, starts_at, ends_at';

const scopeOf = ({ kind, workspace, segment }: SilenceRow): Scope => ({
  ...(kind === null ? {} : { kind }),
  ...(workspace === null ? {} : { workspace }),
  ...(segment === null ? {} : { segment }),
});

export const silenceOf = (row: SilenceRow): Silence => ({
  id: row.id,
  alertId: row.alert_id,
  rule: row.rule,
  scope: scopeOf(row),
  upTo: row.up_to,
  startsAt: row.starts_at.getTime(),
  endsAt: row.ends_at.getTime(),
});

const resourceOf = (row: SilenceRow, nowMs: number): SilenceResource => ({
  id: formatId('silence', row.id),
  state: row.ends_at.getTime() <= nowMs ? 'ended' : row.starts_at.getTime() > nowMs ? 'pending' : 'active',
  alert: row.alert_id,
  rule: row.rule,
  scope: scopeOf(row),
  upTo: row.up_to,
  reason: row.reason,
  by: row.created_by,
  createdAt: row.created_at.toISOString(),
  startsAt: row.starts_at.toISOString(),
  endsAt: row.ends_at.toISOString(),
});

/** When it begins and ends. Throws 422 for one that is over, too long, or ends before it begins. */
const periodOf = ({ startsAt, endsAt }: NewSilence, nowMs: number): { starts: Date; ends: Date } => {
  const starts = startsAt === undefined ? nowMs : Math.max(nowMs, Date.parse(startsAt));
  const ends = Date.parse(endsAt);
  if (ends <= nowMs) throw invalid('endsAt has passed', { path: 'endsAt' });
  if (ends <= starts) throw invalid('endsAt must come after startsAt', { path: 'endsAt' });
  if (ends - nowMs > MAX_SILENCE_MS)
    throw invalid(`endsAt must be within ${MAX_SILENCE_MS / 86_400_000} days`, {
      path: 'endsAt',
      hint: 'whoever still wants it then makes another; "accept as normal" is for what stays as it is',
    });
  return { starts: new Date(starts), ends: new Date(ends) };
};

const INSERT = `
  insert into alert_silences (alert_id, rule, kind, workspace, segment, up_to, reason, created_by, starts_at, ends_at)
  select $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::timestamptz, $10::timestamptz
  where (select count(*) from alert_silences where ends_at > clock_timestamp()) < $11::integer
  returning ${COLUMNS}`;

/** A silence of an alert that there is not, or that is over, would keep nothing silent, and nobody would notice. */
const mustBeOpen = async (db: Queryable, alert: string): Promise<void> => {
  const { rows } = await db.query<{ over: boolean }>(
    'select resolved_at is not null as over from alerts where id = $1::text',
    [alert],
  );
  if (rows[0] === undefined) throw notFound(`alert "${alert.slice(0, 64)}"`);
  if (rows[0].over)
    throw conflict(`alert "${alert.slice(0, 64)}" is over already`, {
      hint: 'to keep the next one like it silent, name its rule or scope',
    });
};

/**
 * Throws 422 for a period that is not allowed or a segment without its workspace, 404 and 409 for an alert that is not open, 409 where there
 * are too many.
 */
export const createSilence = async (db: Queryable, silence: NewSilence, by: string): Promise<SilenceResource> => {
  const { scope = {} } = silence;
  if (scope.segment !== undefined && scope.workspace === undefined)
    throw invalid('a segment needs its workspace', { path: 'scope.workspace' });
  const now = Date.now();
  const { starts, ends } = periodOf(silence, now);
  if (silence.alert !== undefined) await mustBeOpen(db, silence.alert);
  const { rows } = await db.query<SilenceRow>(INSERT, [
    silence.alert ?? null,
    silence.rule ?? null,
    scope.kind ?? null,
    scope.workspace ?? null,
    scope.segment ?? null,
    silence.upTo ?? null,
    silence.reason,
    by,
    starts,
    ends,
    MAX_SILENCES,
  ]);
  const row = rows[0];
  if (row === undefined)
    throw conflict(`there are ${MAX_SILENCES} silences already`, { hint: 'end some: DELETE /v1/silences/:id' });
  return resourceOf(row, Date.now());
};

/** Those that have not ended; with `all` the newest that have, too. */
export const listSilences = async (db: Queryable, all: boolean): Promise<SilenceResource[]> => {
  const { rows } = await db.query<SilenceRow>(
    `select ${COLUMNS} from alert_silences
     where $1::boolean or ends_at > clock_timestamp() order by id desc limit $2::integer`,
    [all, MAX_SILENCES],
  );
  return rows.map((row) => resourceOf(row, Date.now()));
};

/** Ends it now; it stays in the list of all. Throws 404, and 409 where it has ended already. */
export const endSilence = async (db: Queryable, id: string): Promise<SilenceResource> => {
  const number = parseId('silence', id);
  const { rows } = await db.query<SilenceRow>(
    `update alert_silences set ends_at = clock_timestamp(), starts_at = least(starts_at, clock_timestamp())
     where id = $1::bigint and ends_at > clock_timestamp() returning ${COLUMNS}`,
    [number],
  );
  if (rows[0] !== undefined) return resourceOf(rows[0], Date.now() + 1);
  const { rows: there } = await db.query('select from alert_silences where id = $1::bigint', [number]);
  if (there.length === 0) throw notFound(`silence ${id}`);
  throw conflict(`silence ${id} has ended already`);
};

/** Ids of those that keep an alert silent. */
export const silenceId = ({ id }: Silence): string => formatId('silence', id);
