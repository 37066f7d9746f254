import { readSettings, SETTINGS, settingsHelp } from '../../../src/cli/settings.ts';

const faultsOf = (environment: Record<string, string>): readonly string[] => {
  const read = readSettings(environment);
  return 'faults' in read ? read.faults : [];
};
const settingsOf = (environment: Record<string, string>) => {
  const read = readSettings(environment);
  if ('faults' in read) throw new Error(read.faults.join('; '));
  return read;
};

describe('settings', () => {
  it('has defaults that work without any variable', () => {
    expect(settingsOf({}).settings).toMatchObject({
      databaseUrl: undefined,
      port: 3000,
      host: '127.0.0.1',
      operatorKey: undefined,
      dataDirectory: '.evenkeel',
      statementTimeoutMs: 60_000,
      logLevel: 'info',
    });
  });

  it('listens on every interface once there is a key, and not before', () => {
    expect(settingsOf({ EVENKEEL_OPERATOR_KEY: 'k' }).settings.host).toBeUndefined();
    expect(settingsOf({ HOST: 'localhost' }).settings.host).toBe('localhost');
    expect(faultsOf({ HOST: '0.0.0.0' })).toEqual([expect.stringContaining('EVENKEEL_OPERATOR_KEY')]);
    expect(settingsOf({ HOST: '0.0.0.0', EVENKEEL_OPERATOR_KEY: 'k' }).settings.host).toBe('0.0.0.0');
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['PORT', '-1'],
    ['PORT', '3e3'],
    ['EVENKEEL_WORKERS', '0'],
    ['EVENKEEL_STATEMENT_TIMEOUT_MS', '1'],
    ['EVENKEEL_LOG_LEVEL', 'loud'],
    ['EVENKEEL_OPERATOR_KEY', 'a b'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'localhost'],
  ])('refuses %s=%s in one line that names it', (name, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${name} must `));
    expect(faults[0]).not.toContain('\n');
  });

  it('tells every fault at once', () => {
    expect(faultsOf({ PORT: 'x', EVENKEEL_WORKERS: 'y' })).toHaveLength(2);
  });

  it('never repeats a key or a password', () => {
    expect(faultsOf({ EVENKEEL_OPERATOR_KEY: 'se cret' }).join()).not.toContain('cret');
    expect(faultsOf({ DATABASE_URL: 'http://user:secret@host/' }).join()).not.toContain('secret');
  });

  it('warns of a variable that looks like a setting and is none', () => {
    expect(settingsOf({ EVENKEEL_WORKER: '2' }).warnings).toEqual([
      'EVENKEEL_WORKER is not a setting of Evenkeel: did you mean "EVENKEEL_WORKERS"?',
    ]);
    expect(settingsOf({ EVENKEEL_KEY: 'x' }).warnings).toEqual([]);
  });

  it('lists all of them with their defaults in the help', () => {
    const help = settingsHelp();
    for (const [name, { defaultText }] of Object.entries(SETTINGS)) {
      expect(help).toContain(`  ${name}\n`);
      expect(help).toContain(`default: ${defaultText}`);
    }
  });
});
