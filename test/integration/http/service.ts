import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningService, startService } from '../../../src/cli/service.ts';
import { readSettings } from '../../../src/cli/settings.ts';
import type { Log } from '../../../src/core/log.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

export const OPERATOR_KEY = 'operator-key-of-the-tests';

export interface TestService {
  readonly url: string;
  readonly database: TestDatabase;
  /** Where it keeps files. */
  readonly directory: string;
  /** Throws where the service logged an error: somebody would have had to act. */
  stop(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests say what they expect of it; a wrong guess fails there.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

/** A whole service over HTTP, on a database and a port of its own. */
export const startTestService = async (environment: Record<string, string> = {}): Promise<TestService> => {
  const database = await createTestDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-service-'));
  const errors: string[] = [];
  const log: Log = {
    debug() {},
    info() {},
    warn() {},
    error: (fields, message) =>
      errors.push(
        `${message} ${JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.stack : value))}`,
      ),
  };
  const read = readSettings({
    DATABASE_URL: database.url,
    PORT: '0',
    EVENKEEL_WORKERS: '2',
    EVENKEEL_DATA_DIR: directory,
    ...environment,
  });
  if ('faults' in read) throw new Error(read.faults.join('\n'));
  let service: RunningService | undefined;
  try {
    service = await startService(read.settings, log);
  } catch (error) {
    await database.drop().catch(() => undefined);
    throw error;
  }
  if (service === undefined) throw new Error('the service did not start');
  const running = service;
  return {
    url: `http://127.0.0.1:${running.port}`,
    database,
    directory,
    stop: async () => {
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
      await database.drop();
      if (errors.length > 0) throw new Error(`the service logged errors:\n${errors.join('\n')}`);
    },
  };
};

/** One request; `body` that is no string or bytes is sent as JSON. */
export const call = async (
  url: string,
  { method, body, headers }: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> => {
  const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(raw ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: (raw ? body : JSON.stringify(body)) as string }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
};
