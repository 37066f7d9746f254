import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { CalculationsService } from '../../calculations/services.ts';
import { EvenkeelError } from '../../core/errors.ts';
import type { Queryable } from '../../database/port.ts';
import type { Metrics } from '../metrics.ts';
import { openApi } from '../openapi.ts';
import { figuresReader } from '../page/figures.ts';
import { PAGE_POLICY, renderPage } from '../page/render.ts';
import { defineRoute, ok, type Route } from '../route.ts';

const TAG = 'service';
const READY_TIMEOUT_MS = 2_000;
const status = z.object({ status: z.string() }).meta({ id: 'Status' });

export interface MetaOptions {
  readonly db: Queryable;
  readonly calculations: CalculationsService;
  readonly metrics: Metrics;
  readonly version: string;
  readonly embedded: boolean;
  readonly openMode: boolean;
  readonly startedAt: Date;
  /** Turns true when the service begins to stop, so that balancers send nothing new. */
  readonly stopping: () => boolean;
  /** Every other route, for OpenAPI. */
  readonly others: readonly Route[];
}

const checkReady = async (db: Queryable, stopping: () => boolean): Promise<void> => {
  if (stopping()) throw new EvenkeelError(503, 'stopping', 'Evenkeel is stopping');
  const timeout = new AbortController();
  const late = sleep(READY_TIMEOUT_MS, undefined, { signal: timeout.signal }).then(() => {
    throw new EvenkeelError(
      503,
      'database_unavailable',
      `the database did not answer within ${READY_TIMEOUT_MS / 1000} s`,
    );
  });
  late.catch(() => undefined);
  try {
    await Promise.race([db.query('select 1'), late]);
  } finally {
    timeout.abort();
  }
};

/** What is not about anybody's data: health, metrics, the contract, the page. */
export const metaRoutes = (options: MetaOptions): Route[] => {
  const { db, calculations, metrics, version, stopping } = options;
  const figures = figuresReader(db, calculations);
  const json = { 'application/json': status };
  let contract: string | undefined;

  const routes: Route[] = [
    defineRoute({
      method: 'get',
      path: '/',
      tag: TAG,
      summary: 'A page that says what runs here',
      access: 'workspace',
      answers: { 200: { description: 'The page.', content: { 'text/html': 'text' } } },
      handle: async ({ caller, request }) => {
        const context = {
          ...options,
          operator: caller.operator,
          url: `${request.protocol}://${request.headers.host ?? 'localhost'}`,
        };
        return {
          status: 200,
          type: 'html',
          body: renderPage(await figures(caller), context),
          headers: {
            'content-security-policy': PAGE_POLICY,
            'referrer-policy': 'no-referrer',
            'cache-control': 'private, no-store',
          },
        };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/healthz',
      tag: TAG,
      summary: 'Whether the process lives',
      access: 'open',
      answers: { 200: { description: 'It does.', content: json } },
      handle: async () => ok({ status: 'ok' }),
    }),
    defineRoute({
      method: 'get',
      path: '/readyz',
      tag: TAG,
      summary: 'Whether it can serve: the database answers and nobody is stopping it',
      access: 'open',
      answers: { 200: { description: 'It can.', content: json } },
      handle: async () => {
        await checkReady(db, stopping);
        return ok({ status: 'ready' });
      },
    }),
    defineRoute({
      method: 'get',
      path: '/metrics',
      tag: TAG,
      summary: 'Metrics for Prometheus',
      access: 'operator',
      answers: { 200: { description: 'In the text format.', content: { 'text/plain': 'text' } } },
      handle: async () => ({ status: 200, type: metrics.registry.contentType, body: await metrics.registry.metrics() }),
    }),
    defineRoute({
      method: 'get',
      path: '/openapi.json',
      tag: TAG,
      summary: 'This contract',
      access: 'open',
      answers: { 200: { description: 'OpenAPI 3.1.', content: { 'application/json': 'text' } } },
      handle: async () => {
        contract ??= JSON.stringify(openApi([...options.others, ...routes], version), null, 2);
        return { status: 200, type: 'json', body: contract };
      },
    }),
  ];
  return routes;
};
