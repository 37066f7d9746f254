import type { Bench } from '../bench.ts';

/**
 * Tables that hold the truth or records, not an index over users' properties. Everything else counts, so that a table which is
 * added to the index is not forgotten here; a table that is no index shows in the details by its name.
 */
const NOT_PROPERTIES_INDEX = [
  'workspaces',
  'processes',
  'users',
  'user_keys',
  'events',
  'message_keys',
  'event_names',
  'event_slices',
  'pending_events',
  'segments',
  'calculations',
  'snapshots',
  'snapshot_chunks',
  'imports',
  'departures',
  'lists',
  'list_ids',
];

/** Bytes on disk of the index over properties, beside jsonb's indexes that serve the same queries. */
export const measureIndex = async (bench: Bench): Promise<void> => {
  const { database, findings, progress, peers } = bench;
  progress('index: sizes');
  const { rows } = await database.db.query<{ name: string; bytes: number }>(
    `select relname as name, pg_total_relation_size(oid) as bytes from pg_class
     where relnamespace = 'public'::regnamespace and relkind = 'r' and not relispartition
       and relname not like '%migration%'
     order by relname`,
  );
  let ours = 0;
  for (const { name, bytes } of rows) {
    if (NOT_PROPERTIES_INDEX.includes(name)) continue;
    ours += bytes;
    findings.figure(`index.evenkeel.${name}_bytes`, bytes);
  }
  findings.figure('index.evenkeel_bytes', ours);
  const events = rows.find(({ name }) => name === 'event_slices')?.bytes;
  if (events !== undefined) findings.figure('index.events.event_slices_bytes', events);
  const jsonb = peers.find(({ name }) => name === 'jsonb');
  const theirs = Object.entries((await jsonb?.indexBytes?.()) ?? {});
  if (theirs.length === 0) return;
  for (const [name, bytes] of theirs) findings.figure(`index.jsonb.${name}_bytes`, bytes);
  findings.figure(
    'index.jsonb_bytes',
    theirs.reduce((sum, [, bytes]) => sum + bytes, 0),
  );
};
