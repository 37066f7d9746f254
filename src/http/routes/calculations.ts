import { type CalculationResource, hasEnded, wasHandedLatest } from '../../calculations/resources.ts';
import type { CalculationsService } from '../../calculations/services.ts';
import { MAX_JSON_BYTES } from '../limits.ts';
import { defineRoute, ok, type Route } from '../route.ts';
import * as s from '../schemas.ts';
import { streamEvents } from '../streaming.ts';
import { present } from './segments.ts';

const TAG = 'calculations';
const json = { 'application/json': s.calculation };

/** One that nobody waited for was taken in, also where it has ended before its row was read again. */
const statusOf = (
  calculation: CalculationResource,
  { wait = 0 }: { readonly wait?: number | undefined } = {},
): 200 | 202 => (wait > 0 && (hasEnded(calculation) || wasHandedLatest(calculation)) ? 200 : 202);

/** `/v1/calculations…` and asking for one. */
export const calculationRoutes = (calculations: CalculationsService): Route[] => [
  defineRoute({
    method: 'post',
    path: '/v1/segments/:key/calculations',
    tag: TAG,
    summary: 'Ask for a calculation',
    description:
      'A request for a segment that is queued already joins it. The calculation sees every write that was acknowledged before it was asked for.',
    access: 'workspace',
    params: s.segmentParams,
    body: { schema: s.calculationBody, maxBytes: MAX_JSON_BYTES, optional: true },
    answers: {
      200: { description: 'It ended within `wait`.', content: json },
      202: { description: 'It was taken in: it is queued or runs, or ended sooner than the answer.', content: json },
    },
    handle: async ({ caller, params, body }) => {
      const calculation = await calculations.request(caller.workspaceId, params.key, body);
      return {
        status: statusOf(calculation, body),
        body: calculation,
        headers: { location: `/v1/calculations/${calculation.id}` },
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/calculations',
    tag: TAG,
    summary: 'List calculations, newest first',
    access: 'workspace',
    query: s.calculationsQuery,
    answers: { 200: { description: 'A page.', content: { 'application/json': s.calculationList } } },
    handle: async ({ caller, query }) => ok(await calculations.list(caller.workspaceId, present(query))),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/calculations/:id',
    tag: TAG,
    summary: 'One calculation',
    access: 'workspace',
    params: s.idParams,
    answers: { 200: { description: 'The calculation.', content: json } },
    handle: async ({ caller, params }) => ok(await calculations.get(caller.workspaceId, params.id)),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/calculations/:id',
    tag: TAG,
    summary: 'Cancel a calculation',
    description: 'Also cancels its statement in PostgreSQL. 409 where it has ended already.',
    access: 'workspace',
    params: s.idParams,
    answers: { 200: { description: 'The calculation.', content: json } },
    handle: async ({ caller, params }) => ok(await calculations.cancel(caller.workspaceId, params.id)),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/calculations/:id/events',
    tag: TAG,
    summary: 'Follow a calculation',
    description:
      'Server-sent events named `calculation`: its state now and at each change. The stream ends when it has ended.',
    access: 'workspace',
    params: s.idParams,
    answers: { 200: { description: 'The stream.', content: { 'text/event-stream': 'text' } } },
    handle: async ({ caller, params, response }) => {
      await calculations.get(caller.workspaceId, params.id);
      await streamEvents(response, 'calculation', (signal) =>
        calculations.watch(caller.workspaceId, params.id, signal),
      );
      return undefined;
    },
  }),
];
