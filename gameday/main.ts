import { untilSignalled } from '../src/cli/signals.ts';
import { startDatabase } from './database.ts';
import { GAME_DAYS } from './days/index.ts';
import { type GameDay, runGameDay } from './game-day.ts';

/** `npm run gameday -- NAME`: makes a real fault, and shows how it is found. Without a name it says which there are. */

const INTERRUPTED = 130;
/** What is waited for at the end keeps nothing running by itself, such as the end of PostgreSQL. */
const AWAKE_MS = 60_000;

const list = (): string =>
  `npm run gameday -- NAME\n\n${GAME_DAYS.map(({ name, story }) => `${name}\n    ${story.replaceAll('\n', '\n    ')}\n`).join('\n')}`;

const play = async (day: GameDay): Promise<number> => {
  const awake = setInterval(() => undefined, AWAKE_MS);
  const { signal } = untilSignalled();
  const database = await startDatabase(day.settings).catch((error: unknown) => {
    clearInterval(awake);
    throw error;
  });
  const tell = (text: string): void => void process.stdout.write(`${text}\n`);
  try {
    const { diagnosis } = await runGameDay(day, { url: database.url, tell, signal });
    const found = day.expected.causes.includes(diagnosis.cause);
    if (!found) tell(`\nThe cause should have been ${day.expected.causes.join(' or ')}.`);
    return found ? 0 : 1;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    await database.stop();
    clearInterval(awake);
  }
};

const [name, ...rest] = process.argv.slice(2);
const day = GAME_DAYS.find((each) => each.name === name);
if (name === undefined || name === '--help') process.stdout.write(list());
else if (day === undefined || rest.length > 0) {
  process.stderr.write(`there is no game day "${[name, ...rest].join(' ')}"\n\n${list()}`);
  process.exitCode = 2;
} else process.exitCode = await play(day);
