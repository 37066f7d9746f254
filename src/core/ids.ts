import { invalid } from './errors.ts';

/** Ids as callers see them: a prefix that names the kind and the row's number. */
const PREFIXES = { calculation: 'clc', snapshot: 'snp', import: 'imp', silence: 'sil' } as const;
export type IdKind = keyof typeof PREFIXES;

export const formatId = (kind: IdKind, id: number): string => `${PREFIXES[kind]}_${id}`;

/** The row's number. Throws 422 where `text` is not such an id. */
export const parseId = (kind: IdKind, text: string): number => {
  const id = new RegExp(`^${PREFIXES[kind]}_([1-9][0-9]{0,15})$`).exec(text)?.[1];
  if (id === undefined || !Number.isSafeInteger(Number(id)))
    throw invalid(`"${text.slice(0, 64)}" is not the id of ${kind === 'import' ? 'an' : 'a'} ${kind}`, {
      hint: `ids look like ${PREFIXES[kind]}_42`,
    });
  return Number(id);
};
