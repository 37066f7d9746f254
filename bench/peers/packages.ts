import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Progress } from '../progress.ts';
import { Unavailable } from './peer.ts';

/**
 * Packages of the peers are no dependencies of Evenkeel: they are in packages of their own beside this file and are
 * installed when a peer is measured for the first time. What is used of their types is written down where it is used.
 */

const DIRECTORIES = { common: '71 MB', clickhouse: '546 MB' } as const;

/**
 * A module of one of the directories, which is installed where it is not yet.
 *
 * @throws Unavailable where it cannot be installed or loaded
 */
export const peerModule = async <T>(
  directory: keyof typeof DIRECTORIES,
  name: string,
  progress: Progress,
): Promise<T> => {
  const folder = join(import.meta.dirname, 'packages', directory);
  if (!existsSync(join(folder, 'node_modules', name))) {
    progress(`installing the packages of the peers (${DIRECTORIES[directory]} in bench/peers/packages/${directory})`);
    const { status, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (status !== 0)
      throw new Unavailable(`"npm ci" in bench/peers/packages/${directory} failed: ${stderr.trim().slice(0, 500)}`);
  }
  try {
    return (await import(pathToFileURL(createRequire(join(folder, 'package.json')).resolve(name)).href)) as T;
  } catch (error) {
    throw new Unavailable(`${name} cannot be loaded here: ${(error as Error).message.slice(0, 500)}`);
  }
};
