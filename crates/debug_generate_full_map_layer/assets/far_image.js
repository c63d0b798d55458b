// Far out: the blocks as an image, one look-up per pixel.
//
// A row of pixels has one latitude (or stands upright), so along it the grid is walked in equal strides: the place
// of each pixel is exact, and the time depends on the size of the canvas alone. Where a quadrant
// is smaller than a pixel, averages over 2x2, 4x4, ... quadrants are looked up instead.

/** Steps between a block's fill and its border. */
const SHADES = 16;
/** Narrower quadrants get no borders. */
const BORDER_SIDE_PX = 4;
/** The style of a block that is switched off. */
const HIDDEN = STEPS.length * STATES.length;

class FarImage {
  constructor(plan, index) {
    this.plan = plan;
    this.index = index;
    this.styles = new Uint8Array(plan.count);
    this.image = null;
  }

  /** Takes note of the states and the switches; `draw` shows them. */
  restyle(visibility) {
    const { plan, styles } = this;
    for (let item = 0; item < plan.count; item++) {
      styles[item] = visibility.shows(plan, item)
        ? (plan.step[item] - 1) * STATES.length + plan.state[item]
        : HIDDEN;
    }
    this.isFinished = plan.state.every((state) => state === COMPLETE) && plan.hasPictures.every(Boolean);
    this.shades = shadesOfStyles();
    /** What stands for a whole block where there is no room for its border. */
    this.flat = flatColors(this.shades);
    /** Averages by level, made when needed. */
    this.averages = [];
  }

  /** Draws all blocks in sight; the canvas has `pixelsWide` x `pixelsHigh` pixels. Blocks that are
   *  hidden by pictures need no borders. */
  draw(context, view, pixelsWide, pixelsHigh, isHidden) {
    this.clear(context, pixelsWide, pixelsHigh);
    const { acrossX, acrossY } = view.quadrantPx();
    const side = Math.min(acrossX, acrossY) * (pixelsWide / view.width);
    const level = side < 1 ? Math.min(25, Math.ceil(-Math.log2(side))) : 0;
    this.forEachRow(view, pixelsWide, pixelsHigh, (row) => {
      if (level > 0) this.fillRowWithAverages(row, level);
      else if (side < BORDER_SIDE_PX || isHidden) this.fillRow(row, this.flat);
      else this.fillRowWithBorders(row, acrossX, acrossY);
    });
    context.putImageData(this.image, 0, 0);
  }

  /** Draws a solid colour where blocks are that are switched on. */
  drawMask(context, view, pixelsWide, pixelsHigh) {
    this.clear(context, pixelsWide, pixelsHigh);
    const solid = new Uint32Array(HIDDEN + 1).fill(0xffffffff);
    solid[HIDDEN] = 0;
    this.forEachRow(view, pixelsWide, pixelsHigh, (row) => this.fillRow(row, solid));
    context.putImageData(this.image, 0, 0);
  }

  clear(context, pixelsWide, pixelsHigh) {
    if (this.image?.width !== pixelsWide || this.image?.height !== pixelsHigh) {
      this.image = context.createImageData(pixelsWide, pixelsHigh);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.pixels.fill(0);
  }

  /** Calls `fill` with each row of pixels that crosses the plan: the first pixel and the one
   *  after the last, the grid's place of the first, counted from the plan's top left, and the
   *  stride. */
  forEachRow(view, pixelsWide, pixelsHigh, fill) {
    const { bounds } = this.index;
    const step = view.width / pixelsWide;
    const spanX = bounds.maxX - bounds.minX + 1, spanY = bounds.maxY - bounds.minY + 1;
    for (let line = 0; line < pixelsHigh; line++) {
      const top = (line + 0.5) * step;
      const x = view.gridX(step / 2, top) - bounds.minX, y = view.gridY(step / 2, top) - bounds.minY;
      // Over the whole row, because a single stride is as small as what rounding loses.
      const strideX = (view.gridX(view.width + step / 2, top) - bounds.minX - x) / pixelsWide;
      const strideY = (view.gridY(view.width + step / 2, top) - bounds.minY - y) / pixelsWide;
      const [fromX, toX] = stridesWithin(x, strideX, spanX, pixelsWide);
      const [fromY, toY] = stridesWithin(y, strideY, spanY, pixelsWide);
      const from = Math.max(fromX, fromY), to = Math.min(toX, toY);
      if (from >= to) continue;
      const begin = line * pixelsWide;
      fill({
        begin: begin + from, end: begin + to,
        x: x + from * strideX, y: y + from * strideY, strideX, strideY,
      });
    }
  }

  fillRow({ begin, end, x, y, strideX, strideY }, colors) {
    const { pixels, styles } = this, { squares } = this.index;
    let across = -1, down = -1, square;
    for (let pixel = begin; pixel < end; pixel++, x += strideX, y += strideY) {
      const column = x | 0, line = y | 0;
      if (column >> SQUARE_BITS !== across || line >> SQUARE_BITS !== down) {
        across = column >> SQUARE_BITS;
        down = line >> SQUARE_BITS;
        square = squares.get(squareKey(across, down));
      }
      if (square === undefined) continue;
      const item = square[((line & 63) << SQUARE_BITS) | (column & 63)];
      if (item >= 0) pixels[pixel] = colors[styles[item]];
    }
  }

  fillRowWithBorders({ begin, end, x, y, strideX, strideY }, acrossX, acrossY) {
    const { pixels, styles, shades } = this, { squares, bounds } = this.index;
    const { x: lefts, y: tops, width: widths, height: heights } = this.plan;
    let across = -1, down = -1, square;
    for (let pixel = begin; pixel < end; pixel++, x += strideX, y += strideY) {
      const column = x | 0, line = y | 0;
      if (column >> SQUARE_BITS !== across || line >> SQUARE_BITS !== down) {
        across = column >> SQUARE_BITS;
        down = line >> SQUARE_BITS;
        square = squares.get(squareKey(across, down));
      }
      if (square === undefined) continue;
      const item = square[((line & 63) << SQUARE_BITS) | (column & 63)];
      if (item < 0) continue;
      const fromLeft = x + bounds.minX - lefts[item], fromTop = y + bounds.minY - tops[item];
      const toRight = widths[item] - fromLeft, toBottom = heights[item] - fromTop;
      const toSide = (fromLeft < toRight ? fromLeft : toRight) * acrossX;
      const toEnd = (fromTop < toBottom ? fromTop : toBottom) * acrossY;
      const toBorder = toSide < toEnd ? toSide : toEnd;
      // The border is half a pixel wide and fades out over one more.
      const shade = toBorder >= 1.5 ? 0 : toBorder <= 0.5 ? SHADES - 1 : ((1.5 - toBorder) * (SHADES - 1)) | 0;
      pixels[pixel] = shades[styles[item] * SHADES + shade];
    }
  }

  fillRowWithAverages({ begin, end, x, y, strideX, strideY }, level) {
    const { pixels } = this, squares = this.averagesAt(level), scale = 2 ** -level;
    for (let pixel = begin; pixel < end; pixel++, x += strideX, y += strideY) {
      const column = Math.floor(x * scale), line = Math.floor(y * scale);
      const square = squares.get(squareKey(column >> SQUARE_BITS, line >> SQUARE_BITS));
      if (square) pixels[pixel] = square[((line & 63) << SQUARE_BITS) | (column & 63)];
    }
  }

  /** Squares of colours, each the average of 2^level x 2^level quadrants. */
  averagesAt(level) {
    if (!this.averages[level]) {
      this.averages[level] = level === 0 ? this.colorsOfQuadrants() : halved(this.averagesAt(level - 1));
    }
    return this.averages[level];
  }

  colorsOfQuadrants() {
    const colors = new Map();
    for (const [key, items] of this.index.squares) {
      colors.set(key, Uint32Array.from(items, (item) => (item < 0 ? 0 : this.flat[this.styles[item]])));
    }
    return colors;
  }
}

/** The strides from..to of `at + n * stride` that lie within 0..span, at most `count`. */
function stridesWithin(at, stride, span, count) {
  if (Math.abs(stride) < 1e-15) return at >= 0 && at < span ? [0, count] : [0, 0];
  const first = -at / stride, last = (span - at) / stride;
  // A hair inside, so that rounding along the row never leads out.
  const from = Math.ceil(Math.min(first, last) + 1e-6), to = Math.ceil(Math.max(first, last) - 1e-6);
  return [Math.max(0, from), Math.min(count, to)];
}

/** For each style its colours from fill to border, as ImageData holds them. */
function shadesOfStyles() {
  const bytes = new Uint8ClampedArray((HIDDEN + 1) * SHADES * 4);
  for (let style = 0; style < HIDDEN; style++) {
    const step = Math.floor(style / STATES.length) + 1, state = style % STATES.length;
    const { rgb: fill, alpha } = farFill(step, state), border = borderRgb(step, state), look = STATES[state];
    for (let shade = 0; shade < SHADES; shade++) {
      const share = shade / (SHADES - 1), at = (style * SHADES + shade) * 4;
      for (let channel = 0; channel < 3; channel++) {
        bytes[at + channel] = fill[channel] + (border[channel] - fill[channel]) * share;
      }
      bytes[at + 3] = 255 * (alpha + (look.border - alpha) * share);
    }
  }
  return new Uint32Array(bytes.buffer);
}

/** For each style one colour. */
function flatColors(shades) {
  return Uint32Array.from({ length: HIDDEN + 1 }, (_, style) => shades[style * SHADES]);
}

/** Averages of 2x2 colours each; colours count by their opacity. */
function halved(squares) {
  const half = new Map();
  const sums = new Map();
  for (const [key, colors] of squares) {
    const column = key % 0x4000000, row = Math.floor(key / 0x4000000);
    const halfKey = squareKey(column >> 1, row >> 1);
    let sum = sums.get(halfKey);
    if (!sum) sums.set(halfKey, (sum = new Float32Array(SQUARE_SIDE * SQUARE_SIDE * 4)));
    const fromX = (column & 1) * 32, fromY = (row & 1) * 32;
    for (let place = 0; place < colors.length; place++) {
      const color = colors[place], alpha = color >>> 24;
      if (alpha === 0) continue;
      const at = ((fromY + ((place >> SQUARE_BITS) >> 1)) * SQUARE_SIDE + fromX + ((place & 63) >> 1)) * 4;
      sum[at] += (color & 255) * alpha;
      sum[at + 1] += ((color >> 8) & 255) * alpha;
      sum[at + 2] += ((color >> 16) & 255) * alpha;
      sum[at + 3] += alpha;
    }
  }
  for (const [key, sum] of sums) {
    const bytes = new Uint8ClampedArray(sum.length);
    for (let at = 0; at < sum.length; at += 4) {
      const alpha = sum[at + 3];
      if (alpha === 0) continue;
      for (let channel = 0; channel < 3; channel++) bytes[at + channel] = sum[at + channel] / alpha;
      bytes[at + 3] = alpha / 4;
    }
    half.set(key, new Uint32Array(bytes.buffer));
  }
  return half;
}
