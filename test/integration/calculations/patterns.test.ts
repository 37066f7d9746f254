import { classifyFailure } from '../../../src/calculations/failures.ts';
import { checkPatterns, withPatternLimit } from '../../../src/calculations/patterns.ts';
import { preview } from '../../../src/calculations/questions.ts';
import { Session } from '../../../src/calculations/session.ts';
import { parseCondition } from '../../../src/conditions/parse.ts';
import { transaction } from '../../../src/database/transaction.ts';
import { calculate, openWorld, type World } from '../../support/world.ts';
import { createWorkspace } from '../../support/workspace.ts';

/** Regular expressions that PostgreSQL cannot read, and one that it would match for years. */

const LIMIT_MS = 400;
/** Against a text of one letter: all ways to cut it in three. */
const CATASTROPHE = '(.*)(.*)(.*)\\3\\2\\1xy?z?$';
const matches = (property: string, value = CATASTROPHE) => ({ type: 'property', property, operator: 'matches', value });

let world: World;
let session: Session;
let workspaceId: number;

beforeAll(async () => {
  world = await openWorld();
  session = new Session({ url: world.url, statementTimeoutMs: LIMIT_MS });
  workspaceId = await createWorkspace(world.pool, 'patterns');
  const users = Array.from({ length: 20 }, (_, i) => ({
    kind: 'replace' as const,
    userId: `u${i}`,
    properties: { note: 'x'.repeat(4_000 + i), many: 'x'.repeat(4_000 + i), plan: i % 2 === 0 ? 'pro' : 'free' },
  }));
  await world.write(workspaceId, users);
  await world.calculate(workspaceId, matches('many', '^y'));
  await world.pool.query(
    `update columns c set overflowed = true from properties p where p.id = c.property_id and p.path = 'many' and c.type = 'text'`,
  );
});
afterAll(async () => {
  await session?.reset();
  await world?.close();
});

test.each([
  ['the dictionary', 'note'],
  ['the rows', 'many'],
])('a pattern that takes too long over %s is an error of its own, and not tried again', async (_, property) => {
  const client = await session.begin();
  const condition = { type: 'not', of: { type: 'any', of: [matches('plan', '^p'), matches(property)] } };
  const circumstances = { statementTimeoutMs: LIMIT_MS, statementMs: LIMIT_MS };
  const failure = await calculate(client, world.pool, workspaceId, condition).catch((error: unknown) =>
    classifyFailure(error, circumstances),
  );
  expect(failure).toMatchObject({
    outcome: 'failed',
    retry: false,
    problem: {
      code: 'pattern_too_slow',
      message: `one of 2 regular expressions was matched for more than ${LIMIT_MS} ms`,
    },
  });
  const asked = preview(client, {
    kind: 'preview',
    workspaceId,
    condition: parseCondition(matches(property)),
    sample: 1,
  });
  await expect(asked).rejects.toMatchObject({
    status: 422,
    code: 'pattern_too_slow',
    message: `the regular expression ${JSON.stringify(CATASTROPHE)} was matched for more than ${LIMIT_MS} ms`,
  });
  // and the connection is as good as before
  expect(await calculate(client, world.pool, workspaceId, matches('plan', '^p'))).toMatchObject({ members: 10 });
});

test('the limit ends with the part that it is for', async () => {
  const shown = `select current_setting('statement_timeout') as now`;
  await transaction(world.pool, async (client) => {
    await client.query(`set local statement_timeout = '1h'`);
    const condition = parseCondition(matches('plan'));
    const within = await withPatternLimit(client, condition, async () => (await client.query(shown)).rows);
    expect(within).toEqual([{ now: '10s' }]);
    expect((await client.query(shown)).rows).toEqual([{ now: '1h' }]);
  });
});

test('what PostgreSQL cannot read is refused where it is written, with its reason', async () => {
  const condition = parseCondition({
    type: 'all',
    of: [matches('plan', '^p'), { type: 'not', of: matches('plan', '(') }],
  });
  await expect(checkPatterns(world.pool, condition)).rejects.toMatchObject({
    status: 422,
    code: 'invalid',
    path: 'condition.of[1].of.value',
    message: '"value": invalid regular expression: parentheses () not balanced',
  });
  await checkPatterns(world.pool, parseCondition(matches('plan', '\\m(a|b){2,5}\\M[[:alpha:]]')));
});

test('a pattern that takes too long to be read is refused as well', async () => {
  const slow = `(${'((a{1,200})?b?){1,2}'.repeat(40)})`;
  const problem = await checkPatterns(world.pool, parseCondition(matches('plan', slow))).catch((error: Error) => error);
  expect(problem).toMatchObject({ status: 422, path: 'condition.value' });
});
