import { LIST_ROLES, type ListRole } from '../conditions/types.ts';
import { invalid } from '../core/errors.ts';
import { describe } from '../core/text.ts';
import { type Fields, isStorable, readFields } from './input.ts';
import { MAX_USER_ID_LENGTH } from './limits.ts';
import type { ListChange, ListMode } from './lists.ts';
import { LIST_FIELDS } from './resources.ts';

/**
 * The lists of a segment that a body gives: `"exclude": ["a", "b"]` for the whole list, or where `edits` are allowed also
 * `"exclude": {"add": ["a"], "remove": ["b"]}`. Throws 422.
 */
export const readLists = (fields: Fields, edits: boolean): ListChange[] =>
  LIST_ROLES.flatMap((role): ListChange[] => {
    const field = LIST_FIELDS[role];
    const value = fields[field];
    if (value === undefined) return [];
    const change = (mode: ListMode, ids: unknown, path: string): ListChange => ({
      role,
      mode,
      ids: [readIds(ids, path)],
    });
    if (Array.isArray(value) || !edits) return [change('replace', value, field)];
    if (typeof value !== 'object' || value === null)
      throw invalid(`${field} must be a list of userIds, or {"add":[…],"remove":[…]}, not ${describe(value)}`, {
        path: field,
      });
    const given = readFields(value, ['add', 'remove']);
    return (['add', 'remove'] as const).flatMap((mode) =>
      given[mode] === undefined ? [] : [change(mode, given[mode], `${field}.${mode}`)],
    );
  });

const readIds = (value: unknown, path: string): readonly string[] => {
  if (!Array.isArray(value)) throw invalid(`${path} must be a list of userIds, not ${describe(value)}`, { path });
  for (const [i, id] of value.entries()) {
    if (typeof id === 'string' && id !== '' && id.length <= MAX_USER_ID_LENGTH && isStorable(id)) continue;
    throw invalid(`${path}[${i}] must be a userId, a string of 1 to ${MAX_USER_ID_LENGTH} characters`, {
      path: `${path}[${i}]`,
    });
  }
  return value as string[];
};

/** A static segment is its list of userIds; a dynamic one has lists that override its condition. Throws 422. */
export const refuseOtherLists = (type: 'dynamic' | 'static', roles: readonly ListRole[]): void => {
  const other = roles.find((role) => (role === 'users') !== (type === 'static'));
  if (other === undefined) return;
  const path = LIST_FIELDS[other];
  throw type === 'static'
    ? invalid(`a static segment has no ${path}: who is in it is its list of userIds`, {
        path,
        hint: 'add to userIds, or remove from it',
      })
    : invalid('a dynamic segment has no userIds: who is in it is what its condition says', {
        path,
        hint: 'put them into include, or make another segment of them',
      });
};
