import { expect, test } from '@jest/globals';
import {
  isCancelled,
  isConnectionLost,
  isLockTimeout,
  isSerializationFailure,
  isStatementTimeout,
  isUniqueViolation,
} from '../../../src/database/connect.ts';

const withCode = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code });

const CLASSIFIERS = {
  isCancelled,
  isConnectionLost,
  isLockTimeout,
  isSerializationFailure,
  isStatementTimeout,
  isUniqueViolation,
};

test.each<[Error, (keyof typeof CLASSIFIERS)[]]>([
  [withCode('ECONNREFUSED'), ['isConnectionLost']],
  [new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]), ['isConnectionLost']],
  [new AggregateError([withCode('ECONNREFUSED'), new Error('a bug')]), []],
  [withCode('57P01'), ['isConnectionLost']],
  [withCode('57P03'), ['isConnectionLost']],
  [withCode('08006'), ['isConnectionLost']],
  [withCode('53300'), ['isConnectionLost']],
  [new Error('Connection terminated unexpectedly'), ['isConnectionLost']],
  [new Error('timeout exceeded when trying to connect'), ['isConnectionLost']],
  [new Error('Client has encountered a connection error and is not queryable'), ['isConnectionLost']],
  [withCode('28P01', 'password authentication failed'), []],
  [withCode('40001'), ['isSerializationFailure']],
  [withCode('40P01'), ['isSerializationFailure']],
  [withCode('55P03'), ['isLockTimeout']],
  [withCode('23505'), ['isUniqueViolation']],
  [withCode('57014', 'canceling statement due to statement timeout'), ['isStatementTimeout']],
  [withCode('57014', 'canceling statement due to user request'), ['isCancelled']],
  [new Error('Connection terminated', { cause: 1 }), ['isConnectionLost']],
  [new TypeError('x is not a function'), []],
])('%s is %j', (error, expected) => {
  const found = Object.entries(CLASSIFIERS).flatMap(([name, is]) => (is(error) ? [name] : []));
  expect(found).toEqual(expected);
});

test.each([undefined, null, 'text', 42])('%p, thrown by somebody, is nothing of the kind', (thrown) => {
  expect(Object.values(CLASSIFIERS).some((is) => is(thrown))).toBe(false);
});
