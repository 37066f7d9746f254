import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { COMMANDS } from '../../../src/cli/main.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import { HISTORY_HEADER_LINE, historyLine } from '../../../src/monitoring/history/write.ts';
import { DAY, HOUR, step, withKind } from '../../support/simulator/faults.ts';
import { play } from '../../support/simulator/scenario.ts';
import { oneFault, SLOW } from '../../support/simulator/scenarios/faults.ts';
import { scenarioOf } from '../../support/simulator/scenarios/index.ts';
import { BEGIN } from '../../support/simulator/stream.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-backtest-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
    environment: {},
  });
  return { status, ...said };
};

const write = (name: string, text: string | Buffer): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

const HEADER = 'finished_at,workspace,segment,trigger,kinds,population,duration_ms\n';
const LINE = '2026-01-05T00:00:05.552Z,acme,vip,manual,event.count,8563,2.411\n';

/** One kind's step to 2.5× in a service with less to do, and after a short history. */
const SEED = 3;
const DAYS = 10;
const { observations, truth } = play(
  {
    ...scenarioOf('step'),
    ...{ days: DAYS, perDay: 2_000 },
    plan: () => oneFault(withKind(SLOW), SLOW, 9 * DAY, step(9 * DAY, 2.5)),
  },
  SEED,
);
const HISTORY_TEXT = HISTORY_HEADER_LINE + [...observations()].map(historyLine).join('');
/** A replay takes a second; a machine that has much else to do takes its time. */
const PATIENCE_MS = 300_000;

jest.setTimeout(PATIENCE_MS);

describe('evenkeel backtest', () => {
  it('says each alert once, as JSON, and last what it has read', async () => {
    const { status, out, err } = await type(
      'backtest',
      write('step.csv.gz', gzipSync(HISTORY_TEXT, { level: 1 })),
      '--json',
    );
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const last = lines.pop();
    expect(lines).toHaveLength(1);
    const [alert] = lines;
    expect(alert).toEqual(
      expect.objectContaining({
        resolvedAt: null,
        severity: 'critical',
        scope: { kind: truth!.scope },
        ratio: expect.closeTo(2.5, 0),
        peakRatio: expect.closeTo(2.5, 0),
        rollingMs: expect.any(Number),
        baselineMs: expect.any(Number),
        affectedSegments: 60,
        calculations: expect.any(Number),
        summary: expect.stringContaining(truth!.scope),
      }),
    );
    const openedAt = Date.parse(String(alert?.['openedAt'])) - BEGIN;
    expect(openedAt).toBeGreaterThan(truth!.from);
    expect(openedAt).toBeLessThan(truth!.from + 3 * HOUR);
    const count = HISTORY_TEXT.split('\n').length - 2;
    expect(last).toEqual({
      summary: {
        calculations: count,
        segments: 400,
        from: expect.stringMatching(/^2026-01-05T00:/),
        to: expect.stringMatching(/^2026-01-14T2[23]:/),
        alerts: 1,
      },
    });
  });

  it('says the same to people, in a table', async () => {
    const { status, out } = await type('backtest', write('step.csv', HISTORY_TEXT));
    expect(status).toBe(0);
    expect(out).toMatch(/^severity +onset +opened +resolved +ratio +peak\ncritical +2026-01-1[34] /);
    expect(out).toContain(truth!.scope);
    expect(out).toContain('400 segments, 2026-01-05 00:03 to 2026-01-14 23:58 UTC');
    expect(out).toMatch(/1 alert \([\d.]+ s\)\n$/);
  });

  it('takes thresholds from a file', async () => {
    const config = write('config.json', '{"multiple": 9, "driftRatio": 9, "warningRatio": 9, "warningShortRatio": 9}');
    const { out } = await type('backtest', write('step.csv', HISTORY_TEXT), '--config', config, '--json');
    expect(JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ summary: { alerts: 0 } });
  });

  it('reads a history that says nothing', async () => {
    const { status, out } = await type('backtest', write('one.csv', HEADER + LINE));
    expect({ status, out: out.replace(/\([\d.]+ s\)/, '') }).toEqual({
      status: 0,
      out: '1 calculations of 1 segments, 2026-01-05 00:00 to 2026-01-05 00:00 UTC: no alert \n',
    });
    expect((await type('backtest', write('none.csv', HEADER), '--json')).out).toBe(
      '{"summary":{"calculations":0,"segments":0,"from":null,"to":null,"alerts":0}}\n',
    );
  });

  it.each([
    ['empty.csv', '', 'empty.csv: it is empty: its first line must name the columns'],
    ['short.csv', 'finished_at\n', 'short.csv: the header lacks the columns workspace, segment'],
    [
      'bad.csv',
      `${HEADER}${LINE}${LINE.replace('8563', 'many')}`,
      'bad.csv: line 3: population must be a number from 0',
    ],
    ['bad.csv.gz', `${HEADER}${LINE}`, 'bad.csv.gz cannot be read: incorrect header check'],
    ['utf.csv', Buffer.concat([Buffer.from(HEADER), Buffer.from([0xff, 0x0a])]), 'utf.csv: line 2: it is not UTF-8'],
  ])('refuses %s', async (name, text, said) => {
    const { status, out, err } = await type('backtest', write(name, text));
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toContain(said);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('refuses rows in another order, and says how to sort them', async () => {
    const day = (n: number): string =>
      LINE.replace('2026-01-05', new Date(BEGIN - n * 24 * HOUR).toISOString().slice(0, 10));
    const text = HEADER + Array.from({ length: 300 }, (_, n) => day(n)).join('');
    const { status, err } = await type('backtest', write('backwards.csv', text));
    expect(status).toBe(1);
    expect(err).toContain('backwards.csv: the rows are not in the order of finished_at: line 3 is 24 hours earlier');
    expect(err).toContain('sort -t,');
  });

  it.each([
    ['{"multiples": 3}', 'there is no threshold "multiples"', 'did you mean "multiple"?'],
    ['{"multiple": "3"}', 'multiple must be a number from 0, not the string "3"', ''],
    ['[3]', 'it must be a JSON object such as {"multiple": 3}, not a list of 1', ''],
    ['{', 'config.json: ', ''],
    ['{"windowHours": 0.25}', 'config.json: windowHours must be from 1 to 72, not 0.25', 'backtest --help'],
    ['{"maxWindowHours": 0.5}', 'maxWindowHours must be from 1 to 72, not 0.5', ''],
    ['{"windowHours": 48, "maxWindowHours": 24}', 'windowHours must be at most maxWindowHours, 24, not 48', ''],
    ['{"referenceDays": 28}', 'referenceDays must be at most 29 with referenceLagDays, 7', ''],
    ['{"clearRatio": 1.4}', 'clearRatio must be at most driftRatio, 1.15', ''],
    ['{"outlierShare": 5}', 'outlierShare must be from 0 to 1, not 5', ''],
    ['{"multiple": 0}', 'multiple must be at least 1, not 0', ''],
  ])('refuses the thresholds %s', async (text, said, hint) => {
    const config = write('config.json', text);
    const { status, err } = await type('backtest', write('one.csv', HEADER + LINE), '--config', config);
    expect(status).toBe(1);
    expect(err).toContain(said);
    expect(err).toContain(hint);
  });
});
