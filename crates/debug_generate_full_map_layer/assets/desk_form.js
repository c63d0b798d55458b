// What is written about a block that is to be drawn again.

class DeskForm {
  /** `send` is given the note and the addition to the prompt; `onLeave` is told when it is left. */
  constructor(send, onLeave) {
    this.element = document.getElementById("desk-form");
    this.onLeave = onLeave;
    /** What was written and not sent, by item. */
    this.drafts = new Map();
    const { note, prompt } = this.element.elements;
    Object.assign(this, { note, prompt });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      send(note.value.trim(), prompt.value.trim());
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.ctrlKey) return;
      event.preventDefault();
      this.element.requestSubmit();
    });
  }

  isOpen() {
    return !this.element.hidden;
  }

  /** Opens it for a block, with what was written about it before. */
  open(item, judgement) {
    // What is being written stays.
    if (this.isOpen() && this.item === item) return this.note.focus();
    this.item = item;
    const draft = this.drafts.get(item) ?? judgement;
    this.note.value = draft?.note ?? "";
    this.prompt.value = draft?.prompt ?? "";
    this.element.hidden = false;
    this.note.focus();
  }

  /** Closes it; what was written is there when it is opened for the block again. */
  leave() {
    this.drafts.set(this.item, { note: this.note.value, prompt: this.prompt.value });
    this.element.hidden = true;
    this.onLeave();
  }

  /** Closes it because the block is judged. */
  close(item) {
    this.drafts.delete(item);
    if (!this.isOpen() || this.item !== item) return;
    this.element.hidden = true;
    this.onLeave();
  }
}
