import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { EvenkeelError, malformed } from '../core/errors.ts';
import type { Access, Caller } from './route.ts';
import { digestOf, type Workspaces } from './workspaces.ts';

const WORKSPACE_HEADER = 'evenkeel-workspace';
const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

export interface AuthenticationOptions {
  readonly workspaces: Workspaces;
  /** Absent: open mode, in which everybody on this machine is the operator of one workspace. */
  readonly operatorKey: string | undefined;
  /** The one workspace of open mode, and the operator's where no header names one. */
  readonly defaultWorkspace: string;
}

const unauthorized = (message: string): EvenkeelError =>
  new EvenkeelError(401, 'unauthorized', message, {
    hint: 'send "Authorization: Bearer <key>", or Basic with the key as user name',
  });
const forbidden = (message: string, hint?: string): EvenkeelError =>
  new EvenkeelError(403, 'forbidden', message, hint === undefined ? {} : { hint });

/** The key that a request carries: Bearer, or the user name of Basic. */
export const keyOf = (request: IncomingMessage): string | undefined => {
  const [, scheme = '', credentials = ''] = /^(\S+)\s+(\S+)\s*$/.exec(request.headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const name = Buffer.from(credentials, 'base64').toString('utf8').split(':')[0];
  return name === '' ? undefined : name;
};

const workspaceHeader = (request: IncomingMessage): string | undefined => {
  const header = request.headers[WORKSPACE_HEADER];
  return typeof header === 'string' && header !== '' ? header : undefined;
};

/**
 * Who asks. Throws 401 for a missing or unknown key, 403 for a key that does not reach what is asked for, 404 for a
 * workspace that does not exist.
 */
export const authenticate = async (
  options: AuthenticationOptions,
  request: IncomingMessage,
  access: Access,
): Promise<Caller> => {
  const { workspaces, operatorKey, defaultWorkspace } = options;
  const named = workspaceHeader(request);
  const inWorkspace = async (name: string, operator: boolean): Promise<Caller> => {
    const { id } = await workspaces.byName(name);
    return { workspaceId: id, workspace: name, operator };
  };
  if (operatorKey === undefined) {
    if (named !== undefined && named !== defaultWorkspace)
      throw forbidden(
        `there is one workspace, "${defaultWorkspace}"`,
        'set EVENKEEL_OPERATOR_KEY to work with several',
      );
    return inWorkspace(defaultWorkspace, true);
  }
  const key = keyOf(request);
  if (key === undefined) throw unauthorized('this needs a key');
  if (timingSafeEqual(digestOf(key), digestOf(operatorKey))) return inWorkspace(named ?? defaultWorkspace, true);
  const workspace = await workspaces.byKey(key);
  if (workspace === undefined) throw unauthorized('the key is not known');
  if (access === 'operator') throw forbidden('this needs the operator key');
  if (named !== undefined && named !== workspace.name) throw forbidden('the key is of another workspace');
  return { workspaceId: workspace.id, workspace: workspace.name, operator: false };
};

const hostName = (authority: string): string => authority.toLowerCase().replace(/:\d*$/, '');

/**
 * In open mode whoever reaches the port may do everything, so a web page must not get there through a visitor's browser
 * by a name that it made point to this machine (DNS rebinding).
 */
export const checkHost = (request: IncomingMessage): void => {
  const { host } = request.headers;
  if (host === undefined) throw malformed('the Host header is missing');
  if (!LOOPBACK_NAMES.has(hostName(host)))
    throw forbidden(
      'without EVENKEEL_OPERATOR_KEY this service answers only as localhost, 127.0.0.1 or [::1]',
      'use one of these names, or set EVENKEEL_OPERATOR_KEY',
    );
};

/** A browser sends what it knows of a user by itself, so what changes anything must not come from another site's page. */
export const checkOrigin = (request: IncomingMessage): void => {
  const { origin, host } = request.headers;
  if (request.method === 'GET' || request.method === 'HEAD' || origin === undefined) return;
  if (origin.replace(/^https?:\/\//, '').toLowerCase() !== host?.toLowerCase())
    throw forbidden(
      'requests from pages of other sites are not accepted',
      'send from a server, or through a proxy of your own',
    );
};
