import { existsSync, readFileSync, type Stats, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { EvenkeelError } from '../../core/errors.ts';

/** PostgreSQL refuses to run as root, so root starts it as somebody else. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** How to start a program as an account: what goes before its own path and arguments, and what goes to `spawn`. */
export interface Launch {
  readonly prefix: readonly string[];
  readonly options: { readonly uid?: number; readonly gid?: number };
}

/** In this order; one of them is there on every Linux and macOS. */
const PREFERRED = ['postgres', 'nobody'];
const READ_SEARCH_CAPABILITY = 2;

const accounts = (): Account[] =>
  readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .flatMap(([name, , uid, gid]) =>
      name !== undefined && uid !== undefined && gid !== undefined && !name.startsWith('#')
        ? [{ name, uid: Number(uid), gid: Number(gid) }]
        : [],
    );

/**
 * Whom to run PostgreSQL as: `undefined` is ourselves. Root takes whoever owns the data already, else an account that
 * needs no creating.
 *
 * @throws EvenkeelError where the data belongs to somebody else, or root finds no account
 */
export const chooseAccount = (dataDirectory: string): Account | undefined => {
  const self = process.getuid?.();
  if (self === undefined) return undefined;
  const owner = existsSync(dataDirectory) ? statSync(dataDirectory).uid : undefined;
  if (self !== 0) {
    if (owner !== undefined && owner !== self)
      throw new EvenkeelError(500, 'embedded_database', `${dataDirectory} belongs to another user (uid ${owner})`, {
        hint: 'start the service as the user that made it, or as root, or remove the folder to begin anew',
      });
    return undefined;
  }
  const known = accounts();
  const account =
    owner !== undefined && owner !== 0
      ? known.find(({ uid }) => uid === owner)
      : PREFERRED.map((name) => known.find((each) => each.name === name && each.uid !== 0)).find((each) => each);
  if (account === undefined)
    throw new EvenkeelError(
      500,
      'embedded_database',
      `PostgreSQL refuses to run as root, and there is no user ${owner ?? '"postgres" or "nobody"'} to run it as`,
      { hint: 'run the service as an ordinary user, create the user "postgres", or set DATABASE_URL' },
    );
  return account;
};

const permits = (stats: Stats, { uid, gid }: Account, bit: 1 | 4): boolean => {
  const shift = stats.uid === uid ? 6 : stats.gid === gid ? 3 : 0;
  return (stats.mode & (bit << shift)) !== 0;
};

const parents = (path: string): string[] => (dirname(path) === path ? [] : [...parents(dirname(path)), dirname(path)]);

const isReachable = (path: string, account: Account): boolean =>
  parents(path).every((parent) => permits(statSync(parent), account, 1));

type Exists = (path: string) => boolean;

const findProgram = (name: string, exists: Exists): string | undefined =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/bin'].map((folder) => join(folder, name)).find(exists);

/** A container's root often lacks the capability to search any folder, yet has the one to override permissions. */
const mayReadAnything = (): boolean => {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> BigInt(READ_SEARCH_CAPABILITY)) & 1n) === 1n;
};

/**
 * How to run `programs` as `account` on `dataDirectory`. Root's clone may lie where nobody else can go (`/root` has mode
 * 700): then util-linux' `setpriv` hands the account the one capability that it needs to get there.
 *
 * @throws EvenkeelError where there is no way there
 */
export const launchAs = (
  account: Account | undefined,
  programs: readonly string[],
  dataDirectory: string,
  exists: Exists = existsSync,
): Launch => {
  if (account === undefined) return { prefix: [], options: {} };
  const { uid, gid } = account;
  const programsRun = programs.every((path) => permits(statSync(path), account, 1));
  const allReachable = [...programs, dataDirectory].every((path) => isReachable(path, account));
  if (programsRun && allReachable) return { prefix: [], options: { uid, gid } };

  const setpriv = process.platform === 'linux' ? findProgram('setpriv', exists) : undefined;
  if (setpriv === undefined)
    throw new EvenkeelError(
      500,
      'embedded_database',
      `PostgreSQL refuses to run as root, and the user "${account.name}" cannot enter ${dirname(dataDirectory)}`,
      { hint: 'move the clone to a folder that others may enter, run as an ordinary user, or set DATABASE_URL' },
    );
  // Reading anywhere is enough to get there; to run a file that only root may run takes the stronger one.
  const capability = programsRun && mayReadAnything() ? '+dac_read_search' : '+dac_override';
  return {
    prefix: [
      setpriv,
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      // Without it access(2) looks away from capabilities, and initdb asks with that whether it may run postgres.
      '--securebits=+no_setuid_fixup',
      `--inh-caps=${capability}`,
      `--ambient-caps=${capability}`,
      '--',
    ],
    options: {},
  };
};
