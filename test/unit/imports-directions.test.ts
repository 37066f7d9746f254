import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { expect, test } from '@jest/globals';

const SOURCE = join(import.meta.dirname, '..', '..', 'src');

/** Imports point downward only: a room may use its own files and rooms further down. Rooms of one line are side by side. */
const STOREYS = [
  ['main.ts', 'cli', 'http', 'demo'],
  ['calculations', 'ingest', 'monitoring', 'status'],
  ['compiler', 'index'],
  ['conditions', 'database'],
  ['core'],
];
const DOORS = new Set(STOREYS[0]);

/** Pure files next door that a pure room may use. */
const SHARED: Record<string, string[]> = { compiler: ['index/layout.ts', 'index/codes.ts'] };

/** Rooms that know nothing of the outside, and the packages they may use all the same. */
const PURE_ROOMS: Record<string, string[]> = {
  conditions: ['zod', 'node:crypto'],
  compiler: ['node:crypto', 'node:assert'],
  'monitoring/detector': [],
};
const pureRoomOf = (file: string): string | undefined =>
  Object.keys(PURE_ROOMS).find((room) => file.startsWith(`${room}/`));
/** All that the detector sees of the rest of monitoring. */
const DETECTOR_SEES = ['monitoring/types.ts'];

/** What only doors may know. */
const DOOR_PACKAGES = ['express', 'prom-client'];

interface Import {
  readonly file: string;
  readonly target: string;
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)/g;

const imports: Import[] = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) =>
    [...readFileSync(join(SOURCE, file), 'utf8').matchAll(IMPORT)].map((match) => ({
      file: file.split(sep).join('/'),
      target: match[1] ?? match[2] ?? '',
    })),
  );

const roomOf = (file: string): string => file.split('/')[0] ?? '';
const storeyOf = (room: string): number => STOREYS.findIndex((rooms) => rooms.includes(room));

/** Relative to `src`; undefined where it is a package. */
const resolved = ({ file, target }: Import): string | undefined =>
  target.startsWith('.')
    ? relative(SOURCE, normalize(join(SOURCE, dirname(file), target)))
        .split(sep)
        .join('/')
    : undefined;

const isAllowed = (from: string, to: string): boolean => {
  const [source, target] = [roomOf(from), roomOf(to)];
  if (source === target || (SHARED[source] ?? []).includes(to)) return true;
  if (DOORS.has(source) && DOORS.has(target)) return true;
  return storeyOf(source) < storeyOf(target);
};

const shown = (wrong: readonly Import[]): string[] => wrong.map(({ file, target }) => `${file} imports ${target}`);

test('there is something to look at, and every room has its storey', () => {
  expect(imports.length).toBeGreaterThan(100);
  const rooms = new Set(imports.map(({ file }) => roomOf(file)));
  expect([...rooms].filter((room) => storeyOf(room) < 0)).toEqual([]);
});

test('imports point downward only', () => {
  const wrong = imports.filter((each) => {
    const to = resolved(each);
    return to !== undefined && !isAllowed(each.file, to);
  });
  expect(shown(wrong)).toEqual([]);
});

test('the language knows nothing but core', () => {
  const wrong = imports.filter((each) => {
    const to = resolved(each);
    return roomOf(each.file) === 'conditions' && to !== undefined && !['conditions', 'core'].includes(roomOf(to));
  });
  expect(shown(wrong)).toEqual([]);
});

test('pure rooms reach for nothing outside, and not for the database', () => {
  const wrong = imports.filter((each) => {
    const room = pureRoomOf(each.file);
    if (room === undefined) return false;
    const packages = PURE_ROOMS[room]!;
    const to = resolved(each);
    return to === undefined ? !packages.includes(each.target) : roomOf(to) === 'database';
  });
  expect(shown(wrong)).toEqual([]);
});

test('the detector knows nothing but the words of monitoring', () => {
  const wrong = imports.filter((each) => {
    const to = resolved(each) ?? each.target;
    return (
      each.file.startsWith('monitoring/detector/') &&
      !to.startsWith('monitoring/detector/') &&
      !DETECTOR_SEES.includes(to)
    );
  });
  expect(imports.some(({ file }) => file.startsWith('monitoring/detector/'))).toBe(true);
  expect(shown(wrong)).toEqual([]);
});

test('only doors know express and prom-client', () => {
  const wrong = imports.filter(({ file, target }) => !DOORS.has(roomOf(file)) && DOOR_PACKAGES.includes(target));
  expect(shown(wrong)).toEqual([]);
});

test('what is imported from elsewhere is written with its extension', () => {
  expect(shown(imports.filter(({ target }) => target.startsWith('.') && !target.endsWith('.ts')))).toEqual([]);
});

test.each([
  ['conditions/parse.ts', 'database/sql.ts', false],
  ['compiler/compile.ts', 'index/fold.ts', false],
  ['compiler/compile.ts', 'index/layout.ts', true],
  ['ingest/intake.ts', 'calculations/segments.ts', false],
  ['database/connect.ts', 'core/log.ts', true],
  ['core/ids.ts', 'database/sql.ts', false],
  ['http/app.ts', 'calculations/segments.ts', true],
  ['calculations/segments.ts', 'http/app.ts', false],
])('the rule itself: %s to %s is %p', (from, to, allowed) => {
  expect(isAllowed(from, to)).toBe(allowed);
});
