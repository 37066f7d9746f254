import { z } from 'zod';
import { MAX_NAME_CHARACTERS, MAX_PAGE, MAX_REASON_CHARACTERS } from '../monitoring/alerts/limits.ts';
import { CONDITION_KINDS } from '../conditions/types.ts';
import { SEVERITIES } from '../monitoring/types.ts';
import { instant, integerParameter, plainText, saidText } from './validation.ts';

/** The shapes of alerts, silences and what is asked of them. */

const RULES = ['slow', 'freshness', 'late', 'failures', 'queue', 'stale'] as const;
const moment = z.string().meta({ format: 'date-time' });
const nullable = <S extends z.ZodType>(schema: S) => schema.nullable();
const name = plainText(1, MAX_NAME_CHARACTERS);
const severity = z.enum(SEVERITIES);

const OTHERS = 'null to a workspace key where it counts what is not the workspace’s';
export const scope = z
  .object({ kind: z.string().optional(), workspace: z.string().optional(), segment: z.string().optional() })
  .meta({ id: 'AlertScope', description: 'Whom it is about; empty: the service as a whole.' });
const contributor = z
  .object({
    workspace: z.string(),
    segment: z.string().optional().meta({ description: 'absent: the workspace as a whole' }),
    ratio: z.number(),
    calculations: z.int(),
  })
  .meta({ id: 'AlertContributor' });
const counted = nullable(z.int()).meta({ description: OTHERS });
const fired = z.object({
  severity,
  windowMs: z.number(),
  value: z.number(),
  threshold: z.number(),
  sigmas: nullable(z.number()).meta({ description: 'how many times its usual noise the value is off' }),
  calculations: counted,
});
const diagnosis = z
  .looseObject({
    cause: z.string(),
    confidence: z.string(),
    sentence: z.string(),
    remedy: z.looseObject({ text: z.string() }),
  })
  .meta({ id: 'AlertDiagnosis', description: 'The operator’s: null to a workspace key.' });

const alertFields = {
  id: z.string(),
  state: z
    .enum(['open', 'acknowledged', 'resolved'])
    .meta({ description: 'acknowledged: open, and somebody has said that they know' }),
  rule: z.enum(RULES),
  scope,
  severity: severity.meta({ description: 'the highest that was reached' }),
  escalations: z.array(z.object({ at: moment, severity })),
  onset: moment.meta({ description: 'when it is estimated to have begun' }),
  openedAt: moment,
  resolvedAt: nullable(moment),
  ratio: z.number().meta({ description: '× normal, now; of a rule other than `slow`, × its threshold' }),
  peakRatio: z.number(),
  rollingMs: nullable(z.number()).meta({ description: OTHERS }),
  baselineMs: nullable(z.number()).meta({ description: OTHERS }),
  control: nullable(z.number()).meta({ description: '× normal of everything out of scope' }),
  excessShare: nullable(z.number()).meta({ description: 'of all time beyond normal, the part in scope: 0 to 1' }),
  affectedSegments: counted,
  unaffectedSegments: counted,
  affectedWorkspaces: counted,
  calculations: counted,
  topSegments: z.array(contributor),
  topWorkspaces: z.array(contributor),
  projected: nullable(z.object({ multiple: z.number(), at: moment })),
  baselineVersion: z.int(),
  explains: z
    .array(scope)
    .meta({ description: 'slices that are slow for the same cause and have no alert of their own' }),
  fired: z.array(fired),
  summary: z.string(),
  diagnosis: nullable(diagnosis),
  acknowledged: nullable(z.object({ at: moment, by: nullable(z.string()), note: nullable(z.string()) })),
  link: z.string(),
};
export const alert = z.object(alertFields).meta({ id: 'Alert' });
export const alertList = z
  .object({ alerts: z.array(alert), nextCursor: nullable(z.string()) })
  .meta({ id: 'AlertList' });
export const alertDetails = z
  .object({
    ...alertFields,
    why: z.array(z.string()).meta({ description: 'why one sees it: each comparison that came out true' }),
    events: z.array(
      z.object({
        id: z.int(),
        type: z.enum(['opened', 'escalated', 'changed', 'resolved', 'acknowledged', 'diagnosed']),
        at: moment,
        recordedAt: moment,
        severity,
        ratio: z.number(),
        summary: z.string(),
        by: nullable(z.string()),
        note: nullable(z.string()),
      }),
    ),
    deliveries: z.array(
      z.object({
        channel: z.string(),
        eventId: z.int(),
        state: z.enum(['waiting', 'delivered', 'superseded', 'silenced', 'acknowledged', 'given_up']),
        attempts: z.int(),
        nextTryAt: nullable(moment),
        deliveredAt: nullable(moment),
        error: nullable(z.string()),
      }),
    ),
    silencedBy: z.array(z.string()),
  })
  .meta({ id: 'AlertDetails' });

export const alertParams = z.object({ id: plainText(1, MAX_NAME_CHARACTERS) });
export const alertsQuery = z.strictObject({
  state: z
    .enum(['open', 'acknowledged', 'resolved'])
    .optional()
    .meta({ description: 'open: all that are not over, acknowledged or not' }),
  severity: severity.optional(),
  kind: z.enum(CONDITION_KINDS).optional(),
  since: instant.optional().meta({ description: 'opened then or later' }),
  cursor: plainText(1, 200).optional(),
  limit: integerParameter(1, MAX_PAGE).optional(),
});
export const streamQuery = z.strictObject({
  lastEventId: integerParameter(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'as the header Last-Event-ID, for those who cannot send one' }),
});

const by = name.optional().meta({ description: 'who, for those who read it later' });
export const acknowledgeBody = z
  .strictObject({ by, note: plainText(0, MAX_REASON_CHARACTERS).optional() })
  .meta({ id: 'Acknowledgement' });

export const silenceBody = z
  .strictObject({
    alert: name.optional().meta({ description: 'the id of one alert' }),
    rule: z.enum(RULES).optional(),
    scope: z
      .strictObject({ kind: z.enum(CONDITION_KINDS).optional(), workspace: name.optional(), segment: name.optional() })
      .optional()
      .meta({ description: 'alerts of this kind, workspace, segment; a segment needs its workspace' }),
    upTo: severity.optional().meta({ description: 'the highest severity that it silences; absent: any' }),
    reason: saidText(MAX_REASON_CHARACTERS),
    by,
    startsAt: instant.optional().meta({ description: 'by default now' }),
    endsAt: instant.meta({ description: 'within 30 days' }),
  })
  .meta({ id: 'NewSilence', description: 'All that is given must hold. With nothing given it silences every alert.' });
export const silence = z
  .object({
    id: z.string(),
    state: z.enum(['active', 'pending', 'ended']),
    alert: nullable(z.string()),
    rule: nullable(z.enum(RULES)),
    scope,
    upTo: nullable(severity),
    reason: z.string(),
    by: z.string(),
    createdAt: moment,
    startsAt: moment,
    endsAt: moment,
  })
  .meta({ id: 'Silence' });
export const silenceList = z.object({ silences: z.array(silence) }).meta({ id: 'SilenceList' });
export const silencesQuery = z.strictObject({
  all: z.enum(['true', 'false']).optional().meta({ description: 'true: also those that have ended' }),
});
export const tested = z
  .object({
    channels: z.array(
      z.object({
        channel: z.enum(['webhook', 'alertmanager', 'log']),
        target: z.string(),
        ok: z.boolean(),
        status: nullable(z.int()).meta({ description: 'of the answer; null where none came or none is expected' }),
        durationMs: z.number(),
        error: nullable(z.string()),
      }),
    ),
  })
  .meta({ id: 'TestedChannels' });
