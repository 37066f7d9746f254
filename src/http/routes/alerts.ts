import { invalid } from '../../core/errors.ts';
import type { Alerts } from '../../monitoring/alerts/alerts.ts';
import type { Viewer } from '../../monitoring/alerts/read.ts';
import * as s from '../alert-schemas.ts';
import { MAX_JSON_BYTES } from '../limits.ts';
import { type Caller, defineRoute, ok, type Route } from '../route.ts';
import { idParams } from '../schemas.ts';
import { streamEvents } from '../streaming.ts';
import { present } from './segments.ts';

const TAG = 'alerts';
const details = { 'application/json': s.alertDetails };

const viewerOf = ({ operator, workspace }: Caller): Viewer => (operator ? 'operator' : { workspace });

/** Whoever has the operator's key may say who they are. */
const personOf = (by: string | undefined): string => by ?? 'operator';

/** The number that a stream goes on after: as a browser says it, or in the query. Throws 422. */
const resumeAfter = (header: string | string[] | undefined, query: number | undefined): number | undefined => {
  if (header === undefined || header === '') return query;
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header))
    throw invalid('Last-Event-ID must be the id of an event of this stream', { path: 'Last-Event-ID' });
  return Number(header);
};

/** `/v1/alerts…` and `/v1/silences…`. A workspace key reads what concerns its workspace; to act is the operator's. */
export const alertRoutes = (alerts: Alerts): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/alerts',
    tag: TAG,
    summary: 'List alerts, newest first',
    description:
      'The operator sees all. A workspace key sees those of its own workspace, and those of a kind or of the service as a whole without what they say of other workspaces.',
    access: 'workspace',
    query: s.alertsQuery,
    answers: { 200: { description: 'A page.', content: { 'application/json': s.alertList } } },
    handle: async ({ caller, query }) => ok(await alerts.list(viewerOf(caller), present(query))),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/alerts/events',
    tag: TAG,
    summary: 'Follow alerts',
    description:
      'Server-sent events named `alert`: what happens to alerts, from now on, or after Last-Event-ID, which browsers send by themselves.',
    access: 'workspace',
    query: s.streamQuery,
    answers: { 200: { description: 'The stream.', content: { 'text/event-stream': 'text' } } },
    handle: async ({ caller, query, request, response }) => {
      const resumed = resumeAfter(request.headers['last-event-id'], query.lastEventId);
      // Whoever remembers an event that is yet to come (the database was restored from a backup) misses none of those that do.
      const latest = await alerts.beginStream();
      await streamEvents(
        response,
        'alert',
        (signal) => alerts.watch(viewerOf(caller), Math.min(resumed ?? latest, latest), signal),
        {
          eager: true,
          idOf: (event) => (event as { id: number }).id,
        },
      );
      return undefined;
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/alerts/test',
    tag: TAG,
    summary: 'Send a test through each channel',
    description: 'Says what came back from each. It is sent as an alert named EvenkeelTest, and its end after it.',
    access: 'operator',
    answers: { 200: { description: 'What came back.', content: { 'application/json': s.tested } } },
    handle: async () => ok({ channels: await alerts.test() }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/alerts/:id',
    tag: TAG,
    summary: 'One alert, why it is there, what happened to it, and who was told',
    access: 'workspace',
    params: s.alertParams,
    answers: { 200: { description: 'The alert.', content: details } },
    handle: async ({ caller, params }) => ok(await alerts.get(viewerOf(caller), params.id)),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/alerts/:id/acknowledge',
    tag: TAG,
    summary: 'Say that somebody knows',
    description: 'From then on only what is worse than now is told, and that it is over. 409 where it is over already.',
    access: 'operator',
    params: s.alertParams,
    body: { schema: s.acknowledgeBody, maxBytes: MAX_JSON_BYTES, optional: true },
    answers: { 200: { description: 'The alert.', content: details } },
    handle: async ({ params, body }) => ok(await alerts.acknowledge(params.id, personOf(body.by), body.note ?? null)),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/silences',
    tag: TAG,
    summary: 'Silence alerts until a moment',
    description: 'They are seen and stored as ever, and not told. What is still open at the end is told then.',
    access: 'operator',
    body: { schema: s.silenceBody, maxBytes: MAX_JSON_BYTES },
    answers: { 201: { description: 'The silence.', content: { 'application/json': s.silence } } },
    handle: async ({ body }) => ({ status: 201, body: await alerts.silence(body, personOf(body.by)) }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/silences',
    tag: TAG,
    summary: 'List silences, newest first',
    access: 'operator',
    query: s.silencesQuery,
    answers: {
      200: { description: 'Those that have not ended, or all.', content: { 'application/json': s.silenceList } },
    },
    handle: async ({ query }) => ok({ silences: await alerts.silences(query.all === 'true') }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/silences/:id',
    tag: TAG,
    summary: 'End a silence now',
    description: 'It stays in the list of all. 409 where it has ended already.',
    access: 'operator',
    params: idParams,
    answers: { 200: { description: 'The silence.', content: { 'application/json': s.silence } } },
    handle: async ({ params }) => ok(await alerts.endSilence(params.id)),
  }),
];
