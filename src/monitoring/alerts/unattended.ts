import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import { type Rule, SEVERITIES, type Severity } from '../types.ts';
import { GIVE_UP_MS, MAX_RESENT, MAX_SILENCES } from './limits.ts';
import { type SilenceRow, silenceOf } from './silences.ts';
import { silencesOf } from './silencing.ts';
import { type AlertRow, storedOf, subjectOf } from './stored.ts';

const UNATTENDED = { name: 'alerts-unattended', text: sql('alerts-unattended') };
const SILENCES = { name: 'alerts-silences', text: sql('alerts-silences') };

/** Open alerts that nobody has acknowledged as bad as they are, and that no silence covers: those of which somebody must be told. */
export const unattendedAlerts = async (
  db: Queryable,
  nowMs: number,
): Promise<{ readonly rule: Rule; readonly severity: Severity }[]> => {
  const { rows } = await db.query<AlertRow>({ ...UNATTENDED, values: [MAX_RESENT, [...SEVERITIES]] });
  if (rows.length === 0) return [];
  const { rows: silences } = await db.query<SilenceRow>({ ...SILENCES, values: [GIVE_UP_MS, MAX_SILENCES] });
  const now = silences.map(silenceOf);
  return rows
    .map((row) => subjectOf(storedOf(row)))
    .filter((subject) => silencesOf(now, subject, nowMs).length === 0)
    .map(({ rule, severity }) => ({ rule, severity }));
};
