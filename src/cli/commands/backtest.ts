import { Detector } from '../../monitoring/detector/detector.ts';
import { TimeOrder } from '../../monitoring/history/order.ts';
import { configHelp, loadDetectorConfig } from '../backtest/config.ts';
import { alertTable, MAX_SHOWN_ALERTS, totalsLine } from '../backtest/report.ts';
import { alertLine, type Said, SaidAlerts } from '../backtest/said.ts';
import { Totals } from '../backtest/totals.ts';
import { type Command, type Invocation, UsageError } from '../command.ts';
import { readHistory } from '../history/read.ts';
import { formatBytes, formatCount, Progress } from '../progress.ts';

const configFile = ({ options }: Invocation): string | undefined => {
  const file = options['config'];
  return typeof file === 'string' ? file : undefined;
};

const run = async (invocation: Invocation): Promise<void> => {
  const [file, ...rest] = invocation.positionals;
  if (file === undefined || rest.length > 0)
    throw new UsageError('say which history to replay: evenkeel backtest calculations.csv');
  const detector = new Detector(await loadDetectorConfig(configFile(invocation)));
  const [alerts, totals, order] = [new SaidAlerts(), new Totals(), new TimeOrder()];
  const shown: Said[] = [];
  let count = 0;
  const tell = (over: readonly Said[]): void => {
    count += over.length;
    if (invocation.json) for (const said of over) invocation.out(`${JSON.stringify(alertLine(said))}\n`);
    else shown.push(...over.slice(0, MAX_SHOWN_ALERTS - shown.length));
  };

  const began = performance.now();
  const progress = new Progress(invocation);
  try {
    await readHistory({
      file,
      take: (observation, line) => {
        order.take(observation.finishedAt, line);
        totals.take(observation);
        detector.observe(observation);
      },
      onProgress: (bytes, ofBytes) => {
        tell(alerts.take(detector.takeEvents()));
        const size = ofBytes === undefined ? '' : `${formatBytes(bytes)} of ${formatBytes(ofBytes)}, `;
        progress.show(
          'Replaying',
          ofBytes === undefined ? undefined : bytes / ofBytes,
          `${size}${formatCount(totals.calculations)} calculations`,
        );
      },
    });
  } finally {
    progress.done();
  }
  if (totals.to !== null) detector.advance(totals.to);
  tell(alerts.take(detector.takeEvents()));
  // The peak of what is still open may have come after it was last said.
  alerts.take(detector.openAlerts().map((alert) => ({ type: 'changed', at: totals.to ?? alert.openedAt, alert })));
  tell(alerts.open());

  if (!invocation.json) {
    if (count > 0) invocation.out(`${alertTable(shown, count)}\n`);
    invocation.out(totalsLine(totals, count, (performance.now() - began) / 1000));
    return;
  }
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  const { calculations, segments, from, to } = totals;
  invocation.out(
    `${JSON.stringify({ summary: { calculations, segments, from: iso(from), to: iso(to), alerts: count } })}\n`,
  );
};

export const backtestCommand: Command = {
  name: 'backtest',
  usage: 'FILE',
  summary: 'replay a history of calculations through the detector, and say what it would have said',
  options: {
    config: { type: 'string', value: 'FILE', help: 'thresholds that differ from the defaults, as a JSON object' },
  },
  details: () =>
    [
      'FILE is CSV with a header, its rows in the order of finished_at; .gz is unpacked, - is the standard input.',
      'Columns, in any order: finished_at (ISO 8601), workspace, segment, trigger, kinds (joined by |), population,',
      'duration_ms; and outcome and version where they are known. Others are left alone.',
      '',
      configHelp(),
    ].join('\n'),
  run,
};
