import type { TestedChannel } from '../../monitoring/alerts/alerts.ts';
import type { AlertDetails, AlertResource } from '../../monitoring/alerts/resources.ts';
import type { SilenceResource } from '../../monitoring/alerts/silences.ts';
import { EvenkeelError } from '../../core/errors.ts';
import { alertLines, detailLines, plain, silenceLines } from '../alert-text.ts';
import { CLIENT_HELP, CLIENT_OPTIONS, Client } from '../client.ts';
import { type Command, type Invocation, UsageError } from '../command.ts';

const USAGE = 'list | show ID | acknowledge ID | silence | silences | unsilence ID | test';
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DURATION = /^([1-9]\d{0,5})([mhdw])$/;

/** A duration such as `30m`, `2h`, `7d`, in milliseconds. Throws UsageError. */
export const readDuration = (text: string): number => {
  const [, count, unit] = DURATION.exec(text) ?? [];
  const unitMs = UNITS_MS[unit ?? ''];
  if (unitMs === undefined) throw new UsageError(`"${text.slice(0, 40)}" is not a duration such as 30m, 2h, 7d`);
  return Number(count) * unitMs;
};

const textOption = ({ options }: Invocation, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

/** What of these options is given, by the names that the service has for them. */
const given = (invocation: Invocation, names: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([option, field]) => {
      const value = textOption(invocation, option);
      return value === undefined ? [] : [[field, value]];
    }),
  );

const print = <T>(invocation: Invocation, value: T, text: (value: T) => string): void =>
  invocation.out(invocation.json ? `${JSON.stringify(value)}\n` : text(value));

const path = (id: string, rest = ''): string => `/v1/alerts/${encodeURIComponent(id)}${rest}`;

const list = async (invocation: Invocation): Promise<void> => {
  const query = new URLSearchParams(
    given(invocation, {
      state: 'state',
      severity: 'severity',
      kind: 'kind',
      since: 'since',
      limit: 'limit',
      cursor: 'cursor',
    }),
  );
  const asked = query.size === 0 ? '' : `?${query.toString()}`;
  const page = await Client.of(invocation).json<{ alerts: AlertResource[]; nextCursor: string | null }>(
    `/v1/alerts${asked}`,
  );
  print(invocation, page, ({ alerts, nextCursor }) =>
    alerts.length === 0
      ? 'no alerts\n'
      : `${alerts.map(alertLines).join('')}${nextCursor === null ? '' : `there are more: --cursor ${nextCursor}\n`}`,
  );
};

const show = async (invocation: Invocation, id: string): Promise<void> =>
  print(invocation, await Client.of(invocation).json<AlertDetails>(path(id)), detailLines);

const acknowledge = async (invocation: Invocation, id: string): Promise<void> => {
  const body = given(invocation, { by: 'by', note: 'note' });
  const alert = await Client.of(invocation).json<AlertDetails>(path(id, '/acknowledge'), { method: 'POST', body });
  print(
    invocation,
    alert,
    () => `${plain(id)} is acknowledged at ${alert.severity}: what is worse is told again, and its end\n`,
  );
};

const silence = async (invocation: Invocation): Promise<void> => {
  const duration = textOption(invocation, 'for');
  const endsAt =
    textOption(invocation, 'until') ?? (duration && new Date(Date.now() + readDuration(duration)).toISOString());
  if (duration !== undefined && textOption(invocation, 'until') !== undefined)
    throw new UsageError('a silence has one end: --for or --until, not both');
  if (endsAt === undefined) throw new UsageError('a silence needs an end: --for 2h, or --until 2026-01-31T18:00:00Z');
  if (textOption(invocation, 'reason') === undefined) throw new UsageError('a silence needs a --reason');
  const scope = given(invocation, { kind: 'kind', workspace: 'workspace', segment: 'segment' });
  const what = given(invocation, { alert: 'alert', rule: 'rule', 'up-to': 'upTo' });
  const isAll = invocation.options['all'] === true;
  const narrow = Object.keys(scope).length + Object.keys(what).length > 0;
  if (isAll && narrow) throw new UsageError('--all silences every alert: leave it out to silence some');
  if (!isAll && !narrow)
    throw new UsageError('say what to silence: --kind, --workspace, --segment, --alert, --rule, --up-to; or --all');
  const made = await Client.of(invocation).json<SilenceResource>('/v1/silences', {
    method: 'POST',
    body: { ...what, scope, ...given(invocation, { reason: 'reason', by: 'by' }), endsAt },
  });
  print(invocation, made, silenceLines);
};

const silences = async (invocation: Invocation): Promise<void> => {
  const all = invocation.options['all'] === true ? '?all=true' : '';
  const found = await Client.of(invocation).json<{ silences: SilenceResource[] }>(`/v1/silences${all}`);
  print(invocation, found, (page) =>
    page.silences.length === 0 ? 'no silences\n' : page.silences.map(silenceLines).join(''),
  );
};

const unsilence = async (invocation: Invocation, id: string): Promise<void> => {
  const ended = await Client.of(invocation).json<SilenceResource>(`/v1/silences/${encodeURIComponent(id)}`, {
    method: 'DELETE',
  });
  print(invocation, ended, silenceLines);
};

const test = async (invocation: Invocation): Promise<void> => {
  const tested = await Client.of(invocation).json<{ channels: TestedChannel[] }>('/v1/alerts/test', { method: 'POST' });
  print(invocation, tested, ({ channels }) =>
    channels
      .map(({ channel, target, ok, status, durationMs, error }) => {
        const answered = status === null ? '' : `, status ${status}`;
        return `${ok ? 'ok    ' : 'FAILED'}  ${channel} (${plain(target)})${answered}, ${durationMs} ms${error === null ? '' : `\n        ${plain(error)}`}\n`;
      })
      .join(''),
  );
  const failed = tested.channels.filter(({ ok }) => !ok).length;
  if (failed > 0)
    throw new EvenkeelError(502, 'not_delivered', `${failed} of ${tested.channels.length} channels failed`);
};

const BARE: Readonly<Record<string, (invocation: Invocation) => Promise<void>>> = { list, silence, silences, test };
const WITH_ID: Readonly<Record<string, (invocation: Invocation, id: string) => Promise<void>>> = {
  show,
  acknowledge,
  unsilence,
};

const run = async (invocation: Invocation): Promise<void> => {
  const [verb = 'list', id, ...rest] = invocation.positionals;
  if (rest.length === 0 && id === undefined && Object.hasOwn(BARE, verb)) return BARE[verb]?.(invocation);
  if (rest.length === 0 && id !== undefined && Object.hasOwn(WITH_ID, verb)) return WITH_ID[verb]?.(invocation, id);
  throw new UsageError(`say what to do: evenkeel alerts ${USAGE}`);
};

export const alertsCommand: Command = {
  name: 'alerts',
  usage: `[${USAGE}]`,
  summary: 'see, acknowledge and silence alerts of a running service, and test where they are sent',
  options: {
    state: { type: 'string', value: 'open|acknowledged|resolved', help: 'list: only these' },
    severity: { type: 'string', value: 'SEVERITY', help: 'list: outliers, drift, warning or critical' },
    since: { type: 'string', value: 'TIME', help: 'list: opened then or later, such as 2026-01-31T00:00:00Z' },
    limit: { type: 'string', value: 'N', help: 'list: how many' },
    cursor: { type: 'string', value: 'CURSOR', help: 'list: the next page' },
    kind: { type: 'string', value: 'KIND', help: 'list, silence: of this condition kind' },
    segment: { type: 'string', value: 'KEY', help: 'silence: of this segment of --workspace' },
    alert: { type: 'string', value: 'ID', help: 'silence: this one' },
    rule: { type: 'string', value: 'RULE', help: 'silence: slow, freshness, late, failures, queue or stale' },
    'up-to': { type: 'string', value: 'SEVERITY', help: 'silence: what is worse is told' },
    for: { type: 'string', value: 'DURATION', help: 'silence: such as 30m, 2h, 7d' },
    until: { type: 'string', value: 'TIME', help: 'silence: such as 2026-01-31T18:00:00Z' },
    reason: { type: 'string', value: 'TEXT', help: 'silence: why, for those who read it later' },
    note: { type: 'string', value: 'TEXT', help: 'acknowledge: what you know' },
    by: { type: 'string', value: 'NAME', help: 'acknowledge, silence: who you are' },
    all: { type: 'boolean', help: 'silence: every alert; silences: also those that have ended' },
    ...CLIENT_OPTIONS,
  },
  details: () =>
    `${CLIENT_HELP}\nAcknowledging and silencing need the operator key. "silence --workspace NAME" silences alerts of that workspace.`,
  run,
};
