import type { DetectorConfig } from '../detector/config.ts';
import { Detector, type DetectorState } from '../detector/detector.ts';
import type { Judge } from './judge.ts';
import type { JudgeFrom } from './restore.ts';

/** What `save` of this version gives. */
const FORMAT = 1 satisfies DetectorState['format'];

const isReadable = (state: unknown): state is DetectorState =>
  typeof state === 'object' && state !== null && (state as Partial<DetectorState>).format === FORMAT;

/** The detector with these thresholds, from its saved state or from nothing. */
export const detectorFrom =
  (config: Partial<DetectorConfig>): JudgeFrom =>
  (state): Judge | undefined => {
    if (state === undefined) return new Detector(config);
    return isReadable(state) ? new Detector(config, state) : undefined;
  };
