// Going through blocks one by one: the failed ones, those that run, the edges that show.

class Tour {
  /** `go` shows a stop. */
  constructor(go) {
    this.go = go;
    this.stops = [];
    this.at = 0;
    this.element = document.getElementById("tour");
    const [back, on] = this.element.querySelectorAll("button");
    back.addEventListener("click", () => this.move(-1));
    on.addEventListener("click", () => this.move(1));
    document.addEventListener("keydown", (event) => {
      if (event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { n: 1, p: -1 }[event.key];
      if (step && this.stops.length > 0) this.move(step);
    });
  }

  /** Begins with the stop at `at`; `what` says what they are. */
  start(stops, what, at = 0) {
    this.stops = stops;
    this.what = what;
    this.at = at;
    if (stops.length > 0) this.show();
    else this.end();
  }

  end() {
    this.stops = [];
    this.element.hidden = true;
  }

  move(step) {
    this.at = (this.at + step + this.stops.length) % this.stops.length;
    this.show();
  }

  show() {
    this.element.hidden = false;
    this.element.querySelector("span").textContent = `${number(this.at + 1)} of ${number(this.stops.length)} ${this.what}`;
    this.go(this.stops[this.at]);
  }
}
