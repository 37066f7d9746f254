import { alertsCommand } from './commands/alerts.ts';
import { backtestCommand } from './commands/backtest.ts';
import { baselineCommand } from './commands/baseline.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { importCommand } from './commands/import.ts';
import { migrateCommand } from './commands/migrate.ts';
import { recordCommand } from './commands/record.ts';
import { segmentCommand } from './commands/segment.ts';
import { serveCommand } from './commands/serve.ts';
import { runCommandLine } from './run.ts';

export const COMMANDS = [
  serveCommand,
  migrateCommand,
  demoCommand,
  importCommand,
  segmentCommand,
  alertsCommand,
  baselineCommand,
  backtestCommand,
  recordCommand,
  doctorCommand,
];

/** The program `evenkeel`: gives its exit status. */
export const runMain = (args: readonly string[]): Promise<number> => {
  // A reader of our output may leave early (`| head`): that is no fault.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  return runCommandLine(COMMANDS, args, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
    environment: process.env,
  });
};
