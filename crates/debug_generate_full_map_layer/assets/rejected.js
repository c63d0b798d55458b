// The best answer for a failed block, which was not good enough.

class RejectedAnswer {
  constructor(plan, { url, versions }, command) {
    Object.assign(this, { plan, url, versions, command });
    this.figure = document.getElementById("rejected");
  }

  /** Shows that of a block, if it is a failed one that has one. */
  async show(item) {
    const { plan } = this;
    const isFailed = item !== NO_ITEM && plan.state[item] === FAILED;
    const shown = isFailed ? `${item} ${plan.startedAt[item]}` : "";
    if (shown === this.shown) return;
    this.shown = shown;
    this.figure.hidden = true;
    if (!isFailed) return;
    const block = `${plan.x[item]}_${plan.y[item]}`;
    const version = await this.version(item, block);
    // Another block may have been chosen meanwhile.
    if (version === null || shown !== this.shown) return;
    const pictures = this.figure.querySelector("div");
    pictures.style.gridTemplateColumns = `repeat(${plan.width[item]}, 1fr)`;
    pictures.replaceChildren(...this.quadrants(item).map(([x, y]) => {
      const picture = document.createElement("img");
      picture.src = `${this.url}${block}/${version}/${x}_${y}.png`;
      picture.alt = `Rejected answer for (${x}, ${y})`;
      return picture;
    }));
    this.figure.querySelector("code").textContent = `${this.command} --accept ${plan.x[item]},${plan.y[item]}`;
    this.figure.hidden = false;
  }

  quadrants(item) {
    const { plan } = this, quadrants = [];
    for (let dy = 0; dy < plan.height[item]; dy++) {
      for (let dx = 0; dx < plan.width[item]; dx++) quadrants.push([plan.x[item] + dx, plan.y[item] + dy]);
    }
    return quadrants;
  }

  /** The newest version that is kept; null when there is none. */
  async version(item, block) {
    if (this.versions) return this.versions[item] ?? null;
    try {
      return await (await fetch(`${this.url}${block}`)).json();
    } catch {
      return null;
    }
  }
}
