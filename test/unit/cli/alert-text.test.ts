import { plain } from '../../../src/cli/alert-text.ts';

describe('plain', () => {
  it.each([
    ['vip', 'vip'],
    ['müßig 日本 🙂', 'müßig 日本 🙂'],
    ['\u001b[2J\u0007', '\\u{1b}[2J\\u{7}'],
    ['a\nb\r', 'a\\u{a}b\\u{d}'],
    ['\u202egnp.exe', '\\u{202e}gnp.exe'],
    ['\u{e0001}', '\\u{e0001}'],
  ])('shows %j as %j', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });
});
