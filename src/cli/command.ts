import { parseArgs } from 'node:util';
import { EvenkeelError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly help: string;
  /** What a string option takes, as `--help` shows it. */
  readonly value?: string;
}

/** Where a command writes; tests give their own. */
export interface Output {
  /** For the result. */
  readonly out: (text: string) => void;
  /** For progress and faults. */
  readonly err: (text: string) => void;
  /** A person watches: a progress bar may be drawn. */
  readonly interactive: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Invocation extends Output {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly json: boolean;
}

export interface Command {
  readonly name: string;
  /** After the name: `users FILE | events FILE`. */
  readonly usage: string;
  readonly summary: string;
  /** Further lines of `--help`, made when asked for. */
  readonly details?: () => string;
  readonly options?: Readonly<Record<string, Option>>;
  /** Throws EvenkeelError for what a reader can mend. */
  run(invocation: Invocation): Promise<void>;
}

const COMMON: Readonly<Record<string, Option>> = {
  help: { type: 'boolean', help: 'show this and do nothing' },
  json: { type: 'boolean', help: 'print JSON for machines' },
};

/** A mistake in the command line itself: exit status 2, as shells have it. */
export class UsageError extends EvenkeelError {
  constructor(message: string, where: { hint?: string } = {}) {
    super(422, 'usage', message, where);
  }
}

export const optionsOf = (command: Command): Readonly<Record<string, Option>> => ({ ...command.options, ...COMMON });

/** Reads the arguments after the command's name. Throws UsageError for what it does not know. */
export const readArguments = (
  command: Command,
  args: readonly string[],
): Pick<Invocation, 'positionals' | 'options' | 'json'> => {
  const known = optionsOf(command);
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.entries(known).map(([name, { type }]) => [name, { type }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const positionals: string[] = [];
  const options: Record<string, string | boolean> = {};
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (option === undefined)
      throw new UsageError(`unknown option ${token.rawName}`, didYouMeanOption(token.name, Object.keys(known)));
    if (option.type === 'boolean') {
      if (token.value !== undefined) throw new UsageError(`--${token.name} takes no value`);
      options[token.name] = true;
    } else {
      if (token.value === undefined)
        throw new UsageError(`--${token.name} needs a value: --${token.name} ${option.value ?? 'VALUE'}`);
      options[token.name] = token.value;
    }
  }
  return { positionals, options, json: options['json'] === true };
};

const didYouMeanOption = (name: string, known: readonly string[]): { hint?: string } => {
  const { hint } = didYouMean(name, known);
  return hint === undefined
    ? { hint: `options are ${known.map((option) => `--${option}`).join(', ')}` }
    : { hint: hint.replace('"', '"--') };
};

/** The text of `evenkeel COMMAND --help`. */
export const helpOf = (command: Command): string => {
  const options = Object.entries(optionsOf(command)).map(
    ([name, { value, help }]) => [`--${name}${value === undefined ? '' : ` ${value}`}`, help] as const,
  );
  const width = Math.max(...options.map(([left]) => left.length));
  return [
    `evenkeel ${command.name} ${command.usage}`.trimEnd(),
    '',
    `${command.summary[0]?.toUpperCase() ?? ''}${command.summary.slice(1)}.`,
    '',
    'Options:',
    ...options.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`),
    ...(command.details === undefined ? [] : ['', command.details()]),
    '',
  ].join('\n');
};
