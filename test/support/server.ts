import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClient } from '../../src/database/connect.ts';
import { type Embedded, startEmbedded } from '../../src/database/embedded.ts';
import { isAlive } from '../../src/database/embedded/process.ts';
import { migrate } from '../../src/database/migrate.ts';

/** Nothing of a test run has to survive the machine's fall. */
export const TEST_SETTINGS = {
  settings: { fsync: 'off', full_page_writes: 'off', shared_buffers: '256MB', max_connections: '300' },
  initdbFlags: ['--no-sync'],
};

const DIRECTORY_PREFIX = 'evenkeel-test-';

/** A folder that the account which PostgreSQL runs as under root can go through, and that says whose it is. */
export const makeTestDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), `${DIRECTORY_PREFIX}${process.pid}-`));
  chmodSync(directory, 0o711);
  return directory;
};

/** What runs that were killed have left; their servers have ended with them. */
const removeLeftovers = (): void => {
  for (const entry of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${DIRECTORY_PREFIX}([0-9]+)-`).exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(tmpdir(), entry), { recursive: true, force: true });
  }
};

export interface TestServer {
  /** A database on the server that the clones are not made from. */
  readonly url: string;
  /** Migrated, with nothing in it. */
  readonly template: string;
  stop(): Promise<void>;
}

export const withDatabase = (url: string, database: string): string => {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
};

const startOwn = async (): Promise<Pick<Embedded, 'url' | 'stop'>> => {
  removeLeftovers();
  const directory = makeTestDirectory();
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    const server = await startEmbedded({ directory, ...TEST_SETTINGS });
    return { url: server.url, stop: () => server.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
};

/**
 * The server of a test run: the one that `TEST_DATABASE_URL` names (a superuser's URL), else an embedded one of its own
 * that ends with this process. It has one migrated database to clone.
 */
export const startTestServer = async (): Promise<TestServer> => {
  const given = process.env.TEST_DATABASE_URL;
  const own = given === undefined || given === '' ? await startOwn() : undefined;
  const url = own?.url ?? given ?? '';
  const template = `evenkeel_template_${process.pid}_${randomBytes(4).toString('hex')}`;
  const run = async (statement: string): Promise<void> => {
    const client = await openClient(url, { applicationName: 'evenkeel test' });
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  const stop = async (): Promise<void> => {
    if (own === undefined) await run(`drop database if exists ${template} with (force)`);
    await own?.stop();
  };
  try {
    await run(`create database ${template} encoding 'UTF8' locale 'C' template template0`);
    await migrate(withDatabase(url, template));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, template, stop };
};
