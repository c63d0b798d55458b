// Which item a quadrant belongs to.
//
// The grid is cut into squares of 64x64 quadrants, of which only those with a block in them are
// held: a map with far islands takes no more room than its blocks.

const SQUARE_BITS = 6;
const SQUARE_SIDE = 1 << SQUARE_BITS;
const NO_ITEM = -1;

/** The key of the square in a column and a row; both stay below 2^26. */
function squareKey(column, row) {
  return row * 0x4000000 + column;
}

class QuadrantIndex {
  constructor(plan) {
    this.plan = plan;
    this.bounds = plan.bounds();
    /** Squares by their keys; places in them are counted from the bounds' top left. */
    this.squares = new Map();
    for (let item = 0; item < plan.count; item++) {
      for (let dy = 0; dy < plan.height[item]; dy++) {
        for (let dx = 0; dx < plan.width[item]; dx++) {
          this.put(plan.x[item] + dx - this.bounds.minX, plan.y[item] + dy - this.bounds.minY, item);
        }
      }
    }
  }

  put(x, y, item) {
    const key = squareKey(Math.floor(x / SQUARE_SIDE), Math.floor(y / SQUARE_SIDE));
    let square = this.squares.get(key);
    if (!square) {
      square = new Int32Array(SQUARE_SIDE * SQUARE_SIDE).fill(NO_ITEM);
      this.squares.set(key, square);
    }
    square[(y % SQUARE_SIDE) * SQUARE_SIDE + (x % SQUARE_SIDE)] = item;
  }

  /** The item of quadrant (x, y), or NO_ITEM. */
  itemAt(x, y) {
    const fromX = x - this.bounds.minX, fromY = y - this.bounds.minY;
    if (!(fromX >= 0 && fromY >= 0)) return NO_ITEM;
    const square = this.squares.get(
      squareKey(Math.floor(fromX / SQUARE_SIDE), Math.floor(fromY / SQUARE_SIDE)));
    if (!square) return NO_ITEM;
    return square[(fromY % SQUARE_SIDE) * SQUARE_SIDE + (fromX % SQUARE_SIDE)];
  }

  /** Calls `visit` once with each item that has a quadrant in the inclusive rectangle. */
  forEachItemIn({ minX, minY, maxX, maxY }, visit) {
    const plan = this.plan;
    const fromX = Math.max(minX, this.bounds.minX), toX = Math.min(maxX, this.bounds.maxX);
    const fromY = Math.max(minY, this.bounds.minY), toY = Math.min(maxY, this.bounds.maxY);
    for (let y = fromY; y <= toY; y++) {
      for (let x = fromX; x <= toX; x++) {
        const item = this.itemAt(x, y);
        if (item === NO_ITEM) continue;
        // The first of its quadrants in the rectangle stands for the block.
        if (Math.max(plan.x[item], fromX) === x && Math.max(plan.y[item], fromY) === y) visit(item);
      }
    }
  }
}
