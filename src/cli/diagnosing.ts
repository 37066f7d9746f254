import type pg from 'pg';
import type { Calculations } from '../calculations/calculations.ts';
import { evidenceStatements } from '../calculations/evidence.ts';
import { asCalculating } from '../calculations/session.ts';
import { openClient } from '../database/connect.ts';
import type { DiagnoserOptions } from '../monitoring/diagnosis/diagnoser.ts';
import { CAPTURE_STATEMENT_MS } from '../monitoring/diagnosis/limits.ts';
import { readMachine } from '../monitoring/diagnosis/machine.ts';

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/** What a diagnosis looks at with: the statements of the calculations room, which monitoring itself does not know. */
export const diagnosisSources = (
  url: string,
  doors: { readonly pool: pg.Pool; readonly max: number },
  calculations: Pick<Calculations, 'utilisation'>,
): Omit<DiagnoserOptions, 'log'> => {
  const open = (): Promise<pg.Client> => openClient(url, { applicationName: 'evenkeel diagnosis' });
  return {
    open,
    connect: async () => {
      const client = await open();
      await asCalculating(client, CAPTURE_STATEMENT_MS);
      return client;
    },
    statementsOf: evidenceStatements,
    service: () => {
      const { totalCount: total, idleCount: idle, waitingCount: waiting } = doors.pool;
      return { ...calculations.utilisation(), pool: { total, idle, waiting, max: doors.max } };
    },
    // Of another machine than the database's it would say nothing.
    ...(LOCAL_HOSTS.has(new URL(url).hostname) ? { machine: readMachine } : {}),
  };
};
