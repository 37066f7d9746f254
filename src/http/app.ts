import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { EvenkeelError, malformed, notFound } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { MAX_IMPORT_BYTES } from '../ingest/limits.ts';
import { didYouMean } from '../core/suggest.ts';
import { authenticate, type AuthenticationOptions, checkHost, checkOrigin } from './authentication.ts';
import { bodyStream, CallerGone, readJson } from './body.ts';
import type { Metrics } from './metrics.ts';
import { problemOf } from './problems.ts';
import type { Caller, Method, Reply, Route } from './route.ts';
import { readQuery, validate } from './validation.ts';

/** Chosen by callers and logged, so it is kept short and plain. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const noQuery = z.strictObject({});
const NOBODY: Caller = { workspaceId: 0, workspace: '', operator: false };

export interface AppOptions {
  readonly routes: readonly Route[];
  readonly authentication: AuthenticationOptions;
  readonly metrics: Metrics;
  readonly log: Log;
}

const requestIds = new WeakMap<Request, string>();
const requestIdOf = (request: Request): string => requestIds.get(request) ?? 'unknown';

/** Express does the matching; bodies, queries, keys, errors and answers are the same for every route. */
export const createApp = ({ routes, authentication, metrics, log }: AppOptions): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  app.use(observe(metrics, log));
  if (authentication.operatorKey === undefined)
    app.use((request, _response, next) => {
      checkHost(request);
      next();
    });
  const byPath = group(routes);
  for (const [path, here] of byPath) app.all(path, dispatch(here, authentication, log));
  app.use((request: Request) => {
    const path = request.path.slice(0, 200);
    throw notFound(
      `${request.method} ${path}`,
      didYouMean(
        path,
        [...byPath.keys()].filter((known) => !known.includes(':')),
      ),
    );
  });
  app.use((error: unknown, request: Request, response: Response, _next: unknown) =>
    fail(error, request, response, log),
  );
  return app;
};

const group = (routes: readonly Route[]): Map<string, Route[]> => {
  const groups = new Map<string, Route[]>();
  for (const route of routes) groups.set(route.path, [...(groups.get(route.path) ?? []), route]);
  return groups;
};

/** Gives the request its id, and afterwards one metric and one log line. */
const observe =
  (metrics: Metrics, log: Log): RequestHandler =>
  (request, response, next) => {
    const started = performance.now();
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    requestIds.set(request, requestId);
    response.setHeader('x-request-id', requestId);
    response.setHeader('x-content-type-options', 'nosniff');
    response.once('close', () => {
      const durationMs = performance.now() - started;
      const route = (request.route as { path?: string } | undefined)?.path ?? 'unmatched';
      const status = response.writableFinished ? response.statusCode : 499;
      metrics.request(request.method, route, status, durationMs / 1000);
      const fields = { requestId, method: request.method, route, status, durationMs: Math.round(durationMs * 10) / 10 };
      if (status >= 500) log.warn(fields, 'request failed');
      else log.debug(fields, 'request');
    });
    next();
  };

const dispatch =
  (here: readonly Route[], authentication: AuthenticationOptions, log: Log): RequestHandler =>
  async (request, response) => {
    const method = request.method === 'HEAD' ? 'get' : (request.method.toLowerCase() as Method);
    const route = here.find((candidate) => candidate.method === method);
    const allowed = here.flatMap((candidate) =>
      candidate.method === 'get' ? ['GET', 'HEAD'] : [candidate.method.toUpperCase()],
    );
    if (route === undefined) {
      response.setHeader('allow', allowed.join(', '));
      if (request.method === 'OPTIONS') {
        response.status(204).end();
        return;
      }
      throw new EvenkeelError(405, 'method_not_allowed', `${request.method} is not possible here`, {
        hint: `possible are ${allowed.join(', ')}`,
      });
    }
    const caller = route.access === 'open' ? NOBODY : await authenticate(authentication, request, route.access);
    checkOrigin(request);
    const rawQuery = readQuery(request);
    const params = route.params === undefined ? {} : validate(route.params, { ...request.params }, 'path parameter');
    const query = validate(route.query ?? noQuery, rawQuery, 'query parameter');
    const body = typeof route.body === 'object' ? await readJson(request, route.body) : undefined;
    // The body itself is handed on, not zod's copy of it, which would lose a key like `__proto__`.
    if (typeof route.body === 'object') validate(route.body.schema, body, 'field');
    let file: Readable | undefined;
    const stream = (): Readable => {
      file = bodyStream(request, MAX_IMPORT_BYTES);
      return file;
    };
    try {
      const reply = await route.handle({ params, query, body, caller, request, response, log, stream });
      if (reply !== undefined) send(response, reply);
    } finally {
      // What the handler did not read of it must not hold up the connection.
      file?.destroy();
    }
  };

const send = (response: Response, reply: Reply): void => {
  response.status(reply.status);
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  if (reply.body === undefined) response.end();
  else if (reply.type !== undefined) response.type(reply.type).send(reply.body);
  else {
    // The line end is for people at a terminal.
    const text = `${JSON.stringify(reply.body)}\n`;
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.setHeader('content-length', Buffer.byteLength(text));
    response.end(text);
  }
};

const fail = (error: unknown, request: Request, response: Response, log: Log): void => {
  const requestId = requestIdOf(request);
  if (error instanceof CallerGone || response.destroyed) {
    response.destroy();
    return;
  }
  const problem = problemOf(
    error instanceof URIError ? malformed('the path is not percent-encoded UTF-8') : error,
    requestId,
  );
  if (problem.unexpected)
    log.error({ err: error, requestId, method: request.method, path: request.path }, 'unexpected error');
  // Half of an answer cannot be taken back: a broken connection is how a caller of a stream learns of it.
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (problem.status === 401) response.setHeader('www-authenticate', 'Basic realm="evenkeel", charset="UTF-8"');
  if (problem.retryAfter !== undefined) response.setHeader('retry-after', String(problem.retryAfter));
  response
    .status(problem.status)
    .type('json')
    .send(`${JSON.stringify({ error: problem.error })}\n`);
};
