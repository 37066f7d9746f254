import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { DETECTOR_SETTINGS } from '../../../../src/monitoring/detector/config.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../../../docs/detection.md'), 'utf8');

test('docs/detection.md lists every threshold with its default and meaning, and no other', () => {
  const rows = DETECTOR_SETTINGS.map(
    ({ name, default: value, explanation }) => `| \`${name}\` | ${value} | ${explanation} |`,
  );
  const listed = DOCUMENT.split('\n').filter((line) => /^\| `\w+` \| [\d.]+ \| /.test(line));
  expect(listed).toEqual(rows);
});
