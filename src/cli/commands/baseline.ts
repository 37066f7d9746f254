import { CLIENT_HELP, CLIENT_OPTIONS, Client } from '../client.ts';
import { type Command, type Invocation, UsageError } from '../command.ts';

const run = async (invocation: Invocation): Promise<void> => {
  const { positionals, options } = invocation;
  if (positionals.length !== 1 || positionals[0] !== 'accept')
    throw new UsageError('say what to do: evenkeel baseline accept --kind KIND --reason TEXT');
  const text = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === 'string' ? value : undefined;
  };
  const [kind, workspace, segment, reason, by] = ['kind', 'workspace', 'segment', 'reason', 'by'].map(text);
  if (reason === undefined)
    throw new UsageError('accepting needs a --reason, which stays in the history of the baseline');
  if (segment !== undefined && workspace === undefined) throw new UsageError('--segment needs its --workspace');
  const scope = {
    ...(kind === undefined ? {} : { kind }),
    ...(workspace === undefined ? {} : { workspace }),
    ...(segment === undefined ? {} : { segment }),
  };
  const [isAll, narrow] = [options['all'] === true, Object.keys(scope).length > 0];
  if (isAll && narrow) throw new UsageError('--all is about all segments: leave it out to accept some');
  if (!isAll && !narrow) throw new UsageError('say what is normal now: --kind, --workspace, --segment; or --all');
  const accepted = await Client.of(invocation).json<object>('/v1/monitor/baselines/accept', {
    method: 'POST',
    body: { scope, reason, ...(by === undefined ? {} : { by }) },
  });
  invocation.out(
    invocation.json
      ? `${JSON.stringify(accepted)}\n`
      : 'accepted: what it takes now is normal within seconds, and alerts about it end by themselves\n',
  );
};

export const baselineCommand: Command = {
  name: 'baseline',
  usage: 'accept',
  summary: 'say that what calculations take now is normal from now on',
  options: {
    kind: { type: 'string', value: 'KIND', help: 'segments with this condition kind' },
    segment: { type: 'string', value: 'KEY', help: 'this segment of --workspace' },
    all: { type: 'boolean', help: 'all segments' },
    reason: { type: 'string', value: 'TEXT', help: 'why, for those who read it later' },
    by: { type: 'string', value: 'NAME', help: 'who you are' },
    ...CLIENT_OPTIONS,
  },
  details: () => `${CLIENT_HELP}\nIt needs the operator key.`,
  run,
};
