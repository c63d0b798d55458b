// Which pictures of a map there are, from single quadrants to the whole map in one tile. A tile is
// known by how often the map was halved for it, its column and its row, both counted from the
// map's top left. src/tile_set.rs writes what is read here.

/** The key of a place in a level; columns and rows stay below 2^26. */
function placeKey(column, row) {
  return row * 0x4000000 + column;
}

let tileSets = 0;

class TileSet {
  /** `finished` is the plan whose finished blocks are the tiles of level 0, where `data` tells of
   *  overviews alone. */
  constructor(data, finished) {
    const { pyramid } = data;
    this.id = tileSets++;
    this.name = data.name;
    this.place = data.place;
    this.minX = pyramid.min_x;
    this.minY = pyramid.min_y;
    this.columns = pyramid.columns;
    this.rows = pyramid.rows;
    this.tilePx = [pyramid.tile_width_px, pyramid.tile_height_px];
    /** The level that is one tile. */
    this.top = Math.max(0, Math.ceil(Math.log2(Math.max(this.columns, this.rows))));
    this.finished = finished;
    /** By level, by place: a number that changes when the tile does. */
    this.levels = Array.from({ length: this.top + 1 }, () => new Map());
    const numbers = new NumberReader(data.tiles);
    for (let level = data.first_level; level <= this.top; level++) {
      let row = 0, column = 0;
      for (let count = numbers.unsigned(); count > 0; count--) {
        const down = numbers.unsigned();
        if (down > 0) column = 0;
        row += down;
        column += numbers.signed();
        this.levels[level].set(placeKey(column, row), numbers.four());
      }
    }
  }

  /** A number that changes when the tile does; undefined when there is none. */
  version(level, column, row) {
    if (level > 0 || !this.finished) return this.levels[level]?.get(placeKey(column, row));
    const { plan, index } = this.finished;
    const item = index.itemAt(column + this.minX, row + this.minY);
    if (item === NO_ITEM || !plan.hasPictures[item]) return undefined;
    return Number.isNaN(plan.completedAt[item]) ? 0 : plan.completedAt[item];
  }

  /** Takes over tiles that were made or taken away: level, column, row, and a number or null. */
  take(tiles) {
    for (const [level, column, row, version] of tiles) {
      if (level > this.top) continue;
      if (version === null) this.levels[level].delete(placeKey(column, row));
      else this.levels[level].set(placeKey(column, row), version);
    }
  }

  /** Whether there is anything to see from afar. */
  hasOverviews() {
    return this.top === 0 || this.levels[this.top].size > 0;
  }

  url(level, column, row, version) {
    const { layer, deep_zoom: deepZoom } = this.place;
    // Whatever is between here and the server keeps a picture only under its version. A file has
    // no version to ask for.
    const query = location.protocol === "file:" ? "" : `?${version.toString(36)}`;
    if (deepZoom) return `${deepZoom.files}${this.deepest() - level}/${column}_${row}.${deepZoom.extension}${query}`;
    if (level > 0) return `${layer.overviews}${level}/${column}_${row}.png${query}`;
    return `${layer.quadrants}${column + this.minX}_${row + this.minY}.png${query}`;
  }

  /** The number of a Deep Zoom Image's level of single quadrants. */
  deepest() {
    return Math.ceil(Math.log2(Math.max(this.columns * this.tilePx[0], this.rows * this.tilePx[1])));
  }

  /** The rectangle of the grid that a tile covers, as far as the map goes. */
  gridRect(level, column, row) {
    const side = 2 ** level;
    return {
      x: this.minX + column * side, y: this.minY + row * side,
      width: Math.min(side, this.columns - column * side), height: Math.min(side, this.rows - row * side),
    };
  }
}
