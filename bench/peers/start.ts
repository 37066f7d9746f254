import type pg from 'pg';
import type { Progress } from '../progress.ts';
import { startClickHouse } from './clickhouse.ts';
import { startDuckDb } from './duckdb.ts';
import { startJsonb } from './jsonb.ts';
import { startKeyValue } from './keyvalue.ts';
import type { Peer, PeerName } from './peer.ts';
import { startRedis } from './redis.ts';
import { startRoaring } from './roaring.ts';

export interface PeerOptions {
  readonly databaseUrl: string;
  /** On the database; used for reading the service's rows. */
  readonly db: pg.Client;
  /** Where a peer may keep files while it runs. */
  readonly directory: string;
  readonly users: number;
  /** Whether the queries of events are measured. */
  readonly events: boolean;
  readonly progress: Progress;
}

/** Each loads what the service holds. @throws Unavailable where the peer cannot be had here */
export const START: Readonly<Record<PeerName, (options: PeerOptions) => Promise<Peer>>> = {
  jsonb: ({ databaseUrl, progress }) => startJsonb(databaseUrl, progress),
  keyvalue: ({ databaseUrl, events, progress }) => startKeyValue(databaseUrl, events, progress),
  duckdb: ({ db, directory, events, progress }) => startDuckDb(db, directory, events, progress),
  roaring: ({ db, users, progress }) => startRoaring(db, users, progress),
  redis: ({ db, directory, users, progress }) => startRedis(db, directory, users, progress),
  clickhouse: ({ db, directory, events, progress }) => startClickHouse(db, directory, events, progress),
};
