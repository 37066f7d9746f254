import { pino } from 'pino';
import type { Log } from '../core/log.ts';

/**
 * JSON lines on standard error; standard output is for people and for results. An `error` line means that somebody must act.
 */
export const createLog = (level: string): Log =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err },
    },
    pino.destination({ dest: 2, sync: true }),
  );
