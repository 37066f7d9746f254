import type pg from 'pg';
import { expand, loadDefinitions } from '../../src/calculations/definitions.ts';
import { Parameters } from '../../src/compiler/parameters.ts';
import { rowCondition } from '../../src/compiler/row-condition.ts';
import { parseCondition } from '../../src/conditions/parse.ts';
import { shardRange } from '../../src/index/layout.ts';

/** External ids of those for whom the condition's row form holds, sorted. Throws where it is null for somebody. */
export const rowMembers = async (
  client: pg.Client,
  workspaceId: number,
  condition: unknown,
  asOf: number,
): Promise<string[]> => {
  const segments = await client.query<{ key: string }>('select key from segments where workspace_id = $1::integer', [
    workspaceId,
  ]);
  const definitions = await loadDefinitions(
    client,
    workspaceId,
    segments.rows.map(({ key }) => key),
  );
  const names = await client.query<{ id: number; name: string }>(
    'select id, name from event_names where workspace_id = $1::integer',
    [workspaceId],
  );
  const parameters = new Parameters(shardRange(workspaceId));
  const events = new Map(names.rows.map((row) => [row.name, row.id]));
  const expanded = expand(parseCondition(condition), definitions);
  const holds = rowCondition({ asOf, parameters, events }, expanded.condition);
  const { rows } = await client.query<{ external_id: string; member: boolean | null }>(
    `select * from (select u.external_id, ${holds} as member from users u where u.shard between $1::bigint and $2::bigint) m
     where member is not false`,
    parameters.values,
  );
  const unknown = rows.find((row) => row.member === null);
  if (unknown) throw new Error(`${JSON.stringify(condition)} is neither true nor false of ${unknown.external_id}`);
  return rows.map((row) => row.external_id).sort();
};
