import type { BaselineFigure } from './baseline.ts';
import type { Machine, Spread } from './figures.ts';
import type { CalculationFigure } from './measure.ts';

export interface Report {
  readonly machine: Machine;
  readonly sync: Spread;
  readonly users: number;
  readonly import:
    | {
        readonly uploadMs: number;
        readonly totalMs: number;
        readonly foldedMs: number;
        readonly rssMiB: number;
      }
    | undefined;
  readonly calculations: readonly CalculationFigure[];
  readonly calculationRssMiB: number;
  readonly baseline: readonly BaselineFigure[];
  /** By work: the stored members equal those of the statement by hand. */
  readonly agrees: Readonly<Record<string, boolean>>;
}

const ms = (value: number): string => (value < 100 ? value.toFixed(1) : value.toFixed(0));

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    .flatMap((text, row) =>
      row === 0 ? [text, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`] : [text],
    )
    .join('\n');
};

const spread = (value: Spread): string[] => [ms(value.p50), ms(value.p99), ms(value.max)];

const importLine = ({ users, import: one }: Report): string => {
  const what = `import of ${users.toLocaleString('en')} users with 8 properties`;
  if (one === undefined) return `${what}: done by an earlier run`;
  return `${what}: upload ${ms(one.uploadMs)} ms, all in rows after ${ms(one.totalMs)} ms, folded ${ms(one.foldedMs)} ms later; server at most ${ms(one.rssMiB)} MiB`;
};

/** Prints what was measured as Markdown, so that it can stand in docs/performance.md as it is. */
export const printReport = (report: Report): void => {
  const { machine } = report;
  const settings = Object.entries(machine.settings).map(([name, value]) => `${name}=${value}`);
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}; Node ${machine.node}; PostgreSQL ${machine.postgres} (${settings.join(', ')}); ${machine.measuredAt}`,
    `write and sync of 8 KiB on this disk: p50 ${ms(report.sync.p50)} ms, p99 ${ms(report.sync.p99)} ms`,
    '',
    importLine(report),
    `server while calculating: at most ${ms(report.calculationRssMiB)} MiB`,
    '',
    table([
      [
        'calculate and store, ms',
        'runs',
        'members',
        'p50',
        'p99',
        'max',
        'queue',
        'freshen',
        'compile',
        'query',
        'store',
        'total',
      ],
      ...report.calculations.map((one) => [
        one.work,
        String(one.request.runs),
        String(one.members),
        ...spread(one.request),
        ...(['queue', 'freshen', 'compile', 'query', 'store', 'total'] as const).map((phase) =>
          ms(one.phases[phase].p50),
        ),
      ]),
    ]),
    '',
    table([
      ['by hand over JSONB, ms', 'index', 'runs', 'members', 'count p50', 'stored p50', 'stored p99', 'stored max'],
      ...report.baseline.map((one) => [
        one.work,
        one.index,
        String(one.stored.runs),
        String(one.members),
        ms(one.count.p50),
        ...spread(one.stored),
      ]),
    ]),
    '',
    ...Object.entries(report.agrees).map(([work, equal]) => `${work}: members ${equal ? 'equal' : 'DIFFER'}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
};
