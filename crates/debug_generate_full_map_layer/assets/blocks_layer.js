// The Leaflet layer: one canvas, somewhat larger than the map, that is drawn anew when the map
// has moved off it, and only shifted or scaled until then.

/** What is drawn beyond each side of the map, as a part of its size. */
const PADDING = 0.15;
/** From this width of a quadrant on blocks are drawn as paths, below it as an image. */
const NEAR_SIDE_PX = 12;
/** More pixels than this the image does not get; the canvas is scaled up instead. */
const MAX_IMAGE_PIXELS = 6_500_000;

function createBlocksLayer(plan, index, geometry, picturesUrl) {
  const Blocks = L.Layer.extend({
    visibility: new Visibility(),
    /** 0 shows the plan, 1 the finished pictures in place of their blocks' fill. */
    pictureShare: 1,
    /** What was drawn last: as "image" or as "paths", and with paths which items. */
    drawn: { as: null, items: null, times: 0 },

    onAdd(map) {
      this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated", this.getPane());
      this.canvas.id = "blocks";
      this.context = this.canvas.getContext("2d");
      this.far = new FarImage(plan, index);
      this.near = new NearPaths(plan, index);
      this.pictures = new Pictures(picturesUrl, () => this.redraw());
      this.restyle();
      this.draw();
      DARK_PAGE.addEventListener("change", () => this.restyle());
    },

    getEvents() {
      return {
        move: this.follow, zoom: this.follow, viewreset: this.redraw,
        moveend: this.redraw, zoomend: this.redraw, resize: this.redraw,
        zoomanim: (event) => this.place(event.center, event.zoom),
      };
    },

    /** Shows new states, switches or colours. */
    restyle() {
      this.far.restyle(this.visibility);
      this.redraw();
    },

    setPictureShare(share) {
      this.pictureShare = share;
      this.redraw();
    },

    /** Draws before the next frame, once, however often it is called. */
    redraw() {
      this.pending ??= requestAnimationFrame(() => {
        this.pending = null;
        // The canvas belongs to Leaflet's animation, which ends with a redraw.
        if (!this._map._animatingZoom) this.draw();
      });
    },

    /** Puts the canvas where the map has moved to, and draws anew when it does not cover it. */
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
      L.DomUtil.setTransform(this.canvas, corner.subtract(this._map._getNewPixelOrigin(center, zoom)), scale);
    },

    draw() {
      const map = this._map, size = map.getSize();
      if (size.x === 0 || size.y === 0) return;
      const zoom = map.getZoom();
      const margin = size.multiplyBy(PADDING).round();
      const corner = map.getPixelBounds().min.subtract(margin).round();
      const width = size.x + 2 * margin.x, height = size.y + 2 * margin.y;
      this.view = new View(geometry, zoom, corner.x, corner.y, width, height);
      const { acrossX, acrossY } = this.view.quadrantPx();
      const side = Math.min(acrossX, acrossY);
      const isNear = side >= NEAR_SIDE_PX;
      let ratio = window.devicePixelRatio || 1;
      if (!isNear) ratio = Math.min(ratio, Math.sqrt(MAX_IMAGE_PIXELS / (width * height)));
      this.resize(width, height, ratio);
      this.place(map.getCenter(), zoom);
      this.context.setTransform(1, 0, 0, 1, 0, 0);
      this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      if (isNear) this.drawNear(ratio, side);
      else this.drawFar(ratio);
      this.drawn.times++;
      this.fire("drawn");
    },

    resize(width, height, ratio) {
      const { canvas } = this;
      const pixelsWide = Math.round(width * ratio), pixelsHigh = Math.round(height * ratio);
      if (canvas.width !== pixelsWide || canvas.height !== pixelsHigh) {
        canvas.width = pixelsWide;
        canvas.height = pixelsHigh;
      }
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    },

    drawFar(ratio) {
      this.far.draw(this.context, this.view, this.canvas.width, this.canvas.height);
      this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawMarks(this.context, this.view, plan, this.visibility);
      Object.assign(this.drawn, { as: "image", items: null });
    },

    drawNear(ratio, side) {
      const showsPictures = side >= PICTURE_SIDE_PX && this.pictureShare > 0;
      const covered = showsPictures ? this.drawPictures(ratio, side) : new Set();
      this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const isCovered = (item) => covered.has(item);
      const items = this.near.draw(this.context, this.view, this.visibility, isCovered, this.pictureShare);
      Object.assign(this.drawn, { as: "paths", items });
    },

    /** Draws the pictures in sight and returns the items all of whose pictures are drawn. */
    drawPictures(ratio, side) {
      const { view, pictures } = this;
      const covered = new Set();
      // Pictures overlap a little. See-through ones are drawn whole on a canvas of their own,
      // or the seams would show.
      const context = this.pictureShare < 1 ? this.clearSpareCanvas() : this.context;
      pictures.beginDrawing();
      index.forEachItemIn(view.gridBounds(), (item) => {
        if (!plan.hasPictures[item] || !this.visibility.shows(plan, item) || !isInSight(view, plan, item)) return;
        let missing = 0;
        const version = plan.completedAt[item] || 0;
        for (let y = plan.y[item]; y < plan.y[item] + plan.height[item]; y++) {
          for (let x = plan.x[item]; x < plan.x[item] + plan.width[item]; x++) {
            const bitmap = pictures.get(x, y, version, side * ratio);
            if (bitmap) drawPicture(context, view, ratio, bitmap, x, y);
            else missing++;
          }
        }
        if (missing === 0) covered.add(item);
      });
      pictures.endDrawing();
      if (context !== this.context) {
        this.context.globalAlpha = this.pictureShare;
        this.context.drawImage(context.canvas, 0, 0);
        this.context.globalAlpha = 1;
      }
      return covered;
    },

    clearSpareCanvas() {
      this.spare ??= document.createElement("canvas").getContext("2d");
      const { canvas } = this.spare;
      // Setting its size clears it, too.
      canvas.width = this.canvas.width;
      canvas.height = this.canvas.height;
      return this.spare;
    },
  });
  return new Blocks({ pane: "blocks" });
}
