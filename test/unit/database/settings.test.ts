import { expect, test } from '@jest/globals';
import { serverSettings } from '../../../src/database/embedded/settings.ts';

test.each([
  [256, '128MB'],
  [8_192, '2048MB'],
  [65_536, '4096MB'],
])('a machine of %i MB gets %s of shared buffers', (memory, expected) => {
  expect(serverSettings(memory).shared_buffers).toBe(expected);
});

test('nothing is given up for speed', () => {
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit'])
    expect(serverSettings(1_024)).not.toHaveProperty(name);
});
