import { openClient } from '../../src/database/connect.ts';
import { detectorFrom } from '../../src/monitoring/live/detector.ts';
import type { Judge } from '../../src/monitoring/live/judge.ts';
import { loadSaved, save } from '../../src/monitoring/live/state.ts';

const SEGMENTS = 10_000;
const WORKSPACES = 300;
const KINDS = ['event.count', 'event.where', 'property.equals', 'property.is_set', 'property.number', 'property.text'];
const DAYS = 10;
const A_DAY = 6;
const DAY_MS = 86_400_000;

export interface Restart {
  readonly segments: number;
  readonly savedMb: number;
  readonly saveMs: number;
  readonly restoreMs: number;
  readonly restoreCpuMs: number;
  /** Observations a second that one core judges. */
  readonly observationsASecond: number;
}

/** A detector that has learned for some days. */
const learned = (): { readonly judge: Judge; readonly cpuMs: number } => {
  const judge = detectorFrom({})(undefined);
  if (judge === undefined) throw new Error('a detector can always begin from nothing');
  const before = process.cpuUsage();
  for (let round = 0; round < DAYS * A_DAY; round++)
    for (let i = 0; i < SEGMENTS; i++)
      judge.observe({
        finishedAt: Date.UTC(2026, 0, 1) + ((round + i / SEGMENTS) * DAY_MS) / A_DAY,
        workspace: `workspace-${i % WORKSPACES}`,
        segment: `segment-${i}`,
        version: 1,
        trigger: 'schedule',
        kinds: KINDS.filter((_, kind) => ((i * 7919) >> kind) % 3 === 0),
        population: 100_000,
        durationMs: 50 * Math.exp(0.35 * Math.sin(i * 12.9898 + round * 78.233) * 1.4),
        outcome: 'succeeded',
      });
  const { user, system } = process.cpuUsage(before);
  return { judge, cpuMs: (user + system) / 1000 };
};

/** What taking over takes: reading, unpacking and restoring the state of 10,000 segments. */
export const measureRestart = async (url: string): Promise<Restart> => {
  const client = await openClient(url);
  try {
    const { judge, cpuMs } = learned();
    const saving = performance.now();
    await save(client, { step: 1, state: judge.save() });
    const saveMs = performance.now() - saving;
    const { rows } = await client.query<{ mb: number }>('select length(state) / 1e6 as mb from monitor_saves');
    const before = { cpu: process.cpuUsage(), at: performance.now() };
    const saved = await loadSaved(client);
    const restored = saved !== undefined && 'state' in saved ? detectorFrom({})(saved.state) : undefined;
    const restoreMs = performance.now() - before.at;
    const { user, system } = process.cpuUsage(before.cpu);
    if (restored?.baselines().length !== SEGMENTS) throw new Error('not all segments came back');
    return {
      segments: SEGMENTS,
      savedMb: Number(rows[0]?.mb),
      saveMs,
      restoreMs,
      restoreCpuMs: (user + system) / 1000,
      observationsASecond: Math.round((SEGMENTS * DAYS * A_DAY) / (cpuMs / 1000)),
    };
  } finally {
    await client.query('delete from monitor_saves');
    await client.end();
  }
};
