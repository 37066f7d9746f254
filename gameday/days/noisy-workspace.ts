import type { GameDay } from '../game-day.ts';
import { usersOf } from '../scenery.ts';

const BATCH = 500;
const PLANS = ['team', 'free', 'pro'];

export const noisyWorkspace: GameDay = {
  name: 'noisy-workspace',
  story: `A script of acme's sends all of its users anew, again and again, while folding stands still there, as it does while a large import or a
rebuild holds the workspace. Each calculation of acme has to look at the changed users' rows one by one. The other workspaces are as fast as ever.`,
  expected: { scopes: [{ workspace: 'acme' }], causes: ['pending_changes'] },
  hits: ({ workspace }) => workspace === 'acme',
  break: async (stage, fault) => {
    let sent = 0;
    const resend = async (): Promise<void> => {
      const messages = Array.from({ length: usersOf('acme') }, (_, n) => [
        {
          type: 'identify',
          userId: `u${n}`,
          traits: { plan: PLANS[(n + sent) % PLANS.length], ltv: n + sent, phone: `+49 40 ${n + sent}` },
        },
        { type: 'track', userId: `u${n}`, event: 'purchase' },
      ]).flat();
      await stage.send('acme', messages, BATCH);
      sent += 1;
      fault.tell(`acme has sent all of its ${usersOf('acme').toLocaleString('en-US')} users, who are not folded`);
    };
    fault.onMend(() => stage.foldAll('acme'));
    fault.worsen = resend;
    await resend();
  },
};
