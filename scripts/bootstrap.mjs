// From a bare clone to something that runs, with what Node.js itself has. Everything it says goes to stderr, because
// stdout belongs to the command (`evenkeel … --json`).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
const DIST = join(ROOT, 'dist');
const LOCK_POLL_MS = 200;

const say = (text) => process.stderr.write(`${text}\n`);

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};

/** Whether npm's own note of what it has installed agrees with package-lock.json. */
const isInstalled = () => {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages ?? {};
  const installed = readJson(join(MODULES, '.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || (installed[path] === undefined ? optional === true : installed[path].version === version),
  );
};

const run = (what, file, args, environment = {}) => {
  const { status, signal, error } = spawnSync(file, args, {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...environment },
  });
  if (status === 0) return;
  if (error !== undefined) say(`${what} could not start: ${error.message}`);
  else say(`${what} failed (${signal ?? `exit status ${status}`}); what it said is above.`);
  process.exit(signal === 'SIGINT' ? 130 : (status ?? 1));
};

const install = () => {
  say('Installing what Evenkeel is built on (npm ci); this is needed once …');
  const execpath = process.env.npm_execpath ?? '';
  const throughNode = basename(execpath) === 'npm-cli.js' && existsSync(execpath);
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  // An outer `npm run --silent` hands its settings down; what goes wrong here must be seen all the same.
  const environment = { npm_config_loglevel: 'error', npm_config_json: '', npm_config_dry_run: '' };
  if (throughNode) run('npm ci', process.execPath, [execpath, ...args], environment);
  else run('npm ci', 'npm', args, environment);
};

const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));

/** Of everything that the build depends on; times of files lie after a `git checkout`. */
const sourceDigest = () => {
  const digest = createHash('sha256');
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => join(ROOT, name));
  for (const file of [...settings, ...filesBelow(join(ROOT, 'src'))])
    digest
      .update(`${file.slice(ROOT.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return digest.digest('hex');
};

const build = () => {
  const stamp = join(DIST, '.built-from');
  const digest = sourceDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  say('Building …');
  rmSync(stamp, { force: true });
  run('tsc', process.execPath, [join(MODULES, 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json']);
  writeFileSync(stamp, digest);
};

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** Two commands that are started at once in one clone install and build one after the other. */
const withLock = (work) => {
  const name = createHash('sha256').update(ROOT).digest('hex').slice(0, 16);
  const lock = join(tmpdir(), `evenkeel-bootstrap-${name}`);
  const owner = join(lock, 'pid');
  for (let waits = 0; ; waits += 1) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : 0;
    // A lock without a pid is about to get one, or its maker died in between.
    if (pid > 0 ? !isAlive(pid) : waits > 10) rmSync(lock, { recursive: true, force: true });
    else if (waits === 0) say(`Waiting for process ${pid || '?'}, which installs or builds here …`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
  }
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  writeFileSync(owner, String(process.pid));
  work();
  process.off('exit', release);
  release();
};

/** Installs and builds what is missing or out of date. Ends the process where that fails. */
export const bootstrap = () =>
  withLock(() => {
    if (!isInstalled()) install();
    build();
  });
