import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../../src/core/log.ts';
import { silentLog } from '../../../src/core/log.ts';
import { Background, type ImportRecord } from '../../../src/ingest/background.ts';
import { type ImportResource, Imports, type RawImportOptions } from '../../../src/ingest/imports.ts';
import { runImport } from '../../../src/ingest/imports/run.ts';
import { Intake } from '../../../src/ingest/intake.ts';
import { MAX_REJECTED_BYTES, MAX_REJECTED_LINES } from '../../../src/ingest/limits.ts';
import { parseMessages } from '../../../src/ingest/messages.ts';
import { eraseUser } from '../../../src/ingest/users.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace, pendingCount, propertiesOf } from '../../support/workspace.ts';

const WAIT_MS = 60_000;

let database: TestDatabase;
let directory: string;
let imports: Imports;
let workspaceId: number;
let workspaces = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = mkdtempSync(join(tmpdir(), 'evenkeel-imports-'));
  imports = new Imports({ pool: database.pool, directory });
});
beforeEach(async () => {
  workspaceId = await createWorkspace(database.pool, `w${++workspaces}`);
});
afterAll(async () => {
  await database?.drop();
  rmSync(directory, { recursive: true, force: true });
});

const create = (options: RawImportOptions, ...parts: (string | Buffer)[]): Promise<ImportResource> =>
  imports.create(workspaceId, options, Readable.from(parts.map((part) => Buffer.from(part as string))));

/** In this thread, as a background thread does it. */
const run = async (options: RawImportOptions, ...parts: (string | Buffer)[]): Promise<ImportResource> => {
  const { id } = await create(options, ...parts);
  const processId = randomUUID();
  const number = Number(id.slice(4));
  await database.pool.query(`update imports set state = 'running', process_id = $2 where id = $1`, [number, processId]);
  await runImport(database.pool, { id: number, processId });
  return imports.get(workspaceId, id);
};
const USERS = { kind: 'users', format: 'csv', key: 'id' };
const EVENTS = { kind: 'events', format: 'csv', event: 'purchase', user: 'id', time: 'at' };
const users = async (): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    [...(await propertiesOf(database.pool, workspaceId))].map(([id, { properties }]) => [id, properties]),
  );
const events = async (): Promise<unknown[]> =>
  (
    await database.pool.query(
      `select k.external_id as user, n.name as event, (extract(epoch from e.occurred_at) * 1000)::bigint as ms, e.properties
       from events e join event_names n on n.id = e.event_id
       join user_keys k on k.workspace_id = n.workspace_id and k.ordinal = e.ordinal
       where n.workspace_id = $1 order by 1, 3, e.id`,
      [workspaceId],
    )
  ).rows;
const rejected = async (id: string): Promise<string> => text((await imports.rejectedLines(workspaceId, id)).stream);

describe('users from CSV', () => {
  test('types are found out, blanks are not set, dotted names reach into objects', async () => {
    const done = await run(
      USERS,
      '\uFEFFid,plan,age,zip,joined,vip,address.city,address.zip,empty\r\n',
      '1,pro,30,0150,2026-01-31,TRUE,Oslo,1,\r\n',
      '2,,-2.5,10115,2025-12-01,false, ,2,\r\n"3","say ""hi"", you",,,,,,,\r\n',
    );
    expect(done).toMatchObject({ state: 'succeeded', rows: 3, accepted: 3, rejected: 0, errors: [], error: null });
    expect(done.bytesRead).toBe(done.bytes);
    expect(await users()).toEqual({
      1: { plan: 'pro', age: 30, zip: '0150', joined: '2026-01-31', vip: true, address: { city: 'Oslo', zip: 1 } },
      2: { age: -2.5, zip: '10115', joined: '2025-12-01', vip: false, address: { zip: 2 } },
      3: { plan: 'say "hi", you' },
    });
    await run(USERS, 'id,plan,age\n1,,31\n');
    expect(((await users()) as Record<string, object>)[1]).toMatchObject({ plan: 'pro', age: 31 });
  });

  test('later cells of another type stay text, types and map overrule', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => `u${i},${i},x\n`).join('');
    const done = await run(
      { ...USERS, types: 'code=string,Sign Up=date,tags=array', map: 'Sign Up:signed_up,Secret:' },
      'id,n,Secret,code,Sign Up,tags\n'.replace('Secret,code,Sign Up,tags', 'Secret,code,Sign Up,tags'),
      rows.replaceAll(',x\n', ',x,1,2026-01-01,a; b\n'),
      'late,many,x,2,2026-01-02,"[1,""y""]"\n',
      'bad,1,x,2,soon,\n',
    );
    expect(done).toMatchObject({ state: 'succeeded', rows: 10_002, accepted: 10_001, rejected: 1 });
    expect(done.errors).toEqual([{ line: 10_003, reason: 'column "Sign Up" is not an ISO 8601 date' }]);
    const all = (await users()) as Record<string, object>;
    expect(all['u7']).toEqual({ n: 7, code: '1', signed_up: '2026-01-01', tags: ['a', 'b'] });
    expect(all['late']).toEqual({ n: 'many', code: '2', signed_up: '2026-01-02', tags: [1, 'y'] });
    expect(all).not.toHaveProperty('bad');
  });

  test('bad lines are reported and collected, and the rest goes on', async () => {
    const done = await run(
      USERS,
      'id,name,n\n1,a,1\n2,b\n,c,3\n',
      Buffer.from([0x34, 0x2c, 0xff, 0x2c, 0x31, 0x0a]),
      `5,nul\0,1\n${'x'.repeat(256)},long,1\n6,"open,1\n7,g,7\n`,
      `8,${'y'.repeat(1024 * 1024)},1\n9,i,9\n10,z"z,1\n${'w'.repeat(300_000)},,\n11,k,11`,
    );
    expect(done).toMatchObject({ state: 'succeeded', rows: 13, accepted: 4, rejected: 9 });
    expect(done.errors).toEqual([
      { line: 3, reason: 'it has 2 cells where the header has 3' },
      { line: 4, reason: '"id" is empty' },
      { line: 5, reason: 'it is not UTF-8' },
      { line: 6, reason: 'it holds a NUL character' },
      { line: 7, reason: '"id" is longer than 255 characters' },
      { line: 8, reason: 'a quote is opened and not closed' },
      { line: 10, reason: 'it is longer than 1 MiB' },
      { line: 12, reason: 'a quote stands in a cell that does not begin with one' },
      { line: 13, reason: '"id" is longer than 255 characters' },
    ]);
    expect(Object.keys(await users()).sort()).toEqual(['1', '11', '7', '9']);
    const file = await rejected(done.id);
    expect(file).toMatch(/^line,reason,record\n3,"it has 2 cells where the header has 3","2,b"\n/);
    expect(file).toContain('8,"a quote is opened and not closed","6,""open,1"\n');
  });

  test('lines that end with CR alone are not taken for one long header', async () => {
    const done = await run(USERS, 'id,name\r1,a\r2,b\r');
    expect(done).toMatchObject({ state: 'failed', error: { message: 'lines end with a carriage return alone' } });
  });

  test('a file of bad lines ends before it fills the disk', async () => {
    const done = await run(USERS, 'id,name\n', ',\n'.repeat(MAX_REJECTED_LINES + 10_000));
    expect(done).toMatchObject({ state: 'failed', error: { message: 'more than 1000000 lines were rejected' } });
    expect((await rejected(done.id)).length).toBeLessThan(2 * MAX_REJECTED_BYTES);
  });

  test('a file that is not what it should be fails and says why', async () => {
    const failing = async (options: RawImportOptions, ...parts: string[]) => {
      const { state, error } = await run(options, ...parts);
      expect(state).toBe('failed');
      return `${error?.message} | ${error?.hint}`;
    };
    expect(await failing(USERS, 'ID,plan\n1,pro\n')).toBe(
      'there is no column "id", which is to hold the userId | did you mean "ID"?',
    );
    expect(await failing(USERS, 'id;plan\n1;pro\n')).toMatch(/separated by ";"/);
    expect(await failing(USERS, 'id,a,a\n1,2,3\n')).toMatch(/two columns are named "a"/);
    expect(await failing(USERS, 'id,a,\n1,2,3\n')).toMatch(/column 3 has no name/);
    expect(await failing(USERS, 'id,a,a.b\n1,2,3\n')).toMatch(/two keys name the same property/);
    expect(await failing(USERS, '')).toMatch(/the file is empty/);
    expect(await failing({ ...USERS, types: 'aeg=number' }, 'id,age\n')).toMatch(/"aeg".*did you mean "age"/);
    expect(await failing({ ...EVENTS, event: undefined }, 'id,at\n')).toMatch(/no column "event"/);
    expect(await users()).toEqual({});
    expect(readdirSync(directory).filter((name) => name.endsWith('.csv'))).toEqual([]);
  });
});

describe('events', () => {
  test('from CSV, doubling nothing when the file is imported again', async () => {
    const file =
      'id,at,amount,sku\n00001,1997-01-01,11.77,a\n00001,1997-01-01,11.77,a\n2,1997-01-02 03:04,5.00,\n3,soon,1,\n4,,1,\n';
    const first = await run(EVENTS, file);
    expect(first).toMatchObject({ rows: 5, accepted: 3, rejected: 2 });
    expect(first.errors.map(({ line }) => line)).toEqual([5, 6]);
    await run(EVENTS, file);
    expect(await events()).toEqual([
      { user: '00001', event: 'purchase', ms: Date.UTC(1997, 0, 1), properties: { amount: 11.77, sku: 'a' } },
      { user: '00001', event: 'purchase', ms: Date.UTC(1997, 0, 1), properties: { amount: 11.77, sku: 'a' } },
      { user: '2', event: 'purchase', ms: Date.UTC(1997, 0, 2, 3, 4), properties: { amount: 5 } },
    ]);
    await run({ ...EVENTS, event: 'refund' }, file);
    expect(await events()).toHaveLength(6);
  });

  test('with names and ids of their own', async () => {
    const options = { kind: 'events', format: 'csv', id: 'key' };
    await run(options, 'userId,timestamp,event,key,x\na,2026-01-01,visit,k1,1\na,2026-01-02,buy,k2,2\n');
    await run(options, 'userId,timestamp,event,key,x\na,2026-01-02,buy,k2,2\na,2026-01-03,buy,k3,3\n');
    expect((await events()).map((event) => (event as { properties: unknown }).properties)).toEqual([
      { x: 1 },
      { x: 2 },
      { x: 3 },
    ]);
    const intake = new Intake({ pool: database.pool, log: silentLog, onApplied: () => undefined });
    await intake.accept(
      workspaceId,
      parseMessages({ userId: 'a', event: 'buy', messageId: 'k3' }, 'track', Date.now()),
    );
    await intake.close();
    expect(await events()).toHaveLength(3);
  });

  test('from NDJSON', async () => {
    const done = await run(
      { kind: 'events', format: 'ndjson', map: 'Amount:amount,noise:' },
      '{"userId":"a","timestamp":"2026-01-01T00:00:00.5Z","event":"buy","Amount":5,"noise":1,"nothing":null}\n',
      '{"userId":7,"timestamp":1767225600,"event":"buy"}\n{"userId":"b","timestamp":1767225600123,"event":"buy"}\n',
      '\n{"userId":"a"\n[]\n{"userId":"a","event":"buy"}\n{"userId":"a","timestamp":"2026-01-01","event":"buy","x":1,"x":2}\n"text"\n',
    );
    expect(done).toMatchObject({ state: 'succeeded', rows: 8, accepted: 3, rejected: 5 });
    expect(done.errors.map(({ line, reason }) => `${line} ${reason}`)).toEqual([
      expect.stringMatching(/^5 not valid JSON/),
      '6 it must be an object, not a list of 0',
      '7 "timestamp" is empty',
      expect.stringMatching(/^8 the key "x" stands twice/),
      '9 it must be an object, not a string',
    ]);
    expect(await events()).toEqual([
      { user: '7', event: 'buy', ms: 1_767_225_600_000, properties: {} },
      { user: 'a', event: 'buy', ms: 1_767_225_600_500, properties: { amount: 5 } },
      { user: 'b', event: 'buy', ms: 1_767_225_600_123, properties: {} },
    ]);
    const lines = (await rejected(done.id))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines[1]).toEqual({ line: 6, reason: '6 it must be an object, not a list of 0'.slice(2), record: '[]' });
  });

  test('users from NDJSON, where null removes', async () => {
    const options = { kind: 'users', format: 'ndjson' };
    await run(options, '{"userId":"a","plan":"pro","address":{"city":"Oslo"},"tags":["x"]}\n');
    await run(options, '{"userId":"a","plan":null,"address":{"zip":"1"}}');
    expect(await users()).toEqual({ a: { address: { city: 'Oslo', zip: '1' }, tags: ['x'] } });
  });
});

describe('taking files', () => {
  test('options are checked before anything is read', async () => {
    const wrong = (options: RawImportOptions) =>
      create(options, 'x').then(
        () => 'taken',
        (error: Error & { path?: string }) => `${error.path}: ${error.message}`,
      );
    expect(await wrong({ kind: 'user', format: 'csv' })).toMatch(/^kind: /);
    expect(await wrong({ kind: 'users', format: 'xlsx' })).toMatch(/^format: /);
    expect(await wrong({ kind: 'users', format: 'csv', event: 'x' })).toMatch(/^event: /);
    expect(await wrong({ kind: 'users', format: 'csv', types: 'a' })).toMatch(/^types: /);
    expect(await wrong({ kind: 'users', format: 'csv', types: 'a=text' })).toMatch(/^types/);
    expect(await wrong({ kind: 'users', format: 'ndjson', types: 'a=string' })).toMatch(/^types: /);
    expect(await wrong({ kind: 'users', format: 'csv', map: '{"a":1}' })).toMatch(/^map: /);
    expect(await wrong({ kind: 'users', format: 'csv', kee: 'x' } as RawImportOptions)).toMatch(/^kee: /);
  });

  test('nothing is left of an upload that breaks or is too large', async () => {
    const before = readdirSync(directory);
    const small = new Imports({ pool: database.pool, directory, maxBytes: 10 });
    await expect(small.create(workspaceId, USERS, Readable.from([Buffer.alloc(11)]))).rejects.toMatchObject({
      status: 413,
    });
    const broken = new Readable({
      read() {
        this.destroy(new Error('the caller has gone'));
      },
    });
    await expect(imports.create(workspaceId, USERS, broken)).rejects.toThrow('the caller has gone');
    expect(readdirSync(directory)).toEqual(before);
    expect((await imports.list(workspaceId)).imports).toEqual([]);
  });

  test('are listed newest first, and belong to their workspace', async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.unshift((await create(USERS, 'id\n')).id);
    const first = await imports.list(workspaceId, { limit: 2 });
    expect(first.imports.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const rest = await imports.list(workspaceId, { limit: 2, cursor: first.nextCursor as string });
    expect([rest.imports.map(({ id }) => id), rest.nextCursor]).toEqual([ids.slice(2), null]);
    await expect(imports.get(workspaceId + 1_000, ids[0] as string)).rejects.toMatchObject({ status: 404 });
  });
});

test('erasing a user takes its lines out of those that were rejected', async () => {
  const { id } = await run(
    { ...USERS, types: 'age=number' },
    'id,age\nmine,1\n12,2\nmine,x\n12,y\n"m""ine",z\nmine,x,more\n',
  );
  await eraseUser(database.pool, workspaceId, 'mine');
  expect(await rejected(id)).toBe(
    'line,reason,record\n5,"column ""age"" is not a number","12,y"\n6,"column ""age"" is not a number","""m""""ine"",z"\n',
  );
  const ndjson = await run(
    { kind: 'users', format: 'ndjson', key: 'id' },
    '{"id":"12"}\n{"id":"12","a..b":1}\n{"id":"1","a..b":12}\n{"id":"1","a..b":1}\n',
  );
  expect(ndjson.rejected).toBe(3);
  await eraseUser(database.pool, workspaceId, '12');
  expect(
    (await rejected(ndjson.id))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { line: number }).line),
  ).toEqual([4]);
});

describe('the background', () => {
  const errors: unknown[] = [];
  const log: Log = { ...silentLog, error: (fields) => errors.push(fields) };
  const started: Background[] = [];
  const start = async (more: { onImport?: (record: ImportRecord) => void } = {}): Promise<Background> => {
    const background = new Background({
      url: database.url,
      pool: database.pool,
      log,
      directory: imports.directory,
      ...more,
    });
    started.push(background);
    await background.start();
    return background;
  };
  beforeEach(() => database.pool.query(`update imports set state = 'failed' where state in ('queued', 'running')`));
  afterEach(async () => {
    for (const background of started.splice(0)) await background.stop();
    expect(errors).toEqual([]);
  });
  const until = async <T>(what: () => Promise<T | false | undefined>): Promise<T> => {
    for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(20)) {
      const found = await what();
      if (found !== false && found !== undefined) return found;
    }
    throw new Error('it did not happen');
  };
  const ended = (id: string): Promise<ImportResource> =>
    until(async () => {
      const resource = await imports.get(workspaceId, id);
      return (resource.state === 'succeeded' || resource.state === 'failed') && resource;
    });
  const N = 60_000;
  const manyUsers = (): string => `id,n,plan\n${Array.from({ length: N }, (_, i) => `u${i},${i},pro\n`).join('')}`;
  const manyEvents = (): string =>
    `id,at,n\n${Array.from({ length: N }, (_, i) => `u${i % 1000},2026-01-${String(1 + (i % 28)).padStart(2, '0')},${i}\n`).join('')}`;

  const someEvents = async (): Promise<boolean> => {
    const { rows } = await database.pool.query(
      'select from events e join event_names n on n.id = e.event_id where n.workspace_id = $1 limit 1',
      [workspaceId],
    );
    return rows.length > 0;
  };

  test('imports what was queued, folds it, and deletes the file', async () => {
    const { id } = await create(USERS, manyUsers());
    const records: ImportRecord[] = [];
    await start({ onImport: (record) => records.push(record) });
    expect(await ended(id)).toMatchObject({ state: 'succeeded', rows: N, accepted: N });
    await until(async () => (await pendingCount(database.pool, workspaceId)) === 0);
    const { rows } = await database.pool.query(
      'select sum(bit_count(users))::integer as n from chunks where workspace_id = $1',
      [workspaceId],
    );
    expect(rows).toEqual([{ n: N }]);
    expect(records).toMatchObject([{ outcome: 'succeeded', rows: N, workspaceId }]);
    expect(readdirSync(directory).filter((name) => name.startsWith(id))).toEqual([]);
  });

  test('goes on after connections were lost in the middle', async () => {
    const background = await start();
    const { id } = await create(EVENTS, manyEvents());
    background.wake();
    await until(async () => ((await someEvents()) ? true : undefined));
    let killed = 0;
    for (let i = 0; i < 6; i++) {
      await sleep(100);
      const { rowCount } = await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'evenkeel background'`,
      );
      killed += rowCount ?? 0;
    }
    expect(killed).toBeGreaterThan(0);
    expect(await ended(id)).toMatchObject({ state: 'succeeded', rows: N, accepted: N, rejected: 0 });
    expect(await events()).toHaveLength(N);
  });

  test('an import that was interrupted begins again with the next process, and doubles nothing', async () => {
    const first = await start();
    const { id } = await create(EVENTS, manyEvents());
    first.wake();
    await until(async () => ((await someEvents()) ? true : undefined));
    await first.stop();
    expect(await imports.get(workspaceId, id)).toMatchObject({ state: 'queued' });
    const part = (await events()).length;
    expect(part).toBeGreaterThan(0);
    expect(part).toBeLessThan(N);
    await start();
    expect(await ended(id)).toMatchObject({ state: 'succeeded', accepted: N });
    expect(await events()).toHaveLength(N);
  });

  test('takes over from a process that died', async () => {
    const { id } = await create(USERS, 'id\na\n');
    await database.pool.query(`update imports set state = 'running', process_id = $2 where id = $1`, [
      Number(id.slice(4)),
      randomUUID(),
    ]);
    await start();
    expect(await ended(id)).toMatchObject({ state: 'succeeded', accepted: 1 });
  });

  test('runs an import that it holds and does not run: the database was away when it was to be given back', async () => {
    const { id } = await create(USERS, 'id\na\n');
    const background = await start();
    await ended(id);
    await database.pool.query(`update imports set state = 'running', process_id = $2 where id = $1`, [
      Number(id.slice(4)),
      background.processId,
    ]);
    // its file is gone by now, which is told and not retried for ever
    expect(await ended(id)).toMatchObject({ state: 'failed', error: { message: 'the uploaded file is gone' } });
  });

  test('folds soon after a write, and sweeps after an erasure', async () => {
    const background = await start();
    const intake = new Intake({
      pool: database.pool,
      log,
      onApplied: (applied) => background.noticed(applied.workspaceId),
    });
    await intake.accept(workspaceId, parseMessages({ userId: 'a', traits: { note: 'mine' } }, 'identify', Date.now()));
    await intake.close();
    const dictionary = () =>
      database.pool.query(`select from dictionary d join columns c on c.id = d.column_id where c.workspace_id = $1`, [
        workspaceId,
      ]);
    await until(async () => ((await dictionary()).rowCount === 1 ? true : undefined));
    await eraseUser(database.pool, workspaceId, 'a');
    await until(async () => ((await dictionary()).rowCount === 0 ? true : undefined));
    await until(async () => {
      const { rows } = await database.pool.query('select sweep_requested_at from workspaces where id = $1', [
        workspaceId,
      ]);
      return rows[0].sweep_requested_at === null ? true : undefined;
    });
    await background.foldNow(workspaceId);
    await background.rebuild(workspaceId);
  });

  test('50 MB without a line end cost one line, of which only the beginning is kept', async () => {
    const parts = ['id,n\na,1\n', ...Array.from({ length: 50 }, () => Buffer.alloc(1024 * 1024, 'x')), '\nb,2\n'];
    const done = await run(USERS, ...parts);
    expect(done).toMatchObject({ state: 'succeeded', rows: 3, accepted: 2, rejected: 1 });
    expect(done.errors).toEqual([{ line: 3, reason: 'it is longer than 1 MiB' }]);
    expect((await rejected(done.id)).length).toBeLessThan(5_000);
  });
});
