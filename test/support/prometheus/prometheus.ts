import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Server, startServer } from './programs.ts';

const COMMITTED = join(import.meta.dirname, '..', '..', '..', 'grafana', 'prometheus');

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly type: 'alerting' | 'recording';
  readonly health: string;
  readonly lastError?: string;
  readonly state?: string;
}

export interface Prometheus {
  query(expr: string): Promise<readonly Sample[]>;
  rules(): Promise<readonly Rule[]>;
  /** Fails that Prometheus names of each target; empty where all were scraped. */
  targets(): Promise<readonly { readonly url: string; readonly health: string; readonly error: string }[]>;
  stop(): Promise<void>;
}

/** Replaces what must be there: a committed file that has changed is not tested by accident. */
const replaceIn = (text: string, replacements: readonly (readonly [string, string])[]): string =>
  replacements.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`prometheus.yml has no ${from}`);
    return changed.replaceAll(from, to);
  }, text);

/** A Prometheus with the committed configuration and rules, that scrapes `targets` instead, once a second. */
export const startPrometheus = async (targets: readonly string[], operatorKey: string): Promise<Prometheus> => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-prometheus-'));
  const keyFile = join(directory, 'operator_key');
  cpSync(join(COMMITTED, 'rules'), join(directory, 'rules'), { recursive: true });
  writeFileSync(keyFile, operatorKey, { mode: 0o600 });
  const config = replaceIn(readFileSync(join(COMMITTED, 'prometheus.yml'), 'utf8'), [
    ['15s', '1s'],
    [`'evenkeel:3000'`, targets.map((target) => `'${target}'`).join(', ')],
    ['/run/secrets/operator_key', keyFile],
    [`'alertmanager:9093'`, ''],
    [`'localhost:9090'`, ''],
  ]);
  writeFileSync(join(directory, 'prometheus.yml'), config);
  let server: Server;
  try {
    server = await startServer('prometheus', [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
    ]);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${server.url}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(answer.error ?? `Prometheus answered ${response.status}`);
    return answer.data;
  };
  return {
    query: async (expr) => {
      const { result } = await ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expr)}`,
      );
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    rules: async () => (await ask<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap(({ rules }) => rules),
    targets: async () => {
      const { activeTargets } = await ask<{
        activeTargets: { scrapeUrl: string; health: string; lastError: string }[];
      }>('targets?state=active');
      return activeTargets.map(({ scrapeUrl, health, lastError }) => ({ url: scrapeUrl, health, error: lastError }));
    },
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
