import { windowRange } from '../../../src/conditions/index.ts';

describe('windowRange', () => {
  const asOf = 1_000_000;

  test('the last of something has both ends inside', () => {
    expect(windowRange({ last: { ms: 60_000 } }, asOf)).toEqual({ from: 940_000, to: 1_000_001 });
  });

  test('nothing after asOf counts, for every window', () => {
    expect(windowRange({}, asOf)).toEqual({ from: null, to: 1_000_001 });
    expect(windowRange({ from: 5 }, asOf)).toEqual({ from: 5, to: 1_000_001 });
    expect(windowRange({ from: 5, to: 2_000_000 }, asOf)).toEqual({ from: 5, to: 1_000_001 });
    expect(windowRange({ to: 1_000_001 }, asOf)).toEqual({ from: null, to: 1_000_001 });
  });

  test('to is outside', () => {
    expect(windowRange({ from: -5, to: 10 }, asOf)).toEqual({ from: -5, to: 10 });
    expect(windowRange({ to: 0 }, asOf)).toEqual({ from: null, to: 0 });
  });

  test('a window that has not begun is empty', () => {
    expect(windowRange({ from: 1_500_000, to: 2_000_000 }, asOf)).toEqual({ from: 1_000_001, to: 1_000_001 });
  });
});
