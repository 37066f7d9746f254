import { randomUUID } from 'node:crypto';
import { SegmentLists } from '../../../src/calculations/segment-lists.ts';
import { Segments } from '../../../src/calculations/segments.ts';
import { Signals } from '../../../src/calculations/signals.ts';
import type { ListMode } from '../../../src/calculations/lists.ts';
import type { ListRole } from '../../../src/conditions/types.ts';
import { silentLog } from '../../../src/core/log.ts';
import { listProperties } from '../../../src/index/coverage.ts';
import { foldWorkspace } from '../../../src/index/fold.ts';
import { rebuild } from '../../../src/index/rebuild.ts';
import { calculate, openWorld, type World } from '../../support/world.ts';
import { continueOrdinalsAt, createWorkspace, snapshotMembers } from '../../support/workspace.ts';

const IS_SET = { type: 'property', property: 'plan', operator: 'is_set' };

let world: World;
let workspaceId: number;
let segments: Segments;
let lists: SegmentLists;

beforeAll(async () => {
  world = await openWorld();
  const signals = new Signals({ url: world.url, pool: world.pool, origin: randomUUID(), log: silentLog });
  segments = new Segments({ pool: world.pool, signals });
  lists = new SegmentLists({ pool: world.pool, signals });
});
afterAll(() => world.close());
beforeEach(async () => {
  workspaceId = await createWorkspace(world.pool, randomUUID());
});

const identify = (...ids: string[]) =>
  world.write(workspaceId, [
    { kind: 'messages', messages: ids.map((userId) => ({ type: 'identify', userId, traits: { plan: 'pro' } })) },
  ]);
const alias = (previousId: string, userId: string) =>
  world.write(workspaceId, [{ kind: 'messages', messages: [{ type: 'alias', previousId, userId }] }]);
const upload = (key: string, role: ListRole, mode: ListMode, ...ids: string[]) =>
  lists.upload(workspaceId, key, role, mode, () => [ids]);

/** Of a segment that refers to `key`, so that references are tried as well. */
const members = async (key: string): Promise<string[]> => {
  const done = await calculate(world.client, world.pool, workspaceId, { type: 'segment', segment: key }, 'testing');
  const found = await snapshotMembers(world.pool, done.snapshotId);
  expect(found.bits).toBe(done.members);
  return found.members;
};

describe('a static segment', () => {
  it('has who of its list is a user now, whenever they came', async () => {
    await identify('a', 'b', 'c');
    const made = await segments.create(workspaceId, { name: 'VIP', userIds: ['a', 'later', 'b', 'a'] });
    expect(made).toMatchObject({
      key: 'vip',
      type: 'static',
      condition: null,
      conditionKinds: ['segment'],
      version: 1,
      lists: { userIds: { ids: 3, users: 2 } },
    });
    expect(await members('vip')).toEqual(['a', 'b']);
    await identify('later', 'never');
    expect(await segments.get(workspaceId, 'vip')).toMatchObject({
      lists: { userIds: { ids: 3, users: 3 } },
      version: 1,
    });
    expect(await members('vip')).toEqual(['a', 'b', 'later']);
    await foldWorkspace(world.client, workspaceId);
    expect(await members('vip')).toEqual(['a', 'b', 'later']);
    expect(await segments.get(workspaceId, 'vip')).toMatchObject({ lists: { userIds: { ids: 3, users: 3 } } });
  });

  it('is replaced, added to and removed from, and each change is another version', async () => {
    await identify('a', 'b', 'c', 'd');
    await segments.create(workspaceId, { key: 'vip', name: 'VIP', userIds: ['a', 'b'] });
    expect(await upload('vip', 'users', 'replace', 'b', 'c', 'x')).toEqual({
      segment: 'vip',
      list: 'userIds',
      mode: 'replace',
      ids: 3,
      users: 2,
      added: 2,
      removed: 1,
      version: 2,
    });
    expect(await members('vip')).toEqual(['b', 'c']);
    expect(await upload('vip', 'users', 'add', 'd', 'd', 'c')).toMatchObject({
      ids: 4,
      added: 1,
      removed: 0,
      version: 3,
    });
    expect(await upload('vip', 'users', 'remove', 'c', 'nobody')).toMatchObject({ ids: 3, removed: 1, version: 4 });
    expect(await members('vip')).toEqual(['b', 'd']);
    expect(await upload('vip', 'users', 'add', 'd')).toMatchObject({ added: 0, version: 4 });
    await segments.update(workspaceId, 'vip', { userIds: { add: ['a'], remove: ['b', 'x'] } });
    expect(await members('vip')).toEqual(['a', 'd']);
    expect(await segments.update(workspaceId, 'vip', { userIds: [] })).toMatchObject({
      version: 6,
      lists: { userIds: { ids: 0, users: 0 } },
    });
    expect(await members('vip')).toEqual([]);
  });

  it('is read page by page, and as a whole', async () => {
    const ids = Array.from({ length: 25 }, (_, i) => `id-${String(i).padStart(2, '0')}`);
    await segments.create(workspaceId, { key: 'vip', name: 'VIP', userIds: ids.toReversed() });
    const first = await lists.page(workspaceId, 'vip', 'users', { limit: 20 });
    expect(first.userIds).toEqual(ids.slice(0, 20));
    const second = await lists.page(workspaceId, 'vip', 'users', { limit: 20, cursor: first.nextCursor ?? '' });
    expect(second).toEqual({ userIds: ids.slice(20), nextCursor: null });
    const streamed: string[] = [];
    for await (const id of lists.stream(workspaceId, 'vip', 'users')) streamed.push(id);
    expect(streamed).toEqual(ids);
    await expect(lists.page(workspaceId, 'vip', 'include')).rejects.toMatchObject({ status: 422 });
    await expect(lists.page(workspaceId, 'nobody', 'users')).rejects.toMatchObject({ status: 404 });
  });

  it('keeps its list where something goes wrong in the middle', async () => {
    await segments.create(workspaceId, { key: 'vip', name: 'VIP', userIds: ['a'] });
    const broken = async function* () {
      yield ['b'];
      throw new Error('broken off');
    };
    await expect(lists.upload(workspaceId, 'vip', 'users', 'replace', broken)).rejects.toThrow('broken off');
    expect((await lists.page(workspaceId, 'vip', 'users')).userIds).toEqual(['a']);
    expect(await segments.get(workspaceId, 'vip')).toMatchObject({ version: 1 });
  });
});

describe('include and exclude', () => {
  beforeEach(async () => {
    await identify('a', 'b', 'c');
    await world.write(workspaceId, [{ kind: 'replace', userId: 'plain', properties: {} }]);
    await segments.create(workspaceId, {
      key: 'paying',
      name: 'Paying',
      condition: IS_SET,
      include: ['plain', 'c'],
      exclude: ['a', 'c', 'later'],
    });
  });

  it('override the condition, and to be excluded wins', async () => {
    expect(await segments.get(workspaceId, 'paying')).toMatchObject({
      type: 'dynamic',
      condition: IS_SET,
      conditionKinds: ['property.is_set', 'segment'],
      lists: { include: { ids: 2, users: 2 }, exclude: { ids: 3, users: 2 } },
    });
    expect(await members('paying')).toEqual(['b', 'plain']);
    await identify('later', 'other');
    expect(await members('paying')).toEqual(['b', 'other', 'plain']);
    await segments.update(workspaceId, 'paying', {
      exclude: { remove: ['a'] },
      include: [],
      condition: { type: 'not', of: IS_SET },
    });
    expect(await members('paying')).toEqual(['plain']);
    expect(await segments.get(workspaceId, 'paying')).toMatchObject({ version: 2, lists: { include: { ids: 0 } } });
  });

  it('follow users through other names and merging, and are forgotten with whom they name', async () => {
    await alias('a', 'new name');
    expect(await members('paying')).toEqual(['b', 'plain']);
    await identify('d');
    await foldWorkspace(world.client, workspaceId);
    expect(await members('paying')).toEqual(['b', 'd', 'plain']);
    // d gets the names of a, and is excluded with them
    await alias('new name', 'd');
    expect(await members('paying')).toEqual(['b', 'plain']);
    // a name on a list that nobody had until now
    await alias('later', 'b');
    expect(await members('paying')).toEqual(['plain']);
    await rebuild(world.client, workspaceId);
    expect(await members('paying')).toEqual(['plain']);
    await world.write(workspaceId, [{ kind: 'erase', userId: 'd' }]);
    expect((await lists.page(workspaceId, 'paying', 'exclude')).userIds).toEqual(['c', 'later']);
    expect(await segments.get(workspaceId, 'paying')).toMatchObject({ lists: { exclude: { ids: 2, users: 2 } } });
    await identify('a');
    expect(await members('paying')).toEqual(['a', 'plain']);
  });

  it('refuse what does not fit', async () => {
    const refused = (body: object, path: string) =>
      expect(segments.update(workspaceId, 'paying', body)).rejects.toMatchObject({ status: 422, path });
    await refused({ userIds: ['a'] }, 'userIds');
    await refused({ include: 'a' }, 'include');
    await refused({ include: ['a', ''] }, 'include[1]');
    await refused({ exclude: { add: ['x'.repeat(256)] } }, 'exclude.add[0]');
    await refused({ exclude: { put: [] } }, 'put');
    const create = (body: object) => segments.create(workspaceId, { name: 'x', ...body });
    await expect(create({ userIds: [], condition: IS_SET })).rejects.toMatchObject({ status: 422, path: 'userIds' });
    await expect(create({ userIds: [], exclude: [] })).rejects.toMatchObject({ status: 422, path: 'exclude' });
    await expect(create({ condition: IS_SET, include: { add: [] } })).rejects.toMatchObject({ status: 422 });
    await segments.create(workspaceId, { key: 'list', name: 'x', userIds: [] });
    await expect(segments.update(workspaceId, 'list', { condition: IS_SET })).rejects.toMatchObject({
      path: 'condition',
    });
  });
});

test('a list larger than its marks is folded as a whole, in all chunks', async () => {
  const ids = Array.from({ length: 900 }, (_, i) => `u${i}`);
  await identify(...ids.slice(0, 300));
  await continueOrdinalsAt(world.pool, workspaceId, 32_000 - 50);
  await identify(...ids.slice(300, 800));
  await segments.create(workspaceId, { key: 'vip', name: 'VIP', userIds: [] });
  await upload('vip', 'users', 'replace', ...ids.filter((_, i) => i % 3 > 0));
  const wanted = (all: string[]) => all.filter((_, i) => i % 3 > 0).sort();
  expect(await members('vip')).toEqual(wanted(ids.slice(0, 800)));
  await identify(...ids);
  expect(await members('vip')).toEqual(wanted(ids));
  expect(await segments.get(workspaceId, 'vip')).toMatchObject({ lists: { userIds: { ids: 600, users: 600 } } });
});

test('a deleted segment leaves nothing of its lists, and lists are no properties', async () => {
  await identify('a', 'b');
  await segments.create(workspaceId, { key: 'vip', name: 'VIP', userIds: ['a', 'x'] });
  expect(await members('vip')).toEqual(['a']);
  await foldWorkspace(world.client, workspaceId);
  const { properties } = await listProperties(world.pool, workspaceId);
  expect(properties.map(({ property }) => property)).toEqual(['plan']);
  await upload('vip', 'users', 'add', 'b');
  await segments.delete(workspaceId, 'testing');
  await segments.delete(workspaceId, 'vip');
  const { rows } = await world.pool.query(
    `select (select count(*)::integer from lists where workspace_id = $1) as lists,
            (select count(*)::integer from list_ids where workspace_id = $1) as ids,
            (select count(*)::integer from properties where workspace_id = $1 and path like '.%') as properties,
            (select count(*)::integer from slices s where s.shard >> 20 = $1 and not exists (select from columns c where c.id = s.column_id)) as slices,
            (select count(*)::integer from pending_properties p where p.shard >> 20 = $1 and not exists (select from properties where id = p.property_id)) as pending`,
    [workspaceId],
  );
  expect(rows).toEqual([{ lists: 0, ids: 0, properties: 0, slices: 0, pending: 0 }]);
});
