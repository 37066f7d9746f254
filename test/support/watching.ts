import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { recordAlertEvents } from '../../src/monitoring/alerts/record.ts';
import { detectorFrom } from '../../src/monitoring/live/detector.ts';
import { partitionedTables } from '../../src/monitoring/live/partitions.ts';
import { Watch } from '../../src/monitoring/live/watch.ts';

const TABLES = partitionedTables({ factDays: 30, minuteDays: 30, hourDays: 60 });

/** A leader that begins now, goes on from what the one before stored, and judges what has ended at once. */
export const startWatch = (
  client: pg.Client,
  options: Partial<Parameters<typeof Watch.restore>[0]> = {},
): Promise<Watch> =>
  Watch.restore({
    client,
    leader: randomUUID(),
    judgeFrom: detectorFrom({}),
    tables: TABLES,
    timeoutMs: 60_000,
    tell: recordAlertEvents,
    graceMs: 0,
    ...options,
  });
