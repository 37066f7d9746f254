import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { postableAlerts } from '../../../src/monitoring/alerts/payload.ts';
import type { Alert } from '../../../src/monitoring/types.ts';
import { anAlert } from '../../support/alerts.ts';
import { describeWith, runTool, type Server, startServer } from '../../support/prometheus/programs.ts';

const GRAFANA = join(import.meta.dirname, '..', '..', '..', 'grafana');
const ALERTMANAGER_CONFIG = join(GRAFANA, 'alertmanager', 'alertmanager.yml');
const INHIBITED_TIMEOUT_MS = 10_000;

const filesIn = (...folder: string[]): string[] =>
  readdirSync(join(GRAFANA, ...folder)).map((name) => join(GRAFANA, ...folder, name));

describeWith(['promtool'], 'rules', () => {
  it('are what Prometheus understands', () => {
    const { status, text } = runTool('promtool', 'check', 'rules', ...filesIn('prometheus', 'rules'));
    expect([status, text]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('fire when they should, and are quiet when they should', () => {
    const { status, text } = runTool('promtool', 'test', 'rules', ...filesIn('prometheus', 'tests'));
    expect([status, text]).toEqual([0, expect.stringContaining('SUCCESS')]);
  }, 60_000);

  it('and the configuration that names them', () => {
    // --syntax-only: the key's file is there in a container only.
    const { status, text } = runTool(
      'promtool',
      'check',
      'config',
      '--syntax-only',
      join(GRAFANA, 'prometheus', 'prometheus.yml'),
    );
    expect([status, text]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

describeWith(['amtool'], 'the example for Alertmanager', () => {
  it('is what Alertmanager understands', () => {
    const { status, text } = runTool('amtool', 'check-config', ALERTMANAGER_CONFIG);
    expect([status, text]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it.each([
    ['severity=critical', 'page'],
    ['severity=warning', 'tickets'],
    ['severity=drift', 'dashboard'],
    ['severity=outliers', 'dashboard'],
  ])('sends %s to %s', (label, receiver) => {
    const { status, text } = runTool(
      'amtool',
      'config',
      'routes',
      'test',
      `--config.file=${ALERTMANAGER_CONFIG}`,
      label,
    );
    expect([status, text.split('\n')[0]]).toEqual([0, receiver]);
  });
});

describeWith(['alertmanager'], 'against a real Alertmanager', () => {
  let directory: string;
  let server: Server;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'evenkeel-alertmanager-'));
    server = await startServer('alertmanager', [
      `--config.file=${ALERTMANAGER_CONFIG}`,
      `--storage.path=${directory}`,
      '--cluster.listen-address=',
    ]);
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const post = async (alerts: readonly { readonly labels: Readonly<Record<string, string>> }[]): Promise<void> => {
    const response = await fetch(`${server.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alerts),
    });
    expect(response.status).toBe(200);
  };
  const tell = (...labels: Record<string, string>[]): Promise<void> => post(labels.map((each) => ({ labels: each })));
  /** As Evenkeel itself tells of an alert. */
  const evenkeelTells = (change: Partial<Alert>): Promise<void> => {
    const nowMs = Date.now();
    const alert = anAlert({ openedAt: nowMs - 60_000, ...change });
    const stored = { seq: 1, alert, diagnosis: null, acknowledged: null, recordedAt: new Date(nowMs) };
    return post(postableAlerts(stored, 'https://segments.example', nowMs));
  };
  /** Names of the alerts that nobody is told of. */
  const inhibited = async (): Promise<string[]> => {
    const alerts = (await (await fetch(`${server.url}/api/v2/alerts`)).json()) as {
      labels: { alertname: string };
      status: { inhibitedBy: string[] };
    }[];
    return alerts
      .filter(({ status }) => status.inhibitedBy.length > 0)
      .map(({ labels }) => labels.alertname)
      .sort();
  };
  const untilInhibited = async (...names: string[]): Promise<void> => {
    const until = Date.now() + INHIBITED_TIMEOUT_MS;
    while (JSON.stringify(await inhibited()) !== JSON.stringify(names) && Date.now() < until) await sleep(100);
    expect(await inhibited()).toEqual(names);
  };

  it('silences a rule about what Evenkeel has told itself, and no other; and everything while Evenkeel is down', async () => {
    await tell(
      { alertname: 'EvenkeelSendsLate', severity: 'warning', rule: 'late', job: 'evenkeel' },
      { alertname: 'EvenkeelQueueWaits', severity: 'warning', rule: 'queue', job: 'evenkeel' },
      { alertname: 'EvenkeelAlertOpen', severity: 'critical', rule: 'late', job: 'evenkeel' },
      { alertname: 'EvenkeelRequestsFail', severity: 'critical', job: 'evenkeel' },
      { alertname: 'SomebodyElses', severity: 'critical', rule: 'late' },
    );
    await untilInhibited();
    await evenkeelTells({ rule: 'late', severity: 'critical', scope: {} });
    await untilInhibited('EvenkeelAlertOpen', 'EvenkeelSendsLate');
    await tell({ alertname: 'EvenkeelDown', severity: 'critical', job: 'evenkeel' });
    await untilInhibited('EvenkeelAlertOpen', 'EvenkeelQueueWaits', 'EvenkeelRequestsFail', 'EvenkeelSendsLate');
  });
});
