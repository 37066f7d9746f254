import { COMMANDS } from '../../../src/cli/main.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import { VERSION } from '../../../src/core/version.ts';

const type = async (...args: string[]): Promise<{ status: number; out: string; err: string }> => {
  const said = { out: '', err: '' };
  const status = await runCommandLine(COMMANDS, args, {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    interactive: false,
    environment: { EVENKEEL_URL: 'http://127.0.0.1:9' },
  });
  return { status, ...said };
};

describe('the command line', () => {
  it('shows its commands, and says with the status that it did nothing', async () => {
    const { status, out } = await type();
    expect(status).toBe(2);
    for (const { name } of COMMANDS) expect(out).toContain(`evenkeel ${name}`);
    expect((await type('--help')).status).toBe(0);
    expect((await type('--version')).out).toBe(`${VERSION}\n`);
  });

  it.each(COMMANDS.map(({ name }) => name))('%s has --help', async (name) => {
    const { status, out, err } = await type(name, '--help');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain(`evenkeel ${name}`);
    expect(out).toContain('--json');
  });

  it.each([
    [['serv'], 'did you mean "evenkeel serve"?'],
    [['xyzzy'], 'evenkeel --help lists the commands'],
    [['import', 'users', 'a.csv', '--kye', 'id'], 'did you mean "--key"?'],
    [['import', 'users'], 'evenkeel import users FILE'],
    [['import', 'people', 'a.csv'], 'evenkeel import users FILE'],
    [['import', 'users', 'a.txt'], '--format csv'],
    [['import', 'users', 'a.txt', '--format', 'xml'], 'csv or ndjson'],
    [['import', 'users', 'a.csv', '--key'], '--key needs a value'],
    [['segment', 'delete', 'vip'], 'evenkeel segment calculate KEY'],
    [['segment', 'refresh', 'vip', 'hourly'], 'an interval such as 30m, 1h, 7d, 2w'],
    [['segment', 'refresh', 'vip', '0h'], 'an interval such as 30m, 1h, 7d, 2w'],
    [['alerts', 'delete', 'alr_1'], 'evenkeel alerts list | show ID'],
    [['alerts', 'show'], 'evenkeel alerts list | show ID'],
    [['alerts', 'silence', '--kind', 'sample', '--reason', 'x'], '--for 2h'],
    [['alerts', 'silence', '--kind', 'sample', '--reason', 'x', '--for', '2 h'], 'a duration such as 30m, 2h, 7d'],
    [['alerts', 'silence', '--kind', 'sample', '--for', '2h'], '--reason'],
    [['alerts', 'silence', '--reason', 'x', '--for', '2h'], '--all'],
    [['baseline'], 'evenkeel baseline accept'],
    [['baseline', 'accept', '--kind', 'sample'], '--reason'],
    [['baseline', 'accept', '--reason', 'x'], '--all'],
    [['baseline', 'accept', '--segment', 'vip', '--reason', 'x'], '--workspace'],
    [['backtest'], 'evenkeel backtest calculations.csv'],
    [['backtest', 'a.csv', 'b.csv'], 'evenkeel backtest calculations.csv'],
    [['segment', 'calculate', 'vip', '--json=yes'], '--json takes no value'],
  ])('%j is a mistake of the line: status 2 and what to do', async (args, said) => {
    const { status, out, err } = await type(...args);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toContain(said);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it.each([
    [['import', 'users', '/nowhere/a.csv'], '/nowhere/a.csv does not exist'],
    [['segment', 'refresh', 'vip', '1h'], 'no service answers at http://127.0.0.1:9'],
    [['alerts'], 'no service answers at http://127.0.0.1:9'],
    [['segment', 'calculate', 'vip'], 'no service answers at http://127.0.0.1:9'],
    [['backtest', '/nowhere/a.csv'], '/nowhere/a.csv does not exist'],
    [['backtest', '/'], '/ is a directory'],
  ])('%j fails with status 1', async (args, said) => {
    const { status, out, err } = await type(...args);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toContain(said);
  });

  it('says faults as JSON to machines', async () => {
    const { status, err } = await type('segment', 'calculate', 'vip', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(err)).toMatchObject({
      error: { code: 'no_service', hint: expect.stringContaining('npm start') },
    });
  });
});
