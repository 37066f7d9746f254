import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { EvenkeelError } from '../core/errors.ts';

/** Time for a request's headers; its body has a time of its own, as a file may take hours. */
const HEADERS_TIMEOUT_MS = 30_000;
/** A connection on which nothing moves for this long is closed: a reader that stopped to read holds no memory for ever. */
const IDLE_TIMEOUT_MS = 120_000;
/** Longer than what balancers keep a connection for, so that it is they who close it. */
const KEEP_ALIVE_MS = 75_000;
/** How long requests may take to end after the service was told to stop. */
const DRAIN_MS = 10_000;

export interface HttpServer {
  readonly port: number;
  /** As a person would open it. */
  readonly url: string;
  /** From now on `listener` answers; before, everybody is told to come back. */
  serve(listener: RequestListener): void;
  /** Takes no new connections, lets requests end for a while, and then ends them. May be called more than once. */
  stop(): Promise<void>;
}

const shownHost = (host: string | undefined): string => {
  if (host === undefined || host === '0.0.0.0' || host === '::' || host === '127.0.0.1') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
};

const listen = (server: Server, port: number, host: string | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(
          new EvenkeelError(500, 'port_taken', `port ${port} is taken by another program`, {
            hint: `stop that program, or choose another port: PORT=${port === 65_535 ? port - 1 : port + 1}`,
          }),
        );
      else if (error.code === 'EACCES')
        reject(
          new EvenkeelError(500, 'port_refused', `port ${port} may not be opened`, {
            hint: 'choose a PORT from 1024 up',
          }),
        );
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
        reject(
          new EvenkeelError(500, 'host_unknown', `HOST "${host ?? ''}" is no address of this machine`, {
            hint: 'leave HOST out',
          }),
        );
      else reject(error);
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });

const RETRY_SECONDS = 1;
const starting = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.url === '/healthz') {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
    return;
  }
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': String(RETRY_SECONDS) });
  response.end(
    JSON.stringify({ error: { code: 'starting', message: 'Evenkeel is starting', hint: 'ask again in a second' } }),
  );
};

/** By the code of Node's parser; everything else is not HTTP. */
const REFUSALS: Readonly<Record<string, readonly [status: string, code: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'too_large', 'the headers are larger than 16 KB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'too_large', 'the extensions of a chunk are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'timeout', 'the headers did not arrive in time'],
};

/** What never becomes a request is answered here, as everything else with an error that says why. */
const refuse = ({ code }: NodeJS.ErrnoException, socket: Duplex): void => {
  // Somebody went away, or an answer is on its way already; Node's own handler looks at the same.
  const { _httpMessage: answer } = socket as { _httpMessage?: { headersSent: boolean } };
  if (code === 'ECONNRESET' || !socket.writable || answer?.headersSent === true) {
    socket.destroy();
    return;
  }
  const [status, name, message] = REFUSALS[code ?? ''] ?? ['400 Bad Request', 'malformed', 'this is not HTTP'];
  const body = JSON.stringify({ error: { code: name, message } });
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${body.length}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`, () => socket.destroy());
};

/** Takes the port first of all, so that one which is taken is told at once. */
export const startServer = async ({ port, host }: { port: number; host: string | undefined }): Promise<HttpServer> => {
  const server = createServer(
    { requestTimeout: 0, headersTimeout: HEADERS_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => listener(request, response),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => refuse(error, socket));
  let listener: RequestListener = starting;
  server.setTimeout(IDLE_TIMEOUT_MS);
  await listen(server, port, host);
  const bound = (server.address() as AddressInfo).port;
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    // Keep-alive connections become idle only when their request ends.
    const sweep = setInterval(() => server.closeIdleConnections(), 100);
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    await closed;
    clearInterval(sweep);
    clearTimeout(force);
  };
  let stopped: Promise<void> | undefined;
  return {
    port: bound,
    url: `http://${shownHost(host)}:${bound}`,
    serve: (next) => {
      listener = next;
    },
    stop: () => {
      stopped ??= close();
      return stopped;
    },
  };
};
