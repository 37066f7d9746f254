import type { Request } from 'express';
import type { ListMode } from '../../calculations/lists.ts';
import type { ListsService } from '../../calculations/services.ts';
import type { ListRole } from '../../conditions/types.ts';
import { EvenkeelError, invalid } from '../../core/errors.ts';
import { type IdFormat, type Imports, readIds, withScratch } from '../../ingest/imports.ts';
import { MAX_IDS_BYTES } from '../../ingest/limits.ts';
import { MAX_PAGE_LIMIT } from '../limits.ts';
import { defineRoute, type Method, ok, type Route } from '../route.ts';
import * as s from '../schemas.ts';
import { csvLine, jsonLine, type LineFormat, negotiate, streamLines } from '../streaming.ts';
import { refuseForms, typeOf } from './imports.ts';
import { onlyForPages } from './snapshots.ts';
import { present } from './segments.ts';

const TAG = 'lists';
const FORMATS_BY_TYPE: Readonly<Record<string, IdFormat>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'text/plain': 'text',
  'application/json': 'json',
};
const LISTS: readonly (readonly [role: ListRole, what: string])[] = [
  ['users', 'the list of a static segment'],
  ['include', 'who is in a dynamic segment whatever its condition says'],
  ['exclude', 'who is not in a dynamic segment whatever its condition says'],
];
const MODES: readonly (readonly [method: Method, mode: ListMode, does: string])[] = [
  ['put', 'replace', 'Replace'],
  ['post', 'add', 'Add to'],
  ['delete', 'remove', 'Remove from'],
];

export interface ListRouteOptions {
  readonly lists: ListsService;
  readonly imports: Imports;
  /** Told after each change, so that it is folded soon. */
  readonly onWritten: (workspaceId: number) => void;
}

const formatOf = (request: Request, given: IdFormat | undefined): IdFormat => {
  const type = typeOf(request);
  refuseForms(type);
  const format = given ?? FORMATS_BY_TYPE[type];
  if (format !== undefined) return format;
  throw new EvenkeelError(415, 'unsupported_type', `Content-Type "${type.slice(0, 64)}" says no format of a list`, {
    hint: 'send text/csv, application/x-ndjson, text/plain or application/json, or say ?format=csv|ndjson|text|json',
  });
};

const lines = async function* (ids: AsyncIterable<string>, format: LineFormat): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(['userId']);
  for await (const userId of ids) yield format === 'csv' ? csvLine([userId]) : jsonLine({ userId });
};

/** `/v1/segments/:key/users`, `…/include` and `…/exclude`: lists of userIds as files. */
export const listRoutes = (options: ListRouteOptions): Route[] =>
  LISTS.flatMap(([role, what]) => [
    readRoute(options, role, what),
    ...MODES.map(([method, mode, does]) => changeRoute(options, role, { method, mode, summary: `${does} ${what}` })),
  ]);

const readRoute = ({ lists }: ListRouteOptions, role: ListRole, what: string): Route =>
  defineRoute({
    method: 'get',
    path: `/v1/segments/:key/${role}`,
    tag: TAG,
    summary: `Read ${what}`,
    description: 'The ids as they were given, also of those who are no users yet, in their order.',
    access: 'workspace',
    params: s.segmentParams,
    query: s.pageQuery(MAX_PAGE_LIMIT),
    answers: {
      200: {
        description: 'A page, or with Accept NDJSON or CSV all of them as a stream.',
        content: { 'application/json': s.listPage, 'application/x-ndjson': 'text', 'text/csv': 'text' },
      },
    },
    handle: async ({ caller, params, query, request, response }) => {
      const { workspaceId } = caller;
      const format = negotiate(request);
      if (format === 'json') return ok(await lists.page(workspaceId, params.key, role, present(query)));
      onlyForPages(query);
      // The segment must be there before the answer begins.
      await lists.page(workspaceId, params.key, role, { limit: 1 });
      await streamLines(response, format, lines(lists.stream(workspaceId, params.key, role), format));
      return undefined;
    },
  });

const changeRoute = (
  { lists, imports, onWritten }: ListRouteOptions,
  role: ListRole,
  { method, mode, summary }: { method: Method; mode: ListMode; summary: string },
): Route =>
  defineRoute({
    method,
    path: `/v1/segments/:key/${role}`,
    tag: TAG,
    summary,
    description:
      'The body is the list: CSV with a header, NDJSON, plain text with an id a line, or JSON. It is taken as a whole or not at all; bad lines are told with their numbers.',
    access: 'workspace',
    params: s.segmentParams,
    query: s.listQuery,
    body: 'stream',
    streams: ['text/csv', 'application/x-ndjson', 'text/plain', 'application/json'],
    answers: { 200: { description: 'What has changed.', content: { 'application/json': s.listUpload } } },
    handle: async ({ caller, params, query, request, stream }) => {
      const ids = present({ column: query.column });
      const format = formatOf(request, query.format);
      const done = await withScratch(imports.directory, stream(), MAX_IDS_BYTES, async ({ bytes, read }) => {
        if (bytes === 0 && mode === 'remove')
          throw invalid('the body is empty: it must say whom to remove', { hint: 'to remove all, PUT an empty list' });
        return lists.upload(caller.workspaceId, params.key, role, mode, () => readIds(read(), { format, ...ids }));
      });
      onWritten(caller.workspaceId);
      return ok(done);
    },
  });
