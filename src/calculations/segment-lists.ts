import type pg from 'pg';
import type { ListRole } from '../conditions/types.ts';
import { EvenkeelError } from '../core/errors.ts';
import { isSerializationFailure } from '../database/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { decodeText, encodeCursor } from '../core/cursors.ts';
import { readInteger } from './input.ts';
import { DEFAULT_LIST_IDS_LIMIT, LIST_BATCH, MAX_LIST_IDS_LIMIT, MAX_UPLOAD_ATTEMPTS, MAX_UPLOADS } from './limits.ts';
import { refuseOtherLists } from './list-input.ts';
import { countLists, type ListChange, type ListMode } from './lists.ts';
import { LIST_FIELDS, type ListUploadResource } from './resources.ts';
import { change, changeListsOf, findSegment, tellSuperseded } from './segment-changes.ts';
import type { ListsService, Page } from './services.ts';
import type { Signals } from './signals.ts';

const LISTED = sql('lists-page');

/** Lists of userIds that are too long for a segment's JSON. */
export class SegmentLists implements ListsService {
  readonly #pool: pg.Pool;
  readonly #signals: Signals;
  #uploads = 0;

  /** `signals`: as `Segments` has them. */
  constructor({ pool, signals }: { pool: pg.Pool; signals: Signals }) {
    this.#pool = pool;
    this.#signals = signals;
  }

  async upload(
    workspaceId: number,
    key: string,
    role: ListRole,
    mode: ListMode,
    ids: () => ListChange['ids'],
  ): Promise<ListUploadResource> {
    if (this.#uploads >= MAX_UPLOADS)
      throw new EvenkeelError(503, 'busy', 'other lists are being stored', { hint: 'send it again in a moment' });
    this.#uploads += 1;
    try {
      for (let attempt = 1; ; attempt++)
        try {
          return await this.#upload(workspaceId, key, { role, mode, ids: ids() });
        } catch (error) {
          if (!isSerializationFailure(error) || attempt >= MAX_UPLOAD_ATTEMPTS) throw error;
        }
    } finally {
      this.#uploads -= 1;
    }
  }

  async #upload(workspaceId: number, key: string, upload: ListChange): Promise<ListUploadResource> {
    const { role, mode } = upload;
    const { segment, changed, outcome } = await transaction(this.#pool, async (client) => {
      const found = await findSegment(client, workspaceId, key);
      const outcomes = await changeListsOf(client, workspaceId, found, [upload]);
      return { segment: found, changed: await change(client, workspaceId, key, {}, outcomes), outcome: outcomes[0] };
    });
    tellSuperseded(this.#signals, changed);
    const { ids = 0, users = 0 } =
      (await countLists(this.#pool, workspaceId, [segment.id])).get(segment.id)?.[role] ?? {};
    const { added = 0, removed = 0 } = outcome ?? {};
    return { segment: key, list: LIST_FIELDS[role], mode, ids, users, added, removed, version: changed.version };
  }

  async page(
    workspaceId: number,
    key: string,
    role: ListRole,
    page: Page = {},
  ): Promise<{ userIds: string[]; nextCursor: string | null }> {
    const limit = readInteger(page.limit ?? DEFAULT_LIST_IDS_LIMIT, 'limit', { min: 1, max: MAX_LIST_IDS_LIMIT });
    const after = page.cursor === undefined ? '' : decodeText('lists', page.cursor);
    const segment = await findSegment(this.#pool, workspaceId, key);
    refuseOtherLists(segment.type, [role]);
    const found = await listedAfter(this.#pool, segment.id, role, after, limit + 1);
    const userIds = found.slice(0, limit);
    const last = userIds.at(-1);
    return {
      userIds,
      nextCursor: found.length > limit && last !== undefined ? encodeCursor('lists', last) : null,
    };
  }

  async *stream(workspaceId: number, key: string, role: ListRole): AsyncGenerator<string> {
    const segment = await findSegment(this.#pool, workspaceId, key);
    refuseOtherLists(segment.type, [role]);
    for (let after = ''; ; ) {
      const found = await listedAfter(this.#pool, segment.id, role, after, LIST_BATCH);
      yield* found;
      if (found.length < LIST_BATCH) return;
      after = found.at(-1) as string;
    }
  }
}

const listedAfter = async (
  db: Queryable,
  segmentId: number,
  role: ListRole,
  after: string,
  limit: number,
): Promise<string[]> => {
  const { rows } = await db.query<{ external_id: string }>(LISTED, [segmentId, role, after, limit]);
  return rows.map(({ external_id }) => external_id);
};
