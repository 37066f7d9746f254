import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Bench } from './bench.ts';
import { Database } from './database.ts';
import { ensureData, waitUntilFolded } from './data/load.ts';
import { Endings } from './endings.ts';
import { type Machine, machineOf } from './machine.ts';
import { BadOptions, HELP, type Options, readOptions } from './options.ts';
import { type Peer, Unavailable } from './peers/peer.ts';
import { START } from './peers/start.ts';
import { type Progress, progressTo } from './progress.ts';
import { judge } from './report/bars.ts';
import { detailsOf, detailsPath } from './report/details.ts';
import { Findings } from './report/findings.ts';
import { printReport } from './report/print.ts';
import { MemoryWatch } from './service/memory.ts';
import { BUILT, FROM_SOURCE } from './service/server.ts';
import { Service } from './service/service.ts';
import { readsEvents } from './works/conditions.ts';
import { AFTER_PEERS, measure, NEEDS_PEERS } from './works/works.ts';

const AWAKE_MS = 60_000;

/** What is measured is the service as it is run: compiled, without tsx. */
const build = (progress: Progress): void => {
  progress('building');
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('the build failed');
};

/** A directory that the account which PostgreSQL runs as under root can go through. */
const directoryFor = (options: Options, endings: Endings): string => {
  if (options.directory !== undefined) {
    mkdirSync(options.directory, { recursive: true });
    return resolve(options.directory);
  }
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  chmodSync(directory, 0o711);
  endings.add(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

/** Closed when the bench is done with it, or with everything else. */
const closedOnce = (peer: Peer, endings: Endings): Peer => {
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= peer.close());
  endings.add(close);
  return { ...peer, close };
};

/** Starts the peers, each with the service's own rows. What cannot be had here is left out with a word why. */
const startPeers = async (
  bench: Omit<Bench, 'peers'>,
  events: boolean,
  skipped: Map<string, string>,
): Promise<Peer[]> => {
  const { database, directory, options, progress, endings } = bench;
  const peers: Peer[] = [];
  for (const name of options.peers)
    try {
      const { users } = options;
      const peer = await START[name]({
        databaseUrl: database.url,
        db: database.db,
        directory,
        users,
        events,
        progress,
      });
      peers.push(closedOnce(peer, endings));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      progress('');
      process.stderr.write(`bench: without ${name}: ${error.message}\n`);
      skipped.set(name, error.message);
    }
  return peers;
};

const main = async (options: Options, endings: Endings): Promise<void> => {
  const progress = progressTo(process.stderr);
  if (!options.fromSource) build(progress);
  const directory = directoryFor(options, endings);
  progress('starting PostgreSQL');
  const database = await Database.open(options.database, directory, endings);
  const machine = await machineOf(database.db, directory);
  const memory = new MemoryWatch();
  const command = options.fromSource ? FROM_SOURCE : BUILT;
  const serviceOn = (url: () => string): Service =>
    new Service(url, command, join(directory, 'service'), memory, endings);
  const found = { options, machine, memory, findings: new Findings(options.users) };
  const bench = {
    options,
    database,
    directory,
    service: serviceOn(() => database.url),
    serviceOn: (url: string) => serviceOn(() => url),
    findings: found.findings,
    endings,
    progress,
  };
  const setup = new Map<string, readonly string[]>();
  const skipped = new Map<string, string>();
  let reported = false;
  const reportOnce = (): void => {
    if (reported || (found.findings.own.size === 0 && found.findings.figures.size === 0)) return;
    reported = true;
    progress('');
    report(found, setup, skipped);
  };
  // also what was found before something failed, or Ctrl-C
  endings.add(reportOnce);
  try {
    await measureAll(bench, memory, setup, skipped);
  } finally {
    reportOnce();
  }
};

const measureAll = async (
  bench: Omit<Bench, 'peers'>,
  memory: MemoryWatch,
  setup: Map<string, readonly string[]>,
  skipped: Map<string, string>,
): Promise<void> => {
  const { options, database, service, progress, findings } = bench;
  const events = options.queries.some(readsEvents);
  const needsData = options.groups.some(
    (group) => NEEDS_PEERS.includes(group) || group === 'morning' || group === 'cold',
  );
  if (needsData) {
    memory.during('folding everything');
    const loaded = await ensureData(database.db, options, events, progress);
    await service.start();
    const foldedMs = await waitUntilFolded(database.db, progress);
    if (loaded.users) findings.figure('data.folded_ms', foldedMs);
    await database.db.query('vacuum (analyze)');
  }
  const peers = options.groups.some((group) => NEEDS_PEERS.includes(group))
    ? await startPeers(bench, events, skipped)
    : [];
  for (const peer of peers) setup.set(peer.name, peer.setup);
  const run = async (after: boolean): Promise<void> => {
    for (const group of options.groups) {
      if (AFTER_PEERS.includes(group) !== after) continue;
      memory.during(group);
      await measure(group, { ...bench, peers: after ? [] : peers }, events);
    }
  };
  await run(false);
  for (const peer of peers) await peer.close();
  await run(true);
};

const report = (
  {
    options,
    machine,
    memory,
    findings,
  }: { options: Options; machine: Machine; memory: MemoryWatch; findings: Findings },
  setup: ReadonlyMap<string, readonly string[]>,
  skipped: ReadonlyMap<string, string>,
): void => {
  const details = detailsOf(findings, {
    machine,
    commandLine: process.argv.slice(2),
    setup: Object.fromEntries(setup),
    skipped: Object.fromEntries(skipped),
    memoryMiB: memory.highest,
  });
  const { rows } = findings;
  printReport(rows, details, judge({ rows, details, compare: options.compare }));
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
    writeFileSync(detailsPath(options.json), `${JSON.stringify(details, null, 2)}\n`);
  }
  if (Object.values(details.agreements).includes(false)) process.exitCode = 1;
};

const start = async (): Promise<void> => {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const endings = new Endings();
  endings.onSignals();
  // An embedded PostgreSQL that is stopping does not keep Node running by itself.
  const awake = setInterval(() => undefined, AWAKE_MS);
  try {
    await main(options, endings);
  } finally {
    await endings.run();
    clearInterval(awake);
  }
};

try {
  await start();
} catch (error) {
  const said = error instanceof BadOptions ? `bench: ${error.message}; see npm run bench -- --help` : error;
  process.stderr.write(`\n${said instanceof Error ? (said.stack ?? said.message) : String(said)}\n`);
  process.exitCode = 1;
}
