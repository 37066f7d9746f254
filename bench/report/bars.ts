import type { PeerName } from '../peers/peer.ts';
import type { Query } from '../works/conditions.ts';
import type { Details } from './details.ts';
import type { Row } from './findings.ts';

/** What the bench must show, each with how near this run comes. */

export interface Judged {
  readonly bar: string;
  /** Undefined: this run did not measure it. */
  readonly reached: boolean | undefined;
  readonly said: string;
}

interface Run {
  readonly rows: readonly Row[];
  readonly details: Details;
  readonly compare: Details | undefined;
}

type Judge = (run: Run) => Omit<Judged, 'bar'>;

const notMeasured = (remedy: string): Omit<Judged, 'bar'> => ({ reached: undefined, said: `not measured: ${remedy}` });

const number = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

/** At least so many times faster than a peer; below 1, not slower than it by more than that. */
const faster =
  (work: string, peer: PeerName, times: number): Judge =>
  (run) => {
    const row = run.rows.find((one) => one.work === work && one.peer === peer);
    if (row === undefined) return notMeasured(`--only ${work.replace('.statement', '')} --peers ${peer}`);
    return {
      reached: row.ratio >= times,
      said: `${number(row.ratio)}× (${number(row.evenkeelMs.p50)} ms beside ${number(row.peerMs.p50)} ms)`,
    };
  };

/** A figure, or the ratio of two, that must not be above a limit. */
const atMost =
  (
    names: readonly string[],
    limit: number,
    unit: string,
    remedy: string,
    value: (...figures: number[]) => number,
  ): Judge =>
  (run) => {
    const figures = names.map((name) => run.details.figures[name]);
    if (figures.includes(undefined)) return notMeasured(remedy);
    const found = value(...(figures as number[]));
    return {
      reached: found <= limit,
      said: `${number(found)}${unit} (${names.map((name, i) => `${name} ${number(figures[i] as number)}`).join(', ')})`,
    };
  };

const growth =
  (query: Query): Judge =>
  ({ details, compare }) => {
    const now = details.own[`${query}.store`];
    const then = compare?.own[`${query}.store`];
    if (now === undefined || then === undefined || compare === undefined || compare.users >= details.users)
      return notMeasured('--users 10000000 --compare FILE of a run with 1,000,000');
    const times = now.p50 / then.p50;
    const users = details.users / compare.users;
    return {
      reached: times <= 1.2 * users,
      said: `${number(times)}× for ${number(users)}× the users (${number(then.p50)} ms, then ${number(now.p50)} ms)`,
    };
  };

const memory: Judge = ({ details }) => {
  const entries = Object.entries(details.memoryMiB).sort(([, a], [, b]) => b - a);
  const [highest] = entries;
  if (highest === undefined) return notMeasured('needs Linux');
  return { reached: highest[1] <= 400, said: `${number(highest[1])} MiB at most, during ${highest[0]}` };
};

const equal: Judge = ({ details }) => {
  const entries = Object.entries(details.agreements);
  const different = entries.filter(([, agrees]) => !agrees).map(([name]) => name);
  if (entries.length === 0) return notMeasured('needs a peer');
  return {
    reached: different.length === 0,
    said: different.length === 0 ? `${entries.length} comparisons` : `different: ${different.join(', ')}`,
  };
};

const BARS: Readonly<Record<string, Judge>> = {
  'is_set stored: ≥ 200× faster than jsonb': faster('is_set.store', 'jsonb', 200),
  'is_set stored: ≥ 100× faster than keyvalue': faster('is_set.store', 'keyvalue', 100),
  'is_set stored: ≥ 5× faster than duckdb': faster('is_set.store', 'duckdb', 5),
  'five leaves stored: ≥ 100× faster than jsonb': faster('tree5.store', 'jsonb', 100),
  'five leaves stored: ≥ 5× faster than duckdb': faster('tree5.store', 'duckdb', 5),
  'five leaves stored: ≥ 5× faster than clickhouse': faster('tree5.store', 'clickhouse', 5),
  'number range stored: ≥ 50× faster than jsonb': faster('range.store', 'jsonb', 50),
  'number range stored: ≥ 2× faster than duckdb': faster('range.store', 'duckdb', 2),
  'text contains, a different value each: not slower than jsonb': faster('contains.store', 'jsonb', 1),
  'event at least once in 30 days: ≥ 30× faster than keyvalue': faster('event1.store', 'keyvalue', 30),
  'event at least 3 times in 30 days: ≥ 15× faster than keyvalue': faster('event3.store', 'keyvalue', 15),
  'count of is_set: within 20× of roaring, the statement alone': faster('is_set.count.statement', 'roaring', 1 / 20),
  'count of is_set: within 20× of roaring, by HTTP': faster('is_set.count', 'roaring', 1 / 20),
  'is_set stored: ≤ 12× the time for 10× the users': growth('is_set'),
  'five leaves stored: ≤ 12× the time for 10× the users': growth('tree5'),
  'number range stored: ≤ 12× the time for 10× the users': growth('range'),
  '10,000 users changed, asked at once: ≤ 250 ms more, one property': atMost(
    ['changed.at_once_p50_ms', 'changed.unchanged_p50_ms'],
    250,
    ' ms',
    '--only changed',
    (changed = 0, unchanged = 0) => changed - unchanged,
  ),
  '10,000 users changed, after the background: as unchanged (≤ 1.5×)': atMost(
    ['changed.after_background_p50_ms', 'changed.unchanged_p50_ms'],
    1.5,
    '×',
    '--only changed',
    (folded = 0, unchanged = 0) => folded / unchanged,
  ),
  'import until the first calculation: ≤ 1.5× of COPY and a GIN index': faster('import', 'jsonb', 1 / 1.5),
  'batches of 500 messages: ≥ 0.5× of inserts of the same rows': faster('batch', 'jsonb', 0.5),
  '8 at once while 1,000 users a second change: p99 ≤ 6× the idle median': ({ details }) => {
    const busy = details.own['mixed'];
    const idle = details.figures['mixed.idle_p50_ms'];
    if (busy === undefined || idle === undefined) return notMeasured('--only mixed');
    const crowd = details.figures['mixed.eight_without_changes_p50_ms'] ?? Number.NaN;
    return {
      reached: busy.p99 / idle <= 6,
      said: `${number(busy.p99 / idle)}× (p99 ${number(busy.p99)} ms; idle median ${number(idle)} ms, of 8 at once without changes ${number(crowd)} ms)`,
    };
  },
  'index on disk: ≤ 0.6× of the indexes of jsonb': atMost(
    ['index.evenkeel_bytes', 'index.jsonb_bytes'],
    0.6,
    '×',
    '--only index --peers jsonb',
    (ours = 0, theirs = 0) => ours / theirs,
  ),
  'service memory: ≤ 400 MiB': memory,
  'members equal to those of every peer': equal,
};

export const judge = (run: Run): Judged[] => Object.entries(BARS).map(([bar, judgeOf]) => ({ bar, ...judgeOf(run) }));
