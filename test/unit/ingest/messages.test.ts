import { MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES } from '../../../src/ingest/limits.ts';
import { type MessageKind, parseMessages } from '../../../src/ingest/messages.ts';

const NOW = Date.UTC(2026, 0, 31);
const one = (kind: MessageKind, body: object): object =>
  JSON.parse(JSON.stringify(parseMessages(body, kind, NOW)[0])) as object;

describe('messages', () => {
  test('become what is to be done', () => {
    expect(
      one('identify', { userId: 'a', anonymousId: 'b', traits: { plan: null, 'x.y': 1 }, context: { ip: 1 } }),
    ).toMatchObject({
      kind: 'merge',
      userId: 'a',
      patch: { plan: null, x: { y: 1 } },
    });
    expect(one('identify', { userId: null, anonymousId: 'b' })).toMatchObject({
      kind: 'merge',
      userId: 'b',
      patch: {},
    });
    expect(
      one('track', {
        userId: 'a',
        event: 'Order',
        properties: { n: 1, gone: null },
        timestamp: '2026-01-01T00:00:00.123Z',
      }),
    ).toMatchObject({
      kind: 'event',
      event: 'Order',
      at: Date.UTC(2026, 0, 1) + 123,
      properties: '{"n":1}',
    });
    expect(one('track', { userId: 'a', event: 'Order', timestamp: null })).toMatchObject({ at: NOW });
    expect(
      one('page', { userId: 'a', name: 'Home', category: 'Docs', properties: { name: 'other', url: '/' } }),
    ).toMatchObject({
      event: 'page',
      properties: '{"name":"Home","url":"/","category":"Docs"}',
    });
    expect(one('screen', { anonymousId: 'a' })).toMatchObject({ event: 'screen', properties: '{}' });
    expect(one('group', { userId: 'a', groupId: 'g', traits: { id: 'other', seats: 5, left: null } })).toMatchObject({
      kind: 'merge',
      patch: { group: { id: 'g', seats: 5, left: null } },
    });
    expect(one('alias', { userId: 'a', previousId: 'b' })).toMatchObject({
      kind: 'alias',
      userId: 'a',
      previousId: 'b',
    });
  });

  test('with one messageId have one key, events without have each their own', () => {
    const track = { userId: 'a', event: 'e' };
    const key = (body: object) => (one('track', body) as { key: string }).key;
    expect(key({ ...track, messageId: 'm' })).toBe(key({ ...track, messageId: 'm', userId: 'b' }));
    expect(key({ ...track, messageId: 'm' })).toMatch(/^[0-9a-f]{32}$/);
    expect(key(track)).not.toBe(key(track));
    expect(one('identify', { userId: 'a' })).not.toHaveProperty('key');
  });

  test.each<[MessageKind, unknown, string | undefined, RegExp]>([
    ['identify', [], undefined, /must be an object/],
    ['identify', {}, 'userId', /userId is missing, and so is anonymousId/],
    ['identify', { userId: 5 }, 'userId', /not the number 5/],
    ['identify', { userId: '' }, 'userId', /1 to 255/],
    ['identify', { userId: 'x'.repeat(256) }, 'userId', /at most 255/],
    ['identify', { userId: '\ud800' }, 'userId', /surrogate/],
    ['identify', { userId: 'a', traits: [] }, 'traits', /must be an object/],
    ['identify', { userId: 'a', traits: { 'a..b': 1 } }, 'traits["a..b"]', /dots/],
    ['track', { userId: 'a' }, 'event', /missing/],
    ['track', { userId: 'a', event: 'e', timestamp: 'soon' }, 'timestamp', /ISO 8601/],
    ['track', { userId: 'a', event: 'e', timestamp: 1 }, 'timestamp', /ISO 8601/],
    ['track', { userId: 'a', event: 'e', messageId: 'x'.repeat(256) }, 'messageId', /255/],
    ['group', { userId: 'a' }, 'groupId', /missing/],
    ['alias', { userId: 'a' }, 'previousId', /missing/],
    ['alias', { previousId: 'a' }, 'userId', /missing/],
    ['batch', {}, 'batch', /list of messages/],
    ['batch', { batch: [1] }, 'batch[0]', /must be an object/],
    [
      'batch',
      {
        batch: [
          { type: 'identify', userId: 'a' },
          { type: 'trak', userId: 'a' },
        ],
      },
      'batch[1].type',
      /one of/,
    ],
    ['batch', { batch: [{ type: 'track', userId: 'a', event: 7 }] }, 'batch[0].event', /number 7/],
  ])('%s %j is refused', (kind, body, path, message) => {
    const refused = (() => {
      try {
        return parseMessages(body, kind, NOW);
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toMatchObject({ status: 422, message: expect.stringMatching(message) as string });
    expect((refused as { path?: string }).path).toBe(path);
  });

  test('and batches have limits', () => {
    const message = { type: 'identify', userId: 'a', traits: { x: 'y'.repeat(MAX_MESSAGE_BYTES) } };
    expect(() => parseMessages(message, 'identify', NOW)).toThrow(expect.objectContaining({ status: 413 }) as Error);
    expect(() => parseMessages({ batch: [message] }, 'batch', NOW)).toThrow(
      expect.objectContaining({ status: 413, path: 'batch[0]' }) as Error,
    );
    const small = { type: 'identify', userId: 'a' };
    const many = Array.from({ length: MAX_BATCH_MESSAGES + 1 }, () => small);
    expect(() => parseMessages({ batch: many }, 'batch', NOW)).toThrow(
      expect.objectContaining({ status: 413 }) as Error,
    );
    expect(parseMessages({ batch: many.slice(1) }, 'batch', NOW)).toHaveLength(MAX_BATCH_MESSAGES);
    expect(parseMessages({ batch: [] }, 'batch', NOW)).toEqual([]);
  });
});
