import { z } from 'zod';
import { CONDITION_KINDS } from '../conditions/types.ts';
import { malformed } from '../core/errors.ts';
import { MAX_ACCEPT_REASON } from '../monitoring/live/limits.ts';
import { STEP_NAMES } from '../monitoring/queries/series.ts';
import { SEVERITIES } from '../monitoring/types.ts';
import { segmentKey } from './schemas.ts';
import { instant, integerParameter, plainText, saidText } from './validation.ts';

/** The shapes of what `/v1/monitor/…` takes and gives. Every schema that an operation names carries an id. */

export const DEFAULT_BASELINES = 100;
const MAX_BASELINES = 1_000;
const MAX_BY = 255;

const moment = z.string().meta({ format: 'date-time' });
const kind = z.enum(CONDITION_KINDS);
const workspaceName = plainText(1, 63);
const ms = z.number().nullable();
const count = z.int();
const band = z.object({ low: z.number(), high: z.number() }).meta({
  description: 'within these × normal is not told from noise',
});

export const seriesQuery = z.strictObject({
  kind: kind.optional(),
  segment: segmentKey.optional(),
  workspace: workspaceName.optional(),
  from: instant.optional().meta({ description: 'a day before `to` where it is left out' }),
  to: instant.optional().meta({ description: 'now where it is left out' }),
  step: z
    .enum(STEP_NAMES)
    .optional()
    .meta({ description: 'what a point stands for; chosen by the range where it is left out' }),
});
export const series = z
  .object({
    kind: z.string().nullable(),
    workspace: z.string().nullable(),
    segment: z.string().nullable(),
    from: moment,
    to: moment,
    step: z.enum(STEP_NAMES),
    points: z.array(
      z.object({
        at: moment,
        calculations: count,
        failed: count,
        timeouts: count,
        cancelled: count,
        late: count,
        retries: count,
        ratio: ms.meta({ description: '× normal: the trimmed mean of each calculation against its own baseline' }),
        band: band.nullable(),
        meanMs: ms,
        normalMs: ms.meta({ description: 'what the same calculations would take normally' }),
        p50Ms: ms,
        p95Ms: ms,
        p99Ms: ms.meta({ description: 'quantiles are exact to 2 %' }),
        queueMs: ms,
      }),
    ),
  })
  .meta({ id: 'MonitorSeries' });

const scope = z
  .object({ kind: z.string().optional(), workspace: z.string().optional(), segment: z.string().optional() })
  .meta({ description: 'empty: the service as a whole' });
export const slices = z
  .object({
    at: moment,
    slices: z.array(
      z.object({
        scope,
        ratio: ms,
        band,
        hours: z.number().meta({ description: 'the window, which widens until it holds enough' }),
        calculations: count,
        rollingMs: ms,
        baselineMs: ms,
        alerts: z.array(z.string()),
      }),
    ),
    openAlerts: z.array(
      z.object({
        id: z.string(),
        rule: z.string(),
        severity: z.enum(SEVERITIES),
        scope,
        openedAt: moment,
        ratio: z.number(),
        summary: z.string(),
      }),
    ),
  })
  .meta({ id: 'MonitorSlices' });

export const baselinesQuery = z.strictObject({
  workspace: workspaceName.optional(),
  segment: segmentKey.optional(),
  limit: integerParameter(1, MAX_BASELINES).optional(),
  cursor: plainText(1, 1_000).optional(),
});
export const baselines = z
  .object({
    baselines: z.array(
      z.object({
        workspace: z.string(),
        segment: z.string(),
        since: moment,
        version: count,
        kinds: z.array(z.string()),
        expectedMs: z.number(),
        calculations: count.meta({ description: 'that it is made of; 0: borrowed from what is typical for its kinds' }),
        spread: z.number(),
        lockedUntil: moment.nullable(),
      }),
    ),
    changes: z.array(
      z.object({
        version: count,
        at: moment,
        reason: z.string(),
        segments: count,
        change: z.number(),
        by: z.string().nullable(),
        note: z.string().nullable(),
      }),
    ),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'Baselines' });

export const acceptBody = z
  .strictObject({
    scope: z.strictObject({
      kind: kind.optional(),
      workspace: workspaceName.optional(),
      segment: segmentKey.optional(),
    }),
    reason: saidText(MAX_ACCEPT_REASON),
    by: plainText(1, MAX_BY).optional().meta({ description: 'who says so; "operator" where it is left out' }),
  })
  .meta({ id: 'AcceptBaselines' });
export const accepted = z.object({ request: count, scope }).meta({ id: 'AcceptedBaselines' });

export const baselineCursor = ({ workspace, segment }: { workspace: string; segment: string }): string =>
  Buffer.from(JSON.stringify([workspace, segment])).toString('base64url');

/** Throws 400 for one that was not given out. */
export const readBaselineCursor = (cursor: string): { workspace: string; segment: string } => {
  try {
    const [workspace, segment] = z
      .tuple([z.string(), z.string()])
      .parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { workspace, segment };
  } catch {
    throw malformed('the cursor is not one that was given out', { path: 'cursor' });
  }
};
