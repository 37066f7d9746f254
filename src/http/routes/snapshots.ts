import type { CalculationsService, SnapshotsService } from '../../calculations/services.ts';
import { invalid } from '../../core/errors.ts';
import { z } from 'zod';
import { MAX_PAGE_LIMIT } from '../limits.ts';
import { type Call, defineRoute, ok, type Reply, type Route } from '../route.ts';
import * as s from '../schemas.ts';
import { csvLine, jsonLine, type LineFormat, negotiate, streamLines } from '../streaming.ts';
import { plainText } from '../validation.ts';
import { present } from './segments.ts';

const TAG = 'members';
const membersQuery = s.pageQuery(MAX_PAGE_LIMIT).extend({ properties: plainText(1, 10_000).optional() });
type MembersQuery = z.output<typeof membersQuery>;
const changesQuery = s.pageQuery(MAX_PAGE_LIMIT).extend({ since: z.string() });
const membersAnswer = {
  200: {
    description: 'A page, or with Accept NDJSON or CSV all of them as a stream.',
    content: { 'application/json': s.members, 'application/x-ndjson': 'text', 'text/csv': 'text' },
  },
} as const;

export const onlyForPages = (query: { cursor?: unknown; limit?: unknown }): void => {
  for (const name of ['cursor', 'limit'] as const)
    if (query[name] !== undefined)
      throw invalid(`${name} is for pages; NDJSON and CSV stream everything`, { path: name, hint: 'leave it out' });
};

const memberLines = async function* (
  snapshots: SnapshotsService,
  workspaceId: number,
  id: string,
  format: LineFormat,
  properties: readonly string[],
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(['userId', ...properties]);
  const options = properties.length > 0 ? { properties } : {};
  for await (const { userId, properties: values } of snapshots.stream(workspaceId, id, options)) {
    if (format === 'ndjson') yield jsonLine(Object.assign({ userId }, values, { userId }));
    else yield csvLine([userId, ...properties.map((path) => values?.[path])]);
  }
};

type AnyCall = Call<unknown, MembersQuery, unknown>;

/** A page, or a stream of the snapshot `id()`. */
const answerMembers = async (
  snapshots: SnapshotsService,
  { caller, query, request, response }: AnyCall,
  page: () => Promise<unknown>,
  id: () => Promise<string>,
): Promise<Reply | undefined> => {
  const format = negotiate(request);
  if (format === 'json') {
    if (query.properties !== undefined)
      throw invalid('properties come with a stream only', {
        path: 'properties',
        hint: 'send Accept: application/x-ndjson or text/csv',
      });
    return ok(await page());
  }
  onlyForPages(query);
  const properties = [...new Set((query.properties ?? '').split(',').map((path) => path.trim()))].filter(
    (path) => path !== '',
  );
  await streamLines(response, format, memberLines(snapshots, caller.workspaceId, await id(), format, properties));
  return undefined;
};

const pageOf = ({ cursor, limit }: { cursor?: string | undefined; limit?: number | undefined }) =>
  present({ cursor, limit });

/** Members, snapshots and what changed between two of them. */
export const snapshotRoutes = (snapshots: SnapshotsService, calculations: CalculationsService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/segments/:key/members',
    tag: TAG,
    summary: 'Members of the latest snapshot',
    access: 'workspace',
    params: s.segmentParams,
    query: membersQuery,
    answers: membersAnswer,
    handle: (call) =>
      answerMembers(
        snapshots,
        call,
        () => snapshots.membersOfSegment(call.caller.workspaceId, call.params.key, pageOf(call.query)),
        async () => (await snapshots.latest(call.caller.workspaceId, call.params.key)).id,
      ),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/segments/:key/members/:userId',
    tag: TAG,
    summary: 'Whether one user is a member, evaluated now, and why',
    access: 'workspace',
    params: s.segmentParams.extend(s.userParams.shape),
    answers: { 200: { description: 'The answer.', content: { 'application/json': s.membership } } },
    handle: async ({ caller, params }) =>
      ok(await calculations.isMember(caller.workspaceId, params.key, params.userId)),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/segments/:key/snapshots',
    tag: TAG,
    summary: 'Snapshots of a segment, newest first',
    access: 'workspace',
    params: s.segmentParams,
    query: s.pageQuery(500),
    answers: { 200: { description: 'A page.', content: { 'application/json': s.snapshotList } } },
    handle: async ({ caller, params, query }) =>
      ok(await snapshots.list(caller.workspaceId, params.key, present(query))),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/snapshots/:id',
    tag: TAG,
    summary: 'One snapshot',
    access: 'workspace',
    params: s.idParams,
    answers: { 200: { description: 'The snapshot.', content: { 'application/json': s.snapshot } } },
    handle: async ({ caller, params }) => ok(await snapshots.get(caller.workspaceId, params.id)),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/snapshots/:id/members',
    tag: TAG,
    summary: 'Members of a snapshot',
    access: 'workspace',
    params: s.idParams,
    query: membersQuery,
    answers: membersAnswer,
    handle: (call) =>
      answerMembers(
        snapshots,
        call,
        () => snapshots.members(call.caller.workspaceId, call.params.id, pageOf(call.query)),
        async () => (await snapshots.get(call.caller.workspaceId, call.params.id)).id,
      ),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/snapshots/:id/changes',
    tag: TAG,
    summary: 'Who entered and who left since another snapshot',
    access: 'workspace',
    params: s.idParams,
    query: changesQuery,
    answers: {
      200: {
        description: 'A page, or with Accept NDJSON or CSV all of them as a stream of `userId` and `change`.',
        content: { 'application/json': s.changes, 'application/x-ndjson': 'text', 'text/csv': 'text' },
      },
    },
    handle: async ({ caller, params, query, request, response }) => {
      const format = negotiate(request);
      const { workspaceId } = caller;
      if (format === 'json') return ok(await snapshots.changes(workspaceId, params.id, query.since, pageOf(query)));
      onlyForPages(query);
      // Both must be there before the answer begins.
      await snapshots.changes(workspaceId, params.id, query.since, { limit: 1 });
      await streamLines(response, format, changeLines(snapshots, workspaceId, params.id, query.since, format));
      return undefined;
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/snapshots/:id/release',
    tag: TAG,
    summary: 'Let go of a newsletter’s snapshot',
    description: 'A newsletter’s snapshot is kept until it is released; others go by count and age.',
    access: 'workspace',
    params: s.idParams,
    answers: { 204: { description: 'Released.' } },
    handle: async ({ caller, params }) => {
      await snapshots.release(caller.workspaceId, params.id);
      return { status: 204 };
    },
  }),
];

const changeLines = async function* (
  snapshots: SnapshotsService,
  workspaceId: number,
  id: string,
  since: string,
  format: LineFormat,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(['userId', 'change']);
  for await (const { userId, change } of snapshots.streamChanges(workspaceId, id, since))
    yield format === 'csv' ? csvLine([userId, change]) : jsonLine({ userId, change });
};
