import type { Details } from './details.ts';
import type { Judged } from './bars.ts';
import type { Row } from './findings.ts';

const ms = (value: number): string => {
  if (Number.isNaN(value)) return '';
  if (value >= 100) return value.toFixed(0);
  return value >= 1 ? value.toFixed(1) : value.toPrecision(2);
};

/** Markdown, so that it can stand in docs/performance.md as it is. */
const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    .flatMap((text, row) =>
      row === 0 ? [text, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`] : [text],
    )
    .join('\n');
};

const HEADER = [
  'work',
  'users',
  'members',
  'ours p50',
  'p99',
  'runs',
  'peer',
  'peer p50',
  'p99',
  'runs',
  'ratio',
  'members',
];

const lineOf = (details: Details, work: string, row: Row | undefined): string[] => {
  const own = details.own[work];
  const peer = row === undefined ? undefined : details.peers[`${work} ${row.peer}`];
  const agrees = row === undefined ? undefined : details.agreements[`${work} ${row.peer}`];
  return [
    work,
    details.users.toLocaleString('en'),
    own?.members?.toLocaleString('en') ?? '',
    ms(own?.p50 ?? Number.NaN),
    ms(own?.p99 ?? Number.NaN),
    String(own?.runs ?? ''),
    row?.peer ?? '',
    ms(peer?.p50 ?? Number.NaN),
    ms(peer?.p99 ?? Number.NaN),
    String(peer?.runs ?? ''),
    row === undefined ? '' : String(Number(row.ratio.toPrecision(3))),
    agrees === undefined ? '' : agrees ? 'equal' : 'DIFFERENT',
  ];
};

const WORDS = new Map<boolean | undefined, string>([
  [true, 'reached    '],
  [false, 'NOT reached'],
  [undefined, '-          '],
]);

/** One table with machine, versions and settings, how the peers were set up, and a line for each bar. */
export const printReport = (rows: readonly Row[], details: Details, judged: readonly Judged[]): void => {
  const { machine } = details;
  const settings = Object.entries(machine.settings).map(([name, value]) => `${name}=${value}`);
  const works = Object.keys(details.own);
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, load ${machine.load.toFixed(1)} before; Node ${machine.node}; PostgreSQL ${machine.postgres} (${settings.join(', ')}); ${machine.measuredAt}`,
    `npm run bench -- ${details.commandLine.join(' ')}`,
    `writing and syncing 8 KiB on this disk: p50 ${ms(machine.syncMs.p50)} ms, p99 ${ms(machine.syncMs.p99)} ms`,
    '',
    'Milliseconds; of batch for 1,000 messages. Ratio: the peer by ours, at p50.',
    '',
    table([
      HEADER,
      ...works.flatMap((work) => {
        const beside = rows.filter((row) => row.work === work);
        return beside.length === 0
          ? [lineOf(details, work, undefined)]
          : beside.map((row) => lineOf(details, work, row));
      }),
    ]),
    '',
    ...Object.entries(details.own).flatMap(([work, { phasesMs }]) =>
      phasesMs === undefined
        ? []
        : [
            `${work}, p50 of its phases: ${Object.entries(phasesMs)
              .map(([phase, took]) => `${phase} ${ms(took)}`)
              .join(', ')}`,
          ],
    ),
    '',
    ...Object.entries(details.setup).flatMap(([peer, said]) => said.map((line) => `${peer}: ${line}`)),
    ...Object.entries(details.skipped).map(([peer, why]) => `${peer}: left out: ${why}`),
    '',
    ...Object.entries(details.figures).map(([name, value]) => `${name}: ${value.toLocaleString('en')}`),
    ...Object.entries(details.memoryMiB).map(
      ([during, most]) => `server memory during ${during}: ${most.toFixed(0)} MiB at most`,
    ),
    '',
    ...judged.map(({ bar, reached, said }) => `${WORDS.get(reached)}  ${bar}: ${said}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
};
