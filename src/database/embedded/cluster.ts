import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EvenkeelError } from '../../core/errors.ts';
import { chooseAccount, type Launch, launchAs } from './account.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { isAlive } from './process.ts';

export const SUPERUSER = 'evenkeel';
/** Of the data directory, below the service's own. */
export const DATA_FOLDER = ['postgres', 'data'] as const;
const PASSWORD_BYTES = 24;
const OUTPUT_LINES = 10;
/** Inside the data directory, which nobody else may enter. */
export const PASSWORD_FILE = 'evenkeel.password';

/** A data directory that is there, and how to run programs on it. */
export interface Cluster {
  readonly binaries: Binaries;
  readonly launch: Launch;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly password: string;
}

export const embeddedError = (message: string, hint?: string): EvenkeelError =>
  new EvenkeelError(500, 'embedded_database', message, hint === undefined ? {} : { hint });

export const lastLines = (text: string): string => text.trim().split('\n').slice(-OUTPUT_LINES).join('\n');

const runToEnd = (
  launch: Launch,
  program: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve, reject) => {
    const [file = program, ...rest] = [...launch.prefix, program, ...args];
    const child = spawn(file, rest, {
      ...launch.options,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      cwd: '/',
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    child.on('error', reject).on('close', (code) => resolve({ code, output }));
  });

/** What a start that was killed in the middle of `initdb` has left. */
const removeUnfinished = (folder: string): void => {
  for (const entry of readdirSync(folder)) {
    const pid = /^data\.([0-9]+)\.\w+\.new$/.exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, entry), { recursive: true, force: true });
  }
};

/**
 * Made beside its place and moved there whole, so that what is there is always complete, also after a crash, and of two
 * that start at once one wins.
 */
const initialise = async (binaries: Binaries, dataDirectory: string, flags: readonly string[]): Promise<void> => {
  const account = chooseAccount(dataDirectory);
  const fresh = `${dataDirectory}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
  try {
    mkdirSync(fresh, { mode: 0o700 });
    const passwordFile = join(fresh, 'password');
    const cluster = join(fresh, 'cluster');
    mkdirSync(cluster, { mode: 0o700 });
    const password = randomBytes(PASSWORD_BYTES).toString('base64url');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (account !== undefined)
      for (const path of [fresh, cluster, passwordFile]) chownSync(path, account.uid, account.gid);
    const launch = launchAs(account, [binaries.initdb, binaries.postgres], cluster);
    const { code, output } = await runToEnd(launch, binaries.initdb, [
      `--pgdata=${cluster}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
      ...flags,
    ]);
    if (code !== 0) throw embeddedError(`initdb could not make ${dataDirectory}:\n${lastLines(output)}`);
    renameSync(passwordFile, join(cluster, PASSWORD_FILE));
    try {
      renameSync(cluster, dataDirectory);
    } catch (error) {
      if (!existsSync(join(dataDirectory, 'PG_VERSION'))) throw error;
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
};

const checkVersion = (binaries: Binaries, dataDirectory: string): void => {
  const made = readFileSync(join(dataDirectory, 'PG_VERSION'), 'utf8').trim();
  const packaged = /"version": *"(\d+)\./.exec(readFileSync(join(dirname(binaries.root), 'package.json'), 'utf8'))?.[1];
  if (packaged !== undefined && made !== packaged)
    throw embeddedError(
      `${dataDirectory} was made by PostgreSQL ${made}, this is PostgreSQL ${packaged}`,
      'dump it with the version that made it and import it again, or remove the folder to begin anew',
    );
};

/**
 * Finds the data directory under `directory` or makes it.
 *
 * @param initdbFlags more arguments for `initdb`
 * @throws EvenkeelError with what `initdb` said
 */
export const openCluster = async (directory: string, initdbFlags: readonly string[]): Promise<Cluster> => {
  const binaries = findBinaries();
  const dataDirectory = join(directory, ...DATA_FOLDER);
  const folder = dirname(dataDirectory);
  mkdirSync(folder, { recursive: true });
  // The server's account passes through; an umask of 077 would not let it.
  if (process.getuid?.() === 0) for (const each of [directory, folder]) chmodSync(each, 0o711);
  removeUnfinished(folder);
  if (!existsSync(join(dataDirectory, 'PG_VERSION'))) await initialise(binaries, dataDirectory, initdbFlags);
  checkVersion(binaries, dataDirectory);
  const account = chooseAccount(dataDirectory);
  return {
    binaries,
    launch: launchAs(account, [binaries.initdb, binaries.postgres], dataDirectory),
    dataDirectory,
    logFile: join(folder, 'postgres.log'),
    password: readFileSync(join(dataDirectory, PASSWORD_FILE), 'utf8').trim(),
  };
};
