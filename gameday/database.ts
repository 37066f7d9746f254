import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../src/database/embedded.ts';

/** Nothing of a game day has to survive the machine's fall. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', shared_buffers: '256MB' };

export interface GameDatabase {
  readonly url: string;
  stop(): Promise<void>;
}

/** A PostgreSQL of its own: a folder of its own, a port that is free. `stop` ends it and removes the folder. */
export const startDatabase = async (settings: Readonly<Record<string, string>> = {}): Promise<GameDatabase> => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-gameday-'));
  // The account that PostgreSQL runs as under root passes through.
  chmodSync(directory, 0o711);
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    const server = await startEmbedded({
      directory,
      settings: { ...SETTINGS, ...settings },
      initdbFlags: ['--no-sync'],
    });
    return { url: server.url, stop: () => server.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
};
