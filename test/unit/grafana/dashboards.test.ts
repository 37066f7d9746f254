import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardFiles } from '../../../grafana/generate/dashboards.ts';
import { Metrics } from '../../../src/http/metrics.ts';
import { monitorReadings } from '../../../src/http/metrics/monitor.ts';
import {
  committedDashboards,
  type DashboardJson,
  panelQueries,
  panelsOf,
} from '../../support/prometheus/dashboards.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const GRAFANA = join(ROOT, 'grafana');
const RULES = join(GRAFANA, 'prometheus', 'rules');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const rules = readdirSync(RULES).map((name) => readFileSync(join(RULES, name), 'utf8'));

test('the committed dashboards are what `npm run dashboards` writes', () => {
  expect([...committedDashboards()]).toEqual(
    dashboardFiles()
      .map(({ name, text }) => [name, text])
      .sort(),
  );
});

describe.each([...committedDashboards()])('%s', (name, text) => {
  const { uid, title, panels, templating } = JSON.parse(text) as DashboardJson;
  const shown = panelsOf(panels);

  it('is named after its uid, and says what each panel tells', () => {
    expect(name).toBe(`${uid}.json`);
    expect(title).toMatch(/^Evenkeel \/ /);
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.filter(({ description = '' }) => !description.endsWith('.')).map((panel) => panel.title)).toEqual([]);
    const titles = shown.map((panel) => `${panel.type} ${panel.title}`);
    expect(titles.filter((each, i) => titles.indexOf(each) !== i)).toEqual([]);
  });

  it('has an id a panel and a letter a query, and uses the variables that it has', () => {
    expect(new Set(panels.map(({ id = 0 }) => id)).size).toBe(panels.length);
    for (const { targets = [] } of shown) {
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
    const known = new Set([...templating.list.map((variable) => variable.name), '__rate_interval', '__range', '__all']);
    const used = [...text.matchAll(/\$\{?([a-zA-Z_]+)/g)].map(([, variable]) => variable ?? '');
    expect(used.filter((variable) => !known.has(variable))).toEqual([]);
  });
});

/** The series that a metric gives. */
const seriesOf = (name: string, type: string): string[] =>
  type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name];

test('what panels and rules ask for is what /metrics has', async () => {
  const metrics = new Metrics();
  const nobody = async (): Promise<never> => {
    throw new Error('nobody is there');
  };
  metrics.build({ version: '0', node: '0', postgres: '0' });
  metrics.watch({
    work: nobody,
    health: nobody,
    monitor: () => monitorReadings(undefined, false, 0),
    unattended: nobody,
    process: () => ({
      threads: 1,
      busyThreads: 0,
      waitingQuestions: 0,
      connections: { total: 0, idle: 0, waiting: 0 },
    }),
  });
  const known = new Set(
    (await metrics.registry.getMetricsAsJSON()).flatMap(({ name, type }) => seriesOf(name, String(type))),
  );
  const asked = [...panelQueries().map(({ expr }) => expr), ...rules]
    .flatMap((text) => text.match(/(?<![a-z:_])evenkeel_[a-z_]+/g) ?? [])
    .filter((name) => !name.startsWith('evenkeel_evenkeel'));
  expect(new Set(asked).size).toBeGreaterThan(30);
  expect([...new Set(asked)].filter((name) => !known.has(name))).toEqual([]);
});

describe('alerts', () => {
  const text = rules.join('\n');
  const blocks = text.split(/^\s+- alert: /m).slice(1);

  it('say what is wrong, how bad it is, how long it has been so, and what to do', () => {
    expect(blocks.length).toBeGreaterThan(8);
    const runbook = read('docs', 'runbook.md');
    for (const block of blocks) {
      const name = /^\w+/.exec(block)?.[0] ?? '';
      // The severity of the fallback is that of Evenkeel's own alert.
      expect([name, block]).toEqual([name, expect.stringMatching(/severity: (critical|warning)|severity=~/)]);
      for (const part of [/\n {8}for: \d+[mh]\n/, /\n {10}summary: /, /\n {10}description: /])
        expect([name, block]).toEqual([name, expect.stringMatching(part)]);
      expect([name, block]).toEqual([
        name,
        expect.stringContaining(`runbook: docs/runbook.md#${name.toLowerCase()}\n`),
      ]);
      expect(runbook).toContain(`\n## ${name}\n`);
    }
  });

  it('each have a unit test', () => {
    const tests = read('grafana', 'prometheus', 'tests', 'evenkeel-alerts.test.yml');
    for (const block of blocks) expect(tests).toContain(`alertname: ${/^\w+/.exec(block)?.[0]}\n`);
  });
});

describe('compose', () => {
  const compose = read('grafana', 'compose.yaml');

  it('mounts what is there, where the configurations look for it', () => {
    const mounts = [...compose.matchAll(/- (\.\/[^:]+):(\S+):ro/g)].map(
      ([, from = '', to = '']) => [from, to] as const,
    );
    expect(mounts.length).toBeGreaterThan(4);
    expect(mounts.filter(([from]) => !existsSync(join(GRAFANA, from)))).toEqual([]);
    const inside = new Map(mounts.map(([from, to]) => [to, from]));
    expect(inside.get('/var/lib/grafana/dashboards')).toBe('./dashboards');
    expect(read('grafana', 'provisioning', 'dashboards', 'evenkeel.yaml')).toContain(
      'path: /var/lib/grafana/dashboards\n',
    );
    expect(compose).toContain('/var/lib/grafana/dashboards/evenkeel-overview.json');
    expect(read('grafana', 'prometheus', 'prometheus.yml')).toContain('/run/secrets/operator_key');
  });

  it('has the services that the configurations name', () => {
    const services = [...compose.matchAll(/^ {2}([a-z]+):$/gm)].map(([, name]) => name);
    const named = [
      read('grafana', 'prometheus', 'prometheus.yml'),
      read('grafana', 'provisioning', 'datasources', 'prometheus.yaml'),
      compose,
    ].flatMap((text) => [...text.matchAll(/(?:@|\/\/|')([a-z]+):\d+/g)].map(([, host = '']) => host));
    const remote = named.filter((host) => host !== 'localhost');
    expect(new Set(remote).size).toBeGreaterThan(3);
    expect(remote.filter((host) => !services.includes(host))).toEqual([]);
  });

  it('builds an image of files that are there and that Docker may see', () => {
    const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) =>
      from.split(' '),
    );
    const allowed = read('.dockerignore');
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
      expect(allowed).toContain(`!${path}\n`);
    }
  });
});
