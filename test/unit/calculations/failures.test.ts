import { classifyCrash, classifyFailure, retryDelayMs } from '../../../src/calculations/failures.ts';
import { EvenkeelError } from '../../../src/core/errors.ts';

const at = (statementMs: number) => ({ statementTimeoutMs: 1_000, statementMs });
const sqlError = (code: string, message = 'no'): Error => Object.assign(new Error(message), { code });

test.each([
  ['a lost socket', sqlError('ECONNRESET'), true, 'connection_lost'],
  ['an administrator', sqlError('57P01'), true, 'connection_lost'],
  ['a collision', sqlError('40001'), true, 'serialization_failure'],
  ['a deadlock', sqlError('40P01'), true, 'serialization_failure'],
  ['a segment that went', sqlError('23503'), true, 'serialization_failure'],
  ['a lock', sqlError('55P03'), true, 'lock_timeout'],
  ['a full disk', sqlError('53100'), true, 'out_of_resources'],
  ['a wrong statement', sqlError('42601'), false, 'statement_failed'],
  ['a stack that is too deep', sqlError('54001'), false, 'statement_failed'],
  ['a condition that is not allowed', new EvenkeelError(422, 'invalid', 'too deep'), false, 'invalid'],
  ['a fault of our own', new TypeError('x is not a function'), false, 'internal'],
])('%s', (_, error, retry, code) => {
  expect(classifyFailure(error, at(10))).toMatchObject({ outcome: 'failed', retry, problem: { code } });
});

test('the clock tells a timeout from a cancellation, whatever language the server speaks', () => {
  const error = sqlError('57014', 'Anweisung wird abgebrochen');
  expect(classifyFailure(error, at(1_001))).toMatchObject({ retry: false, problem: { code: 'timeout' } });
  expect(classifyFailure(error, at(300))).toMatchObject({ retry: true, problem: { code: 'statement_cancelled' } });
});

test('a thread that died is worth another attempt', () => {
  expect(classifyCrash(sqlError('ERR_WORKER_OUT_OF_MEMORY')).problem.code).toBe('out_of_memory');
  expect(classifyCrash(new Error('exited'))).toMatchObject({ retry: true, problem: { code: 'worker_crashed' } });
});

test('delays double from 100 ms up to 10 s, with jitter over the upper half', () => {
  const longest = [1, 2, 3, 4, 8, 100].map((attempt) => retryDelayMs(attempt, () => 1));
  expect(longest).toEqual([100, 200, 400, 800, 10_000, 10_000]);
  expect(retryDelayMs(1, () => 0)).toBe(50);
});
