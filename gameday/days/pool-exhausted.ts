import type { GameDay } from '../game-day.ts';

const CALLERS = 5;
/** Read from the rows, twice. */
const CONDITION = {
  type: 'any',
  of: [3, 200].map((days) => ({ type: 'property', property: 'born', operator: 'anniversary', value: { days } })),
};

export const poolExhausted: GameDay = {
  name: 'pool-exhausted',
  story: `A dashboard of acme's asks for previews of expensive conditions, again and again, from five browsers. All worker threads are busy with
them, and calculations stand in line behind them. The statements themselves are as fast as ever.`,
  expected: { scopes: [{}], causes: ['pool_saturated'] },
  hits: () => true,
  break: async ({ calculations, workspaces }, fault) => {
    const workspaceId = workspaces.get('acme') ?? Number.NaN;
    let over = false;
    const ask = async (): Promise<void> => {
      while (!over) await calculations.preview(workspaceId, { condition: CONDITION }).catch(() => undefined);
    };
    const asking = Array.from({ length: CALLERS }, ask);
    fault.onMend(async () => {
      over = true;
      await Promise.all(asking);
    });
    fault.tell(`${CALLERS} callers ask for previews all the time`);
  },
};
