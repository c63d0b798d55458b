// The desk: a place to judge blocks, over the map.

/** So many blocks are loaded ahead of the one that is looked at. */
const BLOCKS_AHEAD = 5;
/** The order is asked for again at most so often while a run goes on. */
const AGENDA_EVERY_MS = 2000;
const NOTE_LEFT = "The note is not sent: Enter sends it, Escape leaves it.";
const NOTHING_TO_KEEP = "The block failed, so there is nothing to keep: choose a picture by its number and c, or flag it with r.";

class Desk {
  constructor(data, plan, index, own, details, address) {
    Object.assign(this, { plan, index, details, address });
    this.dialog = document.getElementById("desk");
    this.judging = new DeskJudging();
    this.blocks = new DeskBlocks(plan, index, own, this.judging);
    this.order = new DeskOrder(plan);
    this.pictures = new HeldPictures((url) => this.panes.draw(url));
    this.panes = new DeskPanes(document.getElementById("desk-panes"), this.blocks, this.pictures, (number) => this.select(number));
    this.form = new DeskForm((note, prompt) => this.judge("redo", note, prompt), () => this.dialog.focus());
    this.command = `${data.command} --redo-flagged`;
    this.item = NO_ITEM;
    this.place = 0;
    this.direction = 1;
    /** What was judged here, the last at the end. */
    this.done = [];
    this.actions = {
      next: () => this.go(1), previous: () => this.go(-1), keep: () => this.judge("keep"), redo: () => this.flag(),
      choose: () => this.choose(), undo: () => this.undo(), fit: () => this.fit(), close: () => this.close(),
      leave: () => this.form.leave(), copy: () => this.copy(),
    };
    listenAtDesk(this);
  }

  /** Opens the desk with the page, unless it was closed when the page was left. */
  async begin() {
    await this.refresh();
    if (this.address.get("desk") !== "closed") this.open();
  }

  async open() {
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.focus();
    if (this.isOld) await this.refresh();
    if (!this.dialog.open) return;
    const numbers = this.address.get("desk")?.match(/^(-?\d{1,9}),(-?\d{1,9})$/);
    const known = this.item !== NO_ITEM ? this.item : numbers ? this.index.itemAt(Number(numbers[1]), Number(numbers[2])) : NO_ITEM;
    const item = this.order.places.has(known) ? known : this.order.after(NO_ITEM, 0);
    if (item === NO_ITEM) renderDeskHead(this);
    else this.show(item);
  }

  close() {
    this.dialog.close();
    this.address.set("desk", "closed");
    this.pictures.holdOnly([]);
    this.panes.clear();
    if (this.item !== NO_ITEM) this.details.goTo(this.item);
  }

  /** Whether somebody is at the desk of a plan that is no more, or of another server: what is being
   *  written is not to be lost. */
  isHeld() {
    if (!this.dialog.open) return false;
    this.say("The layer was planned anew, or is served by another server now. Reload the page, or open the address that the server has printed.");
    return true;
  }

  /** Shows a block; `isAgain` when it is shown already and something has changed. */
  async show(item, isAgain = false) {
    if (item !== this.item && this.form.isOpen()) return this.say(NOTE_LEFT);
    this.item = item;
    this.place = this.order.places.get(item) ?? this.place;
    this.address.set("desk", `${this.plan.x[item]},${this.plan.y[item]}`);
    this.told = this.blocks.known(item);
    renderDeskHead(this);
    if (!this.told) {
      if (!isAgain) this.panes.clear();
      const answer = await this.blocks.tell(item);
      if (this.item !== item || !this.dialog.open) return;
      if (answer.trouble) return this.say(`The block cannot be shown: ${answer.trouble}`);
      this.told = answer;
      renderDeskHead(this);
    }
    const urls = this.blocks.urls(item, this.told), shape = urls.join(" ");
    if (!isAgain) this.pictures.forgive(urls);
    this.pictures.hurry(urls);
    // What somebody looks at, or moves, stays while nothing of it changes.
    if (!isAgain || shape !== this.shape) this.panes.show(item, this.told, isAgain ? null : this.focusOf(item));
    this.shape = shape;
    await this.loadAhead();
  }

  /** What comes to the middle: the edge that shows, or the block's own middle. */
  focusOf(item) {
    const { plan } = this, other = this.order.worstNeighbour(item, this.index);
    if (other === NO_ITEM) return { x: plan.width[item] / 2, y: plan.height[item] / 2 };
    const middle = (from, size) => (Math.max(from[item], from[other]) + Math.min(from[item] + size[item], from[other] + size[other])) / 2 - from[item];
    return { x: middle(plan.x, plan.width), y: middle(plan.y, plan.height) };
  }

  /** Loads what comes next, so that it is there at once, and lets go of what lies behind. */
  async loadAhead() {
    const { item, place, direction, order } = this;
    const items = [item, ...order.ahead(item, place, direction, BLOCKS_AHEAD), ...order.ahead(item, place, -direction, 1)];
    const told = await Promise.all(items.map((item) => this.blocks.tell(item)));
    if (this.item !== item || !this.dialog.open) return;
    this.blocks.keepOnly(items);
    this.pictures.holdOnly(items.flatMap((item, i) => (told[i].trouble ? [] : this.blocks.urls(item, told[i]))));
    /** For tests: what is loaded ahead of which block. */
    this.loadedFor = item;
  }

  go(step) {
    this.direction = step;
    const { order, item, place } = this;
    const next = step > 0 ? order.after(item, place) : order.before(item, place);
    if (next === NO_ITEM) return this.say(step > 0 ? "Nothing else is left to judge." : "This is the first.", "note");
    this.say("");
    this.show(next);
  }

  select(number) {
    if (!this.panes.select(number)) this.say(`There is no picture ${number} to choose.`, "note");
    else this.say("");
  }

  choose() {
    const choice = this.panes.choice();
    if (choice) this.judge({ choose: choice });
    else this.say("Select a candidate first, by its number.", "note");
  }

  flag() {
    if (!this.told) return this.say("The block is still being loaded.", "note");
    this.form.open(this.item, this.told.judgement);
  }

  /** Sends a judgement, and goes on when it is on disk. */
  async judge(verdict, note, prompt) {
    const { item } = this;
    if (verdict !== "redo" && this.form.isOpen()) return this.say(NOTE_LEFT);
    if (verdict === "keep" && STATES[this.plan.state[item]]?.key === "failed") return this.say(NOTHING_TO_KEEP);
    if (!(await this.send(item, this.told, verdict, note, prompt))) return;
    this.done.push(item);
    // The form may be open for another block by now, or for this one once more.
    if (verdict === "redo") this.form.close(item);
    // Meanwhile somebody may have gone elsewhere.
    if (this.item !== item) return;
    this.go(1);
    if (this.order.judged.size === this.order.items.length) this.say("All that can be judged is judged.", "note");
  }

  /** Sends a judgement of a block; returns whether it is on disk. */
  async send(item, told, verdict, note, prompt) {
    if (this.isSending) return false;
    if (!told) {
      this.say("The block is still being loaded.", "note");
      return false;
    }
    const { plan } = this, shape = `${plan.width[item]}x${plan.height[item]}`;
    this.isSending = true;
    this.dialog.classList.add("sending");
    const answer = await this.judging.judge({ x: plan.x[item], y: plan.y[item], shape }, told.seen, verdict, note, prompt);
    this.isSending = false;
    this.dialog.classList.remove("sending");
    if (answer.trouble) {
      this.say(`Not saved: ${answer.trouble}`);
      // It is not what was looked at.
      if (answer.status === 409) {
        this.blocks.forget(item);
        if (item === this.item) this.show(item, true);
      }
      return false;
    }
    this.say("");
    told.judgement = verdict && { verdict, note: note ?? "", prompt: prompt || null };
    this.order.takeOpen(answer);
    renderDeskHead(this);
    return true;
  }

  /** Takes back the judgement of the block that is shown, or else the last one made here. */
  async undo() {
    const item = this.told?.judgement ? this.item : this.done.at(-1);
    if (item === undefined) return this.say("There is no judgement to take back.", "note");
    if (item !== this.item) await this.show(item);
    if (item !== this.item || !(await this.send(item, this.told, null))) return;
    this.done = this.done.filter((other) => other !== item);
  }

  copy() {
    const copied = navigator.clipboard.writeText(this.command);
    copied.then(() => this.say("The command is copied.", "note"), () => this.say("The browser does not copy; mark the command and copy it.", "note"));
  }

  fit() {
    this.panes.setFit(!this.panes.isFit);
    this.dialog.querySelector('[data-do="fit"]').setAttribute("aria-pressed", this.panes.isFit);
  }

  /** Asks for the order as it is now. */
  async refresh() {
    this.isOld = false;
    const agenda = await this.judging.ask("review/agenda");
    if (agenda.trouble) {
      this.isOld = true;
      return this.say(`The order of the blocks is not known: ${agenda.trouble}`);
    }
    this.order.take(agenda);
    renderDeskHead(this);
  }

  /** Takes note of a plan that has changed: blocks were drawn, or edges measured. */
  planChanged() {
    this.isOld = true;
    if (!this.dialog.open) return;
    this.refreshing ??= setTimeout(async () => {
      if (this.isOld) await this.refresh();
      this.refreshing = undefined;
      if (!this.dialog.open) return;
      if (this.isOld) this.planChanged();
      else if (this.item === NO_ITEM) this.open();
      else this.loadAhead();
    }, AGENDA_EVERY_MS);
    if (this.item === NO_ITEM) return;
    if (this.told && !this.blocks.known(this.item)) this.say("Something has happened to this block: it is shown as it is now.", "note");
    this.show(this.item, true);
  }

  say(text, kind = "trouble") {
    const element = document.getElementById("desk-trouble");
    if (element.textContent === text && element.dataset.kind === kind) return;
    element.textContent = text;
    element.hidden = text === "";
    element.dataset.kind = kind;
  }
}
