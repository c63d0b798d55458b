// The Leaflet layer: canvases one over the other, somewhat larger than the map, that are drawn anew
// when the map has moved off them, and only shifted or scaled until then. The plan lies at the
// bottom, pictures on it, signs on top.

/** What is drawn beyond each side of the map, as a part of its size. */
const PADDING = 0.15;
/** From this width of a quadrant on blocks are drawn as paths, below it as an image. */
const NEAR_SIDE_PX = 12;
/** Narrower blocks get no outlines over their pictures. */
const OUTLINE_SIDE_PX = 6;
/** More pixels than this a canvas does not get; it is scaled up instead. */
const MAX_IMAGE_PIXELS = 6_500_000;

/** `shown` has `placement` and `own`, a set of tiles; and may have a `plan` with its `index`, and
 *  `compared`, another set. */
function createMapLayer(shown) {
  const { plan, index } = shown;
  const Blocks = L.Layer.extend({
    placement: shown.placement,
    visibility: new Visibility(),
    /** 0 shows the plan, 1 the finished pictures over it. */
    pictureShare: 1,
    showsOutlines: false,
    /** What was drawn last: as "image" or as "paths", and with paths which items. */
    drawn: { as: null, items: null, times: 0 },

    onAdd() {
      this.box = L.DomUtil.create("div", "leaflet-zoom-animated", this.getPane());
      this.box.id = "blocks";
      const canvas = (id) => {
        const canvas = L.DomUtil.create("canvas", "", this.box);
        canvas.id = id;
        return canvas;
      };
      this.loader = new TileLoader((tile) => this.arrived(tile));
      const compared = canvas("compared-pictures");
      this.base = canvas("plan").getContext("2d");
      this.own = new PictureCanvas(shown.own, this.loader, canvas("pictures"));
      this.signs = canvas("signs").getContext("2d");
      this.canvases = [this.base.canvas, this.own.canvas];
      if (shown.compared) {
        this.canvases.push(compared);
        this.compared = new PictureCanvas(shown.compared, this.loader, compared);
        this.compared.isShown = false;
      }
      if (plan) {
        this.far = new FarImage(plan, index);
        this.near = new NearPaths(plan, index);
      }
      this.fresh = [];
      this.setPictureShare(this.pictureShare);
      this.restyle();
      this.draw();
      DARK_PAGE.addEventListener("change", () => this.restyle());
    },

    getEvents() {
      return {
        move: this.follow, zoom: this.follow, viewreset: this.redraw,
        moveend: this.follow, zoomend: this.redraw, resize: this.redraw,
        zoomanim: (event) => this.place(event.center, event.zoom),
      };
    },

    /** Shows new states, switches or colours. */
    restyle() {
      this.far?.restyle(this.visibility);
      this.redraw();
    },

    setPictureShare(share) {
      const hidThePlan = this.pictureShare === 1;
      this.pictureShare = share;
      if (!this.own) return;
      this.own.canvas.style.opacity = share;
      // What is not seen is not loaded, and the plan is simpler under pictures that hide it.
      if (this.own.isShown !== share > 0 || hidThePlan !== (share === 1)) {
        this.own.isShown = share > 0;
        this.redraw();
      }
    },

    setPlacement(placement) {
      this.placement = placement;
      this.redraw();
    },

    /** Shows another set of tiles, and compares with another one. */
    setTiles(own, compared) {
      this.own.set = own;
      if (this.compared) this.compared.set = compared;
      this.redraw();
    },

    setOutlines(shows) {
      this.showsOutlines = shows;
      this.redraw();
    },

    setCompared(isShown) {
      this.compared.isShown = isShown;
      this.redraw();
    },

    /** Draws before the next frame, once, however often it is called. */
    redraw() {
      this.isStale = true;
      this.schedule();
    },

    /** A tile has come, or will not come (null). */
    arrived(tile) {
      if (tile) this.fresh.push(tile);
      this.schedule();
    },

    schedule() {
      this.pending ??= requestAnimationFrame(() => {
        this.pending = null;
        // The canvas belongs to Leaflet's animation, which ends with a redraw.
        if (!this._map || this._map._animatingZoom) return;
        if (this.isStale) this.draw();
        else this.drawFresh();
      });
    },

    /** Puts the canvases where the map has moved to, and draws anew when they do not cover it. */
    follow() {
      const map = this._map;
      if (map._animatingZoom) return;
      this.place(map.getCenter(), map.getZoom());
      const scale = map.getZoomScale(map.getZoom(), this.view.zoom);
      const size = map.getSize();
      const corner = map.getPixelBounds().min.divideBy(scale);
      const isCovered = corner.x >= this.view.left && corner.y >= this.view.top
        && corner.x + size.x / scale <= this.view.left + this.view.width
        && corner.y + size.y / scale <= this.view.top + this.view.height;
      if (!isCovered || scale > 1.5 || scale < 0.67) this.redraw();
    },

    place(center, zoom) {
      const scale = this._map.getZoomScale(zoom, this.view.zoom);
      const corner = L.point(this.view.left, this.view.top).multiplyBy(scale);
      L.DomUtil.setTransform(this.box, corner.subtract(this._map._getNewPixelOrigin(center, zoom)), scale);
      this.fire("placed");
    },

    draw() {
      const map = this._map, size = map.getSize();
      this.isStale = false;
      this.fresh = [];
      if (size.x === 0 || size.y === 0) return;
      const zoom = map.getZoom();
      const margin = size.multiplyBy(PADDING).round();
      const corner = map.getPixelBounds().min.subtract(margin).round();
      const width = size.x + 2 * margin.x, height = size.y + 2 * margin.y;
      this.view = new View(this.placement, zoom, corner.x, corner.y, width, height);
      const ratio = Math.min(window.devicePixelRatio || 1, Math.sqrt(MAX_IMAGE_PIXELS / (width * height)));
      this.ratio = ratio;
      this.resize(width, height, ratio);
      this.place(map.getCenter(), zoom);
      if (plan) this.drawPlan();
      this.drawPictures();
      this.drawn.times++;
      this.fire("drawn");
    },

    resize(width, height, ratio) {
      const pixelsWide = Math.round(width * ratio), pixelsHigh = Math.round(height * ratio);
      const shown = this.canvases.filter((canvas) => canvas !== this.compared?.canvas || this.compared.isShown);
      for (const canvas of shown) {
        if (canvas.width !== pixelsWide || canvas.height !== pixelsHigh) {
          canvas.width = pixelsWide;
          canvas.height = pixelsHigh;
        }
      }
      for (const { style } of [...this.canvases, this.signs.canvas]) {
        style.width = `${width}px`;
        style.height = `${height}px`;
      }
      this.box.style.width = `${width}px`;
      this.box.style.height = `${height}px`;
      this.loader.setScreen(pixelsWide * pixelsHigh * (this.compared?.isShown ? 2 : 1));
    },

    drawPlan() {
      const { view, ratio, base, visibility } = this;
      base.setTransform(1, 0, 0, 1, 0, 0);
      base.clearRect(0, 0, base.canvas.width, base.canvas.height);
      const { acrossX, acrossY } = view.quadrantPx(), side = Math.min(acrossX, acrossY);
      // Under pictures that hide it a plain image of the plan will do.
      const isHidden = this.pictureShare === 1 && this.far.isFinished;
      const isNear = side >= NEAR_SIDE_PX && !isHidden;
      if (isNear) {
        base.setTransform(ratio, 0, 0, ratio, 0, 0);
        const items = this.near.draw(base, view, visibility);
        this.far.image = null;
        Object.assign(this.drawn, { as: "paths", items });
      } else {
        this.far.draw(base, view, base.canvas.width, base.canvas.height, isHidden);
        Object.assign(this.drawn, { as: "image", items: null });
      }
      const marked = isNear ? [] : itemsToMark(plan, visibility);
      const hasOutlines = this.showsOutlines && side >= OUTLINE_SIDE_PX;
      this.resizeSigns(marked.length > 0 || hasOutlines);
      drawMarks(this.signs, view, plan, marked);
      if (hasOutlines) this.near.drawOutlines(this.signs, view, visibility);
    },

    /** The canvas for signs takes memory only when there are some. Setting its size clears it. */
    resizeSigns(hasSigns) {
      const { signs, base, ratio } = this;
      signs.canvas.hidden = !hasSigns;
      signs.canvas.width = hasSigns ? base.canvas.width : 0;
      signs.canvas.height = hasSigns ? base.canvas.height : 0;
      signs.setTransform(ratio, 0, 0, ratio, 0, 0);
    },

    drawPictures() {
      const wanted = [];
      for (const pictures of [this.own, this.compared]) {
        if (!pictures) continue;
        if (pictures.isShown) wanted.push(...pictures.draw(this.view, this.ratio));
        else pictures.context.clearRect(0, 0, pictures.canvas.width, pictures.canvas.height);
      }
      if (this.own.isShown) this.hidePictures();
      wanted.sort((a, b) => a.turn - b.turn || a.fromMiddle - b.fromMiddle);
      this.loader.want(wanted);
    },

    /** Draws the tiles that have come since the last frame on top of what is there, where that will
     *  do. */
    drawFresh() {
      const fresh = this.fresh.splice(0);
      const hides = !this.visibility.showsAll();
      const shown = [this.own, this.compared].filter((pictures) => pictures?.isShown);
      const isSimple = !hides && fresh.every((tile) => shown.every((pictures) => pictures.add(tile)));
      if (!isSimple) this.drawPictures();
      this.fire("drawn");
    },

    /** Takes the pictures away of blocks that are switched off. */
    hidePictures() {
      if (!plan || this.visibility.showsAll() || this.own.drawn.size === 0) return;
      const { context, canvas } = this.own, { view } = this;
      const { acrossX, acrossY } = view.quadrantPx();
      if (Math.min(acrossX, acrossY) < NEAR_SIDE_PX) {
        this.spare ??= document.createElement("canvas").getContext("2d");
        // Setting its size clears it.
        this.spare.canvas.width = canvas.width;
        this.spare.canvas.height = canvas.height;
        this.far.drawMask(this.spare, view, canvas.width, canvas.height);
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.globalCompositeOperation = "destination-in";
        context.drawImage(this.spare.canvas, 0, 0);
      } else {
        context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
        context.globalCompositeOperation = "destination-out";
        const path = new Path2D();
        index.forEachItemIn(view.gridBounds(), (item) => {
          if (!this.visibility.shows(plan, item)) this.near.outline(path, view, item, -0.002, -0.002);
        });
        context.fill(path);
      }
      context.globalCompositeOperation = "source-over";
    },

    /** Whether everything that is wanted has come. */
    isSettled() {
      return !this.pending && this.loader.loading.size === 0 && this.loader.waiting.length === 0;
    },
  });
  return new Blocks({ pane: "blocks" });
}
