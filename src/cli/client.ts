import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EvenkeelError } from '../core/errors.ts';
import type { Invocation } from './command.ts';
import { CLIENT_SETTINGS } from './settings.ts';

const AWAY = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']);
const MAX_ERROR_CHARACTERS = 10_000;

/** Options of every command that talks to a running service. */
export const CLIENT_OPTIONS = {
  url: { type: 'string', value: 'URL', help: `${CLIENT_SETTINGS.EVENKEEL_URL} (or EVENKEEL_URL)` },
  workspace: { type: 'string', value: 'NAME', help: `${CLIENT_SETTINGS.EVENKEEL_WORKSPACE} (or EVENKEEL_WORKSPACE)` },
} as const;
export const CLIENT_HELP = `The key to talk to the service with is taken from EVENKEEL_KEY, or EVENKEEL_OPERATOR_KEY.`;

interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Talks to a running Evenkeel. Its errors come back as they are; "nobody answers" is said with what to do. */
export class Client {
  readonly url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, key: string | undefined, workspace: string | undefined) {
    this.url = url.replace(/\/+$/, '');
    this.#headers = {
      'user-agent': 'evenkeel-cli',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(workspace === undefined ? {} : { 'evenkeel-workspace': workspace }),
    };
  }

  /** Of the command's options and the environment. */
  static of({ options, environment }: Invocation): Client {
    const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
    const url =
      text(options['url']) ??
      text(environment['EVENKEEL_URL']) ??
      `http://127.0.0.1:${text(environment['PORT']) ?? '3000'}`;
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new EvenkeelError(422, 'usage', `"${url.slice(0, 80)}" is not the URL of a service`, {
        hint: 'it looks like http://127.0.0.1:3000',
      });
    const key = text(environment['EVENKEEL_KEY']) ?? text(environment['EVENKEEL_OPERATOR_KEY']);
    return new Client(url, key, text(options['workspace']) ?? text(environment['EVENKEEL_WORKSPACE']));
  }

  async json<T>(path: string, call: Call = {}): Promise<T> {
    const response = await this.open(path, call);
    const text = await textOf(response);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new EvenkeelError(502, 'not_evenkeel', `what answers at ${this.url} is not Evenkeel`, {
        hint: 'check EVENKEEL_URL',
      });
    }
  }

  /** The answer as a stream. Throws what the service says where it is not a success. */
  async open(path: string, { method = 'GET', body, stream, headers = {} }: Call = {}): Promise<IncomingMessage> {
    const url = new URL(this.url + path);
    const json = body === undefined ? undefined : JSON.stringify(body);
    const sent = {
      ...this.#headers,
      ...(json === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(json)) }),
      ...headers,
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { method, headers: sent });
      request.once('response', resolve);
      request.once('error', reject);
      if (stream === undefined) request.end(json);
      // The service may answer before it has read everything; then its answer is what matters.
      else pipeline(stream, request).catch((error: Error) => setTimeout(() => reject(error), 200));
    }).catch((error: NodeJS.ErrnoException) => {
      const code =
        error.code ?? (error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException).code : undefined);
      if (code !== undefined && AWAY.has(code))
        throw new EvenkeelError(503, 'no_service', `no service answers at ${this.url}`, {
          hint: 'start it with "evenkeel serve" (in a clone: npm start), or set EVENKEEL_URL',
        });
      if (code !== undefined)
        throw new EvenkeelError(502, 'connection', `the connection to ${this.url} broke: ${error.message}`);
      throw error;
    });
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    throw await errorOf(response, statusCode, this.url);
  }
}

const textOf = async (response: Readable): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
};

const errorOf = async (response: IncomingMessage, status: number, url: string): Promise<EvenkeelError> => {
  const text = (await textOf(response)).slice(0, MAX_ERROR_CHARACTERS);
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; path?: string; hint?: string } };
    return new EvenkeelError(status, error.code, error.message, error);
  } catch {
    return new EvenkeelError(502, 'not_evenkeel', `what answers at ${url} is not Evenkeel (status ${status})`, {
      hint: 'check EVENKEEL_URL',
    });
  }
};
