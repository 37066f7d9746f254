import type { TextMatch } from '../conditions/types.ts';
import { PRESENCE_SLICE, ROW_TEXT_SLICE, TEXT_END, TEXTS_A_PART } from '../index/layout.ts';
import { and, type Bits, bits, NONE, not, ZERO } from './bits.ts';
import type { TextColumn } from './catalogue.ts';
import { addCosts, cost } from './cost.ts';
import type { Parameters } from './parameters.ts';
import { type Source, slice } from './slices.ts';

/**
 * Text operators on a hashed column: its texts of a chunk are one long text, of `texts`, and PostgreSQL looks through that faster than
 * it reads rows. Decision 0041.
 */

/** `TEXT_END` */
const END = "E'\\x01'";

/** With more places than these in a chunk, to look at each text by itself is faster than to count the texts up to each place. */
const MAX_PLACES = 3_000;

/** A chunk's texts, in any order of its parts, and the parts in the same. Null where it has none. */
const contentOf = (parameters: Parameters, columnId: number, text: string): string =>
  `select string_agg(${text}, '') as content, array_agg(t.part) as parts from texts t ` +
  `where t.shard = c.shard and t.column_id = ${parameters.add(columnId, 'int')}`;

/** Lower case as `evenkeel_fold` has it: nearly all texts are ASCII, for which it need not be asked. */
const FOLDED = `case when octet_length(t.content) = length(t.content) then lower(t.content) else evenkeel_fold(t.content) end`;

/** The bitmap of users whose text is the n-th of the content, from 0 up. */
const usersAt = (n: string, from: string): string =>
  `(select evenkeel_bitmap(b.parts[${n} / ${TEXTS_A_PART} + 1] * ${TEXTS_A_PART} + ${n} % ${TEXTS_A_PART}, 1) ${from})`;

/** Each text of the content by itself. Behind the last one there is nothing that is nobody's. */
const eachText = (predicate: string): string =>
  usersAt(
    '(v.n::integer - 1)',
    `from string_to_table(b.content, ${END}) with ordinality as v (text, n) ` +
      `where v.n <= ${TEXTS_A_PART} * cardinality(b.parts) and ${predicate}`,
  );

/** Each place where the content has it, of which the number of ends before it says whose text that is. */
const eachPlace = (needle: string, before: string, consumed: 0 | 1): string =>
  `(select case when cardinality(b.pieces) > ${MAX_PLACES} then ` +
  `${eachText(`strpos(${END} || v.text || ${END}, ${needle}) > 0`)} else ` +
  `${usersAt(
    'p.n',
    `from (select (sum(octet_length(piece) - octet_length(replace(piece, ${END}, '')) + ${consumed}) ` +
      `over (rows unbounded preceding))::integer - ${consumed} as n ` +
      `from unnest(trim_array(b.pieces, 1)) piece offset 0) p`,
  )} end ` +
  `from (select m.content, m.parts, string_to_array(${before}m.content, ${needle}) as pieces from (`;

const placed = (parameters: Parameters, column: TextColumn, { operator, value, ignoreCase }: TextMatch): string => {
  const given = parameters.add(value, 'text');
  const folded = ignoreCase ? `(select evenkeel_fold(${given}))` : given;
  const at = operator === 'starts_with' ? 'start' : operator === 'ends_with' ? 'end' : 'anywhere';
  const needle = { start: `${END} || ${folded}`, end: `${folded} || ${END}`, anywhere: folded }[at];
  const content = contentOf(parameters, column.id, ignoreCase ? FOLDED : 't.content');
  return (
    eachPlace(`(${needle})`, at === 'start' ? `${END} || ` : '', at === 'anywhere' ? 0 : 1) +
    `${content} offset 0) m offset 0) b)`
  );
};

const matching = (parameters: Parameters, column: TextColumn, { value, ignoreCase }: TextMatch): string => {
  const predicate = `v.text collate "und-x-icu" ${ignoreCase ? '~*' : '~'} ${parameters.add(value, 'text')}`;
  return `(select ${eachText(predicate)} from (${contentOf(parameters, column.id, 't.content')} offset 0) b)`;
};

/**
 * Whose text matches. Those whose text only their row has are not looked at: they are `undecided`.
 *
 * @param leaf with a positive operator
 */
export const heldTexts = (parameters: Parameters, column: TextColumn, leaf: TextMatch): Source => {
  const undecided = column.hasNegative ? slice(parameters, column.id, ROW_TEXT_SLICE) : undefined;
  const rest = undecided ? { undecided } : {};
  const looking = cost({ texts: 1 });
  if (leaf.operator !== 'matches') {
    // None of them holds what ends each of them.
    const found = leaf.value.includes(TEXT_END) ? NONE : orNobody(placed(parameters, column, leaf));
    return { bits: found, cost: looking, source: 'texts', ...rest };
  }
  // A pattern may match nothing at all, which is what stands for whoever has no text.
  const present = slice(parameters, column.id, PRESENCE_SLICE);
  const found = [orNobody(matching(parameters, column, leaf)), present.bits];
  return {
    bits: and(undecided ? [...found, not(undecided.bits)] : found),
    cost: addCosts([looking, present.cost, cost({ operations: 2 })]),
    source: 'texts',
    ...rest,
  };
};

const orNobody = (text: string): Bits => bits(`coalesce(${text}, ${ZERO})`, true);
