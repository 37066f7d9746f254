import { runMain } from './cli/main.ts';

const status = await runMain(process.argv.slice(2));
// All has stopped; a timer that somebody left behind is no reason to stay. What was printed goes out first.
await new Promise((resolve) => process.stdout.write('', resolve));
process.exit(status);
