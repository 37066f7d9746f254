import {
  blocksOf,
  type Comparison,
  fetchesASearch,
  indexChanges,
  isIndexScan,
  pagesASearch,
  planChanges,
  rowsASearch,
  scanChanges,
  type ScanChange,
  settingChanges,
  worst,
} from './compare.ts';
import type { Fact, Finding } from './diagnosis.ts';
import type { Blocker, Holder, Scan, TableEvidence } from './evidence.ts';
import { bytes, count, moment, percent, session, terminate } from './words.ts';

/** Rules about what is stored and who stands in the way. Each gives a finding or nothing. Pure. */

export type Rule = (comparison: Comparison) => Finding | undefined;

/** Of what was active, so much waits for locks: usually it is next to nothing. */
const LOCK_SHARE = 0.25;
/** A look-up in an index reads so many times its pages, and so many more at least. */
const PAGES_GROWTH = 3;
const MORE_PAGES = 6;
/** An index-only scan goes to the table so much oftener a look-up. */
const MORE_FETCHES = 20;
/** Dead rows that count, in number and beside those that live. */
const DEAD_ROWS = 1_000;
const DEAD_SHARE = 0.3;
/** Every calculation holds vacuum back while it runs; who does it longer is looked at. */
const HOLDER_MS = 10_000;
const LONG_MS = 5 * 60_000;
/** Rows changed since the last analyze, of those that live: autovacuum begins at a tenth, Evenkeel's own at a twentieth. */
const STALE_SHARE = 0.2;
const STALE_ROWS = 1_000;
/** A plan that reads so many times the pages it read, or takes so many times as long. */
const MORE_WORK = 2.5;
const SLOWER = 1.5;

const fact = (what: string, before: Fact['before'] | undefined, now: Fact['now']): Fact => ({
  what,
  before: before ?? null,
  now,
});

const ago = (at: number | null | undefined, now: number): string => (at ? moment(at, now) : 'never');

const where = (before: number | undefined, say: (value: number) => string): string =>
  before === undefined ? '' : ` where ${say(before)}`;

const lastBlockers = ({ now }: Comparison): readonly Blocker[] => [
  ...(now.blockers ?? []),
  ...(now.activity?.blockers ?? []),
];

export const lockWaits: Rule = (comparison) => {
  const { now, before } = comparison;
  const share = now.activity?.waits['Lock'] ?? 0;
  const [blocker] = lastBlockers(comparison);
  const refused = now.errors.filter(({ message }) => message.includes('lock timeout')).length;
  if (blocker === undefined || (share < LOCK_SHARE && refused === 0)) return undefined;
  const since = blocker.since === null ? '' : ` open since ${moment(blocker.since, now.at)}`;
  return {
    cause: 'lock_waits',
    confidence: 'high',
    sentence:
      `calculations wait for a lock on ${blocker.relation ?? 'a table'} that a transaction${since} holds ` +
      `(${session(blocker)}${blocker.state === null ? '' : `, ${blocker.state}`})`,
    evidence: [
      fact(
        'active connections that wait for locks',
        percentOf(before?.activity?.waits['Lock'] ?? 0, before),
        percent(share),
      ),
      fact('statements of this look that could not get their lock', before?.errors.length, refused),
      fact('the lock that is waited for', null, `${blocker.mode ?? '?'} on ${blocker.relation ?? '?'}`),
    ],
    remedy: {
      text: `commit or end that transaction (${session(blocker)}); a lock_timeout and idle_in_transaction_session_timeout for its user keep it from coming again`,
      sql: terminate(blocker),
    },
  };
};

const percentOf = (share: number, before: unknown): string | null => (before === undefined ? null : percent(share));

/** Tables that every calculation uses, whatever its condition. */
const COMMON = new Set([
  'calculations',
  'chunks',
  'segments',
  'snapshots',
  'snapshot_chunks',
  'pending_properties',
  'pending_events',
  'columns',
]);

export const indexMissing: Rule = (comparison) => {
  const read = scanChanges(comparison);
  const changes = indexChanges(comparison)
    .map((change) => ({
      change,
      scan: read.find(({ now }) => now.relation === change.before.table && now.index !== change.name),
    }))
    .filter(({ change, scan }) => scan !== undefined || COMMON.has(change.before.table));
  const found = changes.find(({ scan }) => scan !== undefined) ?? changes[0];
  if (found === undefined) return undefined;
  const { change, scan } = found;
  const was = comparison.before?.segments
    .flatMap(({ plans }) => plans.flatMap(({ scans }) => scans))
    .find(({ index }) => index === change.name);
  const { table, definition } = change.before;
  const instead =
    scan && `; ${scan.now.node.toLowerCase()}s on ${table} read ${count(pagesASearch(scan.now))} pages each`;
  return {
    cause: 'index_missing',
    confidence: scan === undefined ? 'medium' : 'high',
    sentence: `the index ${change.name} of ${table} is ${change.what}${instead ?? ''}`,
    evidence: [
      fact(
        change.name,
        definition,
        change.what === 'missing'
          ? 'missing'
          : (comparison.now.indexes?.[change.name]?.definition ?? '') + (change.what === 'invalid' ? ' (invalid)' : ''),
      ),
      ...(scan === undefined
        ? []
        : [
            fact(
              `pages that a look into ${table} reads`,
              was && count(pagesASearch(was)),
              count(pagesASearch(scan.now)),
            ),
          ]),
    ],
    remedy: {
      text: `make the index again; "concurrently" lets writes go on meanwhile${change.what === 'missing' ? '' : ', after dropping the one that is there'}`,
      sql: `${change.what === 'missing' ? '' : `drop index concurrently if exists ${change.name}; `}${definition.replace(/^CREATE (UNIQUE )?INDEX /, (_, unique: string | undefined) => `create ${unique === undefined ? '' : 'unique '}index concurrently `)};`,
    },
  };
};

/** Where an index leads to much more pages, or an index-only scan to the table much oftener, than before. */
const scattered = (comparison: Comparison): { readonly scan: ScanChange; readonly fetches: boolean } | undefined => {
  const scans = scanChanges(comparison).filter(({ now }) => isIndexScan(now));
  const fetching = worst(scans, fetchesASearch);
  if (
    fetching !== undefined &&
    fetchesASearch(fetching.now) - (fetching.before === undefined ? 0 : fetchesASearch(fetching.before)) >= MORE_FETCHES
  )
    return { scan: fetching, fetches: true };
  const reading = scans.filter(({ before, now }) => {
    const [was, is] = [before === undefined ? MORE_PAGES : pagesASearch(before), pagesASearch(now)];
    // A condition that reads more rows reads more pages.
    const rows = Math.max(0, rowsASearch(now) - (before === undefined ? 0 : rowsASearch(before)));
    return is >= was * PAGES_GROWTH && is - was - rows >= MORE_PAGES;
  });
  const scan = worst(reading, pagesASearch);
  return scan && { scan, fetches: false };
};

const deadOf = (table: TableEvidence | undefined): number => table?.deadRows ?? 0;

/** Tables that hold many dead rows, those with the most first. */
const deadTables = ({ now }: Comparison): readonly (readonly [string, TableEvidence])[] =>
  Object.entries(now.tables ?? {})
    .filter(([, { deadRows, liveRows }]) => deadRows >= DEAD_ROWS && deadRows >= liveRows * DEAD_SHARE)
    .sort(([, one], [, other]) => other.deadRows - one.deadRows);

const holderOf = ({ now }: Comparison): Holder | undefined =>
  now.holders?.find(
    ({ kind, since, application }) =>
      (kind !== 'transaction' || (since !== null && now.at - since >= HOLDER_MS)) &&
      application !== 'evenkeel diagnosis',
  );

/** One that does nothing, or has been there for long; another may be a report that began just now. */
const lasts = ({ kind, state, since }: Holder, now: number): boolean =>
  kind !== 'transaction' || state?.startsWith('idle') === true || (since !== null && now - since >= LONG_MS);

const holderText = (holder: Holder, now: number): string => {
  const since = holder.since === null ? '' : ` since ${moment(holder.since, now)}`;
  if (holder.kind === 'replication slot') return `the replication slot ${holder.name} (${holder.state})`;
  if (holder.kind === 'prepared transaction') return `the prepared transaction ${holder.name}${since}`;
  if (holder.kind === 'standby') return `a standby's query${since} (${session(holder)})`;
  return `a transaction open${since} (${session(holder)})`;
};

const scatteredFacts = (
  { before, now }: Comparison,
  found: { readonly scan: ScanChange; readonly fetches: boolean } | undefined,
  table: string,
): Fact[] => {
  const { scan } = found ?? {};
  const [was, is] = [before?.tables?.[table], now.tables?.[table]];
  return [
    ...(scan === undefined
      ? []
      : [
          fact(
            `pages that a look-up in ${scan.now.index ?? table} reads`,
            scan.before && count(pagesASearch(scan.before)),
            count(pagesASearch(scan.now)),
          ),
          fact(
            `rows that index-only scans of ${table} fetch`,
            scan.before && count(scan.before.heapFetches),
            count(scan.now.heapFetches),
          ),
        ]),
    fact(`dead rows of ${table}`, was && count(was.deadRows), count(deadOf(is))),
    fact(`living rows of ${table}`, was && count(was.liveRows), count(is?.liveRows ?? 0)),
    fact(
      `size of ${table} with its indexes`,
      was && bytes(was.bytes + was.indexBytes),
      bytes((is?.bytes ?? 0) + (is?.indexBytes ?? 0)),
    ),
    fact(`last vacuum of ${table}`, null, ago(is?.lastVacuum, now.at)),
  ];
};

const scatteredText = ({ scan, fetches }: { readonly scan: ScanChange; readonly fetches: boolean }): string => {
  const { before, now } = scan;
  return fetches
    ? `index scans on ${now.relation} fetch ${count(now.heapFetches)} heap rows${where(before?.heapFetches, (was) => `they fetched ${was === 0 ? 'none' : count(was)}`)}`
    : `index scans on ${now.relation} read ${count(pagesASearch(now))} pages a look-up${where(before && pagesASearch(before), (was) => `they read ${count(was)}`)}`;
};

/** What slows a reading down because dead rows are not taken away: held back, or spoiled, or bloated. */
export const deadRows: Rule = (comparison) => {
  const { now, before } = comparison;
  const found = scattered(comparison);
  const [mostDead] = deadTables(comparison);
  const table = found?.scan.now.relation ?? mostDead?.[0];
  if (table === undefined) return undefined;
  const evidence = scatteredFacts(comparison, found, table);
  const is = now.tables?.[table];
  const many = deadTables(comparison).some(([name]) => name === table);
  const text =
    found === undefined
      ? `${table} holds ${count(deadOf(is))} dead rows beside ${count(is?.liveRows ?? 0)}`
      : scatteredText(found);
  const holder = holderOf(comparison);
  if (holder !== undefined && (many || found?.fetches === true)) {
    return {
      cause: 'vacuum_held_back',
      confidence: found !== undefined && lasts(holder, now.at) ? 'high' : 'medium',
      sentence: `${text}: vacuum is held back by ${holderText(holder, now.at)}`,
      evidence: [...evidence, fact('transactions since what holds vacuum back began', null, count(holder.age))],
      remedy: holderRemedy(holder, table),
    };
  }
  const off = [
    ...(is?.options ?? []).filter((option) => /^autovacuum_enabled=(false|off)/.test(option)),
    ...(now.settings?.['autovacuum'] === 'off' ? ['autovacuum=off'] : []),
  ];
  const vacuum = {
    text: `vacuum ${table}${off.length === 0 ? '; where that comes too late again and again, let autovacuum begin earlier with it' : `, and let autovacuum do it again (${off.join(', ')} keeps it from it)`}`,
    sql: `vacuum (analyze) ${table};`,
  };
  if (found?.fetches === true)
    return {
      cause: 'visibility_map_spoiled',
      confidence: 'high',
      sentence: `${text}: writes have spoiled its visibility map and no vacuum has mended it${is?.lastVacuum ? ` since ${moment(is.lastVacuum, now.at)}` : ''}`,
      evidence,
      remedy: vacuum,
    };
  if (found === undefined && deadOf(is) < 2 * deadOf(before?.tables?.[table])) return undefined;
  return {
    cause: 'bloat',
    confidence: found !== undefined && many ? 'high' : found === undefined ? 'low' : 'medium',
    sentence: `${text}: ${many ? `${count(deadOf(is))} dead rows lie in their way` : 'it is bloated'}${off.length === 0 ? '' : `, and ${off.join(', ')}`}`,
    evidence,
    remedy: vacuum,
  };
};

const holderRemedy = (holder: Holder, table: string): Finding['remedy'] => {
  switch (holder.kind) {
    case 'replication slot':
      return {
        text: `let the consumer of the replication slot ${holder.name} catch up, or drop the slot if nobody needs it; then vacuum ${table}`,
      };
    case 'prepared transaction':
      return {
        text: `commit or roll back the prepared transaction ${holder.name}; then vacuum ${table}`,
      };
    case 'standby':
      return {
        text: `end the long query on the standby (${session(holder)}), or turn hot_standby_feedback off there; then vacuum ${table}`,
      };
    case 'transaction':
      return {
        text: `commit or end that transaction (${session(holder)}); autovacuum then follows by itself, or run: vacuum ${table}`,
        sql: terminate(holder),
      };
  }
};

const isStale = (table: TableEvidence | undefined): table is TableEvidence =>
  table !== undefined &&
  table.changedSinceAnalyze >= STALE_ROWS &&
  table.changedSinceAnalyze >= STALE_SHARE * Math.max(table.liveRows - table.changedSinceAnalyze, 1);

const removedRows = (scans: readonly Scan[], relation: string | undefined): number =>
  scans.reduce((sum, scan) => (scan.relation === relation ? sum + scan.removedRows : sum), 0);

/** Another plan than before, or the same although it reads much more than it did; worst where statistics are old. */
export const planChanged: Rule = (comparison) => {
  const { now } = comparison;
  const changes = planChanges(comparison).flatMap((change) => {
    const { before: was, now: is } = change;
    // Of tables that are empty most of the time no statistics fit, and analyzing them at such a moment helps nobody.
    if (was === undefined || change.statement === 'pending') return [];
    const slower = was.executionMs === null || is.executionMs === null || is.executionMs >= was.executionMs * SLOWER;
    const another = was.shape !== is.shape;
    const stale = [...new Set([...is.scans, ...was.scans].map(({ relation }) => relation))].find((relation) =>
      isStale(now.tables?.[relation]),
    );
    // Rows that are read in vain; of a workspace that has grown it reads more, but not those.
    const more =
      blocksOf(is) >= blocksOf(was) * MORE_WORK &&
      removedRows(is.scans, stale) >= removedRows(was.scans, stale) * MORE_WORK + STALE_ROWS;
    return (another && slower) || (more && stale !== undefined) ? [{ change, was, is, another, stale }] : [];
  });
  const found = changes.find(({ stale }) => stale !== undefined) ?? changes[0];
  if (found === undefined) return undefined;
  const { was, is, another, stale, change } = found;
  const table = stale === undefined ? undefined : now.tables?.[stale];
  const analyzed = table?.lastAnalyze ? `are from ${moment(table.lastAnalyze, now.at)}` : 'were never made';
  const pages = `reads ${count(blocksOf(is))} pages where it read ${count(blocksOf(was))}`;
  return {
    cause: 'plan_changed',
    confidence: stale === undefined ? 'medium' : 'high',
    sentence: `${another ? 'another plan is used, which' : 'the plan does not fit any more: it'} ${pages}${
      table === undefined
        ? ''
        : `; the statistics of ${stale} ${analyzed}, and ${count(table.changedSinceAnalyze)} rows have changed since`
    }`,
    evidence: [
      fact(`plan of ${change.workspace}/${change.segment} (${change.statement})`, was.shape, is.shape),
      fact('pages that it reads', count(blocksOf(was)), count(blocksOf(is))),
      fact('estimated rows are off by', `${count(was.misestimate)} ×`, `${count(is.misestimate)} ×`),
      ...(table === undefined || stale === undefined
        ? []
        : [
            fact(
              `rows of ${stale} changed since the last analyze`,
              comparison.before?.tables?.[stale] && count(comparison.before.tables[stale].changedSinceAnalyze),
              count(table.changedSinceAnalyze),
            ),
            fact(`last analyze of ${stale}`, null, ago(table.lastAnalyze, now.at)),
          ]),
    ],
    remedy:
      stale === undefined
        ? {
            text: 'compare the two plans with POST /v1/segments/explain, and the settings and indexes that they depend on',
          }
        : {
            text: `analyze ${stale}${(table?.options ?? []).some((option) => /^autovacuum_enabled=(false|off)/.test(option)) ? ', and let autovacuum do it again: it is turned off for this table' : ''}`,
            sql: `analyze ${stale};`,
          },
  };
};

/** Those that change plans, memory or the disk's part; others are nobody's cause. */
export const settingsChanged: Rule = (comparison) => {
  const changes = settingChanges(comparison).filter(
    ({ name }) => !/autovacuum|server_version|max_connections/.test(name),
  );
  const [first] = changes;
  if (first === undefined) return undefined;
  const another = planChanges(comparison).some(({ before, now }) => before !== undefined && before.shape !== now.shape);
  const all = changes
    .map(({ name, before, now }) => `${name} from ${before || 'nothing'} to ${now || 'nothing'}`)
    .join(', ');
  return {
    cause: 'settings_changed',
    confidence: another ? 'medium' : 'low',
    sentence: `settings of the database have changed: ${all}`,
    evidence: changes.map(({ name, before, now }) => fact(name, before, now)),
    remedy: {
      text: `set ${changes.map(({ name, before }) => `${name} = ${before || "''"}`).join(', ')} again, unless that was meant`,
    },
  };
};
