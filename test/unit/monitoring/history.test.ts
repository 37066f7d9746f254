import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HistoryReader } from '../../../src/cli/history/reader.ts';
import { LATE_TOLERANCE_MS, MAX_LATE_ROWS, TimeOrder } from '../../../src/monitoring/history/order.ts';
import { HISTORY_HEADER_LINE, historyLine } from '../../../src/monitoring/history/write.ts';
import type { Observation } from '../../../src/monitoring/types.ts';

/** Reads a text in pieces of so many bytes. */
const read = (text: string, pieceBytes = 7): Observation[] => {
  const observations: Observation[] = [];
  const reader = new HistoryReader((observation) => observations.push(observation));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  reader.end();
  return observations;
};

const HEADER = 'finished_at,workspace,segment,trigger,kinds,population,duration_ms';
const LINE = '2026-01-05T00:00:05.552Z,acme,vip,manual,event.count|property.is_set,8563,2.411';

describe('a history', () => {
  it('is read', () => {
    expect(read(`${HEADER}\n${LINE}\n`)).toEqual([
      {
        finishedAt: Date.UTC(2026, 0, 5, 0, 0, 5, 552),
        workspace: 'acme',
        segment: 'vip',
        version: 1,
        trigger: 'manual',
        kinds: ['event.count', 'property.is_set'],
        population: 8563,
        durationMs: 2.411,
        outcome: 'succeeded',
      },
    ]);
  });

  it('may have its columns in any order, others beside them, a BOM, CRLF, no last line end, kinds unsorted and twice', () => {
    const [observation] = read(
      '\uFEFFduration_ms,note,kinds,population,Trigger,segment,workspace,outcome,version,finished_at\r\n1e3,"a, b",b|a | b,7,,"v,ip",acme,timeout,12,2026-01-05 00:00+01:00',
    );
    expect(observation).toEqual({
      finishedAt: Date.UTC(2026, 0, 4, 23),
      workspace: 'acme',
      segment: 'v,ip',
      version: 12,
      trigger: '',
      kinds: ['a', 'b'],
      population: 7,
      durationMs: 1000,
      outcome: 'timeout',
    });
  });

  it.each([
    ['', 'it is empty'],
    ['\n\n', 'it is empty'],
    ['finished_at,workspace\n', 'the header lacks the columns segment, trigger, kinds, population, duration_ms'],
    [`${HEADER.replace('kinds', 'kind')}\n`, 'the header lacks the column kinds'],
    [`${HEADER},segment\n`, 'the header names the column segment twice'],
    [`${HEADER}\n${LINE}\n\n${LINE},9\n`, 'line 4: it has 8 cells where the header has 7'],
    [`${HEADER}\n${LINE.replace('8563', '-1')}\n`, 'line 2: population must be a number from 0, not "-1"'],
    [`${HEADER}\n${LINE.replace('2.411', 'fast')}\n`, 'line 2: duration_ms must be a number from 0, not "fast"'],
    [`${HEADER}\n${LINE.replace('2.411', '')}\n`, 'line 2: duration_ms must be a number from 0, not ""'],
    [`${HEADER}\n${LINE.replace('2.411', 'Infinity')}\n`, 'line 2: duration_ms must be a number from 0'],
    [`${HEADER}\n${LINE.replace('acme', '')}\n`, 'line 2: workspace is empty'],
    [`${HEADER}\n${LINE.replace('2026-01', '2026-13')}\n`, 'line 2: finished_at must be a time such as'],
    [
      `${HEADER},outcome\n${LINE},good\n`,
      'line 2: outcome must be one of succeeded, failed, timeout, cancelled, not "good"',
    ],
    [`${HEADER}\n${LINE}\n${LINE.replace('acme', '"acme')}\n`, 'line 3: a quote is opened and not closed'],
  ])('%j is refused with what is wrong and where', (text, said) => {
    expect(() => read(text)).toThrow(said);
  });

  it('is read as it was written', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
      fc.constantFrom('a,b', '"', ' x', 'y\n z'),
    );
    const name = text.filter((value) => !value.includes('\0') && value.isWellFormed());
    const observation = fc.record({
      finishedAt: fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2100, 0) }),
      workspace: name,
      segment: name,
      version: fc.integer({ min: 1, max: 1e9 }),
      trigger: name,
      kinds: fc.uniqueArray(fc.constantFrom('a', 'b.c', 'd', 'e')).map((kinds) => kinds.sort()),
      population: fc.nat(),
      durationMs: fc.nat({ max: 1e9 }).map((value) => value / 1000),
      outcome: fc.constantFrom('succeeded' as const, 'failed' as const, 'timeout' as const, 'cancelled' as const),
    });
    fc.assert(
      fc.property(fc.array(observation), fc.integer({ min: 1, max: 100 }), (all, pieceBytes) => {
        expect(read(HISTORY_HEADER_LINE + all.map(historyLine).join(''), pieceBytes)).toEqual(all);
      }),
    );
  });
});

describe('the order of time', () => {
  const rows = (order: TimeOrder, times: readonly number[]): void => {
    for (const [index, time] of times.entries()) order.take(time, index + 2);
  };

  it('is not broken by rows that are a little late', () => {
    const order = new TimeOrder();
    rows(
      order,
      Array.from({ length: 1000 }, (_, n) => n * 1000 - (n % 2) * LATE_TOLERANCE_MS),
    );
    expect(order.late).toBe(0);
  });

  it('is not broken by a few rows that are very late', () => {
    const order = new TimeOrder();
    rows(order, [1e12, ...Array.from({ length: MAX_LATE_ROWS }, () => 0)]);
    expect(order.late).toBe(MAX_LATE_ROWS);
  });

  it('is broken by many, and what to do is said', () => {
    const backwards = Array.from({ length: 1000 }, (_, n) => 1e12 - n * 3_600_000);
    expect(() => rows(new TimeOrder(), backwards)).toThrow('line 3 is 60 minutes earlier than a line before it');
  });
});
