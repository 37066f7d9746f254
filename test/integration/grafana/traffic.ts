import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../http/service.ts';

const PAUSE_MS = 200;
/** On a busy machine the service may ask its callers to come again. */
const RETRY_MS = 500;
const ATTEMPTS = 40;

const SEGMENTS = {
  named: { type: 'property', property: 'name', operator: 'is_set' },
  pro: { type: 'property', property: 'plan', operator: 'equals', value: 'pro' },
  old: { type: 'property', property: 'age', operator: 'at_least', value: 40 },
  buyers: { type: 'event', event: 'Purchase', within: { last: { days: 30 } } },
  both: {
    type: 'all',
    of: [
      { type: 'property', property: 'plan', operator: 'equals', value: 'pro' },
      { type: 'property', property: 'name', operator: 'is_set' },
    ],
  },
};
const KEYS = Object.keys(SEGMENTS);
const TRIGGERS = ['manual', 'api', 'schedule', 'newsletter'];

export interface Traffic {
  stop(): Promise<void>;
}

/** What a small customer does all day, in seconds: writes, imports, previews, calculations, newsletters in time and late. */
export const startTraffic = async (url: string, headers: Record<string, string>): Promise<Traffic> => {
  const send = async (path: string, body: unknown, type?: string): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await call(`${url}/v1/${path}`, {
        body,
        headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
      });
      if (answer.status < 300) return;
      if (answer.status !== 503 || attempt === ATTEMPTS) throw new Error(`${path}: ${answer.status} ${answer.text}`);
      await sleep(RETRY_MS);
    }
  };
  for (const [key, condition] of Object.entries(SEGMENTS)) await send('segments', { key, name: key, condition });

  const round = async (i: number): Promise<void> => {
    const userId = `u${i % 50}`;
    const segment = KEYS[i % KEYS.length] ?? 'named';
    await send('identify', { userId, traits: { name: `User ${i}`, plan: i % 3 === 0 ? 'pro' : 'free', age: i % 90 } });
    await send('track', { userId, event: 'Purchase', properties: { amount: i } });
    if (i % 5 === 0) await send('imports?kind=users&format=csv&key=id', `id,plan\nc${i},pro\n`, 'text/csv');
    if (i % 5 === 1) await send('segments/preview', { condition: SEGMENTS.both });
    const trigger = TRIGGERS[i % TRIGGERS.length];
    await send(`segments/${segment}/calculations`, { trigger, wait: 10_000 });
    const deadline = new Date(Date.now() + (i % 2 === 0 ? -1_000 : 2_000)).toISOString();
    if (i % 4 === 0) await send(`segments/${segment}/calculations`, { trigger: 'newsletter', deadline, wait: 10_000 });
    await call(`${url}/nowhere`);
  };
  const abort = new AbortController();
  const running = (async () => {
    for (let i = 0; !abort.signal.aborted; i += 1) {
      await round(i);
      await sleep(PAUSE_MS, undefined, { signal: abort.signal }).catch(() => undefined);
    }
  })();
  // It is awaited when all is stopped; until then it must not end the process.
  running.catch(() => undefined);
  return {
    stop: async () => {
      abort.abort();
      await running;
    },
  };
};
