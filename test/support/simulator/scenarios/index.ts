import type { Scenario } from '../scenario.ts';
import { EXTRA } from './extra.ts';
import { FAULTS } from './faults.ts';
import { QUIET } from './quiet.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...FAULTS,
  ...QUIET,
  ...EXTRA.map((scenario) => ({ ...scenario, extra: true })),
];

/** Throws where there is none of that name. */
export const scenarioOf = (name: string): Scenario => {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined)
    throw new Error(`there is no scenario ${name}; there are ${SCENARIOS.map((each) => each.name).join(', ')}`);
  return found;
};
