import type { CalculationsService, SegmentsService } from '../../calculations/services.ts';
import { defineRoute, ok, type Route } from '../route.ts';
import * as s from '../schemas.ts';
import { MAX_JSON_BYTES } from '../limits.ts';

const TAG = 'segments';
const json = { 'application/json': s.segment };

export interface SegmentRouteOptions {
  readonly segments: SegmentsService;
  readonly calculations: CalculationsService;
  /** Told after each change of a list, so that it is folded soon. */
  readonly onWritten: (workspaceId: number) => void;
}

/** `/v1/segments…`: definitions, previews and explanations. */
export const segmentRoutes = ({ segments, calculations, onWritten }: SegmentRouteOptions): Route[] => [
  defineRoute({
    method: 'post',
    path: '/v1/segments',
    tag: TAG,
    summary: 'Define a segment',
    description: 'Of a condition, or of `userIds`. Without `key`, one is made of the name.',
    access: 'workspace',
    body: { schema: s.segmentBody, maxBytes: MAX_JSON_BYTES },
    answers: { 201: { description: 'The segment.', content: json } },
    handle: async ({ caller, body }) => {
      const segment = await segments.create(caller.workspaceId, body);
      onWritten(caller.workspaceId);
      return { status: 201, body: segment, headers: { location: `/v1/segments/${encodeURIComponent(segment.key)}` } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/segments',
    tag: TAG,
    summary: 'List segments',
    access: 'workspace',
    query: s.pageQuery(500),
    answers: { 200: { description: 'A page.', content: { 'application/json': s.segmentList } } },
    handle: async ({ caller, query }) => ok(await segments.list(caller.workspaceId, present(query))),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/segments/preview',
    tag: TAG,
    summary: 'How many users a condition matches now',
    description: 'Nothing is stored.',
    access: 'workspace',
    body: { schema: s.previewBody, maxBytes: MAX_JSON_BYTES },
    answers: { 200: { description: 'The count and some members.', content: { 'application/json': s.preview } } },
    handle: async ({ caller, body }) => ok(await calculations.preview(caller.workspaceId, body)),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/segments/explain',
    tag: TAG,
    summary: 'The SQL of a condition and how PostgreSQL runs it',
    access: 'workspace',
    body: { schema: s.explainBody, maxBytes: MAX_JSON_BYTES },
    answers: { 200: { description: 'The statement and its plan.', content: { 'application/json': s.explanation } } },
    handle: async ({ caller, body }) => ok(await calculations.explain(caller.workspaceId, body)),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/segments/:key',
    tag: TAG,
    summary: 'One segment',
    access: 'workspace',
    params: s.segmentParams,
    answers: { 200: { description: 'The segment.', content: json } },
    handle: async ({ caller, params }) => ok(await segments.get(caller.workspaceId, params.key)),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/segments/:key/prediction',
    tag: TAG,
    summary: 'How long the next calculation of a segment should take',
    description: 'From its own calculations; until there are enough, from what its condition costs.',
    access: 'workspace',
    params: s.segmentParams,
    answers: { 200: { description: 'The prediction.', content: { 'application/json': s.predictionOf } } },
    handle: async ({ caller, params }) => ok(await calculations.predict(caller.workspaceId, params.key)),
  }),
  defineRoute({
    method: 'patch',
    path: '/v1/segments/:key',
    tag: TAG,
    summary: 'Change a segment',
    description: 'A calculation of the older condition, or with the older lists, that still runs is superseded.',
    access: 'workspace',
    params: s.segmentParams,
    body: { schema: s.segmentChange, maxBytes: MAX_JSON_BYTES },
    answers: { 200: { description: 'The segment.', content: json } },
    handle: async ({ caller, params, body }) => {
      const segment = await segments.update(caller.workspaceId, params.key, body);
      onWritten(caller.workspaceId);
      return ok(segment);
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/segments/:key',
    tag: TAG,
    summary: 'Delete a segment and its snapshots',
    description: 'Refused with 409 while another segment uses it.',
    access: 'workspace',
    params: s.segmentParams,
    answers: { 204: { description: 'Gone.' } },
    handle: async ({ caller, params }) => {
      await segments.delete(caller.workspaceId, params.key);
      return { status: 204 };
    },
  }),
];

/** Only the fields that are there: what is absent must not be passed on as undefined. */
export const present = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
