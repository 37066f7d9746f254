/** The bitmaps of all chunks of a workspace in a row, for arithmetic in memory: a million users are 125 kB. */
export type WorkspaceBits = Uint8Array;

/** Nobody, of the same workspace. */
export const empty = (like: WorkspaceBits): WorkspaceBits => new Uint8Array(like.length);

export const copyOf = (bits: WorkspaceBits): WorkspaceBits => Uint8Array.from(bits);

const each = (a: WorkspaceBits, b: WorkspaceBits, combine: (a: number, b: number) => number): WorkspaceBits => {
  for (let i = 0; i < a.length; i++) a[i] = combine(a[i] as number, b[i] as number);
  return a;
};

/** Changes `a` and gives it. */
export const and = (a: WorkspaceBits, b: WorkspaceBits): WorkspaceBits => each(a, b, (x, y) => x & y);
export const or = (a: WorkspaceBits, b: WorkspaceBits): WorkspaceBits => each(a, b, (x, y) => x | y);
export const andNot = (a: WorkspaceBits, b: WorkspaceBits): WorkspaceBits => each(a, b, (x, y) => x & ~y);

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

export const countBits = (bits: WorkspaceBits): number => {
  let count = 0;
  for (let i = 0; i < bits.length; i++) count += ONES[bits[i] as number] as number;
  return count;
};
