import type pg from 'pg';
import { copyToFile } from '../data/copy.ts';

/** What the peers outside PostgreSQL load: the service's own rows, as CSV with one typed column a property. */

export const USERS_CSV = `select ordinal + 1, properties ->> 'plan', properties ->> 'country', properties ->> 'email',
    properties ->> 'age', properties ->> 'ltv', properties ->> 'subscribed', properties ->> 'signed_up_at',
    properties ->> 'last_seen_on'
  from users order by shard, ordinal`;

/** In the order in which they happened; months are read one after the other. */
const EVENTS_CSV = `select ordinal + 1, (extract(epoch from occurred_at) * 1000)::bigint from events order by occurred_at`;

export const exportUsers = (db: pg.ClientBase, path: string): Promise<void> => copyToFile(db, USERS_CSV, path);
export const exportEvents = (db: pg.ClientBase, path: string): Promise<void> => copyToFile(db, EVENTS_CSV, path);
