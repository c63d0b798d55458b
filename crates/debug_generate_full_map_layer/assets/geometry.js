// From the grid to the globe, and from there to the screen.
//
// The first is affine: six numbers. The second is not: Web Mercator stretches with the latitude.
// So every corner is taken to degrees first and projected by itself.

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

  /** The four corners of a rectangle of the grid, clockwise from its top left, as Leaflet takes
   *  them. */
  corners(x, y, width, height) {
    const corner = (x, y) => [this.latAt(x, y), this.lngAt(x, y)];
    return [corner(x, y), corner(x + width, y), corner(x + width, y + height), corner(x, y + height)];
  }
}

/** What the canvas shows: a rectangle of the world as Web Mercator draws it at a zoom.
 *
 *  The formulas are those of Leaflet's EPSG:3857, without an object for each point. */
class View {
  /** `left` and `top` are where the canvas begins in the world's pixels at `zoom`; sizes are in
   *  CSS pixels. */
  constructor(geometry, zoom, left, top, width, height) {
    Object.assign(this, { geometry, zoom, left, top, width, height });
    /** The world's width in pixels. */
    this.worldPx = 256 * 2 ** zoom;
  }

  /** The canvas's x of a grid corner. */
  x(gridX, gridY) {
    return (this.geometry.lngAt(gridX, gridY) / 360 + 0.5) * this.worldPx - this.left;
  }

  /** The canvas's y of a grid corner. */
  y(gridX, gridY) {
    const sine = Math.sin((this.geometry.latAt(gridX, gridY) * Math.PI) / 180);
    const mercator = Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
    return (0.5 - mercator) * this.worldPx - this.top;
  }

  /** The longitude at a canvas's x. */
  lng(x) {
    return ((x + this.left) / this.worldPx - 0.5) * 360;
  }

  /** The latitude at a canvas's y. */
  lat(y) {
    const mercator = 0.5 - (y + this.top) / this.worldPx;
    return (Math.atan(Math.sinh(2 * Math.PI * mercator)) * 180) / Math.PI;
  }

  /** How far apart, in pixels, the sides of a quadrant are in the middle of the canvas: across
   *  its upright sides and across its lying ones. */
  quadrantPx() {
    const lat = this.lat(this.height / 2), lng = this.lng(this.width / 2);
    const x = this.geometry.gridX(lat, lng), y = this.geometry.gridY(lat, lng);
    const ax = this.x(x + 1, y) - this.x(x, y), ay = this.y(x + 1, y) - this.y(x, y);
    const bx = this.x(x, y + 1) - this.x(x, y), by = this.y(x, y + 1) - this.y(x, y);
    const area = Math.abs(ax * by - ay * bx);
    return { acrossX: area / Math.hypot(bx, by), acrossY: area / Math.hypot(ax, ay) };
  }

  /** The rectangle of the grid that holds everything in sight, in whole quadrants. */
  gridBounds() {
    const bounds = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity };
    // Straight lines of the screen bend a little in the grid, so the middles of the sides count.
    for (const across of [0, 0.5, 1]) {
      for (const down of [0, 0.5, 1]) {
        const lat = this.lat(down * this.height), lng = this.lng(across * this.width);
        const x = this.geometry.gridX(lat, lng), y = this.geometry.gridY(lat, lng);
        bounds.minX = Math.min(bounds.minX, Math.floor(x) - 1);
        bounds.minY = Math.min(bounds.minY, Math.floor(y) - 1);
        bounds.maxX = Math.max(bounds.maxX, Math.floor(x) + 1);
        bounds.maxY = Math.max(bounds.maxY, Math.floor(y) + 1);
      }
    }
    return bounds;
  }
}
