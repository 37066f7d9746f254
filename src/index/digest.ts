import { hash } from 'node:crypto';

/** The key of a dictionary's value: the first 16 bytes of its sha256, as a uuid. */
export const digestOf = (value: string): string => hash('sha256', value, 'hex').slice(0, 32);
