import { parseIsoDate } from '../conditions/dates.ts';
import { invalid, tooLarge } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { describe, quote, unstorable } from '../core/text.ts';
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_ID_LENGTH, MAX_MESSAGE_BYTES } from './limits.ts';
import { keyOf, type Operation, randomKey } from './operations.ts';
import { isObject, NO_PROPERTIES, type Properties, readProperties } from './properties.ts';

export const MESSAGE_TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];
export type MessageKind = MessageType | 'batch';

/**
 * The body of `POST /v1/identify` and so on as what is to be done, in order. Segment's HTTP tracking API: fields that are not
 * known are let through, `null` is absent. Without `userId` the user is the `anonymousId`.
 *
 * @param body JSON as `parseJson` gives it
 * @param receivedAt epoch ms: the time of messages that name none
 * @throws EvenkeelError 413 and 422 with the path of what is wrong, such as `batch[3].event`; then nothing is to be applied
 */
export const parseMessages = (body: unknown, kind: MessageKind, receivedAt: number): Operation[] => {
  if (!isObject(body)) throw invalid(`the body must be an object, not ${describe(body)}`);
  if (kind !== 'batch') return [parseMessage(body, kind, '', receivedAt)];
  const { batch } = body;
  if (!Array.isArray(batch))
    throw invalid(`batch must be a list of messages, not ${describe(batch)}`, { path: 'batch' });
  if (batch.length > MAX_BATCH_MESSAGES)
    throw tooLarge(`a batch has at most ${MAX_BATCH_MESSAGES} messages, not ${batch.length}`, { path: 'batch' });
  let bytes = 0;
  return batch.map((message: unknown, i) => {
    const path = `batch[${i}]`;
    if (!isObject(message)) throw invalid(`a message must be an object, not ${describe(message)}`, { path });
    const operation = parseMessage(message, typeOf(message, path), `${path}.`, receivedAt);
    bytes += operation.bytes;
    if (bytes > MAX_BATCH_BYTES) throw tooLarge(`a batch has at most ${MAX_BATCH_BYTES / 1024} KB`, { path });
    return operation;
  });
};

const typeOf = (message: Properties, path: string): MessageType => {
  const { type } = message;
  if (typeof type === 'string' && (MESSAGE_TYPES as readonly string[]).includes(type)) return type as MessageType;
  throw invalid(`type must be one of ${MESSAGE_TYPES.join(', ')}, not ${describe(type)}`, {
    path: `${path}.type`,
    ...(typeof type === 'string' ? didYouMean(type, MESSAGE_TYPES) : {}),
  });
};

const parseMessage = (message: Properties, type: MessageType, path: string, receivedAt: number): Operation => {
  const bytes = Buffer.byteLength(JSON.stringify(message));
  if (bytes > MAX_MESSAGE_BYTES)
    throw tooLarge(`a message has at most ${MAX_MESSAGE_BYTES / 1024} KB, not ${Math.ceil(bytes / 1024)}`, {
      ...(path === '' ? {} : { path: path.slice(0, -1) }),
    });
  const userId = userOf(message, type, path);
  const messageId = optionalText(message, 'messageId', path);
  const key = messageId === undefined ? undefined : keyOf(messageId);
  const at = timeOf(message, path) ?? receivedAt;
  // Written out: objects that are made by spreading others took half of the time of reading a batch.
  const merge = (patch: Properties): Operation =>
    key === undefined ? { userId, bytes, kind: 'merge', patch } : { userId, bytes, key, kind: 'merge', patch };
  const event = (name: string, properties: Properties): Operation => ({
    userId,
    bytes,
    kind: 'event',
    key: key ?? randomKey(),
    event: name,
    at,
    properties: JSON.stringify(properties),
  });
  switch (type) {
    case 'identify':
      return merge(objectOf(message, 'traits', path, 'keep'));
    case 'track':
      return event(requiredText(message, 'event', path), objectOf(message, 'properties', path, 'drop'));
    case 'page':
    case 'screen':
      return event(type, named(message, objectOf(message, 'properties', path, 'drop')));
    case 'group': {
      const id = requiredText(message, 'groupId', path);
      const traits = objectOf(message, 'traits', path, 'keep', 'group');
      return merge({ group: copyWith(traits, 'id', id) });
    }
    case 'alias':
      return { userId, bytes, kind: 'alias', previousId: requiredText(message, 'previousId', path) };
  }
};

const userOf = (message: Properties, type: MessageType, path: string): string => {
  const anonymousId = optionalText(message, 'anonymousId', path);
  const userId = optionalText(message, 'userId', path) ?? anonymousId;
  if (userId !== undefined) return userId;
  throw invalid(`userId is missing${type === 'alias' ? '' : ', and so is anonymousId'}`, { path: `${path}userId` });
};

const copyWith = (properties: Properties, key: string, value: unknown): Properties =>
  Object.assign(Object.create(null) as Properties, properties, { [key]: value });

/** Page and screen calls carry their name and category beside the properties. */
const named = (message: Properties, properties: Properties): Properties => {
  let result = properties;
  for (const field of ['category', 'name'] as const) {
    const value = message[field];
    if (typeof value === 'string' && value !== '' && unstorable(value) === undefined)
      result = copyWith(result, field, value);
  }
  return result;
};

const objectOf = (
  message: Properties,
  field: string,
  path: string,
  nulls: 'keep' | 'drop',
  under?: string,
): Properties => {
  const value = message[field];
  if (value === undefined || value === null) return NO_PROPERTIES;
  if (!isObject(value))
    throw invalid(`${field} must be an object, not ${describe(value)}`, { path: `${path}${field}` });
  return readProperties(value, { path: `${path}${field}`, nulls, ...(under === undefined ? {} : { under }) });
};

const timeOf = (message: Properties, path: string): number | undefined => {
  const { timestamp } = message;
  if (timestamp === undefined || timestamp === null) return undefined;
  const at = typeof timestamp === 'string' ? parseIsoDate(timestamp) : undefined;
  if (at !== undefined) return at;
  throw invalid(`timestamp must be an ISO 8601 date, not ${describe(timestamp)}`, {
    path: `${path}timestamp`,
    hint: 'as in "2026-01-31T09:00:00.000Z"',
  });
};

const requiredText = (message: Properties, field: string, path: string): string => {
  const value = optionalText(message, field, path);
  if (value === undefined) throw invalid(`${field} is missing`, { path: `${path}${field}` });
  return value;
};

const optionalText = (message: Properties, field: string, path: string): string | undefined => {
  const value = message[field];
  if (value === undefined || value === null) return undefined;
  const problem = idProblem(value);
  if (problem === undefined) return value as string;
  throw invalid(`${field} must ${problem}`, { path: `${path}${field}` });
};

/** Why `value` cannot be an id or a name, to be said after "must"; undefined where it can. */
export const idProblem = (value: unknown): string | undefined => {
  if (typeof value !== 'string') return `be a string of 1 to ${MAX_ID_LENGTH} characters, not ${describe(value)}`;
  if (value === '') return `be a string of 1 to ${MAX_ID_LENGTH} characters, not ""`;
  if (value.length > MAX_ID_LENGTH)
    return `have at most ${MAX_ID_LENGTH} characters, not the ${value.length} of ${quote(value)}`;
  const problem = unstorable(value);
  return problem === undefined ? undefined : `not hold ${problem}`;
};
