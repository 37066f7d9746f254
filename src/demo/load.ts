import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../cli/client.ts';
import { EvenkeelError } from '../core/errors.ts';
import { DEMO_SEGMENTS } from './definitions.ts';
import { EVENT_NAMES, type EventKind, eventsOf } from './happenings.ts';
import { person } from './people.ts';

const POLL_MS = 300;
/** Lines that are gathered before they are sent on. */
const LINES_A_PIECE = 500;

interface Import {
  readonly id: string;
  readonly state: string;
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: readonly { readonly line: number; readonly reason: string }[];
}

export interface LoadOptions {
  readonly client: Client;
  readonly users: number;
  /** Midnight of the day that the data ends with, in epoch milliseconds. */
  readonly today: number;
  readonly signal: AbortSignal;
  /** `share` 0..1 of the step. */
  readonly progress: (step: string, share: number, note: string) => void;
}

/** The segments come last, so their being there says that everything is. */
export const isLoaded = async (client: Client): Promise<boolean> => {
  const { segments } = await client.json<{ segments: { key: string }[] }>('/v1/segments?limit=500');
  const keys = new Set(segments.map(({ key }) => key));
  return DEMO_SEGMENTS.every(({ key }) => keys.has(key));
};

const pieces = function* (rows: Iterable<object>): Generator<string> {
  let lines: string[] = [];
  for (const row of rows) {
    lines.push(JSON.stringify(row));
    if (lines.length < LINES_A_PIECE) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
};

const people = function* (users: number, today: number): Generator<object> {
  for (let n = 0; n < users; n++) yield person(n, today);
};
const happenings = function* (kind: EventKind, users: number, today: number): Generator<object> {
  for (let n = 0; n < users; n++) yield* eventsOf(kind, n, today);
};

/** Sends rows through the same import as everybody's, and waits for its end. */
const importRows = async (
  { client, signal, progress }: LoadOptions,
  step: string,
  query: Readonly<Record<string, string>>,
  rows: Iterable<object>,
): Promise<void> => {
  progress(step, 0, 'generating');
  let current = await client.json<Import & { bytes?: number; bytesRead?: number }>(
    `/v1/imports?${new URLSearchParams({ format: 'ndjson', ...query }).toString()}`,
    { method: 'POST', stream: Readable.from(pieces(rows)), headers: { 'content-type': 'application/x-ndjson' } },
  );
  while (current.state === 'queued' || current.state === 'running') {
    signal.throwIfAborted();
    const { bytes = 0, bytesRead = 0 } = current;
    progress(step, bytes === 0 ? 0 : bytesRead / bytes, `${current.rows.toLocaleString('en-US')} rows`);
    await sleep(POLL_MS, undefined, { signal });
    current = await client.json(`/v1/imports/${current.id}`);
  }
  const [first] = current.errors;
  if (current.state !== 'succeeded' || current.rejected > 0)
    throw new EvenkeelError(
      500,
      'demo',
      `the import of ${step} ${current.state}${first === undefined ? '' : `: line ${first.line}: ${first.reason}`}`,
    );
};

/** Loads users, events and segments. An interrupted load is begun again: what is there already is not doubled. */
export const load = async (options: LoadOptions): Promise<void> => {
  const { client, users, today } = options;
  await importRows(options, 'users', { kind: 'users', key: 'userId' }, people(users, today));
  for (const kind of EVENT_NAMES)
    await importRows(
      options,
      `events "${kind}"`,
      { kind: 'events', event: kind, user: 'userId', time: 'time' },
      happenings(kind, users, today),
    );
  for (const segment of DEMO_SEGMENTS)
    await client.json('/v1/segments', { method: 'POST', body: segment }).catch((error: unknown) => {
      if (!(error instanceof EvenkeelError && error.status === 409)) throw error;
    });
};
