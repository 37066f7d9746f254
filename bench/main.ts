import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbedded } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrate.ts';
import { silentLog } from '../src/core/log.ts';
import { baselineMembers, measureBaseline, prepareBaseline } from './baseline.ts';
import { machineOf, syncLatency, watchMemory } from './figures.ts';
import { usersCsv, WORK } from './generate.ts';
import { keyOf, measureCalculations, storedMembers, waitUntilFolded } from './measure.ts';
import { type Report, printReport } from './report.ts';
import { runImport, type Server, startServer } from './server.ts';

const HELP = `npm run bench -- [options]

Generates users with 8 properties, imports them through the real server, calculates and stores, and does the same work by
hand-written SQL over JSONB with GIN in the same PostgreSQL.

  --users N           users (1000000)
  --runs N            calculations a condition (200)
  --baseline-runs N   runs of each statement by hand (10); 0 leaves it out
  --seed N            of the generated users (1)
  --directory DIR     where the embedded PostgreSQL keeps its data while it runs (a new directory in the system's)
  --database URL      an empty database to use instead of the embedded PostgreSQL
                      (either may hold the users of an earlier run: then they are not imported again)
  --json FILE         also writes all figures there
`;

const options = parseArgs({
  options: {
    users: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '200' },
    'baseline-runs': { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    directory: { type: 'string' },
    database: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
}).values;

const wholeNumber = (name: 'users' | 'runs' | 'baseline-runs' | 'seed'): number => {
  const value = Number(options[name]);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`--${name} takes a whole number, not ${options[name]}`);
  return value;
};

const progress = (text: string): void => {
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[2K${text}` : `${text}\n`);
};

const measure = async (databaseUrl: string, directory: string): Promise<Report> => {
  const users = wholeNumber('users');
  await migrate(databaseUrl);
  const db = new pg.Client(databaseUrl);
  await db.connect();
  const server = await startServer(databaseUrl);
  try {
    const machine = await machineOf(db);
    const sync = syncLatency(directory);

    const imported = await importUsers(db, server, users);

    const calculationMemory = watchMemory(server.pid);
    const calculations = [];
    for (const work of WORK) calculations.push(await measureCalculations(server, work, wholeNumber('runs'), progress));
    const calculationRss = calculationMemory.stop();

    const baseline = [];
    const agrees: Record<string, boolean> = {};
    if (wholeNumber('baseline-runs') > 0) {
      progress('copying the users for the statements by hand');
      await prepareBaseline(db);
      baseline.push(...(await measureBaseline(db, wholeNumber('baseline-runs'), progress)));
      for (const work of WORK)
        agrees[work.name] = same(await storedMembers(server, keyOf(work)), await baselineMembers(db, work.name));
    }
    return {
      machine,
      sync,
      users,
      import: imported,
      calculations,
      calculationRssMiB: calculationRss,
      baseline,
      agrees,
    };
  } finally {
    await server.stop();
    await db.end();
  }
};

/** Undefined where `--directory` or `--database` holds them already. */
const importUsers = async (db: pg.Client, server: Server, users: number): Promise<Report['import']> => {
  const { rows } = await db.query('select count(*)::integer as n from users');
  if (rows[0].n === users) return undefined;
  progress(`importing ${users} users`);
  const memory = watchMemory(server.pid);
  const csv = usersCsv(users, wholeNumber('seed'));
  const { uploadMs, totalMs } = await runImport(server, 'kind=users&format=csv&key=userId', csv, (now) =>
    progress(`imported ${now.rows} of ${users} users`),
  );
  progress('waiting until all is folded');
  const foldedMs = await waitUntilFolded(db);
  return { uploadMs, totalMs, foldedMs, rssMiB: memory.stop() };
};

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n');

/** What is measured is the service as it is run: compiled, without tsx. */
const build = (): void => {
  progress('building');
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('the build failed');
};

const main = async (): Promise<void> => {
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  build();
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  // the account that PostgreSQL runs as under root goes through it
  if (!options.directory) chmodSync(directory, 0o711);
  const embedded = options.database
    ? undefined
    : await startEmbedded({ directory: join(directory, 'pg'), log: silentLog });
  try {
    const report = await measure(options.database ?? (embedded as { url: string }).url, directory);
    progress('');
    printReport(report);
    if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (Object.values(report.agrees).includes(false)) process.exitCode = 1;
  } finally {
    await embedded?.stop();
    if (!options.directory) rmSync(directory, { recursive: true, force: true });
  }
};

await main();
