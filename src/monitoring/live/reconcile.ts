import type { Alert, AlertEvent, Scope } from '../types.ts';

const same = (one: Scope, other: Scope): boolean =>
  one.kind === other.kind && one.workspace === other.workspace && one.segment === other.segment;

/**
 * What is to be told where the detector and what was told do not agree on what is open, as it had to begin anew or to learn again: an alert that
 * it does not follow could never be over. Nothing, where they agree. Pure.
 *
 * @param told the alerts that are open for everybody
 * @param followed those that are open for the detector
 * @param at in the stream's time
 */
export const reconcile = (told: readonly Alert[], followed: readonly Alert[], at: number): AlertEvent[] => {
  const [toldIds, followedIds] = [told, followed].map((alerts) => new Set(alerts.map(({ id }) => id)));
  const lost = told.filter(({ id }) => !followedIds?.has(id));
  return [
    ...lost.map((alert): AlertEvent => {
      const heir = followed.find(({ rule, scope }) => rule === alert.rule && same(scope, alert.scope));
      const goesOn = heir === undefined ? 'what is still slow is told anew' : `${heir.id} goes on with it`;
      const summary = `Closed, as the detector had to begin anew and does not follow it any more; ${goesOn}. It was: ${alert.summary}`;
      return { type: 'resolved', at, alert: { ...alert, resolvedAt: at, projected: null, summary } };
    }),
    ...followed
      .filter(({ id }) => !toldIds?.has(id))
      .map((alert): AlertEvent => ({ type: 'opened', at, alert: { ...alert, resolvedAt: null } })),
  ];
};
