import type { AlertDetails, AlertResource } from '../monitoring/alerts/resources.ts';
import type { SilenceResource } from '../monitoring/alerts/silences.ts';
import { factor, ratioText, scopeText } from '../monitoring/alerts/words.ts';

/** Alerts and silences on a terminal. Pure. */

/** Names are their owners' own text: what would move the cursor, colour the screen or turn the line around is shown as what it is. */
export const plain = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );

/** To the minute, in UTC. */
const time = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

export const alertLines = (alert: AlertResource): string => {
  const { id, rule, severity, state, ratio, scope, onset, resolvedAt, summary } = alert;
  const until = resolvedAt === null ? '' : ` until ${time(resolvedAt)}`;
  return `${plain(id)}  ${severity}, ${state}, ${ratioText(rule, ratio)}, ${plain(scopeText(scope))}, since ${time(onset)}${until} UTC\n    ${plain(summary)}\n`;
};

const list = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  ${plain(line)}\n`).join('')}`;

export const detailLines = (alert: AlertDetails): string => {
  const { diagnosis, acknowledged, deliveries, topSegments, events, projected, silencedBy, why } = alert;
  return [
    alertLines(alert),
    projected === null || alert.resolvedAt !== null
      ? ''
      : `    reaches ${factor(projected.multiple)} normal about ${time(projected.at)} UTC\n`,
    list('Why you see it', why),
    list(
      'Likely cause',
      diagnosis === null
        ? []
        : [`${diagnosis.cause} (${diagnosis.confidence}): ${diagnosis.sentence}`, diagnosis.remedy.text],
    ),
    list(
      'Most affected',
      topSegments.map(({ workspace, segment, ratio }) => `${segment ?? ''} in ${workspace}: ${factor(ratio)} normal`),
    ),
    list(
      'Acknowledged',
      acknowledged === null
        ? []
        : [
            `by ${acknowledged.by ?? 'the operator'}, ${time(acknowledged.at)} UTC${acknowledged.note === null ? '' : `: ${acknowledged.note}`}`,
          ],
    ),
    list('Silenced by', silencedBy),
    list(
      'What happened',
      events.map(
        ({ at, type, severity, ratio }) => `${time(at)}  ${type}  ${severity}, ${ratioText(alert.rule, ratio)}`,
      ),
    ),
    list(
      'Who was told',
      deliveries.map(
        ({ channel, eventId, state, attempts, error }) =>
          `${channel}, event ${eventId}: ${state.replace('_', ' ')}, ${attempts === 1 ? '1 attempt' : `${attempts} attempts`}${error === null ? '' : `: ${error}`}`,
      ),
    ),
  ].join('');
};

const matcherOf = ({ alert, rule, scope, upTo }: SilenceResource): string => {
  const parts = [
    ...(alert === null ? [] : [`alert ${alert}`]),
    ...(rule === null ? [] : [`rule ${rule}`]),
    ...(Object.keys(scope).length === 0 ? [] : [scopeText(scope)]),
    ...(upTo === null ? [] : [`up to ${upTo}`]),
  ];
  return parts.length === 0 ? 'every alert' : parts.join(', ');
};

export const silenceLines = (silence: SilenceResource): string =>
  `${silence.id}  ${silence.state}, ${plain(matcherOf(silence))}, until ${time(silence.endsAt)} UTC\n    ${plain(silence.reason)} (${plain(silence.by)})\n`;
