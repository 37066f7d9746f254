import { join } from 'node:path';
import { isLoaded, load } from '../../demo/load.ts';
import { runTraffic } from '../../demo/traffic.ts';
import { Client } from '../client.ts';
import { type Command, type Invocation, UsageError } from '../command.ts';
import { createLog } from '../log.ts';
import { Progress } from '../progress.ts';
import { type RunningService, startService } from '../service.ts';
import type { Settings } from '../settings.ts';
import { untilSignalled } from '../signals.ts';
import { loadSettings } from './serve.ts';

const USERS = 200_000;
const MAX_USERS = 10_000_000;
const DAY_MS = 86_400_000;

const readUsers = (given: string | boolean | undefined): number => {
  if (given === undefined) return USERS;
  const users = Number(given);
  if (!Number.isInteger(users) || users < 1 || users > MAX_USERS)
    throw new UsageError(`--users must be a whole number from 1 to ${MAX_USERS}`);
  return users;
};

/** In a data directory of its own, or with `DATABASE_URL` in a workspace of its own. */
const demoSettings = (settings: Settings): { settings: Settings; workspace: string } =>
  settings.databaseUrl === undefined
    ? { settings: { ...settings, dataDirectory: join(settings.dataDirectory, 'demo') }, workspace: 'default' }
    : { settings, workspace: 'demo' };

const welcome = ({ url }: RunningService, workspace: string): string =>
  [
    '',
    `The demo runs at ${url} (workspace "${workspace}"). Open it in a browser, or paste:`,
    '',
    `curl -s ${url}/v1/segments/vip/calculations -d '{"trigger":"manual","wait":5000}'`,
    `curl -s '${url}/v1/segments/vip/members?limit=3'`,
    `curl -s ${url}/v1/segments/preview -d '{"condition":{"type":"event","event":"Purchase","count":{"atLeast":2},"within":{"last":{"days":30}}}}'`,
    '',
    'Ctrl-C stops it; the data stays for the next time.',
    '',
    '',
  ].join('\n');

const fill = async (client: Client, users: number, signal: AbortSignal, invocation: Invocation): Promise<void> => {
  if (await isLoaded(client)) return;
  invocation.err(`Making ${users.toLocaleString('en-US')} users and their events; this is done once.\n`);
  const progress = new Progress(invocation);
  let step = '';
  await load({
    client,
    users,
    signal,
    today: Math.floor(Date.now() / DAY_MS) * DAY_MS,
    progress: (name, share, note) => {
      if (name !== step && !invocation.interactive) invocation.err(`  ${name}\n`);
      step = name;
      progress.show(name.padEnd(24), share, note);
    },
  }).finally(() => progress.done());
};

const run = async (invocation: Invocation): Promise<void> => {
  const users = readUsers(invocation.options['users']);
  const { settings, workspace } = demoSettings(loadSettings(invocation));
  const log = createLog(settings.logLevel);
  const { signal, signalled } = untilSignalled();
  const service = await startService(settings, log, { signal, workspace, tell: (text) => invocation.err(`${text}\n`) });
  if (service === undefined) return;
  const client = new Client(service.url, settings.operatorKey, workspace);
  try {
    await fill(client, users, signal, invocation);
    invocation.out(
      invocation.json ? `${JSON.stringify({ url: service.url, workspace, users })}\n` : welcome(service, workspace),
    );
    const traffic = runTraffic({ client, users, signal, log });
    await signalled;
    await traffic;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    if (signal.aborted) invocation.err('\nStopping; Ctrl-C again ends it at once.\n');
    await service.stop();
  }
};

export const demoCommand: Command = {
  name: 'demo',
  usage: '',
  summary: 'the service with generated users, events and segments, and a gentle stream of calculations to look at',
  options: { users: { type: 'string', value: 'N', help: `users to make at the first start; by default ${USERS}` } },
  details: () =>
    'The data is kept in EVENKEEL_DATA_DIR/demo; with DATABASE_URL, in the workspace "demo" of that database.\nThe settings are those of "evenkeel serve".',
  run,
};
