import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { Program } from '../../support/program.ts';

describe('evenkeel serve', () => {
  let database: TestDatabase;
  const running: Program[] = [];
  const run = (args: readonly string[], environment: Record<string, string> = {}): Program => {
    const program = new Program(args, { DATABASE_URL: database.url, PORT: '0', EVENKEEL_WORKERS: '1', ...environment });
    running.push(program);
    return program;
  };

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => {
    for (const { child } of running.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => database.drop());

  it('prints where it is and lines that work as they are printed, and stops cleanly', async () => {
    const service = run(['serve']);
    const url = await service.says(/ready at (\S+)/);
    await service.says(/Ctrl-C stops it/);
    const lines = service.out.split('\n').filter((line) => line.startsWith('curl '));
    expect(lines).toHaveLength(3);
    const answers: string[] = [];
    for (const line of lines) {
      const shell = spawn('/bin/sh', ['-c', line]);
      let said = '';
      shell.stdout.on('data', (text: Buffer) => {
        said += text.toString();
      });
      await new Promise((resolve) => shell.once('close', resolve));
      answers.push(said);
    }
    expect(JSON.parse(answers[0] ?? '')).toEqual({ success: true });
    expect(JSON.parse(answers[1] ?? '')).toMatchObject({ key: 'pro' });
    expect(answers[2]).toContain('"state":"succeeded"');
    expect(answers[2]).toContain('{"userId":"ada"}');

    expect((await fetch(url)).status).toBe(200);
    service.child.kill('SIGINT');
    const { status, err } = await service.ended;
    expect([status, err]).toEqual([0, expect.stringContaining('Stopping')]);
    expect(err).not.toContain('"level":"error"');
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  }, 60_000);

  it('finds its data again, and a command talks to it', async () => {
    const service = run(['serve', '--json']);
    const { url } = JSON.parse(await service.says(/(\{.*\})\n/)) as { url: string };
    const calculated = await run(['segment', 'calculate', 'pro', '--json'], { EVENKEEL_URL: url }).ended;
    expect([calculated.status, JSON.parse(calculated.out)]).toEqual([
      0,
      expect.objectContaining({ state: 'succeeded', members: 1 }),
    ]);
    const refreshed = await run(['segment', 'refresh', 'pro', '2h', '--json'], { EVENKEEL_URL: url }).ended;
    expect(JSON.parse(refreshed.out)).toMatchObject({ key: 'pro', refresh: { every: { hours: 2 } } });
    const unknown = await run(['segment', 'calculate', 'por'], { EVENKEEL_URL: url }).ended;
    expect([unknown.status, unknown.err]).toEqual([1, expect.stringContaining('por')]);
    const doctor = await run(['doctor', '--json'], { EVENKEEL_URL: url }).ended;
    expect(doctor.status).toBe(0);
    const { findings } = JSON.parse(doctor.out) as { findings: { check: string; state: string }[] };
    expect(Object.fromEntries(findings.map(({ check, state }) => [check, state]))).toMatchObject({
      node: 'ok',
      database: 'ok',
      migrations: 'ok',
      service: 'ok',
    });
    service.child.kill('SIGTERM');
    expect((await service.ended).status).toBe(0);
  }, 90_000);

  it('names the remedy when its port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { status, err } = await run(['serve'], { PORT: String(port) }).ended;
    other.close();
    expect(status).toBe(1);
    expect(err).toContain(`port ${port} is taken by another program`);
    expect(err).toContain('PORT=');
    expect(err).not.toMatch(/\n\s+at /);
  }, 60_000);

  it('says each fault of its settings in one line', async () => {
    const { status, err } = await run(['serve'], { PORT: 'x', EVENKEEL_WORKERS: '0' }).ended;
    expect(status).toBe(1);
    expect(err.match(/^evenkeel: .* must be .*$/gm)).toHaveLength(2);
  }, 30_000);

  it('waits for a database that is not there, and says so', async () => {
    const service = run(['serve'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' });
    await service.says(/waiting for PostgreSQL at 127\.0\.0\.1:9/, 'err');
    service.child.kill('SIGINT');
    expect((await service.ended).status).toBe(0);
  }, 60_000);
});
