import { conflict } from '../../core/errors.ts';
import { MAX_JSON_BYTES } from '../limits.ts';
import { defineRoute, ok, type Route } from '../route.ts';
import * as s from '../schemas.ts';
import type { Workspaces } from '../workspaces.ts';

const TAG = 'workspaces';

/** The operator's endpoints. In open mode there is one workspace, and nobody to keep apart. */
export const workspaceRoutes = (workspaces: Workspaces, openMode: boolean): Route[] => {
  const needKeys = (): void => {
    if (openMode)
      throw conflict('without keys there is one workspace', { hint: 'start Evenkeel with EVENKEEL_OPERATOR_KEY' });
  };
  return [
    defineRoute({
      method: 'post',
      path: '/v1/workspaces',
      tag: TAG,
      summary: 'Make a workspace and its key',
      description: 'The key is told this once.',
      access: 'operator',
      body: { schema: s.workspaceBody, maxBytes: MAX_JSON_BYTES },
      answers: { 201: { description: 'The workspace.', content: { 'application/json': s.createdWorkspace } } },
      handle: async ({ body }) => {
        needKeys();
        return { status: 201, body: await workspaces.create(body.name), headers: { 'cache-control': 'no-store' } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/workspaces',
      tag: TAG,
      summary: 'List workspaces',
      access: 'operator',
      answers: { 200: { description: 'All of them.', content: { 'application/json': s.workspaceList } } },
      handle: async () => ok({ workspaces: await workspaces.list() }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/workspaces/:name/key',
      tag: TAG,
      summary: 'Give a workspace a new key',
      description: 'The one before stops to work within a second.',
      access: 'operator',
      params: s.workspaceParams,
      answers: { 200: { description: 'The key, told this once.', content: { 'application/json': s.workspaceKey } } },
      handle: async ({ params }) => {
        needKeys();
        return { status: 200, body: await workspaces.rotateKey(params.name), headers: { 'cache-control': 'no-store' } };
      },
    }),
  ];
};
