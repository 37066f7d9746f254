import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openClient } from '../../src/database/connect.ts';
import { keyOf, type Bench } from '../bench.ts';
import { copyInto } from '../data/copy.ts';
import { waitUntilFolded } from '../data/load.ts';
import { withScratchDatabase } from '../data/scratch.ts';
import { propertiesOf, userIdOf, userLines, usersCsv } from '../data/users.ts';
import type { PeerName } from '../peers/peer.ts';
import { calculate, createSegment, runImport } from '../service/client.ts';
import { timed } from '../spread.ts';
import { CONDITIONS } from './conditions.ts';

const ROUNDS = 3;
/** From here on one round has to do. */
const LARGE_USERS = 2_000_000;
const DATABASE = 'evenkeel_bench_import';

/**
 * A file of users by `POST /v1/imports` into an empty service, until its first calculation is stored; beside it `COPY` of the same
 * users into a table with a JSONB column, and building its GIN index. Both read a file that is there.
 */
export const measureImport = async (bench: Bench): Promise<void> => {
  const { options, progress, findings, directory } = bench;
  const { users, seed } = options;
  const csv = join(directory, 'users.csv');
  const copy = join(directory, 'users.copy');
  bench.endings.add(() => [csv, copy].forEach((file) => rmSync(file, { force: true })));
  progress('import: writing the files');
  await pipeline(usersCsv(users, seed), createWriteStream(csv));
  const copyLine = (user: Parameters<typeof propertiesOf>[0]): string =>
    `${userIdOf(user.number)}\t${propertiesOf(user)}\n`;
  await pipeline(userLines(users, seed, copyLine), createWriteStream(copy));

  const ours: number[] = [];
  const theirs: number[] = [];
  const withPeer = bench.options.peers.includes('jsonb');
  for (let round = 0; round < (users < LARGE_USERS ? ROUNDS : 1); round++) {
    await withScratchDatabase(bench.database.url, DATABASE, async (url) => {
      ours.push(await importByService(bench, url, csv));
    });
    if (!withPeer) continue;
    progress('import: COPY and a GIN index');
    await withScratchDatabase(bench.database.url, DATABASE, async (url) => {
      theirs.push(await importByCopy(url, copy));
    });
  }
  rmSync(csv);
  rmSync(copy);
  findings.add('import', ours, new Map<PeerName, readonly number[]>([['jsonb', theirs]]), { members: users });
};

const importByService = async (bench: Bench, url: string, csv: string): Promise<number> => {
  const { progress, findings, options } = bench;
  const service = bench.serviceOn(url);
  const server = await service.start();
  const db = await openClient(url, { applicationName: 'bench' });
  try {
    const segment = keyOf('imported');
    await createSegment(server, segment, CONDITIONS.is_set);
    let members = 0;
    const took = await timed(async () => {
      const { uploadMs, totalMs, resource } = await runImport(
        server,
        'kind=users&format=csv&key=userId',
        createReadStream(csv),
        ({ rows }) => progress(`import: ${rows} of ${options.users} users`),
      );
      if (resource.accepted !== options.users) throw new Error(`import: ${JSON.stringify(resource)}`);
      findings.figure('import.upload_ms', uploadMs);
      findings.figure('import.all_in_rows_ms', totalMs);
      members = (await calculate(server, segment)).members;
    });
    findings.figure('import.folded_after_ms', await waitUntilFolded(db, progress));
    if (members === 0) throw new Error('import: the first calculation found nobody');
    return took;
  } finally {
    await db.end();
    await service.stop();
  }
};

const importByCopy = async (url: string, copy: string): Promise<number> => {
  const db = await openClient(url, { applicationName: 'bench jsonb' });
  try {
    await db.query(`set maintenance_work_mem = '1GB'`);
    await db.query('create table people (external_id text not null, properties jsonb not null)');
    return await timed(async () => {
      await copyInto(db, 'people (external_id, properties)', createReadStream(copy));
      await db.query('create index people_properties on people using gin (properties)');
    });
  } finally {
    await db.end();
  }
};
