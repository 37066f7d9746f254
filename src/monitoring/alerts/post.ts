import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { VERSION } from '../../core/version.ts';
import { isPublicAddress } from './addresses.ts';
import { MAX_ANSWER_BYTES, MAX_RETRY_AFTER_MS, SEND_TIMEOUT_MS } from './limits.ts';

/** As `dns.lookup` with `all`. */
export type Resolve = (
  host: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether addresses that are not of the internet at large may be connected to. */
  readonly allowPrivate: boolean;
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
}

/** What came back. Any status: whether it is a success is for the caller to say. */
export interface PostAnswer {
  readonly status: number;
  /** Its beginning, as text. */
  readonly text: string;
  /** As the receiver asked by Retry-After; null where it did not. */
  readonly retryAfterMs: number | null;
}

/** Nothing came back, and why. Neither the path nor the query is in it: they often are secrets. */
export class PostFailure extends Error {
  override readonly name = 'PostFailure';
}

const refused = (host: string, address: string): PostFailure =>
  new PostFailure(
    `${host} is ${address === host ? '' : `at ${address}, `}a private or special address, which ALERT_WEBHOOK_URL may not be: ` +
      'set ALERT_WEBHOOK_ALLOW_PRIVATE=true where the receiver is yours',
  );

/** What is checked is what is connected to: there is no second look at a name that may say something else by then. */
const publicOnly =
  (resolve: Resolve): LookupFunction =>
  (host, options, done) =>
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) {
        done(error ?? new PostFailure(`${host} has no address`), '', 0);
        return;
      }
      const wrong = addresses.find(({ address }) => !isPublicAddress(address));
      if (wrong !== undefined) done(refused(host, wrong.address), '', 0);
      else if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

const reasonOf = (error: unknown): string => {
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const { message, code } = inner as NodeJS.ErrnoException;
  return message || code || 'unknown';
};

const retryAfterOf = ({ headers }: IncomingMessage): number | null => {
  const text = headers['retry-after'] ?? '';
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : null;
};

/** Reads on until there is enough, it ends, or it breaks: what the status says stands in any case. */
const beginningOf = (response: IncomingMessage): Promise<string> =>
  new Promise((done) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const end = (): void => {
      response.destroy();
      done(Buffer.concat(parts).subarray(0, MAX_ANSWER_BYTES).toString('utf8'));
    };
    response.on('data', (part: Buffer) => {
      parts.push(part);
      bytes += part.length;
      if (bytes >= MAX_ANSWER_BYTES) end();
    });
    response.on('end', end).on('close', end).on('error', end);
  });

/**
 * Posts JSON on a connection of its own. Redirects are not followed, time and size of the answer are bounded, and the address that is
 * connected to is the one that was checked.
 *
 * @throws PostFailure where no answer came
 */
export const post = async (url: URL, body: string, options: PostOptions): Promise<PostAnswer> => {
  const { allowPrivate, timeoutMs = SEND_TIMEOUT_MS, resolve = lookup } = options;
  const host = hostOf(url);
  // A literal address is never looked up.
  if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw refused(host, host);
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await new Promise<IncomingMessage>((answered, failed) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent: false,
      signal,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': `evenkeel/${VERSION}`,
        ...options.headers,
      },
      ...(allowPrivate ? {} : { lookup: publicOnly(resolve) }),
    });
    request.once('response', answered);
    // Later ones break the answer, which then ends.
    request.on('error', failed);
    request.end(body);
  }).catch((error: unknown) => {
    if (error instanceof PostFailure) throw error;
    if (signal.aborted) throw new PostFailure(`${url.host} did not answer within ${timeoutMs / 1000} s`);
    throw new PostFailure(`${url.host}: ${reasonOf(error)}`, { cause: error });
  });
  return { status: response.statusCode ?? 0, retryAfterMs: retryAfterOf(response), text: await beginningOf(response) };
};
