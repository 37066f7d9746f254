import type pg from 'pg';
import { sql } from '../database/sql.ts';
import { emptyBitmap, isEmptyBitmap, setBit } from './bitmap.ts';
import { type Column, Columns, isHashed } from './columns.ts';
import { Dictionary } from './dictionary.ts';
import { Facts } from './facts.ts';
import { KeptBits } from './kept.ts';
import { CHUNK_BITS, listOfPath, offsetOf, POPULATION_PATH, PRESENCE_SLICE, shardRange } from './layout.ts';
import { listedUsers } from './lists.ts';
import { Planes } from './planes.ts';
import { encodePage, readUsers } from './users.ts';
import { TextWriter } from './texts.ts';
import { eachPath } from './values.ts';
import { SliceWriter, writePopulation } from './write.ts';

const DROP_SLICES = sql('index-drop-column-slices');
const NOTE_EVERY_SHARD = sql('index-note-every-shard');

/** With more users than this, reading the whole chunk in order is faster than looking them up. */
const MAX_LOOKED_UP = CHUNK_BITS / 4;

/** One property of one shard that is to be folded: these users, or every one. */
export interface PropertyWork {
  readonly propertyId: number;
  readonly path: string;
  readonly ordinals: readonly number[] | undefined;
}

const maskOf = (ordinals: readonly number[]): Buffer => {
  const mask = emptyBitmap();
  for (const ordinal of ordinals) setBit(mask, offsetOf(ordinal));
  return mask;
};

const intersection = (bitmap: Buffer, mask: Uint8Array): Buffer => {
  const both = emptyBitmap();
  for (let i = 0; i < both.length; i++) both[i] = (bitmap[i] as number) & (mask[i] as number);
  return both;
};

/** A user whom this transaction has created. */
export interface NewUser {
  readonly ordinal: number;
  readonly properties: { readonly [key: string]: unknown };
}

/** Folds the properties of one workspace in one transaction; `finish` must be called before it commits. */
export class PropertyFold {
  readonly #client: pg.ClientBase;
  readonly #workspaceId: number;
  readonly #columns: Columns;
  readonly #dictionary: Dictionary;
  readonly #writer: SliceWriter;
  readonly #texts: TextWriter;
  /** Of what is folded, bitmaps that are kept of leaves are out of date. */
  readonly #kept: KeptBits;
  /** Properties of which a column's coding has changed under written slices: they are folded anew in every shard. */
  readonly #recoded = new Map<number, string>();

  constructor(client: pg.ClientBase, workspaceId: number) {
    this.#client = client;
    this.#workspaceId = workspaceId;
    this.#columns = new Columns(client, workspaceId);
    this.#dictionary = new Dictionary(client);
    this.#writer = new SliceWriter(client);
    this.#texts = new TextWriter(client);
    this.#kept = new KeptBits(client);
  }

  /** Makes the bitmaps of the shard equal to the rows, for these properties and users. */
  async foldShard(shard: number, works: readonly PropertyWork[]): Promise<void> {
    await this.#columns.load(works.map(({ propertyId }) => propertyId));
    await this.#foldLists(
      shard,
      works.filter(({ path }) => listOfPath(path) !== undefined),
    );
    const properties = works.filter(({ path }) => listOfPath(path) === undefined);
    await this.#foldTogether(
      shard,
      properties.filter(({ ordinals }) => ordinals === undefined),
    );
    await this.#foldTogether(
      shard,
      properties.filter(({ ordinals }) => ordinals !== undefined),
    );
  }

  /**
   * Adds users of the shard whom this transaction has created, and whom no bitmap and no mark knows, without reading their rows.
   *
   * @param ids of all paths that they have
   */
  async addUsers(shard: number, users: readonly NewUser[], ids: ReadonlyMap<string, number>): Promise<void> {
    const touched = maskOf(users.map(({ ordinal }) => ordinal));
    const byPath = new Map<string, Facts>();
    await this.#columns.load([...ids.values()]);
    for (const { ordinal, properties } of users) {
      const offset = offsetOf(ordinal);
      eachPath(properties, (path, value) => {
        let facts = byPath.get(path);
        if (facts === undefined) {
          const id = ids.get(path);
          if (id === undefined) throw new Error(`no id for ${JSON.stringify(path)}`);
          byPath.set(path, (facts = this.#factsOf(id, path, touched)));
        }
        facts.add(offset, value);
      });
    }
    const active = [...byPath.values()];
    await encodePage(active, this.#columns, this.#dictionary);
    await this.#writeAll(shard, active);
    await writePopulation(this.#client, this.#workspaceId, shard, touched, touched);
  }

  /**
   * Saves the columns, and leaves what must be recoded to the next fold: with every user of every shard pending. Who has locked
   * what others wait for does not read all users.
   */
  async finishLater(): Promise<void> {
    for (const propertyId of this.#recoded.keys()) {
      this.#resetCodes(propertyId);
      await this.#client.query(NOTE_EVERY_SHARD, [this.#workspaceId, propertyId]);
    }
    this.#recoded.clear();
    await this.#writer.flush();
    await this.#texts.flush();
    await this.#kept.drop();
    await this.#columns.save();
  }

  /** Recodes what needs it, and saves the columns. */
  async finish(): Promise<void> {
    while (this.#recoded.size > 0) {
      const [propertyId, path] = [...this.#recoded][0] as [number, string];
      this.#recoded.delete(propertyId);
      await this.#recode({ propertyId, path, ordinals: undefined });
    }
    await this.#writer.flush();
    await this.#texts.flush();
    await this.#kept.drop();
    await this.#columns.save();
  }

  /** Lists of userIds: who is on them does not stand in the users' properties. */
  async #foldLists(shard: number, works: readonly PropertyWork[]): Promise<void> {
    if (works.length === 0) return;
    await this.#columns.ensure(works.map(({ propertyId }) => ({ propertyId, type: 'set' as const })));
    for (const { propertyId, path, ordinals } of works) {
      const listed = await listedUsers(this.#client, this.#workspaceId, shard, listOfPath(path) as number, ordinals);
      const planes = new Planes();
      if (!isEmptyBitmap(listed)) planes.slices.set(PRESENCE_SLICE, listed);
      const column = this.#columns.demand(propertyId, 'set');
      column.written = true;
      await this.#writer.add(shard, column, planes, ordinals && maskOf(ordinals));
    }
  }

  async #foldTogether(shard: number, works: readonly PropertyWork[]): Promise<void> {
    let rest = works;
    while (rest.length > 0) {
      const done = await this.#pass(shard, rest);
      rest = rest.filter(({ propertyId }) => !done.has(propertyId));
    }
  }

  /** As many of the properties as fit in memory; at least one. Gives those that are done. */
  async #pass(shard: number, works: readonly PropertyWork[]): Promise<Set<number>> {
    const population = works.find(({ path }) => path === POPULATION_PATH);
    const active = works
      .filter((work) => work !== population)
      .map(({ propertyId, path, ordinals }) => this.#factsOf(propertyId, path, ordinals && maskOf(ordinals)));
    const exists = emptyBitmap();
    await readUsers(this.#client, shard, this.#ordinals(works), active, exists, this.#columns, this.#dictionary);
    const done = new Set(active.map(({ propertyId }) => propertyId));
    await this.#writeAll(shard, active);
    if (population) {
      const touched = population.ordinals && maskOf(population.ordinals);
      const users = touched ? intersection(exists, touched) : exists;
      await writePopulation(this.#client, this.#workspaceId, shard, users, touched);
      done.add(population.propertyId);
    }
    return done;
  }

  #ordinals(works: readonly PropertyWork[]): readonly number[] | undefined {
    const all = new Set<number>();
    for (const { ordinals } of works) {
      if (ordinals === undefined) return undefined;
      for (const ordinal of ordinals) all.add(ordinal);
    }
    return all.size > MAX_LOOKED_UP ? undefined : [...all].sort((a, b) => a - b);
  }

  #factsOf(propertyId: number, path: string, touched: Uint8Array | undefined): Facts {
    return new Facts(propertyId, path.split('.'), touched, this.#columns.get(propertyId, 'text'));
  }

  async #writeAll(shard: number, active: readonly Facts[]): Promise<void> {
    for (const facts of active) await this.#write(shard, facts);
  }

  async #write(shard: number, facts: Facts): Promise<void> {
    this.#kept.add(shard, facts.propertyId);
    const overflows = await this.#dropOutdated(facts.propertyId);
    if (this.#becomesFiner(facts) || overflows || facts.mixed) {
      this.#recoded.set(facts.propertyId, facts.path.join('.'));
      return;
    }
    for (const column of this.#columns.of(facts.propertyId)) {
      if (column.overflowed && !isHashed(column)) continue;
      const planes = facts.planes(column);
      const width = Math.max(column.width, planes.width);
      const hasNegative = column.hasNegative || planes.hasNegative;
      if (width !== column.width || hasNegative !== column.hasNegative) {
        column.width = width;
        column.hasNegative = hasNegative;
        column.changed = true;
      }
      column.written = true;
      await this.#writer.add(shard, column, planes, facts.touched);
      if (isHashed(column)) await this.#texts.add(shard, column.id, facts.heldTexts, facts.touched);
    }
  }

  /** Whether the property must be folded anew in every shard because a scale or unit has changed under written slices. */
  #becomesFiner(facts: Facts): boolean {
    const number = this.#columns.get(facts.propertyId, 'number');
    const date = this.#columns.get(facts.propertyId, 'date');
    const scale = number && facts.scale(number.scale);
    const unitMs = date && facts.unitMs(date.unitMs);
    let recode = false;
    if (number && scale !== undefined && scale !== number.scale) {
      number.scale = scale;
      number.changed = true;
      recode ||= number.written;
    }
    if (date && unitMs !== undefined && unitMs !== date.unitMs) {
      date.unitMs = unitMs;
      date.changed = true;
      recode ||= date.written;
    }
    return recode;
  }

  /** Removes what columns that overflow have written. Whether it must be written anew: a text column goes on with hashes. */
  async #dropOutdated(propertyId: number): Promise<boolean> {
    let rewrite = false;
    for (const column of this.#columns.of(propertyId)) {
      if (!column.outdated) continue;
      column.outdated = false;
      await this.#writer.flush();
      if (column.nextCode > 0)
        await this.#client.query('delete from dictionary where column_id = $1::integer', [column.id]);
      if (column.written) await this.#client.query(DROP_SLICES, [...shardRange(this.#workspaceId), column.id]);
      rewrite ||= column.written && isHashed(column);
      Object.assign(column, { nextCode: 0, width: 0, written: false } satisfies Partial<Column>);
    }
    return rewrite;
  }

  async #recode(work: PropertyWork): Promise<void> {
    const { rows } = await this.#client.query<{ shard: number }>(
      'select shard from chunks where workspace_id = $1::integer order by shard',
      [this.#workspaceId],
    );
    this.#resetCodes(work.propertyId);
    for (const { shard } of rows) {
      await this.#foldTogether(shard, [work]);
      // A later shard was finer still: from the beginning.
      if (this.#recoded.has(work.propertyId)) return;
    }
  }

  /** The widths follow from what is written anew. */
  #resetCodes(propertyId: number): void {
    for (const type of ['number', 'date'] as const) {
      const column = this.#columns.get(propertyId, type);
      if (column === undefined) continue;
      column.width = 0;
      column.hasNegative = false;
      column.changed = true;
    }
  }
}
