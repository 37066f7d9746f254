import { randomUUID } from 'node:crypto';
import type { CalculationOptions, Claim } from '../../src/compiler/calculation.ts';
import type { Queryable } from '../../src/database/port.ts';

/** A calculation of the segment `key` that runs, as claiming leaves it. */
export const claim = async (
  db: Queryable,
  workspaceId: number,
  key: string,
  trigger = 'api',
): Promise<Claim & { readonly version: number }> => {
  const processId = randomUUID();
  const { rows } = await db.query<{ id: number; segment_id: number; version: number }>(
    `insert into calculations (workspace_id, segment_id, segment_key, trigger, state, attempts, process_id)
     select workspace_id, id, key, $4, 'running', 1, $3 from segments where workspace_id = $1 and key = $2
     returning id, segment_id, (select version from segments where id = segment_id) as version`,
    [workspaceId, key, processId, trigger],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`there is no segment ${key}`);
  return { id: row.id, processId, attempt: 1, workspaceId, segmentId: row.segment_id, version: row.version };
};

/** What a statement needs that depends on no catalogue. */
export const plainOptions = (
  { version, ...held }: Claim & { readonly version: number },
  shards: CalculationOptions['shards'],
): CalculationOptions => ({
  claim: held,
  basis: {
    segmentIds: [held.segmentId],
    segmentVersions: [version],
    propertyIds: [],
    columnVersions: null,
    eventIds: [],
    absentProperties: [],
    absentEvents: [],
  },
  shards,
  segmentVersion: version,
  kinds: [],
  asOf: 0,
  pinned: false,
  freshenMs: 0,
  compileMs: 0,
});
