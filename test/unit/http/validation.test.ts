import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { EvenkeelError } from '../../../src/core/errors.ts';
import { integerParameter, plainText, readQuery, validate } from '../../../src/http/validation.ts';

const queryOf = (url: string) => ({ ...readQuery({ url } as IncomingMessage) });
const refusal = (work: () => unknown): Pick<EvenkeelError, 'status' | 'message' | 'path' | 'hint'> => {
  try {
    work();
  } catch (error) {
    if (error instanceof EvenkeelError) return error;
    throw error;
  }
  throw new Error('it was not refused');
};

describe('query strings', () => {
  it.each([
    ['/a', {}],
    ['/a?', {}],
    ['/a?&&', {}],
    ['/a?x=1&y=a%20b+c', { x: '1', y: 'a b c' }],
    ['/a?x', { x: '' }],
    ['/a?x=a=b', { x: 'a=b' }],
    ['/a?ü=%C3%BC', { ü: 'ü' }],
    ['/a?constructor=1', { constructor: '1' }],
  ])('%s', (url, expected) => {
    expect(queryOf(url)).toEqual(expected);
  });

  it.each([
    ['/a?x=%', 400],
    ['/a?x=%E0%A4', 400],
    ['/a?x=1&x=2', 422],
    ['/a?x=1&%78=2', 422],
  ])('%s is a %i', (url, status) => {
    expect(refusal(() => queryOf(url)).status).toBe(status);
  });
});

describe('validation', () => {
  const schema = z.strictObject({
    limit: integerParameter(1, 10).optional(),
    name: plainText(1, 5).optional(),
    state: z.enum(['running', 'queued']).optional(),
  });

  it.each([
    [{ limit: '10' }, { limit: 10 }],
    [{ name: 'añ😀' }, { name: 'añ😀' }],
    [{}, {}],
  ])('%j is %j', (given, expected) => {
    expect(validate(schema, given, 'query parameter')).toEqual(expected);
  });

  it.each([
    [{ limit: '11' }, 'limit: must be at most 10'],
    [{ limit: '0' }, 'limit: must be at least 1'],
    [{ limit: '1.5' }, 'limit: must be a whole number from 1 to 10'],
    [{ limit: '' }, 'limit: must be a whole number from 1 to 10'],
    [{ limit: '0x5' }, 'limit: must be a whole number from 1 to 10'],
    [{ name: '' }, 'name: must not be empty'],
    [{ name: 'abcdef' }, 'name: must have at most 5 characters'],
    [{ name: 'a\0' }, 'name: must not hold a NUL character (\\u0000)'],
    [{ name: '\ud800' }, 'name: must not hold half a surrogate pair'],
    [{ state: 'x' }, 'state must be one of running, queued'],
  ])('%j is refused: %s', (given, message) => {
    expect(refusal(() => validate(schema, given, 'query parameter'))).toMatchObject({
      status: 422,
      message,
      path: Object.keys(given)[0],
    });
  });

  it('says what is missing, and first of all which other name may have been meant for it', () => {
    const body = z.strictObject({ name: z.string(), condition: z.unknown() });
    expect(refusal(() => validate(body, { condition: {} }, 'field'))).toMatchObject({
      message: 'name is missing',
      path: 'name',
    });
    expect(refusal(() => validate(body, { name: 'x' }, 'field')).message).toBe('condition is missing');
    expect(refusal(() => validate(body, { name: 'x', conditon: {} }, 'field'))).toMatchObject({
      message: 'unknown field "conditon"',
      hint: 'did you mean "condition"?',
    });
  });

  it('says what an unknown name or value may have meant', () => {
    expect(refusal(() => validate(schema, { limti: 1 }, 'query parameter'))).toMatchObject({
      message: 'unknown query parameter "limti"',
      path: 'limti',
      hint: 'did you mean "limit"?',
    });
    expect(refusal(() => validate(schema, { state: 'runing' }, 'query parameter')).hint).toBe(
      'did you mean "running"?',
    );
    const nested = z.strictObject({ of: z.array(z.strictObject({ operator: z.string() })).optional() });
    expect(refusal(() => validate(nested, { of: [{ operator: 'x', oprator: 1 }] }, 'field'))).toMatchObject({
      path: 'of[0].oprator',
      hint: 'did you mean "operator"?',
    });
  });
});
