import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Queryable } from '../../src/database/port.ts';

/** Files that lie beside the repository, not in it. */
const SHARED_DATA = new URL('../../../shared/data/', import.meta.url);

/** The path of a shared data file, or undefined, after saying on the console what is skipped without it. */
export const sharedData = (name: string): string | undefined => {
  const path = fileURLToPath(new URL(name, SHARED_DATA));
  if (existsSync(path)) return path;
  console.warn(`skipped: ${path} does not exist, so what Evenkeel makes of ${name} is not compared with plain SQL`);
  return undefined;
};

const LINES_A_STATEMENT = 5_000;
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Puts a CSV file as it is, every cell as text, into a new table: what a calculation says can then be compared with plain
 * SQL that shares nothing with the importer. For files without quotes only.
 */
export const loadRawCsv = async (db: Queryable, table: string, path: string): Promise<void> => {
  const content = readFileSync(path, 'utf8');
  if (content.includes('"')) throw new Error(`${path} holds quotes: splitting at commas would be wrong`);
  const [header = '', ...lines] = content.trimEnd().split(/\r?\n/);
  const columns = header.split(',');
  await db.query(`create table ${quoted(table)} (${columns.map((column) => `${quoted(column)} text`).join(', ')})`);
  for (let first = 0; first < lines.length; first += LINES_A_STATEMENT) {
    const cells = lines.slice(first, first + LINES_A_STATEMENT).map((line) => line.split(','));
    await db.query(
      `insert into ${quoted(table)} select * from unnest(${columns.map((_, i) => `$${i + 1}::text[]`).join(', ')})`,
      columns.map((_, i) => cells.map((row) => row[i])),
    );
  }
};
