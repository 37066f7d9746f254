import { decodeIntegers, decodeText, encodeCursor } from '../../../src/core/cursors.ts';

test('a cursor gives back what it was made of', () => {
  expect(decodeIntegers('members', encodeCursor('members', 7, 31_999), 2)).toEqual([7, 31_999]);
  expect(decodeText('segments', encodeCursor('segments', 'vip'))).toBe('vip');
});

test.each([
  ['nothing', ''],
  ['another kind', encodeCursor('changes', 7, 31_999)],
  ['too few numbers', encodeCursor('members', 7)],
  ['too many numbers', encodeCursor('members', 7, 8, 9)],
  ['a string', Buffer.from('["members",7,"8"]').toString('base64url')],
  ['a fraction', Buffer.from('["members",7,8.5]').toString('base64url')],
  ['beyond 2^53', Buffer.from('["members",7,1e300]').toString('base64url')],
  ['below −1', Buffer.from('["members",7,-2]').toString('base64url')],
  ['no array', Buffer.from('{"members":7}').toString('base64url')],
  ['no JSON', 'zzzz'],
  ['a long one', 'a'.repeat(100_000)],
])('%s is refused as a cursor', (_, cursor) => {
  expect(() => decodeIntegers('members', cursor, 2)).toThrow(expect.objectContaining({ status: 422, path: 'cursor' }));
});

test('a number is no text', () => {
  expect(() => decodeText('segments', encodeCursor('segments', 7))).toThrow(expect.objectContaining({ status: 422 }));
});
