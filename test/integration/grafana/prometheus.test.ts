import { setTimeout as sleep } from 'node:timers/promises';
import { panelQueries } from '../../support/prometheus/dashboards.ts';
import { describeWith } from '../../support/prometheus/programs.ts';
import { type Prometheus, startPrometheus } from '../../support/prometheus/prometheus.ts';
import { OPERATOR_KEY, startTestService, type TestService } from '../http/service.ts';
import { startTraffic, type Traffic } from './traffic.ts';
import { serveMonitorView } from './view.ts';

/** As Grafana fills them in, for a scrape interval of a second. */
const VARIABLES: readonly (readonly [RegExp, string])[] = [
  [/\$__rate_interval\b/g, '30s'],
  [/\$__range\b/g, '1m'],
  [/\$job\b/g, 'evenkeel'],
  [/\$kind\b/g, '.+'],
];
const DATA_TIMEOUT_MS = 60_000;

const filled = (expr: string): string => {
  const text = VARIABLES.reduce((changed, [variable, value]) => changed.replace(variable, value), expr);
  if (text.includes('$')) throw new Error(`a variable is not filled in: ${text}`);
  return text;
};

/** What an alert compares, without the comparison that is hoped to be false. */
const comparedIn = (query: string): string[] =>
  query
    .replace(/^absent\((.*)\)$/s, '$1')
    .replaceAll(/ (?:>|<|==|>=|<=) \d[\d.e]*/g, '')
    .split(/\b(?:or|and)\b(?: on \(job\))?/)
    .map((part) => part.trim());

test('what an alert compares is found', () => {
  expect(comparedIn('absent(up{job="a"} == 1)')).toEqual(['up{job="a"}']);
  expect(comparedIn('(max(a) > 900)\nor (sum(b) == 0)')).toEqual(['(max(a))', '(sum(b))']);
  expect(comparedIn('a > 0.05 and on (job) sum by (job) (b) > 1e9')).toEqual(['a', 'sum by (job) (b)']);
});

describeWith(['prometheus'], 'against a real Prometheus', () => {
  let service: TestService;
  let traffic: Traffic;
  let view: Awaited<ReturnType<typeof serveMonitorView>>;
  let prometheus: Prometheus;

  beforeAll(async () => {
    service = await startTestService({ EVENKEEL_OPERATOR_KEY: OPERATOR_KEY });
    traffic = await startTraffic(service.url, { authorization: `Bearer ${OPERATOR_KEY}` });
    view = await serveMonitorView();
    prometheus = await startPrometheus([new URL(service.url).host, view.target], OPERATOR_KEY);
  }, 120_000);

  afterAll(async () => {
    await prometheus?.stop();
    await view?.stop();
    try {
      await traffic?.stop();
    } finally {
      await service?.stop();
    }
  }, 120_000);

  /** The samples with a finite value; waits for the first of them, as rates need some scrapes. */
  const samplesOf = async (expr: string): Promise<readonly number[]> => {
    const until = Date.now() + DATA_TIMEOUT_MS;
    for (;;) {
      const values = (await prometheus.query(expr)).map(({ value }) => value).filter(Number.isFinite);
      if (values.length > 0 || Date.now() > until) return values;
      await sleep(500);
    }
  };

  it('scrapes Evenkeel with the operator’s key', async () => {
    expect(await samplesOf('sum(up{job="evenkeel"}) == 2')).toEqual([2]);
    const targets = (await prometheus.targets()).filter(({ url }) => url.includes('/metrics'));
    expect(targets.map(({ health, error }) => [health, error])).toEqual([
      ['up', ''],
      ['up', ''],
    ]);
  }, 90_000);

  it.each(panelQueries().map(({ where, expr }) => [where, expr]))(
    '%s has data',
    async (_where, expr) => {
      expect([expr, (await samplesOf(filled(expr))).length > 0]).toEqual([expr, true]);
    },
    90_000,
  );

  it('records what the rules say, and every alert compares something that is there', async () => {
    const rules = await prometheus.rules();
    expect(rules.filter(({ type }) => type === 'recording').length).toBeGreaterThan(4);
    expect(rules.filter(({ type }) => type === 'alerting').length).toBeGreaterThan(8);
    for (const { name, type, query } of rules)
      for (const expr of type === 'recording' ? [name] : comparedIn(query))
        expect([name, expr, (await samplesOf(expr)).length > 0]).toEqual([name, expr, true]);
    expect((await prometheus.rules()).map(({ name, health, lastError }) => [name, health, lastError])).toEqual(
      rules.map(({ name }) => [name, 'ok', undefined]),
    );
  }, 120_000);

  it('has the alerts that this traffic deserves, and no others', async () => {
    const states = new Map((await prometheus.rules()).map(({ name, state }) => [name, state]));
    for (const name of ['EvenkeelDown', 'EvenkeelInstanceDown', 'EvenkeelRequestsFail', 'EvenkeelCalculationsFail'])
      expect([name, states.get(name)]).toEqual([name, 'inactive']);
    // The view of the monitor has a critical alert, and half of the newsletters asked for something that was over.
    expect(states.get('EvenkeelAlertOpen')).toBe('pending');
    expect(states.get('EvenkeelSendsLate')).toBe('pending');
  });
});
