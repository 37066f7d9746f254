import type { Request, Response } from 'express';
import { EvenkeelError } from '../core/errors.ts';
import { CallerGone } from './body.ts';

/** Text that is gathered before it is written: one system call for some hundred lines. */
const FLUSH_CHARACTERS = 32 * 1024;
/** Comments between events, so that proxies do not take a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;

export type LineFormat = 'ndjson' | 'csv';
const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];

/** What `Accept` asks for; a page of JSON where it does not care. Throws 406. */
export const negotiate = (request: Request): 'json' | LineFormat => {
  const type = request.accepts(['application/json', ...NDJSON_TYPES, 'text/csv']);
  if (type === 'application/json') return 'json';
  if (type === 'text/csv') return 'csv';
  if (typeof type === 'string') return 'ndjson';
  throw new EvenkeelError(406, 'not_acceptable', 'Accept names nothing that can be had here', {
    hint: 'accept application/json, application/x-ndjson or text/csv',
  });
};

const drained = (response: Response): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
  });

/**
 * Writes `lines` no faster than the caller reads them, and stops to read them when the caller goes away. An error before
 * the first write is thrown and can still be answered; a later one breaks the connection, so nobody takes half for all.
 */
export const streamLines = async (
  response: Response,
  format: LineFormat,
  lines: AsyncIterable<string>,
): Promise<void> => {
  response.setHeader(
    'content-type',
    format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
  );
  response.setHeader('cache-control', 'no-store');
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  let text = '';
  for await (const line of lines) {
    text += line;
    if (text.length < FLUSH_CHARACTERS) continue;
    if (!response.write(text)) await drained(response);
    if (response.destroyed) throw new CallerGone('the caller stopped to read');
    text = '';
  }
  response.end(text);
};

export interface EventStreamOptions {
  /** What `Last-Event-ID` gives back when the caller comes again. */
  readonly idOf?: (value: unknown) => number;
  /** Answers at once, before there is anything to say. */
  readonly eager?: boolean;
}

/** Server-sent events: one named `event` with JSON for each value, until there are no more or the caller goes away. */
export const streamEvents = async (
  response: Response,
  event: string,
  watch: (signal: AbortSignal) => AsyncIterable<unknown>,
  { idOf, eager = false }: EventStreamOptions = {},
): Promise<void> => {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const head = () => {
    if (response.headersSent) return;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
  };
  if (response.req.method === 'HEAD') {
    head();
    response.end();
    return;
  }
  if (eager) {
    head();
    response.write(': here\n\n');
  }
  const heartbeat = setInterval(() => {
    head();
    response.write(': still here\n\n');
  }, HEARTBEAT_MS);
  try {
    for await (const value of watch(gone.signal)) {
      if (response.destroyed) break;
      head();
      const id = idOf === undefined ? '' : `id: ${idOf(value)}\n`;
      if (!response.write(`${id}event: ${event}\ndata: ${JSON.stringify(value)}\n\n`)) await drained(response);
    }
    head();
    response.end();
  } finally {
    clearInterval(heartbeat);
    gone.abort();
  }
};

/** One field as RFC 4180 has it. A null is empty; an array or an object is its JSON. */
const csvField = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
export const csvLine = (fields: readonly unknown[]): string => `${fields.map(csvField).join(',')}\r\n`;
export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
