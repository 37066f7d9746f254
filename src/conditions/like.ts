import type { TextMatch } from './types.ts';

const escape = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

const PATTERNS: { readonly [O in Exclude<TextMatch['operator'], 'matches'>]: (text: string) => string } = {
  contains: (text) => `%${escape(text)}%`,
  not_contains: (text) => `%${escape(text)}%`,
  starts_with: (text) => `${escape(text)}%`,
  ends_with: (text) => `%${escape(text)}`,
};

/** The pattern of SQL's LIKE that a text operator stands for; of a negative one, its positive one's. */
export const likePattern = (operator: keyof typeof PATTERNS, text: string): string => PATTERNS[operator](text);
