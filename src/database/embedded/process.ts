import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

const HAS_PROC = existsSync('/proc/self/stat');

/** What `postmaster.pid` says: https://www.postgresql.org/docs/18/storage-file-layout.html */
export interface PostmasterFile {
  readonly pid: number;
  /** Missing in the first moment of a start. */
  readonly port: number | undefined;
}

export const readPostmasterFile = (dataDirectory: string): PostmasterFile | undefined => {
  let lines: string[];
  try {
    lines = readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return Number.isInteger(pid) && pid > 1
    ? { pid, port: Number.isInteger(port) && port > 0 ? port : undefined }
    : undefined;
};

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // A zombie answers signals until its parent has looked at it, but does nothing any more.
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
};

const ps = (pid: number, column: string): string =>
  spawnSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';

/**
 * When a process began, in whatever unit the system has: with the pid it names a process for good, because pids come
 * again, above all in containers.
 */
export const birthOf = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return HAS_PROC ? '' : ps(pid, 'lstart').replaceAll(/[^0-9A-Za-z]/g, '');
  }
};

/** Whether the process works in that folder; every process of a PostgreSQL server works in its data directory. */
const worksIn = (pid: number, realDirectory: string): boolean => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realDirectory;
  } catch {
    // Gone, or another user's, and then not our server.
    return false;
  }
};

/** Whether `pid` is a PostgreSQL process on that data directory, and not a stranger that got the pid of a dead one. */
export const isServerOn = (pid: number, dataDirectory: string): boolean =>
  isAlive(pid) && (HAS_PROC ? worksIn(pid, realpathSync(dataDirectory)) : ps(pid, 'command').includes('postgres'));

/** Any process of a server whose postmaster may be gone. Only Linux can tell; elsewhere none. */
export const hasProcessIn = (dataDirectory: string): boolean => {
  if (!HAS_PROC) return false;
  const directory = realpathSync(dataDirectory);
  return readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && worksIn(Number(entry), directory));
};
