import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { didYouMean } from '../core/suggest.ts';
import { DEFAULT_CALCULATION_DAYS } from '../calculations/limits.ts';
import { DEFAULT_FACT_DAYS, DEFAULT_HOUR_DAYS, DEFAULT_MINUTE_DAYS } from '../monitoring/live/limits.ts';
import type { DetectorConfig } from '../monitoring/detector/config.ts';
import type { Retention } from '../monitoring/live/partitions.ts';

import { readThresholds, THRESHOLD_SETTINGS, thresholdsHelp } from './threshold-settings.ts';

/** More threads than this gain nothing: a calculation is bound by PostgreSQL, not by JavaScript. */
const MAX_WORKERS = 64;
const MAX_URL_CHARACTERS = 2_000;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);

const wholeNumber = (low: number, high: number) =>
  z
    .string()
    .regex(/^[0-9]{1,9}$/, `must be a whole number from ${low} to ${high}`)
    .transform(Number)
    .refine((value) => value >= low && value <= high, `must be a whole number from ${low} to ${high}`);

const databaseUrl = z.string().refine((text) => {
  try {
    return ['postgres:', 'postgresql:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}, 'must look like postgres://user:password@host:5432/database');

/** Without a fragment, which nobody would receive. */
const httpUrl = z.string().refine((text) => {
  if (text.length > MAX_URL_CHARACTERS || !URL.canParse(text)) return false;
  const { protocol, hash } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && hash === '';
}, 'must be a URL that begins with http:// or https://');

const yesOrNo = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

interface Setting<T> {
  readonly schema: z.ZodType<T, string>;
  /** What holds where the variable is not set, as the reader of `--help` sees it. */
  readonly defaultText: string;
  readonly help: string;
}
const setting = <T>(schema: z.ZodType<T, string>, defaultText: string, help: string): Setting<T> => ({
  schema,
  defaultText,
  help,
});

/** The one table from which settings are validated and `evenkeel serve --help` is printed. */
export const SETTINGS = {
  DATABASE_URL: setting(
    databaseUrl,
    'the embedded PostgreSQL under EVENKEEL_DATA_DIR',
    'PostgreSQL 15 or later, as postgres://user:password@host:port/database',
  ),
  PORT: setting(wholeNumber(0, 65_535), '3000', 'the port to listen on; 0 takes any that is free'),
  HOST: setting(
    z.string().regex(/^[A-Za-z0-9.:_-]+$/, 'must be a host name or an address'),
    '127.0.0.1 without an operator key, every interface with one',
    'the address to listen on',
  ),
  EVENKEEL_OPERATOR_KEY: setting(
    z
      .string()
      .regex(/^[\x21-\x39\x3b-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces or colons'),
    'none: everybody on this machine may do everything, and nobody else anything',
    'the key that reaches every workspace',
  ),
  EVENKEEL_WORKERS: setting(
    wholeNumber(1, MAX_WORKERS),
    `the number of processors, here ${availableParallelism()}`,
    'calculations that run at the same time',
  ),
  EVENKEEL_DATA_DIR: setting(
    z
      .string()
      .min(1)
      .refine((path) => !path.includes('\0'), 'must be a path'),
    '.evenkeel',
    'where the embedded PostgreSQL and uploaded imports are kept',
  ),
  EVENKEEL_STATEMENT_TIMEOUT_MS: setting(
    wholeNumber(100, 86_400_000),
    '60000',
    'a calculation whose statement takes longer fails (milliseconds)',
  ),
  EVENKEEL_CALCULATION_DAYS: setting(
    wholeNumber(2, 3_650),
    String(DEFAULT_CALCULATION_DAYS),
    'how long calculations that ended are kept, in days; those of snapshots that are there stay',
  ),
  EVENKEEL_FACT_DAYS: setting(
    wholeNumber(2, 3_650),
    String(DEFAULT_FACT_DAYS),
    'how long the facts of each calculation are kept, in days; a million of them take about 280 MB',
  ),
  EVENKEEL_MINUTE_DAYS: setting(
    wholeNumber(2, 3_650),
    String(DEFAULT_MINUTE_DAYS),
    'how long what is rolled up by the minute is kept, in days',
  ),
  EVENKEEL_HOUR_DAYS: setting(
    wholeNumber(2, 3_650),
    String(DEFAULT_HOUR_DAYS),
    'how long what is rolled up by the hour is kept, in days',
  ),
  EVENKEEL_PUBLIC_URL: setting(
    httpUrl,
    'http://localhost:PORT',
    'where people reach this service: what links in alerts begin with',
  ),
  ALERT_WEBHOOK_URL: setting(httpUrl, 'none', "where alerts are posted, in the format of Alertmanager's webhook"),
  ALERT_WEBHOOK_SECRET: setting(
    z.string().regex(/^[\x21-\x7e]{16,255}$/, 'must be 16 to 255 printable ASCII characters without spaces'),
    'none: what is posted is not signed',
    'what the webhook is signed with (HMAC-SHA256)',
  ),
  ALERT_WEBHOOK_ALLOW_PRIVATE: setting(
    yesOrNo,
    'false',
    'whether ALERT_WEBHOOK_URL may be at a private, loopback or link-local address',
  ),
  ALERTMANAGER_URL: setting(
    httpUrl,
    'none',
    'an Alertmanager that is told of alerts, as http://host:9093; it may be at a private address',
  ),
  EVENKEEL_LOG_LEVEL: setting(
    z.enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent') as z.ZodType<
      LogLevel,
      string
    >,
    'info',
    'debug also logs every request',
  ),
} as const;

type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Read by the commands that talk to a running service; known here so that they are not called unknown. */
export const CLIENT_SETTINGS = {
  EVENKEEL_URL: 'the service to talk to; by default http://127.0.0.1:PORT',
  EVENKEEL_KEY: 'the key to talk to it with; by default EVENKEEL_OPERATOR_KEY',
  EVENKEEL_WORKSPACE: 'the workspace to work in, for the operator key; by default "default"',
} as const;

export interface Settings {
  /** Absent: embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  readonly port: number;
  /** Absent: every interface. */
  readonly host: string | undefined;
  /** Absent: open mode, loopback only. */
  readonly operatorKey: string | undefined;
  readonly workers: number;
  readonly dataDirectory: string;
  readonly statementTimeoutMs: number;
  readonly calculationDays: number;
  /** Of what monitoring records. */
  readonly retention: Retention;
  /** Of the detector, those that are set. */
  readonly thresholds: Partial<DetectorConfig>;
  readonly logLevel: LogLevel;
  /** Without a slash at the end. Absent: as this machine sees it. */
  readonly publicUrl: string | undefined;
  readonly alertWebhookUrl: string | undefined;
  readonly alertWebhookSecret: string | undefined;
  readonly alertWebhookAllowPrivate: boolean;
  readonly alertmanagerUrl: string | undefined;
}

/** What must not reach a terminal or a log: keys, passwords, and URLs, which often hold one. */
const SECRET = new Set<keyof typeof SETTINGS>([
  'EVENKEEL_OPERATOR_KEY',
  'DATABASE_URL',
  'ALERT_WEBHOOK_URL',
  'ALERT_WEBHOOK_SECRET',
  'ALERTMANAGER_URL',
]);

export type ReadSettings =
  | { readonly settings: Settings; readonly warnings: readonly string[] }
  | { readonly faults: readonly string[] };

/** Reads the environment. Every fault is one line that names the variable and what it must be. */
export const readSettings = (environment: Readonly<Record<string, string | undefined>>): ReadSettings => {
  const faults: string[] = [];
  const read = <K extends keyof typeof SETTINGS>(name: K): z.output<(typeof SETTINGS)[K]['schema']> | undefined => {
    const text = environment[name];
    if (text === undefined || text === '') return undefined;
    const parsed = SETTINGS[name].schema.safeParse(text);
    if (parsed.success) return parsed.data as z.output<(typeof SETTINGS)[K]['schema']>;
    const shown = SECRET.has(name) ? '' : ` (it is "${text.slice(0, 80)}")`;
    faults.push(`${name} ${parsed.error.issues[0]?.message ?? 'is not valid'}${shown}`);
    return undefined;
  };

  const operatorKey = read('EVENKEEL_OPERATOR_KEY');
  const host = read('HOST');
  const keyGiven = (environment['EVENKEEL_OPERATOR_KEY'] ?? '') !== '';
  if (!keyGiven && host !== undefined && !LOOPBACK.has(host))
    faults.push(
      `HOST is "${host}", but without EVENKEEL_OPERATOR_KEY Evenkeel listens on loopback only: set a key, or leave HOST out`,
    );
  const { thresholds, faults: wrongThresholds } = readThresholds(environment);
  faults.push(...wrongThresholds);
  const settings: Settings = {
    databaseUrl: read('DATABASE_URL'),
    port: read('PORT') ?? 3000,
    host: host ?? (keyGiven ? undefined : '127.0.0.1'),
    operatorKey,
    workers: read('EVENKEEL_WORKERS') ?? availableParallelism(),
    dataDirectory: read('EVENKEEL_DATA_DIR') ?? '.evenkeel',
    statementTimeoutMs: read('EVENKEEL_STATEMENT_TIMEOUT_MS') ?? 60_000,
    calculationDays: read('EVENKEEL_CALCULATION_DAYS') ?? DEFAULT_CALCULATION_DAYS,
    retention: {
      factDays: read('EVENKEEL_FACT_DAYS') ?? DEFAULT_FACT_DAYS,
      minuteDays: read('EVENKEEL_MINUTE_DAYS') ?? DEFAULT_MINUTE_DAYS,
      hourDays: read('EVENKEEL_HOUR_DAYS') ?? DEFAULT_HOUR_DAYS,
    },
    thresholds,
    logLevel: read('EVENKEEL_LOG_LEVEL') ?? 'info',
    publicUrl: read('EVENKEEL_PUBLIC_URL')?.replace(/\/+$/, ''),
    alertWebhookUrl: read('ALERT_WEBHOOK_URL'),
    alertWebhookSecret: read('ALERT_WEBHOOK_SECRET'),
    alertWebhookAllowPrivate: read('ALERT_WEBHOOK_ALLOW_PRIVATE') ?? false,
    alertmanagerUrl: read('ALERTMANAGER_URL'),
  };
  return faults.length > 0 ? { faults } : { settings, warnings: unknownSettings(environment) };
};

const unknownSettings = (environment: Readonly<Record<string, string | undefined>>): string[] => {
  const thresholds = THRESHOLD_SETTINGS.map(({ variable }) => variable);
  const known = [...Object.keys(SETTINGS), ...Object.keys(CLIENT_SETTINGS), ...thresholds];
  return (
    Object.keys(environment)
      .filter((name) => !known.includes(name))
      // Others may have variables of the second name: only what is nearly one of ours is worth a word.
      .filter(
        (name) =>
          name.startsWith('EVENKEEL_') || (name.startsWith('ALERT_') && didYouMean(name, known).hint !== undefined),
      )
      .map((name) => {
        const { hint } = didYouMean(name, known);
        return `${name} is not a setting of Evenkeel${hint === undefined ? '' : `: ${hint}`}`;
      })
  );
};

/** The settings as `--help` lists them. */
export const settingsHelp = (): string =>
  [
    ...Object.entries(SETTINGS).map(
      ([name, { help, defaultText }]) => `  ${name}\n      ${help}\n      default: ${defaultText}`,
    ),
    '',
    'Thresholds of the alerts about calculation time:',
    '',
    thresholdsHelp(),
  ].join('\n');
