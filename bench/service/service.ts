import type { Endings } from '../endings.ts';
import type { MemoryWatch } from './memory.ts';
import { type Server, startServer } from './server.ts';

/** The service on one database, started and stopped as a measurement needs it, its memory watched. */
export class Service {
  readonly #databaseUrl: () => string;
  readonly #command: readonly string[];
  readonly #environment: Record<string, string>;
  readonly #memory: MemoryWatch;
  #running: Server | undefined;
  #unwatch: () => void = () => undefined;

  constructor(
    databaseUrl: () => string,
    command: readonly string[],
    dataDirectory: string,
    memory: MemoryWatch,
    endings: Endings,
  ) {
    this.#databaseUrl = databaseUrl;
    this.#command = command;
    this.#environment = { EVENKEEL_DATA_DIR: dataDirectory };
    this.#memory = memory;
    endings.add(() => this.stop());
  }

  get server(): Server {
    if (this.#running === undefined) throw new Error('the service is not running');
    return this.#running;
  }

  async start(): Promise<Server> {
    if (this.#running === undefined) {
      this.#running = await startServer(this.#databaseUrl(), this.#command, this.#environment);
      this.#unwatch = this.#memory.watch(this.#running.pid);
    }
    return this.#running;
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#unwatch();
    await running?.stop();
  }
}
