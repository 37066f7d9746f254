import type { ListUploadResource } from '../../calculations/resources.ts';
import { EvenkeelError } from '../../core/errors.ts';
import { Client } from '../client.ts';
import { type Invocation, UsageError } from '../command.ts';
import { formatCount, Progress } from '../progress.ts';
import { sendFile } from '../send-file.ts';

const LISTS = ['users', 'include', 'exclude'] as const;
const METHODS = { replace: 'PUT', add: 'POST', remove: 'DELETE' } as const;
const TYPES = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  text: 'text/plain',
  json: 'application/json',
} as const;
type Format = keyof typeof TYPES;

export const UPLOAD_OPTIONS = {
  list: { type: 'string', value: 'users|include|exclude', help: 'upload: which list; by default users' },
  mode: { type: 'string', value: 'replace|add|remove', help: 'upload: by default replace' },
  column: { type: 'string', value: 'COLUMN', help: 'upload: where the userId stands; by default userId' },
  format: {
    type: 'string',
    value: 'csv|ndjson|text|json',
    help: 'upload: by default what the name of the file ends in (.gz is unpacked)',
  },
  name: { type: 'string', value: 'NAME', help: 'upload: makes a static segment of that name where there is none' },
} as const;

const optionOf = <T extends string>({ options }: Invocation, name: string, known: readonly T[], usual: T): T => {
  const given = options[name];
  if (given === undefined) return usual;
  if ((known as readonly unknown[]).includes(given)) return given as T;
  throw new UsageError(`--${name} must be one of ${known.join(', ')}, not "${String(given)}"`);
};

const ENDINGS: readonly (readonly [RegExp, Format])[] = [
  [/\.csv$/i, 'csv'],
  [/\.(ndjson|jsonl)$/i, 'ndjson'],
  [/\.json$/i, 'json'],
];
const endingOf = (file: string): Format => {
  const name = file.replace(/\.gz$/, '');
  return ENDINGS.find(([ending]) => ending.test(name))?.[1] ?? 'text';
};

const isMissing = (error: unknown): boolean => error instanceof EvenkeelError && error.status === 404;

/** `evenkeel segment upload KEY FILE` */
export const uploadList = async (invocation: Invocation, key: string, file: string): Promise<void> => {
  const list = optionOf(invocation, 'list', LISTS, 'users');
  const mode = optionOf(invocation, 'mode', ['replace', 'add', 'remove'], 'replace');
  const format = optionOf(invocation, 'format', ['csv', 'ndjson', 'text', 'json'], endingOf(file));
  const { column, name } = invocation.options;
  const client = Client.of(invocation);
  const segment = `/v1/segments/${encodeURIComponent(key)}`;
  if (typeof name === 'string')
    await client.json(segment).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      return client.json('/v1/segments', { method: 'POST', body: { key, name, userIds: [] } });
    });
  const query = typeof column === 'string' ? `?${new URLSearchParams({ column }).toString()}` : '';
  const began = performance.now();
  const progress = new Progress(invocation);
  const done = await sendFile<ListUploadResource>(
    client,
    `${segment}/${list}${query}`,
    file,
    { method: METHODS[mode], contentType: TYPES[format], afterwards: 'Storing' },
    progress,
  );
  if (invocation.json) {
    invocation.out(`${JSON.stringify(done)}\n`);
    return;
  }
  const { ids, users, added, removed } = done;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  invocation.out(
    `${formatCount(ids)} ids, ${formatCount(users)} of them users (${formatCount(added)} added, ${formatCount(removed)} removed) in ${seconds} s\n`,
  );
};
