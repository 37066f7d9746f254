import { EvenkeelError } from '../../core/errors.ts';
import { VERSION } from '../../core/version.ts';
import type { Command, Invocation } from '../command.ts';
import { createLog } from '../log.ts';
import { type RunningService, startService } from '../service.ts';
import { readSettings, type Settings, settingsHelp } from '../settings.ts';
import { untilSignalled } from '../signals.ts';

/** Throws EvenkeelError with one line a fault. */
export const loadSettings = ({ environment, err }: Pick<Invocation, 'environment' | 'err'>): Settings => {
  const read = readSettings(environment);
  if ('faults' in read)
    throw new EvenkeelError(422, 'settings', read.faults.join('\nevenkeel: '), {
      hint: '"evenkeel serve --help" lists the settings',
    });
  for (const warning of read.warnings) err(`evenkeel: ${warning}\n`);
  return read.settings;
};

/** What stands on the terminal when all is ready: where it is, and three lines to paste. */
export const welcome = (
  { url, embedded, postgres }: RunningService,
  { operatorKey, dataDirectory }: Settings,
): string => {
  const auth = operatorKey === undefined ? '' : ' -H "authorization: Bearer $EVENKEEL_OPERATOR_KEY"';
  const segment = `'{"key":"pro","name":"Pro","condition":{"type":"property","property":"plan","operator":"equals","value":"pro"}}'`;
  return [
    '',
    `Evenkeel ${VERSION} is ready at ${url}`,
    `PostgreSQL ${postgres}, ${embedded ? `embedded: its data is in ${dataDirectory}` : 'at DATABASE_URL'}`,
    operatorKey === undefined
      ? 'No key is configured: it answers this machine only, with one workspace, "default". EVENKEEL_OPERATOR_KEY opens it.'
      : 'The operator key reaches every workspace; POST /v1/workspaces makes one with a key of its own.',
    '',
    'Paste these to send a user, define a segment, calculate it and read its members:',
    '',
    `curl -s${auth} ${url}/v1/identify -d '{"userId":"ada","traits":{"plan":"pro","age":36}}'`,
    `curl -s${auth} ${url}/v1/segments -d ${segment}`,
    `curl -s${auth} ${url}/v1/segments/pro/calculations -d '{"trigger":"manual","wait":5000}' && curl -s${auth} ${url}/v1/segments/pro/members`,
    '',
    'Ctrl-C stops it.',
    '',
    '',
  ].join('\n');
};

const run = async (invocation: Invocation): Promise<void> => {
  const settings = loadSettings(invocation);
  const log = createLog(settings.logLevel);
  const signals = untilSignalled();
  const service = await startService(settings, log, {
    signal: signals.signal,
    tell: (text) => invocation.err(`${text}\n`),
  });
  if (service === undefined) return;
  if (signals.signal.aborted) return service.stop();
  invocation.out(
    invocation.json
      ? `${JSON.stringify({ url: service.url, version: VERSION, postgres: service.postgres })}\n`
      : welcome(service, settings),
  );
  await signals.signalled;
  invocation.err('\nStopping; Ctrl-C again ends it at once.\n');
  await service.stop();
};

export const serveCommand: Command = {
  name: 'serve',
  usage: '',
  summary: 'run the service',
  details: () => `Settings, from the environment:\n\n${settingsHelp()}`,
  run,
};
