// What is drawn: every block, in the colour of its step and with the look of its state.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, moveTo, openMap } from "./support/browser.js";
import { gridCorner, onScreen } from "./support/geometry.js";
import { expectedStates, makeLayer, writeMap } from "./support/layers.js";
import { isLike, over, screenPixels } from "./support/pixels.js";

const GROUND = [238, 241, 244];
const STEP_RGB = { 1: [255, 99, 71], 2: [50, 205, 50], 3: [30, 144, 255] };
const FILL = { pending: 0.22, running: 0.65, complete: 0.85, failed: 0.4, waiting: 0.14 };
const FAILED_SIGN = [122, 0, 40];
const RUNNING_SIGNS = [[17, 24, 39], [255, 255, 255]];

/** Places in a block, away from its border, as `[lat, lng]`. */
function placesIn(block) {
  const shares = [0.2, 0.35, 0.5, 0.65, 0.8];
  return shares.flatMap((across) => shares.map((down) =>
    gridCorner(block.x + block.width * across, block.y + block.height * down)));
}

test("each block has the colour of its step at the opacity of its state", async (t) => {
  const { layer, items } = makeLayer(t, { size: 12, progress: "every" });
  const states = expectedStates(items);
  for (const state of Object.keys(FILL)) assert.ok(states.includes(state), `no block is ${state}`);
  const page = await openMap(t, writeMap(layer));
  assert.equal(await page.evaluate(() => window.layerMap.layer.drawn.as), "paths");
  assert.equal(await page.evaluate(() => window.layerMap.layer.drawn.items.length), items.length);
  const pixels = await screenPixels(page);
  for (const [index, item] of items.entries()) {
    const expected = over(GROUND, STEP_RGB[item.step], FILL[states[index]]);
    const places = await onScreen(page, placesIn(item));
    const like = places.filter(([x, y]) => isLike(pixels.at(x, y), expected)).length;
    // Crosses, hatching and the seed point take some of them.
    assert.ok(like > places.length / 2, `${JSON.stringify(item)} ${states[index]}: ${like} of ${places.length} are ${expected}`);
  }
});

test("states are told apart by their borders and signs, too", async (t) => {
  const { layer, items } = makeLayer(t, { size: 12, progress: "every" });
  const states = expectedStates(items);
  const page = await openMap(t, writeMap(layer));
  const first = (state) => items.find((item, index) => states[index] === state && item.x > 1);
  const look = async (state, shares) => {
    const item = first(state);
    await moveTo(page, gridCorner(item.x + item.width / 2, item.y + item.height / 2), 18);
    const pixels = await screenPixels(page);
    const places = shares.map(([across, down]) => gridCorner(item.x + item.width * across, item.y + item.height * down));
    return (await onScreen(page, places)).map(([x, y]) => pixels.at(x, y));
  };
  const [cross, edge] = await look("failed", [[0.3, 0.3], [0.003, 0.5]]);
  assert.ok(isLike(cross, FAILED_SIGN, 20) && isLike(edge, FAILED_SIGN, 20), `${cross} and ${edge}`);

  const along = Array.from({ length: 60 }, (_, i) => [0.003, 0.3 + i * 0.005]);
  const border = await look("running", along);
  for (const sign of RUNNING_SIGNS) {
    const count = border.filter((color) => isLike(color, sign, 20)).length;
    assert.ok(count > 10, `${count} of ${border.length} are ${sign}`);
  }

  const line = Array.from({ length: 200 }, (_, i) => [0.2 + i * 0.003, 0.5]);
  const distinct = (colors) => new Set(colors.map(String)).size;
  assert.ok(distinct(await look("waiting", line)) > 4, "waiting blocks are hatched");
  assert.equal(distinct(await look("complete", line.slice(0, 60))), 1, "complete blocks are plain");
});

test("all blocks of a 400x400 plan are drawn at once, each in its place and colour", async (t) => {
  const { layer, items } = makeLayer(t, { size: 400 });
  assert.ok(items.length > 71_000, `${items.length}`);
  // So large that the pixel at a block's middle is within it.
  const page = await openMap(t, writeMap(layer), { viewport: { width: 2400, height: 1500 } });
  assert.equal(await page.evaluate(() => window.layerMap.layer.drawn.as), "image");
  // The seed point lies on some.
  await page.addStyleTag({ content: ".seed { display: none !important; }" });
  const places = items.map((item) => gridCorner(item.x + item.width / 2, item.y + item.height / 2));
  const points = await onScreen(page, places);
  const pixels = await screenPixels(page);
  const right = items.filter((item, index) =>
    isLike(pixels.at(...points[index]), over(GROUND, STEP_RGB[item.step], FILL.pending)));
  assert.equal(right.length, items.length);
});

test("far out, blocks smaller than a pixel are merged", async (t) => {
  const { layer } = makeLayer(t, { size: 400 });
  const page = await openMap(t, writeMap(layer));
  await moveTo(page, gridCorner(200, 200), 8);
  const pixels = await screenPixels(page);
  const [[x, y]] = await onScreen(page, [gridCorner(200, 200)]);
  // Of nine quadrants four are of step 1, four of step 2 and one of step 3.
  const mixed = STEP_RGB[1].map((_, i) => (4 * STEP_RGB[1][i] + 4 * STEP_RGB[2][i] + STEP_RGB[3][i]) / 9);
  assert.ok(isLike(pixels.at(x, y), over(GROUND, mixed, FILL.pending), 20), `${pixels.at(x, y)}`);
});

test("what is out of sight is not drawn", async (t) => {
  const { layer, items } = makeLayer(t, { size: 100 });
  const page = await openMap(t, writeMap(layer));
  await moveTo(page, gridCorner(50, 50), 17.5);
  const { as, count } = await page.evaluate(() => {
    const { as, items } = window.layerMap.layer.drawn;
    return { as, count: items.length };
  });
  assert.equal(as, "paths");
  assert.ok(count > 20 && count < items.length / 10, `${count} of ${items.length}`);
});

test("dragging keeps the map covered", async (t) => {
  const { layer } = makeLayer(t, { size: 100 });
  const page = await openMap(t, writeMap(layer));
  await moveTo(page, gridCorner(50, 50), 16);
  await page.mouse.move(200, 700);
  await page.mouse.down();
  for (let step = 1; step <= 10; step++) await page.mouse.move(200 + step * 60, 700 - step * 60);
  await drawn(page);
  const pixels = await screenPixels(page);
  for (const [x, y] of [[20, 400], [20, 780], [500, 780], [640, 400]]) {
    assert.ok(!isLike(pixels.at(x, y), GROUND), `nothing is drawn at ${x}, ${y}`);
  }
  await page.mouse.up();
});
