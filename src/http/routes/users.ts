import type pg from 'pg';
import { eraseUser, getUser, mergeUser, replaceUser } from '../../ingest/users.ts';
import { MAX_JSON_BYTES } from '../limits.ts';
import { defineRoute, ok, type Route } from '../route.ts';
import * as s from '../schemas.ts';

const TAG = 'users';
const json = { 'application/json': s.user };

export interface UserRouteOptions {
  readonly pool: pg.Pool;
  /** Told after each write, so that it is folded soon. */
  readonly onWritten: (workspaceId: number) => void;
}

/** `/v1/users/:userId`. */
export const userRoutes = ({ pool, onWritten }: UserRouteOptions): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/users/:userId',
    tag: TAG,
    summary: 'One user',
    access: 'workspace',
    params: s.userParams,
    answers: { 200: { description: 'The user.', content: json } },
    handle: async ({ caller, params }) => ok(await getUser(pool, caller.workspaceId, params.userId)),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/users/:userId',
    tag: TAG,
    summary: 'Replace a user’s properties',
    description: 'Who is not there yet is created.',
    access: 'workspace',
    params: s.userParams,
    body: { schema: s.userBody, maxBytes: MAX_JSON_BYTES },
    answers: { 200: { description: 'The user.', content: json } },
    handle: async ({ caller, params, body }) => {
      const user = await replaceUser(pool, caller.workspaceId, params.userId, body.properties);
      onWritten(caller.workspaceId);
      return ok(user);
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/v1/users/:userId',
    tag: TAG,
    summary: 'Merge into a user’s properties',
    description: 'As JSON Merge Patch (RFC 7396): null removes. Who is not there yet is created.',
    access: 'workspace',
    params: s.userParams,
    body: { schema: s.userBody, maxBytes: MAX_JSON_BYTES },
    answers: { 200: { description: 'The user.', content: json } },
    handle: async ({ caller, params, body }) => {
      const user = await mergeUser(pool, caller.workspaceId, params.userId, body.properties);
      onWritten(caller.workspaceId);
      return ok(user);
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/users/:userId',
    tag: TAG,
    summary: 'Erase a user',
    description: 'Every trace, also in events and snapshots.',
    access: 'workspace',
    params: s.userParams,
    answers: { 204: { description: 'Gone.' } },
    handle: async ({ caller, params }) => {
      await eraseUser(pool, caller.workspaceId, params.userId);
      onWritten(caller.workspaceId);
      return { status: 204 };
    },
  }),
];
