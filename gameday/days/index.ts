import type { GameDay } from '../game-day.ts';
import { droppedIndex } from './dropped-index.ts';
import { lock } from './lock.ts';
import { noisyWorkspace } from './noisy-workspace.ts';
import { poolExhausted } from './pool-exhausted.ts';
import { slowDisk } from './slow-disk.ts';
import { staleStatistics } from './stale-statistics.ts';
import { vacuumHeldBack } from './vacuum-held-back.ts';

export const GAME_DAYS: readonly GameDay[] = [
  vacuumHeldBack,
  droppedIndex,
  staleStatistics,
  lock,
  slowDisk,
  poolExhausted,
  noisyWorkspace,
];
