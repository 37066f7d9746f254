import type { z } from 'zod';
import { leafProblem } from './problems.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (json: unknown): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** A schema of a leaf and the fields that it takes. */
export interface LeafSchema<L> {
  readonly schema: z.ZodType<L>;
  readonly fields: readonly string[];
}

/**
 * A leaf from its JSON.
 *
 * @param owner who takes the fields: `operator "is_set"`
 * @throws EvenkeelError 422 `invalid` for the one thing to say
 */
export const readLeaf = <L>(leaf: LeafSchema<L>, json: unknown, path: string, owner: string): L => {
  const read = leaf.schema.safeParse(json);
  if (read.success) return read.data;
  throw leafProblem(read.error, json, path, owner, leaf.fields);
};
