import type { Query } from '../works/conditions.ts';

export const PEERS = ['jsonb', 'keyvalue', 'duckdb', 'roaring', 'redis', 'clickhouse'] as const;
export type PeerName = (typeof PEERS)[number];

/** A user whose lifetime value becomes another. */
export interface Change {
  /** 1, 2, 3, … */
  readonly user: number;
  readonly ltv: number;
}

/** What somebody could pick instead, with the same users and events. */
export interface Peer {
  readonly name: PeerName;
  readonly queries: readonly Query[];
  /** How it was set up, a line each, with what was found to be its best form. */
  readonly setup: readonly string[];
  /** Tries the forms that it has for a query and keeps the fastest. Not timed. */
  choose(query: Query, asOf: number): Promise<void>;
  /** Replaces the stored membership of this query. Timed. */
  replace(query: Query, asOf: number): Promise<void>;
  /** Cleans up after `replace`, so that the next one does not pay for it. Not timed. */
  tidy(query: Query): Promise<void>;
  /** Counts without storing. Timed. */
  count(query: Query, asOf: number): Promise<number>;
  /** User numbers of the stored membership. */
  members(query: Query): AsyncIterable<number> | Iterable<number>;
  /** Takes over changed users; absent: it is not measured with changes. */
  readonly change?: (changes: readonly Change[]) => Promise<void>;
  /** Bytes on disk that its indexes for these queries take, by name; absent: it has none. */
  readonly indexBytes?: () => Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** A peer that cannot be had here: the bench says so and goes on without it. */
export class Unavailable extends Error {}
