// Plain enough for any Node.js that knows modules, so that an old one says so and not something about syntax.
import { readFileSync } from 'node:fs';

/** Ends the process with one clear line where Node.js is older than `engines.node` of package.json. */
export function checkNodeVersion() {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const [needMajor, needMinor] = engines.node.replace(/^>=/, '').split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  process.stderr.write(
    `Evenkeel needs Node.js ${needMajor}.${needMinor} or later, and this is ${process.versions.node} (${process.execPath}).\n` +
      'Get a current one from https://nodejs.org, or with a version manager: nvm install 22\n',
  );
  process.exit(1);
}
