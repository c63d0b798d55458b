// Pictures that are loaded and decoded before anybody looks at them, and let go after.

/** So many are asked for at a time: a browser grants a server six connections, and a judgement is not
 *  to wait for pictures. */
const PICTURES_AT_A_TIME = 4;

class HeldPictures {
  /** `onCome` is told of each picture that has come, or failed to. */
  constructor(onCome) {
    this.onCome = onCome;
    /** By address: the picture, once it is decoded; undefined while it loads, null when it failed. */
    this.held = new Map();
    this.queue = [];
    this.loading = 0;
  }

  /** Asks for the pictures at `urls`, in this order, before those that were asked for earlier. */
  hurry(urls) {
    this.queue = [...new Set([...this.lacking(urls), ...this.queue])];
    this.loadNext();
  }

  /** Forgets which of the pictures at `urls` did not come: the server may have been away. */
  forgive(urls) {
    for (const url of urls) if (this.held.get(url) === null) this.held.delete(url);
  }

  /** Holds the pictures at `urls`, the most wanted first, and no others. */
  holdOnly(urls) {
    const wanted = new Set(urls);
    for (const url of this.held.keys()) if (!wanted.has(url)) this.held.delete(url);
    this.queue = this.lacking(wanted);
    this.loadNext();
  }

  /** Those that were not asked for yet. */
  lacking(urls) {
    return [...urls].filter((url) => !this.held.has(url));
  }

  /** The picture at `url`, or undefined when it is not there yet, or null when it will not come. */
  get(url) {
    return this.held.get(url);
  }

  /** Whether all that was asked for is there. */
  isSettled() {
    return this.loading === 0 && this.queue.length === 0;
  }

  loadNext() {
    while (this.loading < PICTURES_AT_A_TIME && this.queue.length > 0) this.load(this.queue.shift());
  }

  async load(url) {
    this.loading++;
    this.held.set(url, undefined);
    const image = new Image();
    image.src = url;
    const come = await image.decode().then(() => image, () => null);
    this.loading--;
    // Meanwhile it may have been let go.
    if (this.held.has(url)) this.held.set(url, come);
    this.onCome(url);
    this.loadNext();
  }
}
