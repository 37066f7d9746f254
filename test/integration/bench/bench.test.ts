import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

/** Small and quick: that the bench ends well and says what is documented, not how fast anything is. */

const ROOT = join(import.meta.dirname, '..', '..', '..');
const TIMEOUT_MS = 180_000;
const USERS = 2_000;

const bench = (args: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '' },
  });

describe('npm run bench', () => {
  let database: TestDatabase;
  let directory: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-test-'));
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true, force: true });
    await database.drop();
  });

  it(
    'measures a subset beside its peers, compares the members and writes the documented JSON',
    async () => {
      const json = join(directory, 'bench.json');
      const { stdout } = await bench([
        ...['--users', String(USERS), '--only', 'query', '--peers', 'jsonb,keyvalue', '--json', json],
        ...['--runs', '2', '--rounds', '1', '--database', database.url, '--directory', directory, '--from-source'],
      ]);
      const rows = JSON.parse(readFileSync(json, 'utf8')) as Record<string, unknown>[];
      const properties = ['is_set.store', 'tree5.store', 'range.store', 'contains.store'];
      expect(rows.map(({ work, peer }) => `${String(work)} ${String(peer)}`).sort()).toEqual(
        [
          ...properties.flatMap((work) => [`${work} jsonb`, `${work} keyvalue`]),
          'event1.store keyvalue',
          'event3.store keyvalue',
        ].sort(),
      );
      const spread = { p50: expect.any(Number), p99: expect.any(Number) };
      for (const row of rows)
        expect(row).toEqual({
          work: expect.any(String),
          users: USERS,
          peer: expect.stringMatching(/^(jsonb|keyvalue)$/),
          evenkeelMs: spread,
          peerMs: spread,
          ratio: expect.any(Number),
        });
      const details = JSON.parse(readFileSync(join(directory, 'bench.details.json'), 'utf8')) as {
        agreements: Record<string, boolean>;
      };
      expect(Object.keys(details.agreements)).toHaveLength(rows.length);
      expect(Object.values(details.agreements)).not.toContain(false);
      expect(stdout).toMatch(/^reached +members equal to those of every peer: 10 comparisons$/m);
      expect(stdout).toMatch(/^(reached|NOT reached) +is_set stored: ≥ 200× faster than jsonb: /m);
    },
    TIMEOUT_MS,
  );

  it('says what is wrong with its options in one line', async () => {
    await expect(bench(['--only', 'qery'])).rejects.toMatchObject({
      stderr: expect.stringMatching(/--only: there is no "qery"; there are small, query, /),
    });
    const { stdout } = await bench(['--help']);
    expect(stdout).toContain('--peers LIST');
  });
});
