// From the grid to the globe, and from there to the screen.
//
// The first is affine: six numbers. The second is not: Web Mercator stretches with the latitude.
// So every corner is taken to degrees first and projected by itself. Or the map stands upright.

/** The affine map between the grid and degrees. A grid corner (x, y) is the top-left corner of
 *  quadrant (x, y). */
class Geometry {
  constructor([lat, lng, latPerX, lngPerX, latPerY, lngPerY]) {
    Object.assign(this, { lat, lng, latPerX, lngPerX, latPerY, lngPerY });
    this.determinant = latPerX * lngPerY - latPerY * lngPerX;
  }

  latAt(x, y) {
    return this.lat + x * this.latPerX + y * this.latPerY;
  }

  lngAt(x, y) {
    return this.lng + x * this.lngPerX + y * this.lngPerY;
  }

  /** The place in the grid, with fractions, of a place on the globe. */
  gridX(lat, lng) {
    return ((lat - this.lat) * this.lngPerY - (lng - this.lng) * this.latPerY) / this.determinant;
  }

  gridY(lat, lng) {
    return ((lng - this.lng) * this.latPerX - (lat - this.lat) * this.lngPerX) / this.determinant;
  }
}

/** Where a map lies in the world, which is 1 wide and 1 high: on the globe, as Web Mercator draws
 *  it. The formulas are those of Leaflet's EPSG:3857, without an object for each point. */
class OnGlobe {
  constructor(geometry) {
    this.geometry = geometry;
  }

  worldX(gridX, gridY) {
    return this.geometry.lngAt(gridX, gridY) / 360 + 0.5;
  }

  worldY(gridX, gridY) {
    return worldYOfLat(this.geometry.latAt(gridX, gridY));
  }

  gridX(worldX, worldY) {
    return this.geometry.gridX(latOfWorldY(worldY), (worldX - 0.5) * 360);
  }

  gridY(worldX, worldY) {
    return this.geometry.gridY(latOfWorldY(worldY), (worldX - 0.5) * 360);
  }
}

/** Where a map lies in the world when it stands upright, as it was drawn: its middle where it is on
 *  the globe, and its quadrants as wide as they are there. */
class Upright {
  constructor(onGlobe, { minX, minY, maxX, maxY }, [tileWidth, tileHeight]) {
    this.middleX = (minX + maxX + 1) / 2;
    this.middleY = (minY + maxY + 1) / 2;
    const x = onGlobe.worldX(this.middleX, this.middleY), y = onGlobe.worldY(this.middleX, this.middleY);
    const nextX = onGlobe.worldX(this.middleX + 1, this.middleY), nextY = onGlobe.worldY(this.middleX + 1, this.middleY);
    this.centerX = x;
    this.centerY = y;
    this.perX = Math.hypot(nextX - x, nextY - y);
    this.perY = (this.perX * tileHeight) / tileWidth;
  }

  worldX(gridX) {
    return this.centerX + (gridX - this.middleX) * this.perX;
  }

  worldY(gridX, gridY) {
    return this.centerY + (gridY - this.middleY) * this.perY;
  }

  gridX(worldX) {
    return this.middleX + (worldX - this.centerX) / this.perX;
  }

  gridY(worldX, worldY) {
    return this.middleY + (worldY - this.centerY) / this.perY;
  }
}

function worldYOfLat(lat) {
  const sine = Math.sin((lat * Math.PI) / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

function latOfWorldY(worldY) {
  return (Math.atan(Math.sinh(2 * Math.PI * (0.5 - worldY))) * 180) / Math.PI;
}

/** The place of a grid corner as Leaflet takes it. */
function latLngAt(placement, gridX, gridY) {
  return [latOfWorldY(placement.worldY(gridX, gridY)), (placement.worldX(gridX, gridY) - 0.5) * 360];
}

/** The place in the grid, with fractions, of what Leaflet has at a place. */
function gridAt(placement, { lat, lng }) {
  const x = lng / 360 + 0.5, y = worldYOfLat(lat);
  return { x: placement.gridX(x, y), y: placement.gridY(x, y) };
}

/** The four corners of a rectangle of the grid, clockwise from its top left, as Leaflet takes
 *  them. */
function cornersOf(placement, x, y, width, height) {
  return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]].map(([x, y]) => latLngAt(placement, x, y));
}

/** What the canvas shows: a rectangle of the world at a zoom. */
class View {
  /** `left` and `top` are where the canvas begins in the world's pixels at `zoom`; sizes are in
   *  CSS pixels. */
  constructor(placement, zoom, left, top, width, height) {
    Object.assign(this, { placement, zoom, left, top, width, height });
    /** The world's width in pixels. */
    this.worldPx = 256 * 2 ** zoom;
  }

  /** The canvas's x of a grid corner. */
  x(gridX, gridY) {
    return this.placement.worldX(gridX, gridY) * this.worldPx - this.left;
  }

  /** The canvas's y of a grid corner. */
  y(gridX, gridY) {
    return this.placement.worldY(gridX, gridY) * this.worldPx - this.top;
  }

  /** The place in the grid of a point of the canvas. */
  gridX(x, y) {
    return this.placement.gridX((x + this.left) / this.worldPx, (y + this.top) / this.worldPx);
  }

  gridY(x, y) {
    return this.placement.gridY((x + this.left) / this.worldPx, (y + this.top) / this.worldPx);
  }

  /** How far apart, in pixels, the sides of a quadrant are in the middle of the canvas: across
   *  its upright sides and across its lying ones; and how long the longer one of them is. */
  quadrantPx() {
    const x = this.gridX(this.width / 2, this.height / 2), y = this.gridY(this.width / 2, this.height / 2);
    const ax = this.x(x + 1, y) - this.x(x, y), ay = this.y(x + 1, y) - this.y(x, y);
    const bx = this.x(x, y + 1) - this.x(x, y), by = this.y(x, y + 1) - this.y(x, y);
    const area = Math.abs(ax * by - ay * bx), a = Math.hypot(ax, ay), b = Math.hypot(bx, by);
    return { acrossX: area / b, acrossY: area / a, longest: Math.max(a, b) };
  }

  /** The rectangle of the grid that holds everything in sight, in whole quadrants. */
  gridBounds() {
    const bounds = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity };
    // Straight lines of the screen bend a little in the grid, so the middles of the sides count.
    for (const across of [0, 0.5, 1]) {
      for (const down of [0, 0.5, 1]) {
        const x = this.gridX(across * this.width, down * this.height);
        const y = this.gridY(across * this.width, down * this.height);
        bounds.minX = Math.min(bounds.minX, Math.floor(x) - 1);
        bounds.minY = Math.min(bounds.minY, Math.floor(y) - 1);
        bounds.maxX = Math.max(bounds.maxX, Math.floor(x) + 1);
        bounds.maxY = Math.max(bounds.maxY, Math.floor(y) + 1);
      }
    }
    return bounds;
  }

  /** Whether the rectangle around a rectangle of the grid, on the screen, meets the canvas. */
  sees(gridX, gridY, width, height) {
    let minX = Infinity, maxX = -Infinity, minY = Infinity, maxY = -Infinity;
    for (const right of [0, width]) {
      for (const down of [0, height]) {
        const x = this.x(gridX + right, gridY + down), y = this.y(gridX + right, gridY + down);
        minX = Math.min(minX, x);
        maxX = Math.max(maxX, x);
        minY = Math.min(minY, y);
        maxY = Math.max(maxY, y);
      }
    }
    return maxX >= 0 && minX <= this.width && maxY >= 0 && minY <= this.height;
  }
}
