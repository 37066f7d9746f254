import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { type ColumnType, HASHED_SCALE } from './layout.ts';

/** A column as a fold knows it: changed in memory, saved once at the end of its transaction. */
export interface Column {
  readonly id: number;
  readonly propertyId: number;
  readonly type: ColumnType;
  scale: number;
  unitMs: number;
  nextCode: number;
  width: number;
  hasNegative: boolean;
  overflowed: boolean;
  /** Overflowed in this transaction: the dictionary and slices that stand in the tables are of no use any more. */
  outdated: boolean;
  /** Slices may lie in some shard. */
  written: boolean;
  changed: boolean;
}

/** Whether its codes are hashes, of which several texts may have the same. */
export const isHashed = (column: { readonly type: ColumnType; readonly overflowed: boolean; readonly scale: number }) =>
  column.type === 'text' && column.overflowed && column.scale === HASHED_SCALE;

interface Row {
  readonly id: number;
  readonly property_id: number;
  readonly type: ColumnType;
  readonly scale: number;
  readonly unit_ms: number;
  readonly next_code: number;
  readonly width: number;
  readonly has_negative: boolean;
  readonly overflowed: boolean;
}

const SELECT = sql('index-columns');
const INSERT = sql('index-insert-columns');
const SAVE = sql('index-save-columns');

const columnOf = (row: Row, written: boolean): Column => ({
  id: row.id,
  propertyId: row.property_id,
  type: row.type,
  scale: row.scale,
  unitMs: row.unit_ms,
  nextCode: row.next_code,
  width: row.width,
  hasNegative: row.has_negative,
  overflowed: row.overflowed,
  outdated: false,
  written,
  changed: false,
});

/** The columns of the properties that one transaction folds. */
export class Columns {
  readonly #db: Queryable;
  readonly #workspaceId: number;
  readonly #columns = new Map<number, Map<ColumnType, Column>>();

  constructor(db: Queryable, workspaceId: number) {
    this.#db = db;
    this.#workspaceId = workspaceId;
  }

  async load(propertyIds: readonly number[]): Promise<void> {
    const unknown = propertyIds.filter((id) => !this.#columns.has(id));
    if (unknown.length === 0) return;
    for (const id of unknown) this.#columns.set(id, new Map());
    const { rows } = await this.#db.query<Row>(SELECT, [unknown]);
    for (const row of rows) this.#add(columnOf(row, true));
  }

  get(propertyId: number, type: ColumnType): Column | undefined {
    return this.#columns.get(propertyId)?.get(type);
  }

  of(propertyId: number): Column[] {
    return [...(this.#columns.get(propertyId)?.values() ?? [])];
  }

  /** As `get`, for a column that is there: `ensure` was called. */
  demand(propertyId: number, type: ColumnType): Column {
    const column = this.get(propertyId, type);
    if (column === undefined) throw new Error(`property ${propertyId} has no ${type} column`);
    return column;
  }

  async ensure(wanted: readonly { readonly propertyId: number; readonly type: ColumnType }[]): Promise<void> {
    const missing = wanted.filter(({ propertyId, type }) => this.get(propertyId, type) === undefined);
    if (missing.length === 0) return;
    const { rows } = await this.#db.query<Row>(INSERT, [
      this.#workspaceId,
      missing.map(({ propertyId }) => propertyId),
      missing.map(({ type }) => type),
    ]);
    for (const row of rows) this.#add(columnOf(row, false));
  }

  async save(): Promise<void> {
    const changed = this.#changed();
    if (changed.length === 0) return;
    await this.#db.query(SAVE, [
      changed.map((each) => each.id),
      changed.map((each) => each.scale),
      changed.map((each) => each.unitMs),
      changed.map((each) => each.nextCode),
      changed.map((each) => each.width),
      changed.map((each) => each.hasNegative),
      changed.map((each) => each.overflowed),
    ]);
    for (const each of changed) each.changed = false;
  }

  #changed(): Column[] {
    return [...this.#columns.values()].flatMap((each) => [...each.values()]).filter((each) => each.changed);
  }

  #add(column: Column): void {
    this.#columns.get(column.propertyId)?.set(column.type, column);
  }
}
