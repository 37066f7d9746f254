import { openClient } from '../../src/database/connect.ts';
import { migrate } from '../../src/database/migrate.ts';

/** Runs `work` with a migrated database of its own on the same server, which is dropped afterwards. */
export const withScratchDatabase = async <T>(
  databaseUrl: string,
  name: string,
  work: (url: string) => Promise<T>,
): Promise<T> => {
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  const run = async (statement: string): Promise<void> => {
    const client = await openClient(databaseUrl, { applicationName: 'bench' });
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  const drop = `drop database if exists ${name} with (force)`;
  await run(drop);
  await run(`create database ${name} encoding 'UTF8' template template0`);
  try {
    await migrate(url.href);
    return await work(url.href);
  } finally {
    await run(drop);
  }
};
