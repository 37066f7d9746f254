import { createReadStream } from 'node:fs';
import { call, runImport } from '../../../bench/service/client.ts';
import { FROM_SOURCE, type Server, startServer } from '../../../bench/service/server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { loadRawCsv, sharedData } from '../../support/raw-csv.ts';
import { CDNOW, CDNOW_EVENTS, CDNOW_USERS, type RealCase, TELCO, TELCO_USERS } from './cases.ts';

/**
 * Real files through the real door: imported over HTTP, segments calculated and their members streamed, and every list
 * compared with plain SQL over the files' own text.
 */

const TIMEOUT_MS = 180_000;
const WAIT_MS = 30_000;

interface Calculation {
  readonly state: string;
  readonly population: number;
  readonly members: number;
}

const membersOf = async (server: Server, key: string): Promise<string[]> => {
  const response = await fetch(`${server.url}/v1/segments/${key}/members`, {
    headers: { accept: 'application/x-ndjson' },
  });
  expect(response.status).toBe(200);
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as { userId: string }).userId).sort();
};

const compare = async (
  server: Server,
  database: TestDatabase,
  key: string,
  one: RealCase,
  population: number,
): Promise<void> => {
  await call(server, 'POST', '/v1/segments', { key, name: one.name, condition: one.condition });
  const path = `/v1/segments/${key}/calculations`;
  const done = await call<Calculation>(server, 'POST', path, { trigger: 'manual', wait: WAIT_MS });
  expect(done).toMatchObject({ state: 'succeeded', population, members: one.count });
  const plain = await database.pool.query<string[]>({ text: one.plainSql, rowMode: 'array' });
  const expected = plain.rows.map(([userId]) => userId as string).sort();
  expect(expected.length).toBe(one.count);
  expect(await membersOf(server, key)).toEqual(expected);
};

const files = [
  {
    name: 'telco-customers.csv',
    table: 'telco',
    query: 'kind=users&format=csv&key=customerID',
    rows: TELCO_USERS,
    users: TELCO_USERS,
    cases: TELCO,
  },
  {
    name: 'cdnow-purchases.csv',
    table: 'cdnow',
    query: 'kind=events&format=csv&event=purchase&user=user_id&time=purchased_at',
    rows: CDNOW_EVENTS,
    users: CDNOW_USERS,
    cases: CDNOW,
  },
];

for (const file of files) {
  const path = sharedData(file.name);
  (path === undefined ? describe.skip : describe)(file.name, () => {
    let database: TestDatabase;
    let server: Server;

    beforeAll(async () => {
      database = await createTestDatabase();
      server = await startServer(database.url, FROM_SOURCE);
      await loadRawCsv(database.pool, file.table, path as string);
    }, TIMEOUT_MS);
    afterAll(async () => {
      await server?.stop();
      await database?.drop();
    });

    test(
      'every line is imported',
      async () => {
        const { resource } = await runImport(server, file.query, createReadStream(path as string), () => undefined);
        expect(resource).toMatchObject({ state: 'succeeded', rows: file.rows, accepted: file.rows, rejected: 0 });
      },
      TIMEOUT_MS,
    );

    for (const [i, one] of file.cases.entries())
      test(`${one.name}: ${one.count}`, () => compare(server, database, `case-${i}`, one, file.users), TIMEOUT_MS);
  });
}
