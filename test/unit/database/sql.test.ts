import { expect, test } from '@jest/globals';
import { readSqlFolder, sql } from '../../../src/database/sql.ts';

test('a file of sql/ is found by its name, without the extension', () => {
  const [first] = readSqlFolder('sql');
  expect(first?.text).toBeTruthy();
  expect(sql(first?.name ?? '')).toBe(first?.text);
});

test('an unknown name throws at once and names the file', () => {
  expect(() => sql('no-such-statement')).toThrow(/sql\/no-such-statement\.sql does not exist/);
});

test('migrations come in name order', () => {
  const names = readSqlFolder('migrations').map(({ name }) => name);
  expect(names[0]).toBe('0001_first');
  expect(names).toEqual([...names].sort());
});
