import { EvenkeelError } from '../core/errors.ts';
import { suggest } from '../core/suggest.ts';
import { VERSION } from '../core/version.ts';
import { type Command, helpOf, type Output, readArguments, UsageError } from './command.ts';

const FAILED = 1;
const MISUSED = 2;

const overview = (commands: readonly Command[]): string => {
  const rows = commands.map(
    (command) => [`evenkeel ${command.name} ${command.usage}`.trimEnd(), command.summary] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    `Evenkeel ${VERSION}: segment calculation on PostgreSQL`,
    '',
    ...rows.map(([left, summary]) => `  ${left.padEnd(width)}  ${summary}`),
    '',
    'Every command has --help and --json. In a clone: npm run --silent evenkeel -- COMMAND',
    '',
  ].join('\n');
};

const tell = (error: unknown, json: boolean, output: Output): number => {
  const status = error instanceof UsageError ? MISUSED : FAILED;
  const known = error instanceof EvenkeelError;
  const { code, path, hint } = known
    ? error
    : { code: (error as { code?: string } | null)?.code ?? 'internal', path: undefined, hint: undefined };
  const message = error instanceof Error ? error.message || String(code) : String(error);
  if (json) {
    output.err(
      `${JSON.stringify({ error: { code, message, ...(path === undefined ? {} : { path }), ...(hint === undefined ? {} : { hint }) } })}\n`,
    );
    return status;
  }
  output.err(`evenkeel: ${path === undefined || message.includes(path) ? '' : `${path}: `}${message}\n`);
  if (hint !== undefined) output.err(`          ${hint}\n`);
  // What nobody foresaw is told with where it happened; it is the reader's own terminal.
  if (!known && error instanceof Error && output.environment['EVENKEEL_LOG_LEVEL'] === 'debug')
    output.err(`${error.stack}\n`);
  return status;
};

/** Runs one command line and gives its exit status: 0 for success, 2 for a mistake in the line itself, 1 for the rest. */
export const runCommandLine = async (
  commands: readonly Command[],
  args: readonly string[],
  output: Output,
): Promise<number> => {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    output.out(overview(commands));
    return name === undefined ? MISUSED : 0;
  }
  if (name === '--version' || name === '-v') {
    output.out(`${VERSION}\n`);
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  const json = rest.includes('--json');
  if (command === undefined) {
    const meant = suggest(
      name,
      commands.map((candidate) => candidate.name),
    );
    const hint = meant === undefined ? 'evenkeel --help lists the commands' : `did you mean "evenkeel ${meant}"?`;
    return tell(new UsageError(`unknown command "${name.slice(0, 64)}"`, { hint }), json, output);
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    output.out(helpOf(command));
    return 0;
  }
  try {
    await command.run({ ...output, ...readArguments(command, rest) });
    return 0;
  } catch (error) {
    return tell(error, json, output);
  }
};
