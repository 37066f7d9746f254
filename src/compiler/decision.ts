import { SIGN_SLICE } from '../index/layout.ts';

/** Registers of a decision program that are none: see sql/functions/evenkeel_decide.sql. */
const NOBODY = -1;
const EVERYBODY = -2;
/** In the place of `high`: whoever is not in `low`, which is one operation where another register takes three. */
const OTHERS = -3;

/** More different nodes than this are not worth building: the rows are faster by then. */
const MAX_NODES = 20_000;

/**
 * A set of signed codes as a reduced ordered decision diagram (Bryant 1986) over the slices of a column, the sign first, then
 * from the most significant bit: each node once, however many codes share it, and none where both answers are the same.
 *
 * `{0, 1, 2, 3}` of a column 3 wide is the one node "slice 2 is 0", `{5}` is a chain of three, `{1, 2}` "slice 0, and the others
 * where slice 1 is 1".
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
  return nodes.size > MAX_NODES ? undefined : settle(program, root, complements(program, nodes));
};

/** The register of each register's complement, where it has one. */
const complements = (program: readonly number[], nodes: ReadonlyMap<string, number>): Map<number, number> => {
  const found = new Map([
    [NOBODY, EVERYBODY],
    [EVERYBODY, NOBODY],
  ]);
  for (let register = 0; register < program.length / 3; register++) {
    const [slice, low, high] = program.slice(3 * register, 3 * register + 3) as [number, number, number];
    const other = nodes.get(`${slice},${found.get(low)},${found.get(high)}`);
    if (other === undefined) continue;
    found.set(register, other);
    found.set(other, register);
  }
  return found;
};

/** What the root needs, numbered anew. The answer is the last register: a node comes after those that it asks. */
const settle = (program: readonly number[], root: number, complement: ReadonlyMap<number, number>): number[] => {
  if (root < 0) return [0, root, root];
  const settled: number[] = [];
  const registers = new Map<number, number>();
  const take = (register: number): number => {
    if (register < 0) return register;
    const known = registers.get(register);
    if (known !== undefined) return known;
    const [slice, low, high] = program.slice(3 * register, 3 * register + 3) as [number, number, number];
    const others = low >= 0 && complement.get(low) === high;
    settled.push(slice, take(low), others ? OTHERS : take(high));
    registers.set(register, settled.length / 3 - 1);
    return settled.length / 3 - 1;
  };
  take(root);
  return settled;
};
