// Near: each block in sight as a parallelogram of its own, with its border and its sign.

/** The states in the order in which they are drawn: what matters most lies on top. */
const DRAWING_ORDER = [...STATES.keys()].sort((a, b) => STATES[a].drawn - STATES[b].drawn);
/** Paths of more blocks take longer than several paths do. */
const ITEMS_PER_PATH = 64;
/** Blocks whose quadrants are at least this wide are labelled with their place. */
const LABEL_SIDE_PX = 90;

class NearPaths {
  constructor(plan, index) {
    this.plan = plan;
    this.index = index;
  }

  /** Draws the blocks in sight and returns them. */
  draw(context, view, visibility) {
    const { plan } = this;
    const drawn = [];
    const groups = new Map();
    this.index.forEachItemIn(view.gridBounds(), (item) => {
      if (!visibility.shows(plan, item) || !view.sees(plan.x[item], plan.y[item], plan.width[item], plan.height[item])) return;
      drawn.push(item);
      const key = plan.state[item] * 4 + plan.step[item];
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(item);
    });
    const px = view.quadrantPx();
    for (const state of DRAWING_ORDER) {
      for (const step of [1, 2, 3]) {
        const items = groups.get(state * 4 + step) ?? [];
        for (let from = 0; from < items.length; from += ITEMS_PER_PATH) {
          this.drawGroup(context, view, px, items.slice(from, from + ITEMS_PER_PATH), step, state);
        }
      }
    }
    if (Math.min(px.acrossX, px.acrossY) >= LABEL_SIDE_PX) this.label(context, view, drawn);
    return drawn;
  }

  drawGroup(context, view, px, items, step, state) {
    const outlines = new Path2D();
    for (const item of items) this.outline(outlines, view, item, 0, 0);
    context.fillStyle = fillOf(step, state);
    context.fill(outlines);
    // Borders lie within their blocks, so that those of neighbours stand side by side.
    const inset = STATES[state].width / 2;
    const add = {
      outline: (path, item) => this.outline(path, view, item, inset / px.acrossX, inset / px.acrossY),
      hatching: (path, item) => this.hatch(path, view, px, item),
      cross: (path, item) => this.cross(path, view, item),
    };
    context.lineJoin = "miter";
    for (const { shape, color, width, dashes } of strokesOf(step, state)) {
      const path = new Path2D();
      for (const item of items) add[shape](path, item);
      context.strokeStyle = color;
      context.lineWidth = width;
      context.setLineDash(dashes);
      context.stroke(path);
    }
    context.setLineDash([]);
  }

  /** Strokes thin lines around the blocks in sight, to be seen on pictures. */
  drawOutlines(context, view, visibility) {
    const { plan } = this;
    const path = new Path2D();
    this.index.forEachItemIn(view.gridBounds(), (item) => {
      if (visibility.shows(plan, item)) this.outline(path, view, item, 0, 0);
    });
    context.lineWidth = 2;
    context.strokeStyle = "rgba(255, 255, 255, 0.55)";
    context.stroke(path);
    context.lineWidth = 1;
    context.strokeStyle = "rgba(20, 24, 32, 0.9)";
    context.stroke(path);
  }

  /** Adds the outline of a block, drawn in by parts of a quadrant. */
  outline(path, view, item, insetX, insetY) {
    const { plan } = this;
    const left = plan.x[item] + insetX, right = plan.x[item] + plan.width[item] - insetX;
    const top = plan.y[item] + insetY, bottom = plan.y[item] + plan.height[item] - insetY;
    path.moveTo(view.x(left, top), view.y(left, top));
    path.lineTo(view.x(right, top), view.y(right, top));
    path.lineTo(view.x(right, bottom), view.y(right, bottom));
    path.lineTo(view.x(left, bottom), view.y(left, bottom));
    path.closePath();
  }

  cross(path, view, item) {
    const { plan } = this;
    const line = (fromX, fromY, toX, toY) => {
      const x = (share) => plan.x[item] + plan.width[item] * share;
      const y = (share) => plan.y[item] + plan.height[item] * share;
      path.moveTo(view.x(x(fromX), y(fromY)), view.y(x(fromX), y(fromY)));
      path.lineTo(view.x(x(toX), y(toY)), view.y(x(toX), y(toY)));
    };
    line(0.25, 0.25, 0.75, 0.75);
    line(0.75, 0.25, 0.25, 0.75);
  }

  /** Adds slanting lines about eight pixels apart. */
  hatch(path, view, px, item) {
    const { plan } = this;
    const width = plan.width[item], height = plan.height[item];
    const gap = Math.max(0.1, 8 / Math.min(px.acrossX, px.acrossY));
    for (let sum = gap; sum < width + height; sum += gap) {
      // From the left or bottom side to the top or right one, where x + y is `sum`.
      const fromX = plan.x[item] + Math.max(0, sum - height), fromY = plan.y[item] + Math.min(sum, height);
      const toX = plan.x[item] + Math.min(sum, width), toY = plan.y[item] + Math.max(0, sum - width);
      path.moveTo(view.x(fromX, fromY), view.y(fromX, fromY));
      path.lineTo(view.x(toX, toY), view.y(toX, toY));
    }
  }

  label(context, view, items) {
    const { plan } = this;
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 3;
    context.strokeStyle = DARK_PAGE.matches ? "rgba(15, 18, 25, 0.8)" : "rgba(255, 255, 255, 0.85)";
    context.fillStyle = DARK_PAGE.matches ? "#f1f5f9" : "#1e293b";
    for (const item of items) {
      const x = plan.x[item] + plan.width[item] / 2, y = plan.y[item] + plan.height[item] / 2;
      const text = `${plan.x[item]}, ${plan.y[item]}`;
      context.strokeText(text, view.x(x, y), view.y(x, y));
      context.fillText(text, view.x(x, y), view.y(x, y));
    }
  }
}

/** More marks than this would hide the map. */
const MAX_MARKS = 800;

/** The blocks that stand out (running and failed ones) and are too small for their signs; none where
 *  there are so many that their colours must do. */
function itemsToMark(plan, visibility) {
  const marked = [];
  for (let item = 0; item < plan.count; item++) {
    if (STATES[plan.state[item]].mark && visibility.shows(plan, item)) marked.push(item);
  }
  return marked.length > MAX_MARKS ? [] : marked;
}

/** Marks blocks with a dot or a cross. */
function drawMarks(context, view, plan, marked) {
  const dots = new Path2D(), crosses = new Path2D();
  for (const item of marked) {
    const gridX = plan.x[item] + plan.width[item] / 2, gridY = plan.y[item] + plan.height[item] / 2;
    const x = view.x(gridX, gridY), y = view.y(gridX, gridY);
    if (x < 0 || y < 0 || x > view.width || y > view.height) continue;
    if (STATES[plan.state[item]].mark === "dot") {
      dots.moveTo(x + 3.5, y);
      dots.arc(x, y, 3.5, 0, 2 * Math.PI);
    } else {
      crosses.moveTo(x - 3.5, y - 3.5);
      crosses.lineTo(x + 3.5, y + 3.5);
      crosses.moveTo(x + 3.5, y - 3.5);
      crosses.lineTo(x - 3.5, y + 3.5);
    }
  }
  context.lineWidth = 2;
  context.fillStyle = rgba(signRgb("running"), 1);
  context.strokeStyle = rgba(signRgb("runningGap"), 1);
  context.stroke(dots);
  context.fill(dots);
  context.strokeStyle = rgba(signRgb("failed"), 1);
  context.stroke(crosses);
}
