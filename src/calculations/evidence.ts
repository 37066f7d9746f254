import { pendingStatement } from '../compiler/calculation.ts';
import { compile } from '../compiler/compile.ts';
import { rowPasses } from '../compiler/rows.ts';
import { previewStatement } from '../compiler/statements.ts';
import { references } from '../conditions/references.ts';
import type { Queryable } from '../database/port.ts';
import { loadCatalogue } from '../index/catalogue.ts';
import { expandSegment, loadDefinitions } from './definitions.ts';
import { knownOf } from './memory.ts';

/** As in the function, which plans each pass when it runs: decision 0026. */
const PASS_SETTINGS = { plan_cache_mode: 'force_custom_plan', enable_seqscan: 'on', enable_sort: 'off' };

/**
 * The statements that a calculation of the segment consists of, without what it writes, for whoever wants to know what they take.
 * What is pending is not corrected in them, so that they stay comparable. Undefined where there is no such segment.
 */
export const evidenceStatements = async (
  db: Queryable,
  where: { readonly workspace: string; readonly segment: string },
) => {
  const { rows } = await db.query<{ id: number }>('select id from workspaces where name = $1', [where.workspace]);
  const workspaceId = rows[0]?.id;
  if (workspaceId === undefined) return undefined;
  const definitions = await loadDefinitions(db, workspaceId, [where.segment]);
  const definition = definitions.get(where.segment);
  if (definition === undefined) return undefined;
  const expanded = expandSegment(definition, definitions);
  const catalogue = await loadCatalogue(db, workspaceId, references(expanded.condition));
  const membership = compile(expanded.condition, catalogue, Date.now());
  const { basis } = knownOf(definition, definitions, expanded, catalogue);
  return {
    kinds: expanded.kinds,
    statements: [
      { ...pendingStatement(basis, catalogue.shards), name: 'pending' as const },
      { ...previewStatement(membership, { shards: catalogue.shards, sample: 0 }), name: 'membership' as const },
      ...rowPasses(membership).map((pass) => ({ ...pass, name: 'rows' as const, settings: PASS_SETTINGS })),
    ],
  };
};
