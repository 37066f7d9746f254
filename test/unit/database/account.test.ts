import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Account, launchAs } from '../../../src/database/embedded/account.ts';
import { makeTestDirectory } from '../../support/server.ts';

/** Nobody that owns anything here. */
const STRANGER: Account = { name: 'stranger', uid: 54_321, gid: 54_321 };

let folder: string;
let program: string;
let data: string;
beforeEach(() => {
  folder = makeTestDirectory();
  program = join(folder, 'bin', 'postgres');
  data = join(folder, 'postgres', 'data');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(data, { recursive: true });
  writeFileSync(program, '');
  for (const each of [program, join(folder, 'bin'), join(folder, 'postgres')]) chmodSync(each, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('ourselves: nothing goes before the program', () => {
  expect(launchAs(undefined, [program], data)).toEqual({ prefix: [], options: {} });
});

test('an account that gets there is all that is given', () => {
  expect(launchAs(STRANGER, [program], data)).toEqual({ prefix: [], options: { uid: 54_321, gid: 54_321 } });
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a folder that others may not enter takes a capability', () => {
  chmodSync(folder, 0o700);
  const { prefix, options } = launchAs(STRANGER, [program], data);
  expect(options).toEqual({});
  expect(prefix[0]).toMatch(/setpriv$/);
  expect(prefix).toEqual(expect.arrayContaining(['--reuid=54321', '--regid=54321', '--clear-groups']));
  expect(prefix.join(' ')).toMatch(/--ambient-caps=\+dac_(read_search|override)/);
});

onLinux('a program that only root may run takes the stronger one', () => {
  chmodSync(program, 0o700);
  expect(launchAs(STRANGER, [program], data).prefix).toContain('--ambient-caps=+dac_override');
});

test('where setpriv is missing too, what can be done about it', () => {
  chmodSync(folder, 0o700);
  const elsewhere = (path: string): boolean => !path.endsWith('setpriv');
  expect(() => launchAs(STRANGER, [program], data, elsewhere)).toThrow(
    `PostgreSQL refuses to run as root, and the user "stranger" cannot enter ${join(folder, 'postgres')}`,
  );
});
