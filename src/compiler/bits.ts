/**
 * Expressions of bit(32000) and what can be said of them without running them. A complement is kept as a flag, so that
 * `a and not b and not c` becomes `a & ~(b | c)`: a bit operation over a chunk takes some 4 µs, and each one counts.
 */
export type Bits =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | {
      readonly kind: 'sql';
      readonly text: string;
      readonly complement: boolean;
      /** The text itself holds users that exist only, as slices of properties do: they equal the rows of `users`. */
      readonly existing: boolean;
    };

/** Nobody. PostgreSQL folds it to a constant when it plans; a cast pads on the right. */
export const ZERO = "B'0'::bit(32000)";

export const NONE: Bits = { kind: 'none' };
export const ALL: Bits = { kind: 'all' };

/** An expression that is never null. */
export const bits = (text: string, existing = false): Bits => ({ kind: 'sql', text, complement: false, existing });

export const not = (a: Bits): Bits => {
  if (a.kind === 'sql') return { ...a, complement: !a.complement };
  return a.kind === 'none' ? ALL : NONE;
};

const join = (texts: readonly string[], operator: '&' | '|'): string =>
  texts.length === 1 ? (texts[0] as string) : `(${texts.join(` ${operator} `)})`;

const textsOf = (operands: readonly { readonly text: string }[]): string[] => operands.map(({ text }) => text);

/** `a & b & …`; of nothing, everybody. */
export const and = (operands: readonly Bits[]): Bits => {
  if (operands.some((operand) => operand.kind === 'none')) return NONE;
  const sql = operands.filter((operand) => operand.kind === 'sql');
  const plain = sql.filter((operand) => !operand.complement);
  const complements = sql.filter((operand) => operand.complement);
  const excluded = join(textsOf(complements), '|');
  if (plain.length > 0) {
    const existing = plain.some((operand) => operand.existing);
    const included = textsOf(plain);
    return bits(complements.length === 0 ? join(included, '&') : `(${included.join(' & ')} & ~${excluded})`, existing);
  }
  if (complements.length === 0) return ALL;
  return not(
    bits(
      excluded,
      complements.every((operand) => operand.existing),
    ),
  );
};

/** `a | b | …`; of nothing, nobody. */
export const or = (operands: readonly Bits[]): Bits => not(and(operands.map(not)));

/**
 * The expression, among the users that exist. One operation less where it holds no others: a third of what `is_set` takes.
 */
export const within = (users: string, a: Bits): string => {
  if (a.kind === 'none') return ZERO;
  if (a.kind === 'all') return users;
  if (a.complement) return `(${users} & ~${a.text})`;
  return a.existing ? a.text : `(${a.text} & ${users})`;
};
