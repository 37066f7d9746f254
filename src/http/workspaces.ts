import { createHash, randomBytes } from 'node:crypto';
import { conflict, notFound } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';

/** A key is trusted this long without asking the database; a rotated one stops to work after at most this. */
const TRUST_MS = 1_000;
const MAX_TRUSTED_KEYS = 10_000;
const KEY_BYTES = 24;

export interface Workspace {
  readonly id: number;
  readonly name: string;
}

export interface WorkspaceResource {
  readonly name: string;
  readonly createdAt: string;
  /** Whether a workspace key reaches it, beside the operator's. */
  readonly hasKey: boolean;
}

export const digestOf = (key: string): Buffer => createHash('sha256').update(key, 'utf8').digest();
const newKey = (): string => `ek_${randomBytes(KEY_BYTES).toString('base64url')}`;

interface Trusted {
  readonly workspace: Workspace;
  readonly until: number;
}

/** Workspaces and their keys, of which only the digests are stored. */
export class Workspaces {
  readonly #pool: Queryable;
  readonly #byDigest = new Map<string, Trusted>();
  readonly #byName = new Map<string, Workspace>();

  constructor(pool: Queryable) {
    this.#pool = pool;
  }

  async byKey(key: string): Promise<Workspace | undefined> {
    const digest = digestOf(key);
    const hex = digest.toString('hex');
    const trusted = this.#byDigest.get(hex);
    if (trusted !== undefined && trusted.until > Date.now()) return trusted.workspace;
    const { rows } = await this.#pool.query<Workspace>('select id, name from workspaces where key_digest = $1::bytea', [
      digest,
    ]);
    this.#byDigest.delete(hex);
    const workspace = rows[0];
    if (workspace === undefined) return undefined;
    if (this.#byDigest.size >= MAX_TRUSTED_KEYS) this.#byDigest.clear();
    this.#byDigest.set(hex, { workspace, until: Date.now() + TRUST_MS });
    return workspace;
  }

  /** Throws 404. Names are never given to another workspace, so they are remembered. */
  async byName(name: string): Promise<Workspace> {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const { rows } = await this.#pool.query<Workspace>('select id, name from workspaces where name = $1::text', [name]);
    const workspace = rows[0];
    if (workspace === undefined) throw notFound(`workspace "${name.slice(0, 64)}"`);
    if (this.#byName.size >= MAX_TRUSTED_KEYS) this.#byName.clear();
    this.#byName.set(name, workspace);
    return workspace;
  }

  async list(): Promise<WorkspaceResource[]> {
    const { rows } = await this.#pool.query<{ name: string; created_at: Date; has_key: boolean }>(
      'select name, created_at, key_digest is not null as has_key from workspaces order by id',
    );
    return rows.map((row) => ({ name: row.name, createdAt: row.created_at.toISOString(), hasKey: row.has_key }));
  }

  /** Makes a workspace and its key, which is told this once. Throws 409 where the name is taken. */
  async create(name: string): Promise<WorkspaceResource & { key: string }> {
    const key = newKey();
    const { rows } = await this.#pool.query<{ created_at: Date }>(
      `insert into workspaces (name, key_digest) values ($1::text, $2::bytea)
       on conflict (name) do nothing returning created_at`,
      [name, digestOf(key)],
    );
    const row = rows[0];
    if (row === undefined) throw conflict(`workspace "${name}" exists already`, { path: 'name' });
    return { name, createdAt: row.created_at.toISOString(), hasKey: true, key };
  }

  /** Makes the workspace if it is not there; without a key of its own. */
  async ensure(name: string): Promise<Workspace> {
    await this.#pool.query('insert into workspaces (name) values ($1::text) on conflict (name) do nothing', [name]);
    return this.byName(name);
  }

  /** A new key; the one before stops to work. Throws 404. */
  async rotateKey(name: string): Promise<{ name: string; key: string }> {
    const key = newKey();
    const { rowCount } = await this.#pool.query('update workspaces set key_digest = $2::bytea where name = $1::text', [
      name,
      digestOf(key),
    ]);
    if (rowCount === 0) throw notFound(`workspace "${name.slice(0, 64)}"`);
    this.#byDigest.clear();
    return { name, key };
  }
}
