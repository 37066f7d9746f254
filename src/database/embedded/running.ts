import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_FOLDER, PASSWORD_FILE, SUPERUSER } from './cluster.ts';
import { isAlive, readPostmasterFile } from './process.ts';

/**
 * The URL of an embedded PostgreSQL that another process of this machine has started on `directory`: for looking at it.
 * Undefined where none runs, or its password may not be read.
 */
export const runningEmbedded = (directory: string, database = 'evenkeel'): string | undefined => {
  const dataDirectory = join(directory, ...DATA_FOLDER);
  const postmaster = readPostmasterFile(dataDirectory);
  if (postmaster?.port === undefined || !isAlive(postmaster.pid)) return undefined;
  try {
    const password = readFileSync(join(dataDirectory, PASSWORD_FILE), 'utf8').trim();
    return `postgres://${SUPERUSER}:${password}@127.0.0.1:${postmaster.port}/${database}`;
  } catch {
    return undefined;
  }
};
