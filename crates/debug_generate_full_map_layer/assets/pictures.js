// The finished pictures: loaded when in sight, held at the size in which they are seen, and
// forgotten when there are too many.

/** Pictures are shown when a quadrant is at least this wide. */
const PICTURE_SIDE_PX = 40;
const MAX_LOADING = 6;
/** What the pictures that are held may take, at four bytes a pixel. */
const MAX_PICTURE_BYTES = 96 * 1024 * 1024;
/** The smallest size that is held, in pixels; others are it times a power of two. */
const SMALLEST_PICTURE_PX = 64;

class Pictures {
  /** `baseUrl` leads to the pictures' directory; `onLoad` is called when one can be drawn. */
  constructor(baseUrl, onLoad) {
    this.baseUrl = baseUrl;
    this.onLoad = onLoad;
    /** By name, the one used last at the end. */
    this.held = new Map();
    this.bytes = 0;
    this.maxBytes = MAX_PICTURE_BYTES;
    this.waiting = [];
    this.loading = new Set();
    /** Those that could not be loaded, with the version that was asked for. */
    this.broken = new Map();
  }

  /** Forgets which pictures were wanted; those that are drawn next are. */
  beginDrawing() {
    this.waiting = [];
  }

  /** The picture of quadrant (x, y), if it is there; else it is sent for. `version` changes when
   *  the picture does; `sidePx` is how large it is seen. */
  get(x, y, version, sidePx) {
    const name = `${x}_${y}.png`;
    const held = this.held.get(name);
    let size = SMALLEST_PICTURE_PX;
    while (size < sidePx) size *= 2;
    const isGood = held && held.version === version && (held.size >= size || held.isWhole);
    if (!isGood && this.broken.get(name) !== version && !this.loading.has(name)) {
      this.waiting.push({ name, version, size });
    }
    if (!held) return null;
    this.held.delete(name);
    this.held.set(name, held);
    return held.bitmap;
  }

  /** Loads what was wanted, the first ones first. */
  endDrawing() {
    while (this.loading.size < MAX_LOADING && this.waiting.length > 0) this.load(this.waiting.shift());
  }

  async load({ name, version, size }) {
    this.loading.add(name);
    try {
      const image = new Image();
      image.decoding = "async";
      image.src = this.baseUrl + name + (version && location.protocol !== "file:" ? `?${version}` : "");
      await image.decode();
      const share = Math.min(1, size / Math.max(image.naturalWidth, image.naturalHeight));
      const bitmap = await createImageBitmap(image, {
        resizeWidth: Math.max(1, Math.round(image.naturalWidth * share)),
        resizeHeight: Math.max(1, Math.round(image.naturalHeight * share)),
        resizeQuality: share < 1 ? "medium" : "pixelated",
      });
      this.hold(name, { bitmap, version, size, isWhole: share === 1 });
    } catch {
      this.broken.set(name, version);
    }
    this.loading.delete(name);
    this.onLoad();
    this.endDrawing();
  }

  hold(name, picture) {
    const bytes = (picture) => picture.bitmap.width * picture.bitmap.height * 4;
    const drop = (name) => {
      const picture = this.held.get(name);
      if (!picture) return;
      this.held.delete(name);
      this.bytes -= bytes(picture);
      picture.bitmap.close();
    };
    drop(name);
    this.held.set(name, picture);
    this.bytes += bytes(picture);
    for (const oldest of this.held.keys()) {
      if (this.bytes <= this.maxBytes) break;
      drop(oldest);
    }
  }
}

/** Draws `bitmap` over quadrant (x, y). Over one quadrant Web Mercator is affine to a small part
 *  of a pixel. */
function drawPicture(context, view, ratio, bitmap, x, y) {
  const left = view.x(x, y), top = view.y(x, y);
  const rightX = view.x(x + 1, y) - left, rightY = view.y(x + 1, y) - top;
  const downX = view.x(x, y + 1) - left, downY = view.y(x, y + 1) - top;
  context.setTransform(
    (rightX * ratio) / bitmap.width, (rightY * ratio) / bitmap.width,
    (downX * ratio) / bitmap.height, (downY * ratio) / bitmap.height,
    left * ratio, top * ratio);
  // Far in, the pixels of pixel art stay squares.
  context.imageSmoothingEnabled = Math.hypot(rightX, rightY) * ratio < bitmap.width * 2;
  // A little more than the quadrant: where two soft edges meet, the map would shine through.
  const bleed = (0.4 * bitmap.width) / (Math.hypot(rightX, rightY) * ratio);
  context.drawImage(bitmap, -bleed, -bleed, bitmap.width + 2 * bleed, bitmap.height + 2 * bleed);
}
