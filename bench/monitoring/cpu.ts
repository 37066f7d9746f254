import { readFileSync } from 'node:fs';

/** Of Linux' /proc: clock ticks a second. */
const TICKS = 100;

/** CPU seconds of a backend; null where there is no /proc. */
export const cpuOf = (pid: number): number | null => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return null;
  }
};
