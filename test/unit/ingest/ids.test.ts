import { type IdOptions, readIds } from '../../../src/ingest/imports/ids.ts';
import { IDS_BATCH, MAX_NAMED_LINES } from '../../../src/ingest/limits.ts';

/** In pieces of one byte, so that every boundary is met. */
async function* pieces(text: string | Buffer, size = 1): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = async (text: string | Buffer, options: IdOptions, size?: number): Promise<string[]> => {
  const ids: string[] = [];
  for await (const batch of readIds(pieces(text, size), options)) ids.push(...batch);
  return ids;
};

describe('the ids of a file', () => {
  it.each<[string, string, IdOptions, string[]]>([
    ['a column of CSV', '\uFEFFname,userId\r\n"Ada, A.",a\r\n"B ""b""",  b \r\n', { format: 'csv' }, ['a', '  b ']],
    ['a named column', 'id,mail\n1,a@x\n2,"b,@x"', { format: 'csv', column: 'mail' }, ['a@x', 'b,@x']],
    ['a line each', '\uFEFFa\r\nb,c\n\nd "e"', { format: 'text' }, ['a', 'b,c', 'd "e"']],
    ['NDJSON of any kind', '"a"\n{"userId":"b","x":1}\n5\n{"userId":7}\n', { format: 'ndjson' }, ['a', 'b', '5', '7']],
    ['a field of NDJSON', '{"id":"a"}\n', { format: 'ndjson', column: 'id' }, ['a']],
    ['a JSON list', '["a","ü😀",5]', { format: 'json' }, ['a', 'ü😀', '5']],
    ['a JSON object', '{"userIds":["a","a"]}', { format: 'json' }, ['a', 'a']],
    ['nobody', '', { format: 'text' }, []],
    ['a header alone', 'userId\n', { format: 'csv' }, []],
  ])('come from %s', async (_, text, options, ids) => {
    expect(await read(text, options)).toEqual(ids);
  });

  it('come in batches', async () => {
    const sizes: number[] = [];
    for await (const batch of readIds(pieces('a\n'.repeat(2 * IDS_BATCH + 1), 4096), { format: 'text' }))
      sizes.push(batch.length);
    expect(sizes).toEqual([IDS_BATCH, IDS_BATCH, 1]);
  });

  it.each<[string, string | Buffer, IdOptions, RegExp]>([
    ['an empty cell', 'userId,x\na,1\n ,2\nb\n', { format: 'csv' }, /^line 3: the id is empty; line 4: it has 1 cells/],
    ['an id that is too long', `a\n${'x'.repeat(256)}\n`, { format: 'text' }, /^line 2: the id must have at most 255/],
    ['bytes that are no text', Buffer.from([0x61, 0x0a, 0xff, 0x0a]), { format: 'text' }, /^line 2: it is not UTF-8/],
    ['what is no id', 'null\n{"id":"a"}\n{', { format: 'ndjson' }, /^line 1: .*null; line 2: .*nothing; line 3: /],
    ['a JSON list with no id', '["a",""]', { format: 'json' }, /^userIds\[1\]: the id must be a string of 1 to 255/],
    ['no JSON list', '{"ids":[]}', { format: 'json' }, /expected a list of userIds/],
    ['no such column', 'user_id,x\na,b\n', { format: 'csv' }, /there is no column "userId"/],
    ['no header', '', { format: 'csv' }, /the file is empty/],
    ['a quote that does not close', 'userId\n"a\nb\n', { format: 'csv' }, /^line 2: a quote is opened/],
  ])('are refused for %s, with its place', async (_, text, options, message) => {
    await expect(read(text, options)).rejects.toMatchObject({ status: 422, message: expect.stringMatching(message) });
  });

  it('are refused without reading on where many lines are bad', async () => {
    const file = pieces(' \n'.repeat(100_000), 64);
    const ids = readIds(file, { format: 'text' });
    await expect(ids.next()).rejects.toMatchObject({
      path: 'line 1',
      message: expect.stringContaining(`line ${MAX_NAMED_LINES}: the id is empty`),
    });
    expect((await file.next()).done).toBe(true);
  });
});
