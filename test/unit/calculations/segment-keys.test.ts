import { freeKey, readKey, slug } from '../../../src/calculations/segment-keys.ts';

test.each([
  ['Very Important', 'very-important'],
  ['Crème & Brûlée!', 'creme-brulee'],
  ['  --  ', 'segment'],
  ['顧客', 'segment'],
  ['x'.repeat(200), 'x'.repeat(56)],
  ['ﬁne №1', 'fine-no1'],
])('the key made of %j is %j', (name, key) => {
  expect(slug(name)).toBe(key);
  expect(readKey(slug(name))).toBe(key);
});

test('a taken key gets the next number', () => {
  expect(freeKey('VIP', new Set())).toBe('vip');
  expect(freeKey('VIP', new Set(['vip']))).toBe('vip-2');
  expect(freeKey('VIP', new Set(['vip', 'vip-2', 'vip-4']))).toBe('vip-3');
  expect(freeKey('Preview', new Set())).toBe('preview-2');
});

test.each([undefined, null, 5, '', 'a b', 'a.b', 'ä', 'a'.repeat(65), 'preview', 'explain'])('%j is no key', (key) => {
  expect(() => readKey(key)).toThrow(expect.objectContaining({ status: 422, path: 'key' }));
});
