/** A service and nothing else around an embedded PostgreSQL, for tests that kill it: `node --import tsx … DIRECTORY`. */
import { startEmbedded } from '../../src/database/embedded.ts';
import { TEST_SETTINGS } from './server.ts';

const directory = process.argv[2];
if (directory === undefined) throw new Error('which directory?');
const embedded = await startEmbedded({ directory, ...TEST_SETTINGS });
process.stdout.write(`${JSON.stringify({ url: embedded.url, pid: embedded.pid })}\n`);
const stop = (): void => void embedded.stop().then(() => process.exit(0));
process.on('SIGTERM', stop);
// The test that started this may be killed itself.
process.stdin.on('end', () => process.exit(1)).resume();
