// Pictures on their way: fetched and decoded off the main thread, held while they are in sight, and
// let go when there are too many.

/** A browser grants a server six connections, and one is for what has changed. */
const MAX_LOADING = 5;
/** What the pictures that are held may take, at four bytes a pixel, by the pixels of the screen. */
const BYTES_PER_SCREEN_PIXEL = 18;
const LEAST_BYTES = 24 * 1024 * 1024;

/** Fetches and decodes what it is told to, until it is told that nobody wants it any more. */
const FETCHER = `
const wanted = new Map();
onmessage = async ({ data: { id, url } }) => {
  if (!url) return wanted.get(id)?.abort();
  const control = new AbortController();
  wanted.set(id, control);
  try {
    const response = await fetch(url, { signal: control.signal });
    if (!response.ok) throw new Error(response.status);
    const bitmap = await createImageBitmap(await response.blob());
    postMessage({ id, bitmap }, [bitmap]);
  } catch (error) {
    postMessage({ id, aborted: error.name === "AbortError" });
  }
  wanted.delete(id);
};`;

/** Over HTTP a worker does the work; a worker may not read files, so there the browser's own
 *  decoding of images is asked for. */
class TileFetcher {
  constructor() {
    this.waiting = new Map();
    this.next = 1;
    if (location.protocol === "file:") return;
    this.worker = new Worker(URL.createObjectURL(new Blob([FETCHER], { type: "text/javascript" })));
    this.worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.bitmap) resolve(data.bitmap);
      else reject(data.aborted ? "aborted" : "failed");
    };
  }

  /** The picture at `url`, and a way to say that nobody wants it any more. */
  fetch(url) {
    if (!this.worker) {
      const image = new Image();
      return { bitmap: decoded(image, url), abort: () => (image.src = "") };
    }
    const id = this.next++;
    const bitmap = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.worker.postMessage({ id, url: new URL(url, location.href).href });
    return { bitmap, abort: () => this.worker.postMessage({ id }) };
  }
}

/** `image.decode()` would keep half a gigabyte of what was decoded; this keeps nothing. */
async function decoded(image, url) {
  image.decoding = "async";
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = url;
    });
    return await createImageBitmap(image);
  } catch {
    throw image.getAttribute("src") === "" ? "aborted" : "failed";
  } finally {
    image.onload = image.onerror = null;
    image.src = "";
  }
}

class TileLoader {
  /** `onLoad` is called with each tile that has come. */
  constructor(onLoad) {
    this.onLoad = onLoad;
    this.fetcher = new TileFetcher();
    /** By key, the one used last at the end. */
    this.held = new Map();
    this.bytes = 0;
    this.maxBytes = LEAST_BYTES;
    /** What is wanted, the most urgent first. */
    this.waiting = [];
    /** By key, what stops it. */
    this.loading = new Map();
    /** Those that could not be loaded, with the version that was asked for. */
    this.broken = new Map();
    this.loaded = 0;
  }

  key(set, level, column, row) {
    return `${set.id}/${level}/${column}_${row}`;
  }

  /** Room for what a screen of so many pixels shows. */
  setScreen(pixels) {
    this.maxBytes = Math.max(LEAST_BYTES, pixels * BYTES_PER_SCREEN_PIXEL);
  }

  /** The picture of a tile, if it is there, and its version. */
  get(set, level, column, row) {
    const key = this.key(set, level, column, row), tile = this.held.get(key);
    if (!tile) return null;
    this.held.delete(key);
    this.held.set(key, tile);
    return tile;
  }

  /** Wants `tiles`, the most urgent first, and nothing else. */
  want(tiles) {
    const wanted = new Set(tiles.map((tile) => tile.key));
    for (const [key, abort] of this.loading) {
      if (wanted.has(key)) continue;
      this.loading.delete(key);
      abort();
    }
    this.waiting = tiles.filter(({ key, version }) =>
      !this.loading.has(key) && this.broken.get(key) !== version && this.held.get(key)?.version !== version);
    this.loadMore();
  }

  loadMore() {
    while (this.loading.size < MAX_LOADING && this.waiting.length > 0) this.load(this.waiting.shift());
  }

  async load(tile) {
    const { key, version, url } = tile;
    const { bitmap, abort } = this.fetcher.fetch(url);
    this.loading.set(key, abort);
    try {
      this.hold(key, { bitmap: await bitmap, version });
      this.loaded++;
      this.onLoad(tile);
    } catch (reason) {
      if (reason !== "aborted") this.broken.set(key, version);
      this.onLoad(null);
    }
    // It may have been given up and wanted anew meanwhile.
    if (this.loading.get(key) === abort) this.loading.delete(key);
    this.loadMore();
  }

  hold(key, tile) {
    this.drop(key);
    this.held.set(key, tile);
    this.bytes += tile.bitmap.width * tile.bitmap.height * 4;
    for (const oldest of this.held.keys()) {
      if (this.bytes <= this.maxBytes) break;
      this.drop(oldest);
    }
  }

  drop(key) {
    const tile = this.held.get(key);
    if (!tile) return;
    this.held.delete(key);
    this.bytes -= tile.bitmap.width * tile.bitmap.height * 4;
    tile.bitmap.close();
  }

  /** Whether nothing could be loaded of what was tried. */
  isInVain() {
    return this.loaded === 0 && this.broken.size > 2;
  }
}
