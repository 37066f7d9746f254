import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EvenkeelError } from '../../core/errors.ts';
import { CLIENT_HELP, CLIENT_OPTIONS, Client } from '../client.ts';
import { type Command, type Invocation, UsageError } from '../command.ts';
import { formatCount, Progress } from '../progress.ts';
import { sendFile } from '../send-file.ts';

const POLL_MS = 250;
const SHOWN_ERRORS = 5;
/** Options of the command that are the same in the query of POST /v1/imports. */
const QUERY_OPTIONS = ['key', 'event', 'user', 'time', 'id', 'types', 'map'] as const;

interface Import {
  readonly id: string;
  readonly state: 'queued' | 'running' | 'succeeded' | 'failed';
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: readonly { readonly line: number; readonly reason: string }[];
  readonly bytes?: number;
  readonly bytesRead?: number;
  readonly error?: { readonly message: string; readonly hint?: string } | null;
}

const formatOf = (file: string, given: string | boolean | undefined): 'csv' | 'ndjson' => {
  if (given === 'csv' || given === 'ndjson') return given;
  if (given !== undefined) throw new UsageError(`--format must be csv or ndjson, not "${String(given)}"`);
  const name = file.replace(/\.gz$/, '');
  if (/\.(ndjson|jsonl)$/i.test(name)) return 'ndjson';
  if (/\.csv$/i.test(name)) return 'csv';
  throw new UsageError(`"${file}" ends neither in .csv nor in .ndjson`, { hint: 'say which it is: --format csv' });
};

const follow = async (client: Client, started: Import, progress: Progress): Promise<Import> => {
  let current = started;
  while (current.state === 'queued' || current.state === 'running') {
    const { bytes = 0, bytesRead = 0, rows, rejected } = current;
    const note = `${formatCount(rows)} rows${rejected > 0 ? `, ${formatCount(rejected)} rejected` : ''}`;
    progress.show(
      current.state === 'queued' ? 'Waiting  ' : 'Importing',
      bytes > 0 ? bytesRead / bytes : undefined,
      note,
    );
    await sleep(POLL_MS);
    current = await client.json<Import>(`/v1/imports/${current.id}`);
  }
  progress.done();
  return current;
};

const keepRejected = async (client: Client, id: string, file: string, format: string): Promise<string> => {
  const path = `${file.replace(/\.gz$/, '')}.rejected.${format}`;
  await pipeline(await client.open(`/v1/imports/${id}/rejected`), createWriteStream(path));
  return path;
};

const report = (invocation: Invocation, ended: Import, seconds: number, rejectedFile: string | undefined): void => {
  const { json, out, err } = invocation;
  if (json) {
    out(`${JSON.stringify({ ...ended, ...(rejectedFile === undefined ? {} : { rejectedFile }) })}\n`);
    return;
  }
  for (const { line, reason } of ended.errors.slice(0, SHOWN_ERRORS)) err(`line ${line}: ${reason}\n`);
  if (ended.rejected > SHOWN_ERRORS) err(`… and ${formatCount(ended.rejected - SHOWN_ERRORS)} more\n`);
  if (rejectedFile !== undefined) err(`rejected lines are in ${rejectedFile}\n`);
  out(
    `${formatCount(ended.accepted)} of ${formatCount(ended.rows)} rows imported in ${seconds.toFixed(1)} s (${ended.id})\n`,
  );
};

const run = async (invocation: Invocation): Promise<void> => {
  const [kind, file, ...rest] = invocation.positionals;
  if ((kind !== 'users' && kind !== 'events') || file === undefined || rest.length > 0)
    throw new UsageError('say what to import: evenkeel import users FILE, or evenkeel import events FILE');
  const format = formatOf(file, invocation.options['format']);
  const query = new URLSearchParams({ kind, format });
  for (const name of QUERY_OPTIONS) {
    const value = invocation.options[name];
    if (typeof value === 'string') query.set(name, value);
  }
  const client = Client.of(invocation);
  const progress = new Progress(invocation);
  const began = performance.now();
  const contentType = format === 'csv' ? 'text/csv' : 'application/x-ndjson';
  const path = `/v1/imports?${query.toString()}`;
  const started = await sendFile<Import>(client, path, file, { method: 'POST', contentType }, progress);
  const ended = await follow(client, started, progress);
  const rejectedFile = ended.rejected > 0 ? await keepRejected(client, ended.id, file, format) : undefined;
  report(invocation, ended, (performance.now() - began) / 1000, rejectedFile);
  if (ended.state === 'failed')
    throw new EvenkeelError(500, 'import_failed', ended.error?.message ?? 'the import failed', {
      hint: ended.error?.hint ?? 'run it again: what was imported is not doubled',
    });
};

export const importCommand: Command = {
  name: 'import',
  usage: 'users FILE | events FILE',
  summary: 'send a CSV or NDJSON file of users or events to a running service',
  options: {
    format: {
      type: 'string',
      value: 'csv|ndjson',
      help: 'by default what the name of the file ends in (.gz is unpacked)',
    },
    key: { type: 'string', value: 'COLUMN', help: 'users: the column that holds the userId' },
    event: { type: 'string', value: 'NAME', help: 'events: the name of all events of the file' },
    user: { type: 'string', value: 'COLUMN', help: 'events: the column that holds the userId' },
    time: { type: 'string', value: 'COLUMN', help: 'events: the column that holds the time' },
    id: { type: 'string', value: 'COLUMN', help: 'events: the column that holds the messageId' },
    map: { type: 'string', value: 'Old:new,Useless:', help: 'other names for columns; an empty one leaves it out' },
    types: { type: 'string', value: 'a=string,b=number', help: 'columns whose type is not to be detected' },
    ...CLIENT_OPTIONS,
  },
  details: () =>
    `${CLIENT_HELP}\nLines that cannot be imported are written to FILE.rejected.csv or FILE.rejected.ndjson.\nAn import that was interrupted can be run again: nothing is doubled.`,
  run,
};
