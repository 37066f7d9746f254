/** Reads immutable bitmaps in order, a few at a time. */

import { EvenkeelError } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { emptyBitmap, parseSentBits } from '../index/bitmap.ts';
import { ordinalAt, shardOf } from '../index/layout.ts';
import { offsetsIn } from './bitmaps.ts';
import { STREAM_CHUNKS } from './limits.ts';

const CHUNKS = sql('snapshots-chunks');
const CHANGES = sql('snapshots-changes');

const EMPTY = emptyBitmap();

export interface Place {
  readonly shard: number;
  readonly ordinal: number;
}
export interface ChangedPlace extends Place {
  readonly change: 'entered' | 'left';
}

/** Where a reading goes on: behind ordinal `after`, −1 for all of them; in batches of up to `size`. */
export interface Reading {
  readonly workspaceId: number;
  readonly after: number;
  readonly size: number;
}

/** Retention or the segment's deletion took it away under the reader. */
const removed = (): EvenkeelError =>
  new EvenkeelError(410, 'gone', 'the snapshot was removed while it was being read', {
    hint: 'read the latest one from its beginning',
  });

/** The first offset of a shard that comes behind `after`. */
const startIn = (shard: number, after: number): number => Math.max(0, after - ordinalAt(shard, 0) + 1);

/** The members of a snapshot in order. Throws 410 where it is removed meanwhile: never a list that is silently short. */
export async function* readMembers(db: Queryable, snapshotId: number, reading: Reading): AsyncGenerator<Place[]> {
  const { workspaceId, after, size } = reading;
  let last = shardOf(workspaceId, after + 1) - 1;
  for (;;) {
    const { rows } = await db.query<{ shard: number | null; bits: Buffer }>(CHUNKS, [snapshotId, last, STREAM_CHUNKS]);
    if (rows.length === 0) throw removed();
    for (const { shard, bits } of rows) {
      if (shard === null) return;
      last = shard;
      let from = startIn(shard, after);
      for (let more = true; more; ) {
        const offsets = offsetsIn(parseSentBits(bits), undefined, from, size);
        more = offsets.length === size;
        from = (offsets.at(-1) ?? 0) + 1;
        if (offsets.length > 0) yield offsets.map((offset) => ({ shard, ordinal: ordinalAt(shard, offset) }));
      }
    }
    if (rows.length < STREAM_CHUNKS) return;
  }
}

/** Who is in `snapshotId` and not in `sinceId`, and the other way round, together in order. Throws 410 as `readMembers`. */
export async function* readChanges(
  db: Queryable,
  snapshotId: number,
  sinceId: number,
  reading: Reading,
): AsyncGenerator<ChangedPlace[]> {
  const { workspaceId, after, size } = reading;
  let last = shardOf(workspaceId, after + 1) - 1;
  for (;;) {
    const { rows } = await db.query<{ shard: number | null; now: Buffer | null; before: Buffer | null }>(CHANGES, [
      snapshotId,
      sinceId,
      last,
      STREAM_CHUNKS,
    ]);
    if (rows.length === 0) throw removed();
    for (const { shard, now, before } of rows) {
      if (shard === null) return;
      last = shard;
      const changes = changesIn(shard, now, before, startIn(shard, after));
      for (let at = 0; at < changes.length; at += size) yield changes.slice(at, at + size);
    }
    if (rows.length < STREAM_CHUNKS) return;
  }
}

const changesIn = (shard: number, now: Buffer | null, before: Buffer | null, from: number): ChangedPlace[] => {
  const a = now === null ? EMPTY : parseSentBits(now);
  const b = before === null ? EMPTY : parseSentBits(before);
  const place = (change: ChangedPlace['change']) => (offset: number) => ({
    shard,
    ordinal: ordinalAt(shard, offset),
    change,
  });
  const all = Number.POSITIVE_INFINITY;
  return [...offsetsIn(a, b, from, all).map(place('entered')), ...offsetsIn(b, a, from, all).map(place('left'))].sort(
    (one, other) => one.ordinal - other.ordinal,
  );
};
