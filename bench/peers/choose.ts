import { timed } from '../spread.ts';

/** The form that is the fastest in one run each, after one that warms up, with what each took, ms. */
export const fastestOf = async <F>(
  forms: readonly F[],
  trial: (form: F) => Promise<unknown>,
): Promise<{ readonly best: F; readonly tookMs: readonly number[] }> => {
  const [first] = forms;
  if (first === undefined) throw new Error('there is no form to choose from');
  await trial(first);
  const tookMs: number[] = [];
  for (const form of forms) tookMs.push(await timed(() => trial(form)));
  return { best: forms[tookMs.indexOf(Math.min(...tookMs))] ?? first, tookMs };
};
