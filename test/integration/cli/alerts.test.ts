import { COMMANDS } from '../../../src/cli/main.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import { transaction } from '../../../src/database/transaction.ts';
import { recordAlertEvents } from '../../../src/monitoring/alerts/record.ts';
import { anAlert, opened } from '../../support/alerts.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';
import { startTestService, type TestService } from '../http/service.ts';

let service: TestService;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  service = await startTestService({ ALERT_WEBHOOK_URL: receiver.url, ALERT_WEBHOOK_ALLOW_PRIVATE: 'true' });
  const alert = anAlert({ scope: { workspace: 'default', segment: 'red\u001b[31m' } });
  await transaction(service.database.pool, (client) => recordAlertEvents(client, [opened(alert)]));
});
afterAll(async () => {
  await service.stop();
  await receiver.stop();
});

const type = async (...args: string[]): Promise<{ status: number; out: string; err: string }> => {
  const said = { out: '', err: '' };
  const status = await runCommandLine(COMMANDS, args, {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    interactive: false,
    environment: { EVENKEEL_URL: service.url },
  });
  return { status, ...said };
};

it('lists alerts and shows one, whatever their names hold', async () => {
  const listed = await type('alerts');
  expect(listed).toMatchObject({ status: 0, err: '' });
  expect(listed.out).toContain('alr_1  drift, open, 1.40 × normal, segment red\\u{1b}[31m, workspace default');
  expect(listed.out).not.toContain('\u001b');
  expect((await type('alerts', 'list', '--state', 'resolved')).out).toBe('no alerts\n');
  expect((await type('alerts', 'show', 'alr_1')).out).toContain(
    'Why you see it\n  drift: over 6 h the value is 1.4 × normal',
  );
  expect(JSON.parse((await type('alerts', 'show', 'alr_1', '--json')).out)).toMatchObject({
    id: 'alr_1',
    state: 'open',
  });
  expect(await type('alerts', 'show', 'none')).toMatchObject({
    status: 1,
    err: expect.stringContaining('does not exist'),
  });
  expect(await type('alerts', '--severity', 'bad')).toMatchObject({
    status: 1,
    err: expect.stringContaining('one of outliers'),
  });
});

it('acknowledges, silences and ends a silence', async () => {
  expect((await type('alerts', 'acknowledge', 'alr_1', '--by', 'Ada', '--note', 'mine')).out).toContain(
    'acknowledged at drift',
  );
  expect((await type('alerts', 'show', 'alr_1')).out).toContain('Acknowledged\n  by Ada');
  const made = await type(
    'alerts',
    'silence',
    '--workspace',
    'default',
    '--up-to',
    'warning',
    '--for',
    '2h',
    '--reason',
    'x',
    '--json',
  );
  const { id, scope, upTo } = JSON.parse(made.out) as { id: string; scope: object; upTo: string };
  expect([scope, upTo]).toEqual([{ workspace: 'default' }, 'warning']);
  expect((await type('alerts', 'silences')).out).toContain(`${id}  active, workspace default, up to warning`);
  expect((await type('alerts', 'unsilence', id)).out).toContain(`${id}  ended`);
  expect((await type('alerts', 'silences')).out).toBe('no silences\n');
});

it('tests the channels, and fails where one does', async () => {
  const good = await type('alerts', 'test');
  expect(good).toMatchObject({ status: 0, err: '' });
  expect(good.out).toMatch(/^ok {4}  log.*\nok {4}  webhook \(http:\/\/127\.0\.0\.1:\d+\), status 200/);
  receiver.answer((response) => response.writeHead(418).end('a teapot'));
  const bad = await type('alerts', 'test');
  expect(bad).toMatchObject({ status: 1, err: expect.stringContaining('1 of 2 channels failed') });
  expect(bad.out).toContain('answered 418: a teapot');
});

it('takes one end of a silence, and all or some', async () => {
  const silence = (...args: string[]) => type('alerts', 'silence', '--reason', 'x', ...args);
  expect(await silence('--all', '--for', '2h', '--until', '2026-01-31T00:00:00Z')).toMatchObject({
    status: 2,
    err: expect.stringContaining('--for or --until'),
  });
  expect(await silence('--all', '--kind', 'property.is_set', '--for', '2h')).toMatchObject({
    status: 2,
    err: expect.stringContaining('--all silences every alert'),
  });
  expect(await type('baseline', 'accept', '--all', '--kind', 'property.is_set', '--reason', 'x')).toMatchObject({
    status: 2,
    err: expect.stringContaining('--all is about all segments'),
  });
});

it('accepts what calculations take now as normal, where there is a baseline', async () => {
  expect(await type('baseline', 'accept', '--all', '--reason', 'a new index')).toMatchObject({
    status: 1,
    err: expect.stringContaining('nothing in this scope is compared with a baseline yet'),
  });
  await service.database.pool.query(`
    insert into monitor_baseline_changes (version, at, reason, segments, change) values (1, now(), 'first', 1, 1);
    insert into monitor_baselines (workspace, segment, since, definition, version, kinds, expected_ms, calculations, spread)
    values ('default', 'vip', now(), 1, 1, '{property.is_set}', 8, 30, 0.3)`);
  const accepted = await type('baseline', 'accept', '--kind', 'property.is_set', '--reason', 'a new index', '--json');
  expect(accepted).toMatchObject({ status: 0, err: '' });
  expect(JSON.parse(accepted.out)).toMatchObject({ scope: { kind: 'property.is_set' } });
});
