import { join } from 'node:path';
import type pg from 'pg';
import { silentLog } from '../src/core/log.ts';
import { openClient } from '../src/database/connect.ts';
import { type Embedded, startEmbedded } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrate.ts';
import type { Endings } from './endings.ts';

/** The PostgreSQL under measurement, with a connection for what is not measured. */
export class Database {
  readonly #directory: string;
  #url: string;
  #embedded: Embedded | undefined;
  #db: pg.Client | undefined;

  private constructor(directory: string, url: string, embedded: Embedded | undefined) {
    this.#directory = directory;
    this.#url = url;
    this.#embedded = embedded;
  }

  /** The one at `url`, or an embedded one in `directory`; migrated. */
  static async open(url: string | undefined, directory: string, endings: Endings): Promise<Database> {
    const embedded = url === undefined ? await startIn(directory) : undefined;
    const database = new Database(directory, url ?? embedded?.url ?? '', embedded);
    endings.add(() => database.close());
    await migrate(database.url);
    database.#db = await openClient(database.url, { applicationName: 'bench' });
    return database;
  }

  get url(): string {
    return this.#url;
  }

  get db(): pg.Client {
    if (this.#db === undefined) throw new Error('the database is closed');
    return this.#db;
  }

  /** Whether it is ours to restart. */
  get isEmbedded(): boolean {
    return this.#embedded !== undefined;
  }

  /** Ends PostgreSQL and starts it again; its address may be another one then. Nobody else may be connected. */
  async restart(): Promise<void> {
    await this.close();
    this.#embedded = await startIn(this.#directory);
    this.#url = this.#embedded.url;
    this.#db = await openClient(this.#url, { applicationName: 'bench' });
  }

  async close(): Promise<void> {
    const [db, embedded] = [this.#db, this.#embedded];
    this.#db = undefined;
    await db?.end().catch(() => undefined);
    await embedded?.stop();
  }
}

const startIn = (directory: string): Promise<Embedded> =>
  startEmbedded({ directory: join(directory, 'pg'), log: silentLog });
