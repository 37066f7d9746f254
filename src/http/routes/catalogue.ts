import type { Queryable } from '../../database/port.ts';
import { listEvents, listProperties, MAX_COVERAGE_LIMIT } from '../../index/coverage.ts';
import { defineRoute, ok, type Route } from '../route.ts';
import * as s from '../schemas.ts';
import { present } from './segments.ts';

const TAG = 'catalogue';

/** The names in use, for whoever builds conditions. */
export const catalogueRoutes = (db: Queryable): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/properties',
    tag: TAG,
    summary: 'Properties in use, with their types and how many users have them',
    description: 'Read from the index, which is at most a moment behind the rows.',
    access: 'workspace',
    query: s.pageQuery(MAX_COVERAGE_LIMIT),
    answers: { 200: { description: 'A page, by name.', content: { 'application/json': s.propertyList } } },
    handle: async ({ caller, query }) => ok(await listProperties(db, caller.workspaceId, present(query))),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/events',
    tag: TAG,
    summary: 'Events in use, with how many users did them',
    description: 'Read from the index, which is at most a moment behind the rows.',
    access: 'workspace',
    query: s.pageQuery(MAX_COVERAGE_LIMIT),
    answers: { 200: { description: 'A page, by name.', content: { 'application/json': s.eventList } } },
    handle: async ({ caller, query }) => ok(await listEvents(db, caller.workspaceId, present(query))),
  }),
];
