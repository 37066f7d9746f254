import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The same from `src/database` and from `dist/database`. */
const ROOT = join(import.meta.dirname, '..', '..');
const SQL_DIRECTORY = join(ROOT, 'sql');

/** Every `.sql` file of a folder of the project, in name order. */
export const readSqlFolder = (...folder: string[]): { name: string; text: string }[] =>
  readdirSync(join(ROOT, ...folder))
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({
      name: basename(file, '.sql'),
      text: readFileSync(join(ROOT, ...folder, file), 'utf8').trim(),
    }));

const statements = new Map(readSqlFolder('sql').map(({ name, text }) => [name, text]));

/**
 * The text of `sql/NAME.sql`. All files are read when this module loads; call it at the top of a module, so that a wrong
 * name fails at start and not at the first use.
 */
export const sql = (name: string): string => {
  const text = statements.get(name);
  if (text === undefined) throw new Error(`${join(SQL_DIRECTORY, `${name}.sql`)} does not exist`);
  return text;
};
