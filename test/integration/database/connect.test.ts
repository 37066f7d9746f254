import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isConnectionLost, openClient, openPool, transaction } from '../../../src/database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('int8 is a number', async () => {
  const { rows } = await database.pool.query('select count(*) as n, 9007199254740991::bigint as large from workspaces');
  expect(rows).toEqual([{ n: 1, large: Number.MAX_SAFE_INTEGER }]);
});
