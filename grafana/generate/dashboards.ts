import { database } from './database.ts';
import { freshness } from './freshness.ts';
import { overview } from './overview.ts';
import { phases } from './phases.ts';
import { queue } from './queue.ts';
import { sends } from './sends.ts';

export interface DashboardFile {
  readonly name: string;
  readonly text: string;
}

/** Every dashboard as Grafana reads it from a file. */
export const dashboardFiles = (): DashboardFile[] =>
  [overview, phases, queue, freshness, database, sends].map((builder) => {
    const built = builder.build();
    // Links to a panel name its number.
    const numbered = { ...built, panels: built.panels?.map((panel, i) => ({ ...panel, id: i + 1 })) };
    return { name: `${built.uid ?? ''}.json`, text: `${JSON.stringify(numbered, null, 2)}\n` };
  });
