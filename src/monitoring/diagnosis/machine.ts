import { readFile } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg } from 'node:os';
import type { MachineLoad } from './evidence.ts';

const KILOBYTE = 1024;

const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

/** `some avg10=1.23 avg60=0.50 …`: the share of the last minute, 0 to 1. */
const stalled = (text: string | undefined): number | undefined => {
  const percent = /^some .*\bavg60=([0-9.]+)/m.exec(text ?? '')?.[1];
  return percent === undefined ? undefined : Number(percent) / 100;
};

/** How busy this machine is: of use where the database runs on it too. */
export const readMachine = async (): Promise<MachineLoad> => {
  const [memory, ...pressures] = await Promise.all(
    ['/proc/meminfo', '/proc/pressure/cpu', '/proc/pressure/io', '/proc/pressure/memory'].map(read),
  );
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(memory ?? '')?.[1];
  const [cpu, io, stalledForMemory] = pressures.map(stalled);
  return {
    cores: availableParallelism(),
    load1: loadavg()[0] ?? 0,
    availableBytes: kilobytes === undefined ? freemem() : Number(kilobytes) * KILOBYTE,
    pressure:
      cpu === undefined || io === undefined || stalledForMemory === undefined
        ? null
        : { cpu, io, memory: stalledForMemory },
  };
};
