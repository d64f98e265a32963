/** The slots of one sketch that are not 0, sorted, and their values. */
export interface Slots {
  length: number;
  slots: Uint32Array;
  values: Float64Array;
}

/**
 * DDSketch (Masson, Rim, Lee 2019): counts values in buckets of exponentially growing size. Quantiles are exact within 1 %
 * of their value, and sketches can be added without loss. Slot 0 is for the value 0, slot i + 1 for values from γ^(i-1) to
 * γ^i. Values are integers up to 2^53, so fewer than 4096 slots are needed.
 */
const accuracy = 0.01;
const gamma = (1 + accuracy) / (1 - accuracy);
const perLog = 1 / Math.log(gamma);

export function bucketOf(value: number): number {
  return value < 1 ? 0 : Math.ceil(Math.log(value) * perLog) + 1;
}

const middle = (slot: number) => (slot === 0 ? 0 : (2 * gamma ** (slot - 1)) / (gamma + 1));

/** Returns the value at quantile q, within 1 %: the value of rank floor(q (n - 1)), from the smallest. */
export function quantile({ length, slots, values }: Slots, q: number, total: number): number {
  let rank = Math.floor(q * (total - 1));
  for (let i = 0; i < length; i++) {
    rank -= values[i] as number;
    if (rank < 0) return middle(slots[i] as number);
  }
  return middle(slots[length - 1] as number);
}

/** A separate sketch, for a few groups. Its slots grow as they are needed. */
export class Sketch implements Slots {
  length = 0;
  slots = new Uint32Array(8);
  values = new Float64Array(8);
  total = 0;

  add(value: number, times = 1): void {
    this.total += times;
    const slot = bucketOf(value);
    let [at, end] = [0, this.length]; // the first slot that is not smaller
    while (at < end) {
      const half = (at + end) >> 1;
      if ((this.slots[half] as number) < slot) at = half + 1;
      else end = half;
    }
    if (at === this.length || this.slots[at] !== slot) this.#insert(at, slot);
    this.values[at] = (this.values[at] as number) + times;
  }

  /** Returns the value at quantile q; undefined if no value was added. */
  at(q: number): number | undefined {
    return this.total === 0 ? undefined : quantile(this, q, this.total);
  }

  clear(): void {
    this.length = this.total = 0;
  }

  copy(): Sketch {
    return Object.assign(new Sketch(), this, { slots: this.slots.slice(), values: this.values.slice() });
  }

  #insert(at: number, slot: number): void {
    if (this.length === this.slots.length) {
      const [slots, values] = [this.slots, this.values];
      this.slots = new Uint32Array(2 * this.length);
      this.values = new Float64Array(2 * this.length);
      this.slots.set(slots);
      this.values.set(values);
    }
    this.slots.copyWithin(at + 1, at, this.length);
    this.values.copyWithin(at + 1, at, this.length);
    this.slots[at] = slot;
    this.values[at] = 0;
    this.length++;
  }
}
