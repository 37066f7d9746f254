import type { Log } from '../../core/log.ts';
import { alertResource } from './resources.ts';
import { type Notice, postableAlerts, webhookBody } from './payload.ts';
import { post, type PostAnswer, PostFailure, type Resolve } from './post.ts';
import { SIGNATURE_HEADER, signatureOf } from './signature.ts';
import type { StoredAlert } from './stored.ts';
import { ratioText, scopeText } from './words.ts';

/** Channel names are stored with what was sent. */
export type ChannelName = 'webhook' | 'alertmanager' | 'log';

export interface ChannelSettings {
  readonly webhookUrl?: string | undefined;
  readonly webhookSecret?: string | undefined;
  readonly webhookAllowPrivate?: boolean | undefined;
  readonly alertmanagerUrl?: string | undefined;
  /** What links begin with, without a slash at the end. */
  readonly publicUrl: string;
}

/** What came of an attempt. */
export interface Sent {
  readonly ok: boolean;
  /** Of an answer by HTTP. */
  readonly status: number | null;
  /** What was wrong, for people; null where nothing was. */
  readonly error: string | null;
  /** Not again before so long. */
  readonly retryAfterMs: number | null;
}

export interface Channel {
  readonly name: ChannelName;
  /** Where it goes, without anything secret. */
  readonly target: string;
  /** Tries once. Never throws. */
  send(notice: Notice): Promise<Sent>;
  /** Of those who have to be told again and again that alerts are open. */
  resend?(open: readonly StoredAlert[]): Promise<Sent>;
}

const MAX_SAID_CHARACTERS = 200;
const delivered: Sent = { ok: true, status: null, error: null, retryAfterMs: null };

const sentOf = (host: string, { status, text, retryAfterMs }: PostAnswer): Sent => {
  if (status >= 200 && status < 300) return { ...delivered, status };
  const redirect = status >= 300 && status < 400;
  const said = text.trim().slice(0, MAX_SAID_CHARACTERS);
  return {
    ok: false,
    status,
    retryAfterMs,
    error: redirect
      ? `${host} answered ${status}, and redirects are not followed: configure where it leads to`
      : `${host} answered ${status}${said === '' ? '' : `: ${said}`}`,
  };
};

const attempt = async (url: URL, send: () => Promise<PostAnswer>): Promise<Sent> => {
  try {
    return sentOf(url.host, await send());
  } catch (error) {
    if (!(error instanceof PostFailure)) throw error;
    return { ok: false, status: null, error: error.message, retryAfterMs: null };
  }
};

export const webhookChannel = (settings: ChannelSettings, url: URL, resolve?: Resolve): Channel => ({
  name: 'webhook',
  target: url.origin,
  send: (notice) => {
    const body = webhookBody(notice, alertResource(notice.stored, settings.publicUrl), settings.publicUrl);
    const { webhookSecret: secret, webhookAllowPrivate = false } = settings;
    return attempt(url, () =>
      post(url, body, {
        allowPrivate: webhookAllowPrivate,
        ...(resolve === undefined ? {} : { resolve }),
        headers: {
          'idempotency-key': notice.key,
          ...(secret === undefined ? {} : { [SIGNATURE_HEADER]: signatureOf(secret, body, Date.now()) }),
        },
      }),
    );
  },
});

/** Internal by its nature, so that private addresses are what one expects. */
export const alertmanagerChannel = (settings: ChannelSettings, base: URL): Channel => {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/api/v2/alerts`;
  const send = (alerts: readonly StoredAlert[], test: boolean): Promise<Sent> => {
    const now = Date.now();
    const body = JSON.stringify(alerts.flatMap((stored) => postableAlerts(stored, settings.publicUrl, now, test)));
    return attempt(url, () => post(url, body, { allowPrivate: true }));
  };
  return {
    name: 'alertmanager',
    target: url.origin,
    send: ({ stored, type }) => send([stored], type === 'test'),
    resend: (open) => send(open, false),
  };
};

/** A line for each notice: `error` where somebody must act now, `warn` for the rest, `info` when it is over. */
export const logChannel = (log: Log, publicUrl: string): Channel => ({
  name: 'log',
  target: 'the log',
  send: async ({ stored: { alert, diagnosis }, type }) => {
    const fields = {
      alert: alert.id,
      event: type,
      severity: alert.severity,
      rule: alert.rule,
      scope: alert.scope,
      ratio: alert.ratio,
      ...(diagnosis === null ? {} : { cause: diagnosis.cause, diagnosis: diagnosis.sentence }),
      link: `${publicUrl}/v1/alerts/${encodeURIComponent(alert.id)}`,
    };
    const what = `${scopeText(alert.scope)}: ${alert.summary}`;
    if (type === 'test') log.info(fields, 'this is what an alert looks like in the log');
    else if (alert.resolvedAt !== null) log.info(fields, `alert over: ${what}`);
    else if (alert.severity === 'critical') log.error(fields, `alert, ${ratioText(alert.rule, alert.ratio)}: ${what}`);
    else log.warn(fields, `alert, ${ratioText(alert.rule, alert.ratio)}: ${what}`);
    return delivered;
  },
});

/** Those that are configured; the log always is. */
export const channelsOf = (settings: ChannelSettings, log: Log): Channel[] => [
  logChannel(log, settings.publicUrl),
  ...(settings.webhookUrl === undefined ? [] : [webhookChannel(settings, new URL(settings.webhookUrl))]),
  ...(settings.alertmanagerUrl === undefined ? [] : [alertmanagerChannel(settings, new URL(settings.alertmanagerUrl))]),
];
