/** What an expression does for each chunk: counted while it is compiled, and the base of the expected time. */
export interface Cost {
  /** Bitmaps read from tables. */
  readonly slicesRead: number;
  /** Bit operations over a chunk. */
  readonly operations: number;
  /** Calls of PL/pgSQL functions. */
  readonly calls: number;
  /** Bitmaps made from 125 digests each, for samples. */
  readonly slicesHashed: number;
  /** Windows whose ragged edges are read from `events`. */
  readonly edges: number;
  /** Looks through all texts of a hashed column of the chunk. */
  readonly texts: number;
  /** Passes over all users of the chunk. */
  readonly scans: number;
}

export const FREE: Cost = { slicesRead: 0, operations: 0, calls: 0, slicesHashed: 0, edges: 0, texts: 0, scans: 0 };

export const cost = (parts: Partial<Cost>): Cost => ({ ...FREE, ...parts });

export const addCosts = (costs: readonly Cost[]): Cost =>
  costs.reduce(
    (sum, each) => ({
      slicesRead: sum.slicesRead + each.slicesRead,
      operations: sum.operations + each.operations,
      calls: sum.calls + each.calls,
      slicesHashed: sum.slicesHashed + each.slicesHashed,
      edges: sum.edges + each.edges,
      texts: sum.texts + each.texts,
      scans: sum.scans + each.scans,
    }),
    FREE,
  );

/** Microseconds, measured on two cores with PostgreSQL 18.4 and warm buffers; an edge as half a day of 20,000 events: docs/decisions/0004. */
const MICROSECONDS: Cost = {
  slicesRead: 3,
  operations: 4.2,
  calls: 10,
  slicesHashed: 160,
  edges: 270,
  texts: 4_300,
  scans: 12_500,
};
/** Of a statement that calculates and stores: reading the chunk, counting, comparing, storing it; and its commit. */
const CHUNK_MICROSECONDS = 30;
const STATEMENT_MICROSECONDS = 2000;

/** How long a calculation should take, in milliseconds, on a machine like the one that was measured. */
export const expectedMs = (each: Cost, chunks: number): number => {
  let microseconds = CHUNK_MICROSECONDS;
  for (const key of Object.keys(MICROSECONDS) as (keyof Cost)[]) microseconds += each[key] * MICROSECONDS[key];
  return (STATEMENT_MICROSECONDS + chunks * microseconds) / 1000;
};
