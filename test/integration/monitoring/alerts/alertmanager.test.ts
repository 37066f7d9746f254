import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Alerts } from '../../../../src/monitoring/alerts/alerts.ts';
import { anAlert, escalated, opened, resolved } from '../../../support/alerts.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { type Receiver, startReceiver, until } from '../../../support/receiver.ts';
import { alertsOf, empty, keepingLog, notifications, open, record, settled } from './sending.ts';

/** Against a receiver that keeps what it is sent, and against a real Alertmanager where there is one on the path. */

let database: TestDatabase;
let alerts: Alerts | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  await alerts?.stop();
  alerts = undefined;
  await empty(database);
});

const start = (alertmanagerUrl: string, log = keepingLog()): ReturnType<typeof keepingLog> => {
  alerts = alertsOf(database, { alertmanagerUrl }, log);
  alerts.start();
  return log;
};
/** Said again now, as if its minute had passed. */
const sayAgain = async (): Promise<void> => {
  await database.pool.query(`update alert_channels set resend_at = now()`);
};
const recent = (change = {}) => anAlert({ openedAt: Date.now() - 3_600_000, ...change });

describe('what is posted', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.stop());

  it('goes to the API below the path of the URL, and again while the alert is open', async () => {
    start(`${receiver.url}/am/`);
    await open(database, opened(recent()));
    await settled(database, 'alertmanager');
    const after = receiver.received.length;
    await sayAgain();
    await until('it is said again', () => receiver.received.length > after);
    expect(receiver.received.map(({ path }) => path)).toEqual(receiver.received.map(() => '/am/api/v2/alerts'));
    const last = receiver.received.at(-1)?.json;
    expect(last).toMatchObject([{ labels: { alertname: 'SegmentCalculationsSlow', severity: 'drift' } }]);
    expect(Date.parse(last[0].endsAt)).toBeGreaterThan(Date.now() + 200_000);
    const alert = recent();
    await record(database, resolved(alert, 60_000));
    await settled(database, 'alertmanager');
    const end = receiver.received.at(-1)?.json;
    expect(Date.parse(end[0].endsAt)).toBeLessThanOrEqual(Date.now());
    const count = receiver.received.length;
    await sayAgain();
    await until('it was looked again', async () => {
      const { rows } = await database.pool.query(
        'select from alert_channels where resend_at > now() and leased_until is null',
      );
      return rows.length === 1;
    });
    expect(receiver.received).toHaveLength(count);
  });

  it('is not said again of what is silenced, nor before its opening was told', async () => {
    start(receiver.url);
    await record(database, opened(recent({ id: 'undiagnosed' })));
    await alerts?.silence(
      { scope: { workspace: 'acme' }, reason: 'x', endsAt: new Date(Date.now() + 60_000).toISOString() },
      'Ada',
    );
    await open(database, opened(recent({ id: 'silenced', scope: { workspace: 'acme' } })));
    await open(database, opened(recent({ id: 'plain', scope: {} })));
    await until('the plain one is told', async () =>
      (await notifications(database, 'alertmanager')).some(({ state }) => state === 'delivered'),
    );
    const count = receiver.received.length;
    await sayAgain();
    await until('it is said again', () => receiver.received.length > count);
    const ids = receiver.received.flatMap(({ json }) => json).map(({ annotations }) => annotations.alert_id);
    expect(new Set(ids)).toEqual(new Set(['plain']));
  });

  it('fails with one warning for as long as nobody is there', async () => {
    await receiver.stop();
    await open(database, opened(recent()));
    // Told long ago.
    await database.pool.query('update alert_events set announced = true');
    const log = start(receiver.url);
    for (let i = 0; i < 3; i += 1) {
      await until('it was tried', async () => {
        const { rows } = await database.pool.query(
          'select from alert_channels where resend_at > now() and leased_until is null',
        );
        return rows.length === 1;
      });
      await sayAgain();
    }
    expect(log.lines.filter(({ message }) => message.includes('could not be said again'))).toHaveLength(1);
    receiver = await startReceiver();
  });
});

const BINARY = ['prometheus-alertmanager', 'alertmanager'].find((name) => spawnSync(name, ['--version']).status === 0);
if (BINARY === undefined)
  process.stderr.write(
    'no alertmanager on the path: what a real one makes of our alerts is not tested (Debian: prometheus-alertmanager)\n',
  );

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

(BINARY === undefined ? describe.skip : describe)('a real Alertmanager', () => {
  let receiver: Receiver;
  let directory: string;
  let url: string;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    receiver = await startReceiver();
    directory = mkdtempSync(join(tmpdir(), 'evenkeel-alertmanager-'));
    const config = join(directory, 'alertmanager.yml');
    writeFileSync(
      config,
      `route:
  receiver: test
  group_by: [alertname, kind, workspace, segment, severity]
  group_wait: 100ms
  group_interval: 100ms
  repeat_interval: 1h
receivers:
  - name: test
    webhook_configs:
      - url: ${receiver.url}/from-alertmanager
        send_resolved: true
`,
    );
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const child = spawn(
      BINARY ?? '',
      [
        `--config.file=${config}`,
        `--storage.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    stop = async () => {
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
    };
    await until('Alertmanager is ready', () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  });
  afterAll(async () => {
    await stop();
    await receiver.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const names = (): string[] =>
    receiver.received.map(
      ({ json }) => `${json.status} ${json.commonLabels.severity} ${json.commonLabels.segment ?? ''}`,
    );

  it('takes an alert, tells its receivers, and of its escalation and its end', async () => {
    const log = start(url);
    const segment = `o'neil "vip" {{ .Labels }}\n$(id)`;
    const alert = recent({ scope: { workspace: 'acme', segment } });
    await open(database, opened(alert));
    await until('it is told', () => names().includes(`firing drift ${segment}`));
    const worse = escalated(alert, 'critical', 60_000);
    await record(database, worse);
    await until('it is told again', () => names().includes(`firing critical ${segment}`));
    await until('the lower one is over', () => names().includes(`resolved drift ${segment}`));
    const listed = (await (await fetch(`${url}/api/v2/alerts?active=true`)).json()) as {
      labels: object;
      annotations: object;
    }[];
    expect(listed).toMatchObject([
      {
        labels: {
          alertname: 'SegmentCalculationsSlow',
          service: 'evenkeel',
          severity: 'critical',
          workspace: 'acme',
          segment,
        },
        annotations: { alert_id: 'alr_1', cause: 'vacuum_held_back' },
        generatorURL: 'https://segments.example/v1/alerts/alr_1',
      },
    ]);
    await record(database, resolved(worse.alert, 120_000));
    await until('its end is told', () => names().includes(`resolved critical ${segment}`));
    expect(names().filter((name) => name.startsWith('firing'))).toHaveLength(2);
    expect(
      log.lines
        .filter(({ level }) => level === 'error' || level === 'warn')
        .every(({ fields }) => fields['channel'] === undefined),
    ).toBe(true);
  });

  it('takes a test', async () => {
    start(url);
    const tested = await alerts?.test();
    expect(tested?.find(({ channel }) => channel === 'alertmanager')).toMatchObject({
      ok: true,
      status: 200,
      error: null,
    });
    await until('the test is told', () =>
      receiver.received.some(({ json }) => json.commonLabels.alertname === 'EvenkeelTest'),
    );
  });
});
