// The plan: one typed array per column, so that 70,000 items cost next to nothing.
// src/columns.rs and src/progress.rs write what is read here.

/** Calls `visit` with each number of runs, each its first one and how many there are. */
function eachOf(runs, visit) {
  for (const [first, count] of runs) {
    for (let i = 0; i < count; i++) visit(first + i);
  }
}

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

  /** Four bytes, the lowest first. */
  four() {
    let number = 0;
    for (let place = 1; place < 2 ** 32; place *= 256) number += this.bytes[this.at++] * place;
    return number;
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
    this.model = new Int32Array(count);
    this.message = new Int32Array(count);
    /** Unix time in seconds, or NaN. */
    this.startedAt = new Float64Array(count);
    this.completedAt = new Float64Array(count);
    this.models = [];
    this.messages = [];
    let item = 0;
    eachOf(columns.ids, (id) => (this.id[item++] = id));
    this.readBlocks(new NumberReader(columns.blocks));
    this.take(columns.progress);
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
      this.step[item] = tag >> 2;
    }
  }

  /** Takes over how far some items are: all of them as the page was made, and later those that
   *  have changed. */
  take(progress) {
    const models = placesOf(this.models, progress.models);
    const messages = placesOf(this.messages, progress.messages);
    const numbers = new NumberReader(progress.tries);
    let start = 0;
    eachOf(progress.items, (item) => {
      const tag = numbers.byte();
      this.state[item] = tag & 7;
      this.hasPictures[item] = this.state[item] === COMPLETE && !(tag & 8) ? 1 : 0;
      this.model[item] = tag & 16 ? models[numbers.unsigned()] : -1;
      if (tag & 32) start += numbers.signed();
      this.startedAt[item] = tag & 32 ? start / 10 : NaN;
      this.completedAt[item] = tag & 64 ? (start + numbers.signed()) / 10 : NaN;
      this.message[item] = tag & 128 ? messages[numbers.unsigned()] : -1;
    });
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

/** The places of `texts` in `known`, to which those are added that it lacks. */
function placesOf(known, texts) {
  const places = new Map(known.map((text, place) => [text, place]));
  return texts.map((text) => {
    if (!places.has(text)) places.set(text, known.push(text) - 1);
    return places.get(text);
  });
}
