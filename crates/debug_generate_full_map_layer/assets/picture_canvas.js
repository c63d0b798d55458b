// The pictures of one set of tiles on a canvas: of each place in sight the tile of the right size,
// or what there is of it from farther away until that has come.

/** A tile is shown at this part of its size at least; smaller ones give way to one that shows more
 *  from farther away. */
const SMALLEST_SHARE = 0.7;
/** How many levels farther away the first glimpse of a place is. */
const GLIMPSE_LEVELS = 2;
/** From this width of a quadrant on pictures are shown where there are no overviews. */
const LEAST_SIDE_PX = 40;

class PictureCanvas {
  constructor(set, loader, canvas) {
    Object.assign(this, { set, loader, canvas, context: canvas.getContext("2d") });
    this.isShown = true;
    /** The level that was drawn last, and the keys of the tiles that are drawn, of any level. */
    this.level = 0;
    this.drawn = new Set();
  }

  /** Draws what is there and returns what is wanted for the rest, each with its urgency. */
  draw(view, ratio) {
    const { canvas, context, set } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    this.drawn.clear();
    this.view = view;
    this.ratio = ratio;
    this.level = this.levelFor(view, ratio);
    const wanted = new Map();
    const stages = [];
    for (const [column, row, version] of this.tilesInSight(this.level)) {
      const held = this.loader.get(set, this.level, column, row);
      if (held) this.plan(stages, this.level, column, row, held);
      if (held?.version === version) continue;
      this.want(wanted, this.level, column, row, version, 1);
      if (!held) this.planGlimpse(stages, wanted, column, row);
    }
    stages.sort((a, b) => b.level - a.level);
    for (const stage of stages) this.drawTile(stage);
    return [...wanted.values()];
  }

  /** Draws a tile that has come, where that is simple: it belongs on top of what is there. Returns
   *  whether it was. */
  add({ set, level, column, row, key }) {
    if (set !== this.set || !this.view) return true;
    if (level !== this.level || this.drawn.has(key)) return false;
    const held = this.loader.get(set, level, column, row);
    if (held) this.drawTile({ level, column, row, held, key });
    return true;
  }

  /** The level whose tiles are shown at about their own size. */
  levelFor(view, ratio) {
    const shownPx = view.quadrantPx().longest * ratio, tilePx = Math.max(...this.set.tilePx);
    if (!this.set.hasOverviews() && shownPx >= LEAST_SIDE_PX * ratio) return 0;
    const level = Math.ceil(Math.log2((SMALLEST_SHARE * tilePx) / shownPx) - 1e-9);
    return Math.min(this.set.top, Math.max(0, level));
  }

  /** The tiles of a level in sight, each with its version. */
  * tilesInSight(level) {
    const { set, view } = this, bounds = view.gridBounds(), side = 2 ** level;
    const first = (min, from) => Math.max(0, Math.floor((from - min) / side));
    const last = (min, to, count) => Math.min(Math.ceil(count / side) - 1, Math.floor((to - min) / side));
    const toColumn = last(set.minX, bounds.maxX, set.columns), toRow = last(set.minY, bounds.maxY, set.rows);
    for (let row = first(set.minY, bounds.minY); row <= toRow; row++) {
      for (let column = first(set.minX, bounds.minX); column <= toColumn; column++) {
        const version = set.version(level, column, row);
        if (version === undefined) continue;
        const rect = set.gridRect(level, column, row);
        if (view.sees(rect.x, rect.y, rect.width, rect.height)) yield [column, row, version];
      }
    }
  }

  plan(stages, level, column, row, held) {
    stages.push({ level, column, row, held, key: this.loader.key(this.set, level, column, row) });
  }

  /** Shows a place from farther away, and wants a glimpse of it where there is not even that. */
  planGlimpse(stages, wanted, column, row) {
    const { set, loader } = this;
    const at = (level) => [column, row].map((place) => Math.floor(place / 2 ** (level - this.level)));
    for (let level = this.level + 1; level <= set.top; level++) {
      const [farColumn, farRow] = at(level);
      const held = loader.get(set, level, farColumn, farRow);
      if (!held) continue;
      if (!stages.some((stage) => stage.level === level && stage.column === farColumn && stage.row === farRow)) {
        this.plan(stages, level, farColumn, farRow, held);
      }
      if (level <= this.level + GLIMPSE_LEVELS) return;
      break;
    }
    const level = Math.min(set.top, this.level + GLIMPSE_LEVELS);
    if (level === this.level) return;
    const [farColumn, farRow] = at(level), version = set.version(level, farColumn, farRow);
    if (version !== undefined && !loader.get(set, level, farColumn, farRow)) {
      this.want(wanted, level, farColumn, farRow, version, 0);
    }
  }

  want(wanted, level, column, row, version, turn) {
    const { set, view } = this, key = this.loader.key(set, level, column, row);
    if (wanted.has(key)) return;
    const { x, y, width, height } = set.gridRect(level, column, row);
    const toX = view.x(x + width / 2, y + height / 2) - view.width / 2;
    const toY = view.y(x + width / 2, y + height / 2) - view.height / 2;
    wanted.set(key, {
      key, set, level, column, row, version, url: set.url(level, column, row, version),
      turn, fromMiddle: Math.hypot(toX, toY),
    });
  }

  /** Over one tile Web Mercator is affine to a small part of a pixel, but far out. */
  drawTile({ level, column, row, held, key }) {
    const { context, view, ratio, set } = this, { bitmap } = held;
    const { x, y, width, height } = set.gridRect(level, column, row);
    const left = view.x(x, y), top = view.y(x, y);
    const rightX = view.x(x + width, y) - left, rightY = view.y(x + width, y) - top;
    const downX = view.x(x, y + height) - left, downY = view.y(x, y + height) - top;
    context.setTransform(
      (rightX * ratio) / bitmap.width, (rightY * ratio) / bitmap.width,
      (downX * ratio) / bitmap.height, (downY * ratio) / bitmap.height,
      left * ratio, top * ratio);
    const shownPx = Math.hypot(rightX, rightY) * ratio;
    // Far in, the pixels of pixel art stay squares.
    context.imageSmoothingEnabled = shownPx < bitmap.width * 2;
    // A little more than the tile: where two soft edges meet, the map would shine through.
    const bleed = (0.4 * bitmap.width) / shownPx;
    context.drawImage(bitmap, -bleed, -bleed, bitmap.width + 2 * bleed, bitmap.height + 2 * bleed);
    this.drawn.add(key);
  }
}
