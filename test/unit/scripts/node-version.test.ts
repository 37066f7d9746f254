import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';

const MODULE = pathToFileURL(join(import.meta.dirname, '..', '..', '..', 'scripts', 'node-version.mjs')).href;

const check = (version: string): { status: number | null; stderr: string } => {
  const program = `
    Object.defineProperty(process.versions, 'node', { value: '${version}' });
    const { checkNodeVersion } = await import('${MODULE}');
    checkNodeVersion();`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
};

test.each(['18.20.4', '20.18.3', '6.0.0'])('Node.js %s is told which one is needed', (version) => {
  const { status, stderr } = check(version);
  expect(status).toBe(1);
  expect(stderr).toContain(`Evenkeel needs Node.js 20.19 or later, and this is ${version}`);
});

test.each(['20.19.0', '20.20.2', '22.0.0', '24.11.1'])('Node.js %s will do', (version) => {
  expect(check(version).status).toBe(0);
});
