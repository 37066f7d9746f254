import { migrate } from '../../database/migrate.ts';
import { openDatabase } from '../service.ts';
import type { Command, Invocation } from '../command.ts';
import { createLog } from '../log.ts';
import { loadSettings } from './serve.ts';

const run = async (invocation: Invocation): Promise<void> => {
  const settings = loadSettings(invocation);
  const log = createLog(settings.logLevel);
  const database = await openDatabase(settings, log);
  try {
    await migrate(database.url, log);
  } finally {
    await database.stop();
  }
  invocation.out(invocation.json ? '{"migrated":true}\n' : 'the database is at this version\n');
};

export const migrateCommand: Command = {
  name: 'migrate',
  usage: '',
  summary: 'bring the database to this version, and end',
  run,
};
