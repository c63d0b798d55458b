// Pilots side by side, with each other, with the layer and with what it is made from.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { drawn, openMap } from "./support/browser.js";
import { ROOT, makeLayer, program, scratchDirectory, writeMap } from "./support/layers.js";
import { isLike, screenPixels } from "./support/pixels.js";
import { serveMap } from "./support/server.js";

const PX = 64;
const RED = [200, 30, 40], BLUE = [20, 60, 200];

/** The checksum of PNG's chunks. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** A picture of one colour. */
function png([red, green, blue]) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]), framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(PX, 0);
  header.writeUInt32BE(PX, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.from([0, ...Array.from({ length: PX }, () => [red, green, blue]).flat()]);
  const rows = Buffer.concat(Array.from({ length: PX }, () => row));
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** Puts a pilot of the quadrants from (0, 0) to (2, 1) beside the layer; `more` goes into its record. */
function addPilot(layer, name, color, more = {}) {
  const directory = path.join(layer, "pilots", name);
  mkdirSync(directory, { recursive: true });
  for (const [x, y] of [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]) writeFileSync(path.join(directory, `${x}_${y}.png`), png(color));
  const item = { item: 1, x: 0, y: 0, shape: "2x2", step: 1, only_precedes: false, status: "complete" };
  const record = {
    version: 1, tried: { prompt: `<b>${name}</b>, at night`, num_inference_steps: 20 }, part: "--only 0,0,2,1", started_at: "2026-11-22T14:03:00Z",
    ended_at: "2026-11-22T14:05:00Z", exit_status: 0, reason: null, holder: { pid: 1, host: "a", since: "" }, seed: 0,
    endpoints: [], calls: 2, calls_paid: 2, cost: 0.08, currency: "USD", items: [item, { ...item, item: 2, x: 2, shape: "1x2", step: 2 }], ...more,
  };
  writeFileSync(path.join(directory, "pilot.json"), JSON.stringify(record));
  return directory;
}

const finished = (t) => makeLayer(t, { size: 6, progress: "finished", picture_px: PX, whole_source: true, inverted: true }).layer;

async function isShown(page) {
  await page.waitForFunction(() => window.layerMap.side.panes.isSettled());
  await drawn(page);
}

/** The colour in the middle of quadrant (x, y) in each pane, on the screen. */
async function colorsAt(page, x, y) {
  await isShown(page);
  const places = await page.evaluate(([x, y]) => {
    const { panes } = window.layerMap.side;
    return panes.panes.map(({ canvas }) => {
      const box = canvas.getBoundingClientRect(), { view, high } = panes;
      return [box.left + box.width / 2 + (x + 0.5 - view.x) * view.side, box.top + box.height / 2 + (y + 0.5 - view.y) * high];
    });
  }, [x, y]);
  const pixels = await screenPixels(page);
  return places.map(([x, y]) => pixels.at(x, y));
}

async function showsTwoPilotsAndTheLayer(page) {
  assert.match(await page.innerText("#pilots summary"), /^2 pilots beside the layer$/);
  await page.click("#pilots summary");
  const told = await page.innerText("#pilots li:first-of-type");
  assert.match(told, /prompt="<b>20261122T140400Z<\/b>, at night", num_inference_steps=20/, "as text, and the newest first");
  assert.match(told, /6 quadrants · 2 calls · 0\.08 USD/);
  await page.click("#pilots li:nth-of-type(2) button");
  const select = (pane) => page.locator("#side-panes select").nth(pane);
  assert.equal(await select(0).inputValue(), "layer");
  assert.equal(await select(1).inputValue(), "20261122T140300Z");
  const [layer, red] = await colorsAt(page, 1, 0);
  assert.ok(isLike(red, RED), `${red}`);
  assert.ok(!isLike(layer, RED) && !isLike(layer, BLUE), `${layer}`);
  await select(0).selectOption("20261122T140400Z");
  const [blue] = await colorsAt(page, 1, 0);
  assert.ok(isLike(blue, BLUE), `${blue}`);
  await select(0).selectOption("source");
  await isShown(page);
  assert.equal(await page.getAttribute("#side-panes figure:first-of-type canvas", "data-shown"), "6");
  assert.equal(await page.getAttribute("#side-panes figure:first-of-type canvas", "data-gone"), "0");
  await page.click("#side-panes figure:nth-of-type(2) summary");
  const settings = JSON.parse(await page.innerText("#side-panes figure:nth-of-type(2) pre"));
  assert.deepEqual(settings, { prompt: "<b>20261122T140300Z</b>, at night", num_inference_steps: 20 });
}

function twoPilots(layer) {
  addPilot(layer, "20261122T140300Z", RED);
  addPilot(layer, "20261122T140400Z", BLUE);
}

test("a page that is a file shows pilots beside the layer and its source, without a server", async (t) => {
  const layer = finished(t);
  twoPilots(layer);
  const page = await openMap(t, writeMap(layer), { offline: true });
  await showsTwoPilotsAndTheLayer(page);
});

test("so does one that is served, and it follows a pilot under way", async (t) => {
  const layer = finished(t);
  const { url } = await serveMap(layer);
  const page = await openMap(t, url);
  assert.equal(await page.isVisible("#pilots"), false);
  twoPilots(layer);
  await page.waitForSelector("#pilots:not([hidden])");
  await showsTwoPilotsAndTheLayer(page);
  addPilot(layer, "20261122T140500Z", RED, { ended_at: null, exit_status: null, calls: 0, cost: 0 });
  await page.waitForFunction(() => document.querySelectorAll("#side-panes figure:first-of-type option").length === 5);
  await page.locator("#side-panes select").first().selectOption("20261122T140500Z");
  assert.match(await page.innerText("#side-panes figure:first-of-type p"), /6 quadrants · its run died/);
  // A link shows the same.
  await page.waitForFunction(() => location.hash.includes("20261122T140500Z"));
  const again = await openMap(t, page.url());
  await again.waitForSelector("#side-by-side[open]");
  assert.equal(await again.locator("#side-panes select").first().inputValue(), "20261122T140500Z");
  assert.ok(isLike((await colorsAt(again, 1, 0))[0], RED));
});

test("panes move together, by mouse and by key, and the focus is seen", async (t) => {
  const layer = finished(t);
  twoPilots(layer);
  const page = await openMap(t, writeMap(layer));
  await page.click("#pilots summary");
  await page.focus("#open-pilots");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const view = () => page.evaluate(() => ({ ...window.layerMap.side.panes.view }));
  const canvas = page.locator("#side-panes canvas").first();
  await canvas.focus();
  await page.keyboard.press("ArrowRight");
  const outline = await canvas.evaluate((canvas) => getComputedStyle(canvas).outlineStyle);
  assert.equal(outline, "solid");
  const before = await view();
  await page.keyboard.press("ArrowRight");
  const moved = await view();
  assert.ok(Math.abs((moved.x - before.x) * moved.side - 64) < 1e-6);
  await page.keyboard.press("+");
  assert.ok(Math.abs((await view()).side / moved.side - 1.25) < 1e-6);
  await page.keyboard.press("0");
  const fit = await view();
  assert.deepEqual([fit.x, fit.y], [1.5, 1]);

  const box = await page.locator("#side-panes canvas").nth(1).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + fit.side, y, { steps: 4 });
  await page.mouse.up();
  assert.ok(Math.abs((await view()).x - 0.5) < 0.01, "by one quadrant");
  const [layerColor, pilot] = await colorsAt(page, 1, 1);
  assert.ok(isLike(pilot, BLUE) && !isLike(layerColor, BLUE));
  // What is under the pointer stays there.
  await page.mouse.move(x + 50, y + 20);
  const under = ({ x, y, side }) => [x + 50 / side, y + 20 / side];
  const from = under(await view());
  await page.mouse.wheel(0, -240);
  await page.waitForFunction((side) => window.layerMap.side.panes.view.side > side, fit.side);
  under(await view()).forEach((at, i) => assert.ok(Math.abs(at - from[i]) < 0.02, `${at} ${from[i]}`));

  await page.keyboard.press("x");
  assert.equal(await page.locator("#side-panes select").first().inputValue(), "20261122T140400Z");
  for (const panes of [3, 4]) {
    await page.click("[data-do=more]");
    assert.equal(await page.locator("#side-panes figure").count(), panes);
  }
  assert.equal(await page.isDisabled("[data-do=more]"), true);
  await page.click("[data-do=fewer]");
  await isShown(page);
  await page.keyboard.press("Escape");
  await page.waitForSelector("#side-by-side", { state: "hidden" });
  await page.waitForFunction(() => !location.hash.includes("pilots"));
});

test("at a phone's width panes are stacked", async (t) => {
  const layer = finished(t);
  twoPilots(layer);
  const page = await openMap(t, writeMap(layer), { viewport: { width: 360, height: 740 } });
  await page.evaluate(() => window.layerMap.side.open());
  await isShown(page);
  const boxes = await page.locator("#side-panes canvas").evaluateAll((all) => all.map((one) => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    return { left, top, right, bottom };
  }));
  assert.ok(boxes[1].top >= boxes[0].bottom && boxes[0].left === boxes[1].left);
  assert.ok(boxes.every(({ right, bottom, left, top }) => right <= 360 && bottom <= 740 && right - left > 300 && bottom - top > 120), JSON.stringify(boxes));
});

test("many pilots, a damaged record and pictures that are none are shown as they are", async (t) => {
  const layer = finished(t);
  for (let minute = 10; minute < 60; minute++) addPilot(layer, `20261122T14${minute}00Z`, RED);
  const damaged = addPilot(layer, "20261122T150000Z", RED);
  writeFileSync(path.join(damaged, "pilot.json"), '{"version": 1, <script>alert(1)</script>');
  const spoilt = addPilot(layer, "20261122T160000Z", BLUE);
  writeFileSync(path.join(spoilt, "1_0.png"), "no picture");
  const { url } = await serveMap(layer);
  const page = await openMap(t, url);
  await page.waitForSelector("#pilots:not([hidden])");
  await page.click("#pilots summary");
  assert.match(await page.innerText("#pilots summary"), /^51 pilots/);
  assert.match(await page.innerText("#pilots .trouble"), /pilot\.json is not valid JSON/);
  await page.click("#open-pilots");
  await isShown(page);
  const second = page.locator("#side-panes figure").nth(1);
  assert.equal(await second.locator("option").count(), 53);
  assert.equal(await second.locator("select").inputValue(), "20261122T160000Z");
  assert.equal(await second.locator("canvas").getAttribute("data-shown"), "5");
  assert.equal(await second.locator("canvas").getAttribute("data-gone"), "1");
});

test("a real pilot is compared with the layer that it was drawn beside", async (t) => {
  const layer = path.join(scratchDirectory(t), "layers", "real");
  execFileSync(program("init_layer"), [
    "--name", "real", "--generation-dir", path.join(ROOT, "fixtures", "tiny-city"),
    "--model-endpoints", path.join(ROOT, "fixtures", "model_endpoints.json"), "--output", layer,
  ]);
  execFileSync(program("generate_full_map_layer"), ["--layer-dir", layer, "--only", "0,0,2,1", "--try", "prompt=snow, at night"], { stdio: "ignore" });
  const page = await openMap(t, writeMap(layer));
  await page.click("#pilots summary");
  assert.match(await page.innerText("#pilots li"), /prompt="snow, at night"\s+\d+ quadrants · \d+ calls/);
  await page.click("#open-pilots");
  await isShown(page);
  // The layer has nothing there yet.
  assert.equal(await page.locator("#side-panes select").first().inputValue(), "source");
  const canvases = page.locator("#side-panes canvas");
  const [source, pilot] = await canvases.evaluateAll((all) => all.map(({ dataset }) => [dataset.shown, dataset.gone]));
  assert.ok(Number(pilot[0]) >= 6 && pilot[1] === "0" && source[1] === "0", JSON.stringify([source, pilot]));
});
