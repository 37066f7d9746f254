import { createReadStream } from 'node:fs';
import { access, unlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type pg from 'pg';
import { invalid, notFound } from '../../core/errors.ts';
import { formatId, parseId } from '../../core/ids.ts';
import { MAX_IMPORT_BYTES } from '../limits.ts';
import { type ImportOptions, type RawImportOptions, readImportOptions } from './options.ts';
import { REJECTED_HEADER, rejectedPath } from './rejected.ts';
import { spool } from './spool.ts';

export interface ImportResource {
  readonly id: string;
  readonly kind: ImportOptions['kind'];
  readonly format: ImportOptions['format'];
  readonly state: 'queued' | 'running' | 'succeeded' | 'failed';
  readonly bytes: number;
  readonly bytesRead: number;
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  /** The first 100. */
  readonly errors: readonly { readonly line: number; readonly reason: string }[];
  /** Why it failed as a whole. */
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string } | null;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface ImportsOptions {
  readonly pool: pg.Pool;
  /** Where uploads are kept until they are imported, and rejected lines after that. */
  readonly directory: string;
  readonly maxBytes?: number;
  /** Somebody should begin. */
  readonly onQueued?: () => void;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

interface Row {
  readonly id: number;
  readonly kind: ImportOptions['kind'];
  readonly format: ImportOptions['format'];
  readonly state: ImportResource['state'];
  readonly path: string;
  readonly bytes: number;
  readonly bytes_read: number;
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: ImportResource['errors'];
  readonly error: ImportResource['error'];
  readonly requested_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

const resourceOf = (row: Row): ImportResource => ({
  id: formatId('import', row.id),
  kind: row.kind,
  format: row.format,
  state: row.state,
  bytes: row.bytes,
  bytesRead: row.bytes_read,
  rows: row.rows,
  accepted: row.accepted,
  rejected: row.rejected,
  errors: row.errors,
  error: row.error,
  requestedAt: row.requested_at.toISOString(),
  startedAt: row.started_at?.toISOString() ?? null,
  finishedAt: row.finished_at?.toISOString() ?? null,
});

/** Files of users and events: taken here, imported by `Background`. */
export class Imports {
  readonly directory: string;
  readonly #options: ImportsOptions;

  constructor(options: ImportsOptions) {
    this.#options = options;
    this.directory = resolve(options.directory);
  }

  /**
   * Keeps the whole upload on disk and gives the queued import. From then on it survives a crash.
   *
   * @param stream the file, unpacked
   * @throws EvenkeelError 422 for the options, 413 for a file that is too large; what the stream gives
   */
  async create(workspaceId: number, raw: RawImportOptions, stream: Readable): Promise<ImportResource> {
    const options = readImportOptions(raw);
    const { pool, maxBytes = MAX_IMPORT_BYTES, onQueued } = this.#options;
    const { path, bytes } = await spool(this.directory, options.format, stream, maxBytes);
    try {
      const { rows } = await pool.query<Row>(
        `insert into imports (workspace_id, kind, format, options, path, bytes)
         values ($1::integer, $2::text, $3::text, $4::jsonb, $5::text, $6::bigint) returning *`,
        [workspaceId, options.kind, options.format, JSON.stringify(options), path, bytes],
      );
      onQueued?.();
      return resourceOf(rows[0] as Row);
    } catch (error) {
      await unlink(path).catch(() => undefined);
      throw error;
    }
  }

  async get(workspaceId: number, id: string): Promise<ImportResource> {
    return resourceOf(await this.#row(workspaceId, id));
  }

  /** Newest first. */
  async list(
    workspaceId: number,
    { limit = DEFAULT_LIMIT, cursor }: { limit?: number; cursor?: string } = {},
  ): Promise<{ imports: ImportResource[]; nextCursor: string | null }> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT)
      throw invalid(`limit must be a whole number from 1 to ${MAX_LIMIT}`, { path: 'limit' });
    const before = cursor === undefined ? null : parseId('import', cursor);
    const { rows } = await this.#options.pool.query<Row>(
      `select * from imports where workspace_id = $1::integer and ($2::bigint is null or id < $2::bigint)
       order by id desc limit $3::integer`,
      [workspaceId, before, limit + 1],
    );
    const imports = rows.slice(0, limit).map(resourceOf);
    return { imports, nextCursor: rows.length > limit ? (imports.at(-1)?.id ?? null) : null };
  }

  /** The file of the lines that were rejected so far, empty but for its header where there are none. Throws 404. */
  async rejectedLines(workspaceId: number, id: string): Promise<{ format: ImportOptions['format']; stream: Readable }> {
    const { path, format, rejected } = await this.#row(workspaceId, id);
    const file = rejectedPath(path);
    if (await isThere(file)) return { format, stream: createReadStream(file) };
    if (rejected > 0) throw notFound(`the file of rejected lines of ${id}`);
    return { format, stream: Readable.from(format === 'csv' ? [REJECTED_HEADER] : [], { objectMode: false }) };
  }

  async #row(workspaceId: number, id: string): Promise<Row> {
    const { rows } = await this.#options.pool.query<Row>(
      'select * from imports where workspace_id = $1::integer and id = $2::bigint',
      [workspaceId, parseId('import', id)],
    );
    if (rows[0] === undefined) throw notFound(`import ${id}`);
    return rows[0];
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
