import type pg from 'pg';
import type { Progress } from '../progress.ts';
import type { Query } from '../works/conditions.ts';
import { type Algebra, BITMAP_QUERIES, bitsOf, evaluate, type Fact, readFacts } from './bitmaps.ts';
import { peerModule } from './packages.ts';
import type { Peer } from './peer.ts';

/** What is used of roaring-wasm. */
interface Bitmap extends Iterable<number> {
  readonly size: number;
  addMany(values: Uint32Array): void;
  runOptimize(): boolean;
  andCardinality(other: Bitmap): number;
  dispose(): boolean;
}
interface RoaringWasm {
  readonly RoaringBitmap32: {
    new (): Bitmap;
    and(a: Bitmap, b: Bitmap): Bitmap;
    or(a: Bitmap, b: Bitmap): Bitmap;
    andNot(a: Bitmap, b: Bitmap): Bitmap;
  };
  readonly roaringLibraryInitialize?: () => Promise<void>;
}

/** Roaring bitmaps in this process' memory, without any storage, transaction or transport: the limit. */
export const startRoaring = async (db: pg.ClientBase, users: number, progress: Progress): Promise<Peer> => {
  const { RoaringBitmap32, roaringLibraryInitialize } = await peerModule<RoaringWasm>(
    'common',
    'roaring-wasm',
    progress,
  );
  await roaringLibraryInitialize?.();
  progress('roaring: reading the users');
  const facts = new Map<Fact, Bitmap>();
  for (const [fact, bits] of await readFacts(db, users)) {
    const bitmap = new RoaringBitmap32();
    bitmap.addMany(Uint32Array.from(bitsOf(bits)));
    bitmap.runOptimize();
    facts.set(fact, bitmap);
  }
  const of = (fact: Fact): Bitmap => facts.get(fact) as Bitmap;
  const stored = new Map<Query, Bitmap>();
  const compute = (query: Query): Bitmap => {
    const made: Bitmap[] = [];
    const keep = (bitmap: Bitmap): Bitmap => {
      made.push(bitmap);
      return bitmap;
    };
    const algebra: Algebra<Bitmap> = {
      of,
      and: (a, b) => keep(RoaringBitmap32.and(a, b)),
      or: (a, b) => keep(RoaringBitmap32.or(a, b)),
      andNot: (a, b) => keep(RoaringBitmap32.andNot(a, b)),
    };
    const result = evaluate(algebra, query);
    for (const bitmap of made) if (bitmap !== result) bitmap.dispose();
    return result;
  };
  return {
    name: 'roaring',
    queries: BITMAP_QUERIES,
    setup: [
      'roaring-wasm in the bench\'s process: a bitmap a fact and a bit of ltv, with runs; "stored" is kept in memory; a count of is_set is the cardinality of an intersection with everybody, without the result',
    ],
    choose: async (query) => {
      compute(query).dispose();
    },
    replace: async (query) => {
      const before = stored.get(query);
      stored.set(query, compute(query));
      before?.dispose();
    },
    tidy: async () => undefined,
    count: async (query) => {
      if (query === 'is_set') return of('everybody').andCardinality(of('ltv'));
      const result = compute(query);
      const { size } = result;
      result.dispose();
      return size;
    },
    members: function* (query) {
      for (const index of stored.get(query) ?? []) yield index + 1;
    },
    close: async () => {
      for (const bitmap of [...facts.values(), ...stored.values()]) bitmap.dispose();
    },
  };
};
