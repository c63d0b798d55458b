// The plan: one typed array per column, so that 70,000 items cost next to nothing.
// src/columns.rs writes what is read here.

/** What an item can be in, by the number that stands for it in the columns. */
const PENDING = 0, RUNNING = 1, COMPLETE = 2, FAILED = 3, WAITING = 4;

/** Reads variable-length numbers from base64. */
class NumberReader {
  constructor(base64) {
    const text = atob(base64);
    this.bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    this.at = 0;
  }

  byte() {
    return this.bytes[this.at++];
  }

  unsigned() {
    let number = 0;
    // Times need more than the 32 bits of a shift, so each group is multiplied to its place.
    for (let place = 1; ; place *= 128) {
      const byte = this.bytes[this.at++];
      number += (byte & 0x7f) * place;
      if (byte < 0x80) return number;
    }
  }

  signed() {
    const folded = this.unsigned();
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
  }
}

/** The items in the order of generation; an item is known by its place in it. */
class Plan {
  constructor(columns) {
    const count = columns.count;
    this.count = count;
    this.id = new Float64Array(count);
    this.x = new Int32Array(count);
    this.y = new Int32Array(count);
    this.width = new Uint8Array(count);
    this.height = new Uint8Array(count);
    this.step = new Uint8Array(count);
    this.state = new Uint8Array(count);
    /** Whether all its pictures are there. */
    this.hasPictures = new Uint8Array(count);
    /** Places in `models` and `messages`, or -1. */
    this.model = new Int32Array(count).fill(-1);
    this.message = new Int32Array(count).fill(-1);
    /** Unix time in seconds, or NaN. */
    this.startedAt = new Float64Array(count).fill(NaN);
    this.completedAt = new Float64Array(count).fill(NaN);
    this.models = columns.models;
    this.messages = columns.messages;
    this.readIds(columns.ids);
    this.readBlocks(new NumberReader(columns.blocks));
    this.readTries(new NumberReader(columns.tries));
  }

  readIds(runs) {
    let item = 0;
    for (const [first, count] of runs) {
      for (let i = 0; i < count; i++) this.id[item++] = first + i;
    }
  }

  readBlocks(numbers) {
    let x = 0, y = 0;
    for (let item = 0; item < this.count; item++) {
      const tag = numbers.unsigned();
      x += numbers.signed();
      y += numbers.signed();
      this.x[item] = x;
      this.y[item] = y;
      this.width[item] = 1 + (tag & 1);
      this.height[item] = 1 + ((tag >> 1) & 1);
      this.step[item] = (tag >> 2) & 3;
      this.state[item] = (tag >> 4) & 7;
      this.hasPictures[item] = this.state[item] === COMPLETE && tag < 128 ? 1 : 0;
    }
  }

  readTries(numbers) {
    let start = 0;
    for (let item = 0; item < this.count; item++) {
      const has = numbers.byte();
      if (has & 1) this.model[item] = numbers.unsigned();
      if (has & 2) {
        start += numbers.signed();
        this.startedAt[item] = start / 10;
      }
      if (has & 4) this.completedAt[item] = (start + numbers.signed()) / 10;
      if (has & 8) this.message[item] = numbers.unsigned();
    }
  }

  /** The inclusive rectangle of quadrants around all blocks. */
  bounds() {
    const bounds = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity };
    for (let item = 0; item < this.count; item++) {
      bounds.minX = Math.min(bounds.minX, this.x[item]);
      bounds.minY = Math.min(bounds.minY, this.y[item]);
      bounds.maxX = Math.max(bounds.maxX, this.x[item] + this.width[item] - 1);
      bounds.maxY = Math.max(bounds.maxY, this.y[item] + this.height[item] - 1);
    }
    return bounds;
  }
}
