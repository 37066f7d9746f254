import { z } from 'zod';
import { SERVED_BY } from '../calculations/leaf-bits.ts';
import { CONDITION_KINDS } from '../conditions/types.ts';
import { instant, integerParameter, plainText, userId } from './validation.ts';

/**
 * The shapes of requests and answers. Requests are validated by these very schemas; OpenAPI is made of both. Every schema
 * that an operation names carries an id.
 */

/** Validated by the conditions room, which knows better errors; in OpenAPI it is `Condition`. */
export const conditionField = z.unknown().meta({ $ref: '#/components/schemas/Condition' });
const jsonObject = z.record(z.string(), z.unknown());
const moment = z.string().meta({ format: 'date-time' });
const nullable = <S extends z.ZodType>(schema: S) => schema.nullable();

export const TRIGGERS = ['newsletter', 'manual', 'schedule', 'api'] as const;
export const STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

export const errorBody = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      path: z.string().optional().meta({ description: 'where in the input, such as condition.of[2].operator' }),
      hint: z.string().optional().meta({ description: 'what to do about it' }),
    }),
  })
  .meta({ id: 'Error' });

// SDKs send null for what they do not know, and fields of their own.
const id = z.string().nullish();
const message = z.looseObject({
  userId: id,
  anonymousId: id,
  messageId: id,
  timestamp: id.meta({ description: 'ISO 8601; without it, now' }),
});
const values = z.record(z.string(), z.unknown()).nullish();
const text = z.string();
/** The shapes; lengths, times and the properties themselves are checked by the ingest room as it reads them. */
export const MESSAGES = {
  identify: message.extend({ traits: values }).meta({ id: 'Identify' }),
  track: message.extend({ event: text, properties: values }).meta({ id: 'Track' }),
  page: message.extend({ name: id, properties: values }).meta({ id: 'Page' }),
  screen: message.extend({ name: id, properties: values }).meta({ id: 'Screen' }),
  group: message.extend({ groupId: text, traits: values }).meta({ id: 'Group' }),
  alias: message.extend({ previousId: text }).meta({ id: 'Alias' }),
  batch: z
    .looseObject({
      batch: z
        .array(z.looseObject({ type: z.enum(['identify', 'track', 'page', 'screen', 'group', 'alias']) }))
        .meta({ description: 'messages, each with its type and the fields of that type' }),
    })
    .meta({ id: 'Batch' }),
} as const;
export const ingested = z.object({ success: z.literal(true) }).meta({ id: 'Ingested' });

export const userParams = z.object({ userId });
export const properties = z.unknown().meta({
  id: 'Properties',
  type: 'object',
  additionalProperties: true,
  description: 'property names with their values; null removes one',
});
export const userBody = z
  .strictObject({ properties: z.unknown().meta({ $ref: '#/components/schemas/Properties' }) })
  .meta({ id: 'UserChange' });
export const user = z
  .object({ userId: z.string(), properties: jsonObject, createdAt: moment, updatedAt: moment })
  .meta({ id: 'User' });

export const segmentKey = plainText(1, 255);
export const segmentParams = z.object({ key: segmentKey });
const amount = z.int().min(1).optional();
export const refresh = z
  .union([
    z.literal('auto'),
    z.strictObject({
      every: z
        .strictObject({ minutes: amount, hours: amount, days: amount, weeks: amount })
        .meta({ minProperties: 1, maxProperties: 1, examples: [{ hours: 1 }] }),
    }),
  ])
  .meta({
    id: 'Refresh',
    description:
      'How often it is recalculated by itself: a fixed interval, or `auto`, which follows from the smallest unit of time in the condition.',
  });
/** Validated by the calculations room, which knows better errors. */
const refreshField = z
  .unknown()
  .optional()
  .meta({ anyOf: [{ $ref: '#/components/schemas/Refresh' }, { type: 'null' }] });
// Checked by the service, which says which of the ids is none.
const idList = { type: 'array', items: { type: 'string', minLength: 1, maxLength: 255 } } as const;
const userIds = (description: string) =>
  z
    .unknown()
    .optional()
    .meta({ ...idList, description });
const listChange = z
  .unknown()
  .optional()
  .meta({
    anyOf: [idList, { type: 'object', properties: { add: idList, remove: idList }, additionalProperties: false }],
    description: 'the whole list, or what is put on it and taken off it',
  });
export const segmentBody = z
  .strictObject({
    key: z.string().optional(),
    name: z.string(),
    description: z.string().nullable().optional(),
    // Not with `userIds`; that one of the two is needed is said by the service.
    condition: conditionField.optional(),
    refresh: refreshField,
    userIds: userIds('makes a static segment of them; who is not there yet counts as soon as they are'),
    include: userIds('members whatever the condition says'),
    exclude: userIds('never members, also where they are included'),
  })
  .meta({ id: 'NewSegment' });
export const segmentChange = z
  .strictObject({
    name: z.string().optional(),
    description: z.string().nullable().optional(),
    condition: conditionField.optional(),
    refresh: refreshField,
    userIds: listChange,
    include: listChange,
    exclude: listChange,
  })
  .meta({ id: 'SegmentChange' });
const counted = {
  ids: z.int().meta({ description: 'on the list' }),
  users: z.int().meta({ description: 'users who stand on it now' }),
};
const list = z.object(counted).optional();
export const predictionOf = z
  .object({
    expectedMs: z.number(),
    lowMs: z.number().meta({ description: 'one in ten is faster' }),
    highMs: z.number().meta({ description: 'one in twenty is slower' }),
    basis: z.enum(['history', 'cost']),
    calculations: z.int().meta({ description: 'of its own that it rests on' }),
  })
  .meta({ id: 'Prediction' });

export const segment = z
  .object({
    key: z.string(),
    name: z.string(),
    description: nullable(z.string()),
    type: z.enum(['dynamic', 'static']),
    condition: z
      .unknown()
      .meta({ anyOf: [{ $ref: '#/components/schemas/Condition' }, { type: 'null' }], description: 'null: static' }),
    lists: z.object({ userIds: list, include: list, exclude: list }),
    version: z.int().meta({ description: 'grows with each change of the condition or of a list' }),
    conditionKinds: z.array(z.enum(CONDITION_KINDS)),
    createdAt: moment,
    updatedAt: moment,
    refresh: nullable(refresh),
    nextRefreshAt: nullable(moment),
    refreshed: nullable(
      z.object({
        intervalMs: nullable(z.number()),
        lastAt: nullable(moment).meta({ description: 'when a calculation was last asked for' }),
        lastSkippedAt: nullable(moment).meta({ description: 'when nothing that it reads had changed' }),
        skips: z.int(),
        failures: z.int().meta({ description: 'in a row' }),
      }),
    ),
    lastError: nullable(z.object({ code: z.string(), message: z.string(), hint: z.string().optional(), at: moment })),
    prediction: nullable(predictionOf).meta({ description: 'from its own calculations, once there are enough' }),
    latestSnapshot: nullable(z.object({ id: z.string(), asOf: moment, population: z.int(), members: z.int() })),
  })
  .meta({ id: 'Segment' });
export const segmentList = z
  .object({ segments: z.array(segment), nextCursor: nullable(z.string()) })
  .meta({ id: 'SegmentList' });

export const listQuery = z.strictObject({
  format: z.enum(['csv', 'ndjson', 'text', 'json']).optional().meta({ description: 'left out: as Content-Type says' }),
  column: plainText(1, 1_000)
    .optional()
    .meta({ description: 'CSV: the column of the userId; NDJSON: the field; by default `userId`' }),
});
export const listUpload = z
  .object({
    segment: z.string(),
    list: z.enum(['userIds', 'include', 'exclude']),
    mode: z.enum(['replace', 'add', 'remove']),
    ...counted,
    added: z.int(),
    removed: z.int(),
    version: z.int(),
  })
  .meta({ id: 'ListUpload' });
export const listPage = z
  .object({ userIds: z.array(z.string()), nextCursor: nullable(z.string()) })
  .meta({ id: 'ListPage' });

export const previewBody = z
  .strictObject({ condition: conditionField, sample: z.int().min(0).max(100).optional() })
  .meta({ id: 'PreviewRequest' });
export const preview = z
  .object({
    members: z.int(),
    population: z.int(),
    durationMs: z.number(),
    sample: z.array(z.string()).meta({ description: 'userIds of some members' }),
  })
  .meta({ id: 'Preview' });
export const explainBody = z
  .strictObject({ condition: conditionField, analyze: z.boolean().optional() })
  .meta({ id: 'ExplainRequest' });
const node = z.looseObject({ type: z.string() });
const funnelNode = node
  .extend({
    alone: z.int().meta({ description: 'users for whom it holds' }),
    inSequence: z.int().meta({ description: 'of those for whom what stands before it did not decide yet' }),
    of: z.unknown().optional().meta({ description: 'below a branch or a segment: such nodes' }),
  })
  .meta({ id: 'FunnelNode' });
export const explanation = z
  .looseObject({
    sql: z.string(),
    parameters: z.array(z.unknown()),
    plan: z.unknown(),
    conditionKinds: z.array(z.string()),
    asOf: moment,
    expectedMs: z.number().meta({ description: 'what a calculation should take, before it runs' }),
    population: z.int(),
    members: z.int(),
    funnel: funnelNode,
    leaves: z.array(
      z.object({
        leaf: node,
        kind: z.enum(CONDITION_KINDS),
        servedBy: z.enum(SERVED_BY),
        alone: z.int(),
        inSequence: z.int(),
        durationMs: z.number().meta({ description: 'what PostgreSQL took for it' }),
        expectedMs: z.number(),
        share: z.number().meta({ description: 'its part of what all leaves took, 0 to 1' }),
      }),
    ),
  })
  .meta({ id: 'Explanation' });

export const calculationBody = z
  .strictObject({
    trigger: z.enum(TRIGGERS).optional(),
    deadline: z.string().nullable().optional().meta({ format: 'date-time' }),
    onLate: z.enum(['wait', 'use_latest']).optional(),
    wait: z.number().optional().meta({ description: 'milliseconds to wait for its end, at most 60000' }),
  })
  .meta({ id: 'CalculationRequest' });
const ms = nullable(z.number());
export const calculation = z
  .object({
    id: z.string(),
    segment: z.string(),
    workspace: z.string(),
    trigger: z.enum(TRIGGERS),
    state: z.enum(STATES),
    requestedAt: moment,
    startedAt: nullable(moment),
    finishedAt: nullable(moment),
    deadline: nullable(moment),
    onLate: z.enum(['wait', 'use_latest']),
    asOf: nullable(moment).meta({ description: 'the moment that relative time counts from' }),
    attempts: z.int(),
    timingsMs: z.object({ queue: ms, freshen: ms, compile: ms, query: ms, store: ms, total: ms }),
    population: nullable(z.int()),
    members: nullable(z.int()),
    entered: nullable(z.int()),
    left: nullable(z.int()),
    snapshot: nullable(z.string()),
    segmentVersion: nullable(z.int()),
    conditionKinds: z.array(z.string()),
    late: z.boolean(),
    plannedStartAt: nullable(moment).meta({ description: 'a newsletter with a deadline waits until then' }),
    expectedMs: ms.meta({ description: 'without its wait; null without a deadline' }),
    lateRisk: ms.meta({ description: 'the probability that it misses its deadline, until it has ended' }),
    supersededBy: nullable(z.string()),
    error: nullable(z.object({ code: z.string(), message: z.string(), hint: z.string().optional() })),
  })
  .meta({ id: 'Calculation' });
export const calculationList = z
  .object({ calculations: z.array(calculation), nextCursor: nullable(z.string()) })
  .meta({ id: 'CalculationList' });
export const idParams = z.object({ id: z.string() });

const cursor = plainText(1, 2_100).optional();
export const pageQuery = (maxLimit: number) =>
  z.strictObject({ cursor, limit: integerParameter(1, maxLimit).optional() });
export const calculationsQuery = z.strictObject({
  segment: segmentKey.optional(),
  state: z.enum(STATES).optional(),
  trigger: z.enum(TRIGGERS).optional(),
  kind: z.enum(CONDITION_KINDS).optional(),
  since: instant.optional(),
  cursor,
  limit: integerParameter(1, 500).optional(),
});

export const snapshot = z
  .object({
    id: z.string(),
    segment: z.string(),
    segmentVersion: z.int(),
    previous: nullable(z.string()),
    asOf: moment,
    createdAt: moment,
    population: z.int(),
    members: z.int(),
    pinned: z.boolean().meta({ description: 'kept until it is released' }),
  })
  .meta({ id: 'Snapshot' });
export const snapshotList = z
  .object({ snapshots: z.array(snapshot), nextCursor: nullable(z.string()) })
  .meta({ id: 'SnapshotList' });
const member = z.looseObject({ userId: z.string() }).meta({ id: 'Member' });
export const members = z
  .object({ snapshot: z.string(), asOf: moment, members: z.array(member), nextCursor: nullable(z.string()) })
  .meta({ id: 'Members' });
export const membership = z
  .object({
    member: z.boolean(),
    asOf: moment,
    condition: node
      .extend({
        holds: z.boolean(),
        of: z.unknown().optional().meta({ description: 'below a branch or a segment: such nodes' }),
      })
      .meta({ description: 'the condition with what each node says of the user' }),
  })
  .meta({ id: 'Membership' });
export const changes = z
  .object({
    snapshot: z.string(),
    since: z.string(),
    entered: z.array(member),
    left: z.array(member),
    nextCursor: nullable(z.string()),
  })
  .meta({ id: 'Changes' });

const column = plainText(1, 1_000).optional();
export const importQuery = z.strictObject({
  kind: z.enum(['users', 'events']),
  format: z.enum(['csv', 'ndjson']).optional().meta({ description: 'left out: as Content-Type says' }),
  key: column.meta({ description: 'users: the column of the userId' }),
  event: column.meta({ description: 'events: the name of all of them; left out: the column `event`' }),
  user: column.meta({ description: 'events: the column of the userId' }),
  time: column.meta({ description: 'events: the column of the time' }),
  id: column.meta({ description: 'events: the column of the messageId' }),
  types: plainText(1, 100_000)
    .optional()
    .meta({ description: 'CSV: types that are not to be found out, `plan=string,age=number`' }),
  map: plainText(1, 100_000).optional().meta({ description: 'other names for columns, `Old Name:new_name,Useless:`' }),
});
export const importResource = z
  .looseObject({
    id: z.string(),
    kind: z.enum(['users', 'events']),
    format: z.enum(['csv', 'ndjson']),
    state: z.enum(['queued', 'running', 'succeeded', 'failed']),
    bytes: z.int(),
    bytesRead: z.int(),
    rows: z.int(),
    accepted: z.int(),
    rejected: z.int(),
    errors: z.array(z.object({ line: z.int(), reason: z.string() })).meta({ description: 'the first 100' }),
    error: nullable(z.object({ code: z.string(), message: z.string(), hint: z.string().optional() })),
    requestedAt: moment,
    startedAt: nullable(moment),
    finishedAt: nullable(moment),
  })
  .meta({ id: 'Import' });
export const importList = z
  .object({ imports: z.array(importResource), nextCursor: nullable(z.string()) })
  .meta({ id: 'ImportList' });

const coverage = { coverage: z.number().meta({ description: 'share of the users, 0 to 1' }) };
export const propertyList = z
  .object({
    population: z.int(),
    properties: z.array(z.object({ property: z.string(), types: z.array(z.string()), users: z.int(), ...coverage })),
    nextCursor: nullable(z.string()),
  })
  .meta({ id: 'PropertyList' });
export const eventList = z
  .object({
    population: z.int(),
    events: z.array(z.object({ event: z.string(), users: z.int(), ...coverage, lastDay: nullable(z.string()) })),
    nextCursor: nullable(z.string()),
  })
  .meta({ id: 'EventList' });

export const workspaceBody = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9_-]{0,62}$/,
        'must be 1 to 63 of a-z, 0-9, "-" and "_", and begin with a letter or a digit',
      ),
  })
  .meta({ id: 'NewWorkspace' });
export const workspaceParams = z.object({ name: plainText(1, 63) });
export const workspace = z
  .object({ name: z.string(), createdAt: moment, hasKey: z.boolean() })
  .meta({ id: 'Workspace' });
export const workspaceList = z.object({ workspaces: z.array(workspace) }).meta({ id: 'WorkspaceList' });
export const createdWorkspace = workspace
  .extend({ key: z.string().meta({ description: 'told this once; only its digest is stored' }) })
  .meta({ id: 'CreatedWorkspace' });
export const workspaceKey = z.object({ name: z.string(), key: z.string() }).meta({ id: 'WorkspaceKey' });
