/** `npm run dashboards`: writes the dashboards that are generated, and removes those that are not any more. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardFiles } from './dashboards.ts';

const DIRECTORY = join(import.meta.dirname, '..', 'dashboards');

mkdirSync(DIRECTORY, { recursive: true });
const files = dashboardFiles();
const names = new Set(files.map(({ name }) => name));
for (const name of readdirSync(DIRECTORY)) if (!names.has(name)) rmSync(join(DIRECTORY, name));
for (const { name, text } of files) {
  writeFileSync(join(DIRECTORY, name), text);
  process.stdout.write(`grafana/dashboards/${name}\n`);
}
