import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { parseIsoDate } from '../../conditions/dates.ts';
import { EvenkeelError } from '../../core/errors.ts';
import { openClient } from '../../database/connect.ts';
import { runningEmbedded } from '../../database/embedded/running.ts';
import { exportHistory } from '../../monitoring/history/export.ts';
import { HISTORY_HEADER_LINE, historyLine } from '../../monitoring/history/write.ts';
import { type Command, type Invocation, UsageError } from '../command.ts';
import { STANDARD_STREAM } from '../history/read.ts';
import { createLog } from '../log.ts';
import { formatCount, Progress } from '../progress.ts';
import { openDatabase } from '../service.ts';
import { loadSettings } from './serve.ts';

const UNDEFINED_TABLE = '42P01';

const momentOf = ({ options }: Invocation, name: string, usual: number): number => {
  const given = options[name];
  if (given === undefined) return usual;
  const at = parseIsoDate(String(given));
  if (at === undefined)
    throw new UsageError(`--${name} must be a time such as 2026-01-31 or 2026-01-31T09:00:00Z, not "${String(given)}"`);
  return at;
};

/** Where the history is written. */
interface Sink {
  write(text: string): Promise<void>;
  end(): Promise<void>;
  /** After a failure. */
  destroy(): void;
}

const toOutput = ({ out }: Invocation): Sink => ({
  write: async (text) => out(text),
  end: async () => undefined,
  destroy: () => undefined,
});

const toFile = (file: string): Sink => {
  const target = createWriteStream(file);
  const gzip = file.endsWith('.gz') ? createGzip() : undefined;
  const into = gzip ?? target;
  const done = gzip === undefined ? finished(target) : pipeline(gzip, target);
  // who writes or ends is told; until then nobody need know
  done.catch(() => undefined);
  return {
    write: async (text) => {
      if (!into.write(text)) await Promise.race([once(into, 'drain'), done]);
    },
    end: async () => {
      into.end();
      await done;
    },
    destroy: () => {
      into.destroy();
    },
  };
};

const run = async (invocation: Invocation): Promise<void> => {
  const [what, file, ...rest] = invocation.positionals;
  if (what !== 'export' || file === undefined || rest.length > 0)
    throw new UsageError('say where to: evenkeel record export FILE');
  const since = momentOf(invocation, 'since', 0);
  const until = momentOf(invocation, 'until', Date.now());
  if (since >= until)
    throw new UsageError(
      invocation.options['until'] === undefined ? '--since must have passed' : '--since must be before --until',
    );
  const settings = loadSettings(invocation);
  const log = createLog(settings.logLevel);
  const running = settings.databaseUrl ?? runningEmbedded(resolve(settings.dataDirectory));
  const database = running === undefined ? await openDatabase(settings, log) : undefined;
  const progress = new Progress(invocation);
  let calculations = 0;
  try {
    const client = await openClient(running ?? database?.url ?? '', { applicationName: 'evenkeel record' });
    const sink = file === STANDARD_STREAM ? toOutput(invocation) : toFile(file);
    try {
      await sink.write(HISTORY_HEADER_LINE);
      for await (const page of exportHistory(client, { since, until })) {
        await sink.write(page.map(historyLine).join(''));
        calculations += page.length;
        const at = page.at(-1)?.finishedAt ?? since;
        progress.show(
          'Exporting',
          undefined,
          `${formatCount(calculations)} calculations, ${new Date(at).toISOString()}`,
        );
      }
      await sink.end();
    } finally {
      sink.destroy();
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    throw told(file, error);
  } finally {
    progress.done();
    await database?.stop();
  }
  if (file === STANDARD_STREAM) return;
  invocation.out(
    invocation.json
      ? `${JSON.stringify({ file, calculations })}\n`
      : `${formatCount(calculations)} calculations are in ${file}\n`,
  );
};

const told = (file: string, error: unknown): unknown => {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (code === UNDEFINED_TABLE)
    return new EvenkeelError(409, 'not_migrated', 'the database has no history yet', {
      hint: 'run "evenkeel migrate"; "evenkeel serve" does it too',
    });
  if (path !== undefined) return new EvenkeelError(422, 'invalid', `${file} cannot be written: ${message}`);
  return error;
};

export const recordCommand: Command = {
  name: 'record',
  usage: 'export FILE',
  summary: 'write the history of calculations to a CSV file that "evenkeel backtest" reads',
  options: {
    since: { type: 'string', value: 'TIME', help: 'from when on (ISO 8601); by default all that is kept' },
    until: { type: 'string', value: 'TIME', help: 'until when; by default now' },
  },
  details: () =>
    'A FILE that ends in .gz is packed; - is the standard output. The database is that of DATABASE_URL, or the embedded one.',
  run,
};
