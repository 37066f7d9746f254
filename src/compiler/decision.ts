import { SIGN_SLICE } from '../index/layout.ts';

/** Registers of a decision program that are none: see sql/functions/evenkeel_decide.sql. */
const NOBODY = -1;
const EVERYBODY = -2;

/** More different nodes than this are not worth building: the rows are faster by then. */
const MAX_NODES = 20_000;

/**
 * A set of signed codes as a reduced ordered decision diagram (Bryant 1986) over the slices of a column, the sign first, then
 * from the most significant bit: each node once, however many codes share it, and none where both answers are the same.
 *
 * `{0, 1, 2, 3}` of a column 3 wide is the one node "slice 2 is 0", `{5}` is a chain of three.
 *
 * Gives triples (slice, register where it is 0, register where it is 1) in an order in which they can be run, or undefined
 * where there would be too many. Who lacks the column altogether answers as code 0 does; where 0 is among the codes the
 * presence slice is asked first.
 */
export const decisionProgram = (
  codes: readonly bigint[],
  column: { readonly width: number; readonly hasNegative: boolean },
): number[] | undefined => {
  const program: number[] = [];
  const nodes = new Map<string, number>();

  const node = (slice: number, low: number, high: number): number => {
    if (low === high) return low;
    const key = `${slice},${low},${high}`;
    const known = nodes.get(key);
    if (known !== undefined) return known;
    const register = nodes.size;
    nodes.set(key, register);
    program.push(slice, low, high);
    return register;
  };

  /** Of magnitudes[from, to), ascending, which agree above bit `width`. */
  const build = (magnitudes: readonly bigint[], from: number, to: number, width: number): number => {
    if (from === to) return NOBODY;
    if (width < 53 && to - from === 2 ** width) return EVERYBODY;
    if (nodes.size > MAX_NODES) return NOBODY;
    const bit = BigInt(width - 1);
    let middle = from;
    for (let high = to; middle < high; ) {
      const probe = (middle + high) >>> 1;
      if (((magnitudes[probe] as bigint) >> bit) & 1n) high = probe;
      else middle = probe + 1;
    }
    return node(width - 1, build(magnitudes, from, middle, width - 1), build(magnitudes, middle, to, width - 1));
  };
  const ofMagnitudes = (magnitudes: bigint[]): number => {
    magnitudes.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return build(magnitudes, 0, magnitudes.length, column.width);
  };

  const positive = ofMagnitudes(codes.filter((code) => code >= 0n));
  let root = positive;
  if (column.hasNegative) {
    const negative = ofMagnitudes(codes.filter((code) => code < 0n).map((code) => -code));
    root = node(SIGN_SLICE, positive, negative);
  }
  if (codes.includes(0n)) root = node(-1, NOBODY, root);
  return nodes.size > MAX_NODES ? undefined : settle(program, root);
};

/** The answer must be the last register; where the root is an older node it is asked once more. */
const settle = (program: number[], root: number): number[] =>
  root === program.length / 3 - 1 ? program : [...program, 0, root, root];
