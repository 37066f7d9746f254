import { readSettings, SETTINGS, settingsHelp } from '../../../src/cli/settings.ts';
import { THRESHOLD_SETTINGS } from '../../../src/cli/threshold-settings.ts';

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

  it('takes every threshold of the detector, by the contract’s names', () => {
    const { thresholds } = settingsOf({
      ALERT_MULTIPLE: '3',
      ALERT_WINDOW: '90m',
      ALERT_CLEAR_HOURS: '2',
      ALERT_OUTLIER_SHARE: '0.1',
    }).settings;
    expect(thresholds).toEqual({ multiple: 3, windowHours: 1.5, clearHours: 2, outlierShare: 0.1 });
    expect(settingsOf({}).settings.thresholds).toEqual({});
    for (const { variable, help } of THRESHOLD_SETTINGS) {
      expect(settingsHelp()).toContain(`  ${variable}\n      ${help}`);
      expect(faultsOf({ [variable]: '-1' })).toEqual([expect.stringMatching(new RegExp(`^${variable} must be `))]);
    }
    expect(faultsOf({ ALERT_MULTIPLE: '0' })).toHaveLength(1);
    expect(faultsOf({ ALERT_WINDOW: '15m' })).toEqual(['ALERT_WINDOW must be from 1 to 72, in hours (it is "15m")']);
    expect(faultsOf({ ALERT_REFERENCE_LAG_DAYS: '10' })).toEqual([
      'ALERT_REFERENCE_DAYS must be at most 29 with ALERT_REFERENCE_LAG_DAYS, 10: that many days are kept (by default it is not)',
    ]);
    expect(settingsOf({ ALERT_MULTIPEL: '3', ALERT_SOMETHING_ELSE: 'x' }).warnings).toEqual([
      expect.stringContaining('did you mean "ALERT_MULTIPLE"?'),
    ]);
  });
});
