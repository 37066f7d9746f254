#!/usr/bin/env node
// `npm start` and its like: installs and builds where needed, then becomes the program, in this very process, so that
// signals and the exit status need no passing on.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNodeVersion } from './node-version.mjs';

const ORPHAN_CHECK_MS = 1_000;

checkNodeVersion();
const { bootstrap, ROOT } = await import('./bootstrap.mjs');
bootstrap();

// npm waits for what it runs. Where it is gone, it was killed, and nobody is left to stop us.
const parent = process.ppid;
if (process.env.npm_lifecycle_event !== undefined)
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, ORPHAN_CHECK_MS).unref();

const main = join(ROOT, 'dist', 'main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
