import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** Streams rows in PostgreSQL's text format into `target`, such as `users (shard, ordinal)`. */
export const copyInto = async (db: pg.ClientBase, target: string, rows: Readable): Promise<void> => {
  await pipeline(rows, db.query(copyFrom(`copy ${target} from stdin`)));
};

/** The rows of a query as CSV, without a header. */
export const copyOut = (db: pg.ClientBase, query: string): Readable =>
  db.query(copyTo(`copy (${query}) to stdout (format csv)`));

/** The same into a file. */
export const copyToFile = async (db: pg.ClientBase, query: string, path: string): Promise<void> => {
  await pipeline(copyOut(db, query), createWriteStream(path));
};

/** Lines of a query's CSV, in large pieces; for values without quotes or line ends alone. */
export async function* copiedLines(db: pg.ClientBase, query: string): AsyncGenerator<string> {
  let rest = '';
  for await (const data of copyOut(db, query)) {
    const lines = (rest + (data as Buffer).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
