import { setTimeout as sleep } from 'node:timers/promises';
import type { CalculationResource } from '../../calculations/resources.ts';
import { EvenkeelError } from '../../core/errors.ts';
import { CLIENT_HELP, CLIENT_OPTIONS, Client } from '../client.ts';
import { type Command, type Invocation, UsageError } from '../command.ts';
import { formatCount, Progress } from '../progress.ts';
import { setRefresh } from './segment-refresh.ts';
import { UPLOAD_OPTIONS, uploadList } from './segment-upload.ts';

const WAIT_MS = 10_000;
const POLL_MS = 250;

const failure = ({ id, state, error }: CalculationResource): EvenkeelError =>
  new EvenkeelError(
    500,
    'calculation_failed',
    `${id} ${state}${error === null ? '' : `: ${error.message}`}`,
    error?.hint === undefined ? {} : { hint: error.hint },
  );

const run = async (invocation: Invocation): Promise<void> => {
  const [verb, key, file, ...rest] = invocation.positionals;
  if (verb === 'calculate' && key !== undefined && file === undefined) return calculate(invocation, key);
  if (verb === 'upload' && key !== undefined && file !== undefined && rest.length === 0)
    return uploadList(invocation, key, file);
  if (verb === 'refresh' && key !== undefined && file !== undefined && rest.length === 0)
    return setRefresh(invocation, key, file);
  throw new UsageError(
    'say which segment: evenkeel segment calculate KEY, how often: evenkeel segment refresh KEY auto|1h|never, or with a file of userIds: evenkeel segment upload KEY FILE',
  );
};

const calculate = async (invocation: Invocation, key: string): Promise<void> => {
  const trigger = invocation.options['trigger'] ?? 'manual';
  const client = Client.of(invocation);
  const progress = new Progress(invocation);
  let calculation = await client.json<CalculationResource>(`/v1/segments/${encodeURIComponent(key)}/calculations`, {
    method: 'POST',
    body: { trigger, wait: WAIT_MS },
  });
  while (calculation.state === 'queued' || calculation.state === 'running') {
    progress.show(`${calculation.id} is ${calculation.state}`, undefined);
    await sleep(POLL_MS);
    calculation = await client.json<CalculationResource>(`/v1/calculations/${calculation.id}`);
  }
  progress.done();
  if (invocation.json) invocation.out(`${JSON.stringify(calculation)}\n`);
  if (calculation.state !== 'succeeded') throw failure(calculation);
  if (invocation.json) return;
  const { members, population, entered, left, timingsMs, snapshot } = calculation;
  const phases = (['queue', 'freshen', 'compile', 'query', 'store'] as const).map(
    (phase) => `${phase} ${(timingsMs[phase] ?? 0).toFixed(1)}`,
  );
  invocation.out(
    `${formatCount(members ?? 0)} of ${formatCount(population ?? 0)} users (${formatCount(entered ?? 0)} entered, ${formatCount(left ?? 0)} left)\n` +
      `${(timingsMs.total ?? 0).toFixed(1)} ms: ${phases.join(', ')}\n` +
      `${calculation.id}, snapshot ${snapshot ?? '–'}\n`,
  );
};

export const segmentCommand: Command = {
  name: 'segment',
  usage: 'calculate KEY | refresh KEY auto|INTERVAL|never | upload KEY FILE',
  summary:
    'calculate a segment on a running service and wait for it, have it recalculated by itself, or upload a list of userIds',
  options: {
    trigger: {
      type: 'string',
      value: 'manual|api|schedule|newsletter',
      help: 'calculate: what asks for it; by default manual',
    },
    ...UPLOAD_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  details: () =>
    `${CLIENT_HELP}\nAn interval is such as 30m, 1h, 7d or 2w.\nA list is taken as a whole or not at all. It may name users who come later. Without a known ending a file has an id a line.`,
  run,
};
