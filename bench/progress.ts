/** Says on standard error what goes on: one line that changes on a terminal, a line each elsewhere. */
export type Progress = (text: string) => void;

const CLEAR_LINE = '\r\u001b[2K';
/** Elsewhere than on a terminal, the same words with other numbers come at most this often. */
const QUIET_MS = 5_000;

export const progressTo = (stream: NodeJS.WriteStream): Progress => {
  if (stream.isTTY) return (text) => void stream.write(`${CLEAR_LINE}${text}`);
  let last = '';
  let saidAt = 0;
  return (text) => {
    if (text === '') return;
    const words = text.replace(/[0-9]+/g, '');
    if (words === last && Date.now() - saidAt < QUIET_MS) return;
    last = words;
    saidAt = Date.now();
    stream.write(`${text}\n`);
  };
};
