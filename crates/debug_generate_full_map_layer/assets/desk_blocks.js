// Blocks as the desk shows them: what the server tells of each, and where its pictures are.

/** So many versions of a block are shown at most, the newest: each takes megabytes. */
const MOST_VERSIONS = 20;

class DeskBlocks {
  constructor(plan, index, own, judging) {
    Object.assign(this, { plan, index, own, judging });
    /** By item: what it was like when it was asked about, and what was told. */
    this.told = new Map();
  }

  /** What changes when something happens to an item. */
  stateOf(item) {
    const { plan } = this;
    return [plan.state[item], plan.hasPictures[item], plan.startedAt[item], plan.completedAt[item]].join(" ");
  }

  /** What is known of a block as it is now; undefined when it has to be asked for. */
  known(item) {
    const told = this.told.get(item);
    return told?.state === this.stateOf(item) ? told.answer : undefined;
  }

  /** What the server tells of a block, or `{ trouble }`. */
  async tell(item) {
    const known = this.known(item);
    if (known) return known;
    const state = this.stateOf(item), { plan } = this;
    const answer = await this.judging.ask(`review/blocks/${plan.x[item]}_${plan.y[item]}`);
    if (!answer.trouble) this.told.set(item, { state, answer });
    return answer;
  }

  forget(item) {
    this.told.delete(item);
  }

  keepOnly(items) {
    const kept = new Set(items);
    for (const item of this.told.keys()) if (!kept.has(item)) this.told.delete(item);
  }

  /** The panes in which a block is shown: a title, where a quadrant's picture is, and the version that
   *  can be chosen, if it is one. The newest come first. */
  panes(item, told) {
    const { plan } = this, x = plan.x[item], y = plan.y[item];
    // A number may be given out again when all that was kept is gone.
    const since = told.seen.started_at_ms ?? 0;
    const versions = (from, title) => told[from].toReversed().map((version) => ({
      title: `${title} ${version}`, choice: { from, version }, around: "layer",
      urlOf: (qx, qy) => `kept/${from}/${x}_${y}/${version}/${qx}_${qy}.png?${since}`,
    }));
    const rejected = versions("rejected", "Rejected answer").slice(0, MOST_VERSIONS);
    const candidates = versions("candidates", "Candidate").slice(0, MOST_VERSIONS - rejected.length);
    const source = { title: "Source", around: "source", urlOf: (qx, qy) => this.sourceUrl(qx, qy) };
    const answer = { title: "Answer", around: "layer", urlOf: (qx, qy) => this.layerUrl(qx, qy) };
    const isFailed = plan.state[item] === FAILED;
    const panes = [source, ...(isFailed && rejected.length > 0 ? [] : [answer]), ...rejected, ...candidates];
    let number = 0;
    for (const pane of panes) if (pane.choice) pane.number = ++number;
    return panes;
  }

  /** How many earlier versions of a block are not shown. */
  unshown(told) {
    return Math.max(0, told.rejected.length + told.candidates.length - MOST_VERSIONS);
  }

  /** The quadrants of a block and around it, each with whether it is the block's own. */
  *quadrants(item) {
    const { plan } = this, x = plan.x[item], y = plan.y[item], width = plan.width[item], height = plan.height[item];
    for (let dy = -1; dy <= height; dy++) {
      for (let dx = -1; dx <= width; dx++) {
        const isOwn = dx >= 0 && dy >= 0 && dx < width && dy < height;
        yield { x: x + dx, y: y + dy, dx, dy, isOwn };
      }
    }
  }

  /** Where the picture of a quadrant is that a pane shows; null when there is none. */
  urlIn(pane, { x, y, isOwn }) {
    if (isOwn) return pane.urlOf(x, y);
    return pane.around === "source" ? this.sourceUrl(x, y) : this.layerUrl(x, y);
  }

  /** The pictures of all panes of a block, its own first. */
  urls(item, told) {
    const own = [], around = [];
    for (const pane of this.panes(item, told)) {
      for (const quadrant of this.quadrants(item)) {
        const url = this.urlIn(pane, quadrant);
        if (url) (quadrant.isOwn ? own : around).push(url);
      }
    }
    return [...own, ...around];
  }

  sourceUrl(x, y) {
    return this.index.itemAt(x, y) === NO_ITEM ? null : `source/${x}_${y}.png`;
  }

  layerUrl(x, y) {
    const column = x - this.own.minX, row = y - this.own.minY;
    const version = this.own.version(0, column, row);
    return version === undefined ? null : this.own.url(0, column, row, version);
  }
}
