// A curtain: on the left of a line what the layer is compared with, on the right the layer.

class Curtain {
  constructor(map, layer, names, onMove) {
    Object.assign(this, { map, layer, onMove });
    this.share = 0.5;
    this.isOpen = false;
    this.line = L.DomUtil.create("div", "", map.getContainer());
    this.line.id = "curtain";
    this.line.tabIndex = 0;
    for (const [name, value] of Object.entries({
      role: "slider", "aria-orientation": "horizontal", "aria-valuemin": 0, "aria-valuemax": 100,
    })) this.line.setAttribute(name, value);
    this.labels = ["left", "right"].map((side) => L.DomUtil.create("span", side, this.line));
    this.name(names);
    L.DomEvent.disableClickPropagation(this.line);
    this.line.addEventListener("pointerdown", (event) => this.drag(event));
    this.line.addEventListener("keydown", (event) => this.step(event));
    map.on("move zoom zoomend resize", () => this.update());
    layer.on("placed", () => this.update());
    this.update();
  }

  name({ left, right }) {
    this.labels[0].textContent = left;
    this.labels[1].textContent = right;
    this.line.setAttribute("aria-label", `${left} on the left, ${right} on the right`);
  }

  setOpen(isOpen) {
    this.isOpen = isOpen;
    this.layer.setCompared(isOpen);
    this.update();
  }

  setShare(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.update();
    this.onMove(this.share);
  }

  drag(event) {
    event.preventDefault();
    this.line.setPointerCapture(event.pointerId);
    this.line.focus();
    const move = (event) => {
      const { left, width } = this.map.getContainer().getBoundingClientRect();
      this.setShare((event.clientX - left) / width);
    };
    this.line.addEventListener("pointermove", move);
    this.line.addEventListener("pointerup", () => this.line.removeEventListener("pointermove", move), { once: true });
  }

  step(event) {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.setShare(this.share + step);
  }

  /** Cuts the canvases at the line, wherever the map has moved them. */
  update() {
    const { line, layer, isOpen } = this;
    line.hidden = !isOpen;
    const [base, own, compared, signs] = [layer.base?.canvas, layer.own?.canvas, layer.compared?.canvas, layer.signs?.canvas];
    if (!compared) return;
    compared.hidden = !isOpen;
    const x = this.share * this.map.getSize().x;
    line.style.left = `${x}px`;
    line.setAttribute("aria-valuenow", Math.round(100 * this.share));
    let left = "none", right = "none";
    if (isOpen) {
      const box = layer.box.getBoundingClientRect(), scale = box.width / layer.box.offsetWidth;
      const cut = (this.map.getContainer().getBoundingClientRect().left + x - box.left) / scale;
      right = `inset(0 0 0 ${Math.max(0, cut)}px)`;
      left = `inset(0 ${Math.max(0, layer.box.offsetWidth - cut)}px 0 0)`;
    }
    compared.style.clipPath = left;
    for (const canvas of [base, own, signs]) canvas.style.clipPath = right;
  }
}

/** The switch of a curtain between what `names` tells: the one on the left and the one on the
 *  right. */
function addCurtain(map, layer, address, names) {
  const row = document.getElementById("curtain-row"), box = row.querySelector("input");
  row.hidden = false;
  const [left, right] = names();
  const curtain = new Curtain(map, layer, { left, right }, (share) => address.set("curtain", share.toFixed(3)));
  const show = () => {
    curtain.setOpen(box.checked);
    address.set("curtain", box.checked ? curtain.share.toFixed(3) : null);
  };
  const share = Number(address.get("curtain"));
  box.checked = address.get("curtain") !== undefined && Number.isFinite(share);
  if (box.checked) curtain.share = Math.min(1, Math.max(0, share));
  box.addEventListener("change", show);
  const rename = () => {
    const [left, right] = names();
    curtain.name({ left, right });
    row.querySelector(".label").textContent = `Compare with ${left}`;
  };
  show();
  rename();
  return { rename };
}
