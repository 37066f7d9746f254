import type { Request, Response } from 'express';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Log } from '../core/log.ts';

/** Who may call: `open` everybody, `workspace` any key, `operator` the operator key alone. */
export type Access = 'open' | 'workspace' | 'operator';
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The workspace that a request works in, and whether the operator's key (or no key at all, in open mode) asked. */
export interface Caller {
  readonly workspaceId: number;
  readonly workspace: string;
  readonly operator: boolean;
}

export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: Caller;
  readonly request: Request;
  /** Only for answers that a `Reply` cannot say: streams. */
  readonly response: Response;
  readonly log: Log;
  /** The body, decompressed and bounded, for routes with `body: 'stream'`. */
  readonly stream: () => Readable;
}

export interface Reply {
  readonly status: number;
  /** Sent as JSON, unless `type` is given: then a string as it is. */
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
export const ok = (body: unknown): Reply => ({ status: 200, body });

/** An answer as OpenAPI tells it. */
export interface Answer {
  readonly description: string;
  /** By media type; a schema must carry an id (`schema.meta({ id })`), `text` is described by its media type alone. */
  readonly content?: Readonly<Record<string, z.ZodType | 'text'>>;
}

export interface RouteDefinition<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType> {
  readonly method: Method;
  /** As express has it: `/v1/users/:userId`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly params?: P;
  readonly query?: Q;
  /** JSON of at most `maxBytes` (`optional`: no body is `{}`), or `stream`: the body is a file and the handler reads it. */
  readonly body?: { readonly schema: B; readonly maxBytes: number; readonly optional?: boolean } | 'stream';
  /** Of a stream: the media types that it may have; by default those of imports. */
  readonly streams?: readonly string[];
  readonly answers: Readonly<Record<number, Answer>>;
  /** Answers, or gives undefined after having answered by itself. */
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Promise<Reply | undefined>;
}

// The types of one route meet in `defineRoute`; a table of routes forgets them.
export type Route = RouteDefinition<z.ZodObject, z.ZodObject, z.ZodType>;

/** Express routes, validation and OpenAPI are all made from what this takes. */
export const defineRoute = <
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodType,
>(
  definition: RouteDefinition<P, Q, B>,
): Route => definition;
