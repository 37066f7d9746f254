import { pipeline } from 'node:stream/promises';
import type { Request } from 'express';
import { EvenkeelError } from '../../core/errors.ts';
import type { Imports } from '../../ingest/imports.ts';
import { CallerGone } from '../body.ts';
import { defineRoute, ok, type Route } from '../route.ts';
import * as s from '../schemas.ts';
import { present } from './segments.ts';

const TAG = 'imports';
const json = { 'application/json': s.importResource };
const FORMATS_BY_TYPE: Readonly<Record<string, 'csv' | 'ndjson'>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
};
const TYPES = { csv: 'text/csv; charset=utf-8', ndjson: 'application/x-ndjson; charset=utf-8' } as const;

export const typeOf = (request: Request): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

/** The body is the file itself; a form around it would be read as data. */
export const refuseForms = (type: string): void => {
  if (type === 'multipart/form-data')
    throw new EvenkeelError(415, 'unsupported_type', 'the body must be the file itself, not a form', {
      hint: 'with curl: --data-binary @FILE',
    });
};

/** `/v1/imports…`. */
export const importRoutes = (imports: Imports): Route[] => [
  defineRoute({
    method: 'post',
    path: '/v1/imports',
    tag: TAG,
    summary: 'Import a file of users or events',
    description:
      'The body is the file. It is kept when this answers, and imported in the background; running the same file again doubles nothing.',
    access: 'workspace',
    query: s.importQuery,
    body: 'stream',
    answers: { 202: { description: 'The import, queued.', content: json } },
    handle: async ({ caller, query, request, stream }) => {
      const type = typeOf(request);
      refuseForms(type);
      const options = present({ ...query, format: query.format ?? FORMATS_BY_TYPE[type] });
      const created = await imports.create(caller.workspaceId, options, stream());
      return { status: 202, body: created, headers: { location: `/v1/imports/${created.id}` } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/imports',
    tag: TAG,
    summary: 'List imports, newest first',
    access: 'workspace',
    query: s.pageQuery(500),
    answers: { 200: { description: 'A page.', content: { 'application/json': s.importList } } },
    handle: async ({ caller, query }) => ok(await imports.list(caller.workspaceId, present(query))),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/imports/:id',
    tag: TAG,
    summary: 'One import and how far it is',
    access: 'workspace',
    params: s.idParams,
    answers: { 200: { description: 'The import.', content: json } },
    handle: async ({ caller, params }) => ok(await imports.get(caller.workspaceId, params.id)),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/imports/:id/rejected',
    tag: TAG,
    summary: 'The lines that were rejected',
    description: 'With the number of the line, the reason and the line itself, as CSV or NDJSON like the file.',
    access: 'workspace',
    params: s.idParams,
    answers: {
      200: { description: 'The file.', content: { 'text/csv': 'text', 'application/x-ndjson': 'text' } },
    },
    handle: async ({ caller, params, response }) => {
      const { format, stream } = await imports.rejectedLines(caller.workspaceId, params.id);
      response.setHeader('content-type', TYPES[format]);
      await pipeline(stream, response).catch((error: Error) => {
        throw response.destroyed ? new CallerGone(error.message) : error;
      });
      return undefined;
    },
  }),
];
