import { textHash } from '../../../src/index/codes.ts';

test('the hashes that are stored are those of every version', () => {
  expect(['', 'a', 'ada@example.com', 'naïve 😀'].map(textHash)).toEqual([
    2_872_998_923, 444_641_715, 4_037_819_389, 2_697_806_450,
  ]);
});

test('each bit of the hash is set for about half of similar texts', () => {
  const counts = Array.from({ length: 32 }, () => 0);
  const texts = 10_000;
  for (let i = 0; i < texts; i++) {
    const hash = textHash(`user${i}@example.com`);
    for (let bit = 0; bit < 32; bit++) counts[bit] = (counts[bit] as number) + ((hash >>> bit) & 1);
  }
  for (const count of counts) expect(Math.abs(count / texts - 0.5)).toBeLessThan(0.03);
});
