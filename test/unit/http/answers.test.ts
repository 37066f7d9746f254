import { EvenkeelError, invalid } from '../../../src/core/errors.ts';
import { html } from '../../../src/http/page/html.ts';
import { problemOf } from '../../../src/http/problems.ts';
import { csvLine, jsonLine } from '../../../src/http/streaming.ts';

describe('problems', () => {
  it('are told as they are', () => {
    expect(problemOf(invalid('no', { path: 'a.b', hint: 'yes' }), 'r1')).toEqual({
      status: 422,
      error: { code: 'invalid', message: 'no', path: 'a.b', hint: 'yes' },
      unexpected: false,
    });
  });

  it.each([
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 'database_unavailable'],
    [Object.assign(new Error('terminating'), { code: '57P01' }), 'database_unavailable'],
    [new Error('Connection terminated unexpectedly'), 'database_unavailable'],
    [new Error('wrapped', { cause: Object.assign(new Error('gone'), { code: '08006' }) }), 'database_unavailable'],
    [Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' }), 'timeout'],
  ])('%s is a 503 to come back from', (error, code) => {
    expect(problemOf(error, 'r1')).toMatchObject({
      status: 503,
      error: { code },
      retryAfter: expect.any(Number),
      unexpected: false,
    });
  });

  it.each([
    new Error('secret detail'),
    new TypeError('x is not a function'),
    'a string',
    undefined,
    new EvenkeelError(500, 'broken', 'broken'),
  ])('%s is logged', (error) => {
    const { status, unexpected, error: told } = problemOf(error, 'r1');
    expect([status, unexpected]).toEqual([500, true]);
    expect(told.message).not.toContain('secret');
  });

  it('nobody foresaw lead to the log by their request id', () => {
    expect(problemOf(new Error('x'), 'r-42').error.hint).toContain('r-42');
  });
});

describe('lines', () => {
  it.each([
    [['a', 1, true, null, undefined], 'a,1,true,,\r\n'],
    [['a,b', 'say "x"', 'two\nlines', 'cr\r'], '"a,b","say ""x""","two\nlines","cr\r"\r\n'],
    [[['a', 'b'], { c: 1 }], '"[""a"",""b""]","{""c"":1}"\r\n'],
    [['=1+1', ' x ', ''], '=1+1, x ,\r\n'],
  ])('%j as CSV', (fields, line) => {
    expect(csvLine(fields)).toBe(line);
  });

  it('are one JSON value each', () => {
    expect(jsonLine({ userId: 'a\nb' })).toBe('{"userId":"a\\nb"}\n');
  });
});

describe('html', () => {
  it('escapes what is put into it, once', () => {
    const name = `<b title='x'>"&"</b>`;
    expect(html`<i>${name}</i>`.text).toBe('<i>&lt;b title=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/b&gt;</i>');
    expect(html`<p>${html`<i>${'<'}</i>`}${[html`<u>1</u>`, html`<u>2</u>`]}${3}</p>`.text).toBe(
      '<p><i>&lt;</i><u>1</u><u>2</u>3</p>',
    );
  });
});
