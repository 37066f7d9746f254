const FIRST_CAPACITY = 64;

/**
 * Parallel lists of what the users at some offsets of a chunk have, 10 bytes a value. Plain arrays of numbers took 32, and the
 * garbage collector a fifth of a fold.
 */
export class Held {
  #offsets = new Uint16Array(FIRST_CAPACITY);
  #values = new Float64Array(FIRST_CAPACITY);
  #length = 0;

  static of(offsets: readonly number[], values: readonly number[]): Held {
    const held = new Held();
    for (let i = 0; i < offsets.length; i++) held.push(offsets[i] as number, values[i] as number);
    return held;
  }

  push(offset: number, value: number): void {
    if (this.#length === this.#offsets.length) this.#grow();
    this.#offsets[this.#length] = offset;
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  get length(): number {
    return this.#length;
  }

  /** Views, until something is added. */
  get offsets(): Uint16Array {
    return this.#offsets.subarray(0, this.#length);
  }
  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }

  #grow(): void {
    const offsets = new Uint16Array(this.#length * 2);
    const values = new Float64Array(this.#length * 2);
    offsets.set(this.#offsets);
    values.set(this.#values);
    this.#offsets = offsets;
    this.#values = values;
  }
}

/** Texts that have no code yet, each different one once. */
export class HeldTexts {
  /** Which texts, with their positions in order. */
  readonly distinct = new Map<string, number>();
  /** The position of what each user has. */
  readonly held = new Held();

  push(offset: number, text: string): void {
    let position = this.distinct.get(text);
    if (position === undefined) this.distinct.set(text, (position = this.distinct.size));
    this.held.push(offset, position);
  }

  get length(): number {
    return this.held.length;
  }
}
