import { CHUNK_BITS } from '../index/layout.ts';
import { bits, within, ZERO } from './bits.ts';
import type { Catalogue } from './catalogue.ts';
import type { Membership } from './compile.ts';
import { addCosts, cost } from './cost.ts';
import { type Parameters, renumber } from './parameters.ts';
import type { Source } from './slices.ts';

/**
 * Where bitmaps do not help, the rows of all users are read, once for all chunks, and for whom the predicate holds becomes a
 * bitmap. Decision 0026.
 *
 * @param predicateWith gives SQL over `users u`, of which all values are taken from the parameters it is handed
 */
export const usersWhere = (
  { catalogue, parameters }: { readonly catalogue: Catalogue; readonly parameters: Parameters },
  predicateWith: (parameters: Parameters) => string,
): Source => {
  const [first, last] = catalogue.shards.map((shard) => parameters.add(shard, 'bigint'));
  const given: string[] = [];
  const predicate = predicateWith({
    values: [],
    add: (value, type) => `p.v[${given.push(`${parameters.add(value, type)}::text`)}]::${type}`,
  });
  const found = `evenkeel_users_where(${first}, ${last}, $rows$${predicate}$rows$, array[${given.join(', ')}])`;
  return {
    bits: bits(`coalesce((select f.bits from ${found} f where f.shard = c.shard), ${ZERO})`),
    cost: cost({ scans: 1 }),
    source: 'users',
  };
};

const PASS = /evenkeel_users_where\((\$\d+::bigint), (\$\d+::bigint), \$rows\$(.*?)\$rows\$, array\[(.*?)\]\)/gs;

/**
 * The queries that passes over the rows run inside their function, which a plan of the whole statement does not show. They take the
 * membership's own values.
 */
export const rowPasses = ({
  text,
  values,
}: Pick<Membership, 'text' | 'values'>): Pick<Membership, 'text' | 'values'>[] =>
  [...text.matchAll(PASS)].map(([, first = '', last = '', predicate = '', given = '']) => {
    const pass = `select u.shard, evenkeel_bitmap(u.ordinal % ${CHUNK_BITS}, 1)
from users u cross join (select array[${given}]::text[] as v) p
where u.shard between ${first} and ${last} and ${predicate}
group by u.shard`;
    return renumber(pass, values);
  });

/**
 * The rows of those alone who are in `candidates`, one after the other: with statistics of an empty table a join read all of the
 * chunk, and for each the series. Most chunks have none, and look no further.
 */
export const usersAmong = (candidates: Source, predicate: string): Source => ({
  bits: bits(
    `(select case when m.bits = ${ZERO} then ${ZERO} else ` +
      `(select evenkeel_bitmap(o, 1) from generate_series(0, ${CHUNK_BITS - 1}) o ` +
      `cross join lateral (select from users u where u.shard = c.shard and u.ordinal = c.chunk * ${CHUNK_BITS} + o ` +
      `and ${predicate} offset 0) u where get_bit(m.bits, o) = 1) end ` +
      `from (select ${within('c.users', candidates.bits)} as bits offset 0) m)`,
  ),
  cost: addCosts([candidates.cost, cost({ operations: 3 })]),
  source: 'users',
});
