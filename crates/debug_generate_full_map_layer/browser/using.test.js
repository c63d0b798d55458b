// The panel, the pointer, the search box, the keyboard, the address and a phone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, moveTo, openMap } from "./support/browser.js";
import { gridCorner, onScreen } from "./support/geometry.js";
import { expectedStates, makeLayer, writeMap } from "./support/layers.js";
import { difference, screenPixels } from "./support/pixels.js";

const centerOf = (item) => gridCorner(item.x + item.width / 2, item.y + item.height / 2);

test("the block under the pointer is told of, and a click keeps it", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "every" });
  const page = await openMap(t, writeMap(layer));
  const details = page.locator("#details");
  assert.equal(await details.isVisible(), false);

  const running = items.find((item) => item.status === "in_progress");
  const [[x, y]] = await onScreen(page, [centerOf(running)]);
  await page.mouse.move(x, y);
  const text = await details.innerText();
  assert.ok(text.includes(`${running.width}x${running.height} at (${running.x}, ${running.y})`), text);
  assert.match(text, /Running/);
  assert.match(text, /gpu-\d/);
  assert.match(text, new RegExp(`Step\\s+${running.step} `));

  await page.mouse.click(x, y);
  await page.mouse.move(5, 790);
  assert.equal(await details.isVisible(), true, "a chosen block stays");
  await page.keyboard.press("Escape");
  assert.equal(await details.isVisible(), false);
});

test("a failed block tells why, in at most 200 characters and as text", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "every" });
  const page = await openMap(t, writeMap(layer));
  const failed = items.find((item) => item.status === "error");
  const [[x, y]] = await onScreen(page, [centerOf(failed)]);
  await page.mouse.move(x, y);
  const message = await page.locator("#details dt", { hasText: "Error" }).locator("+ dd").innerText();
  assert.match(message, /HTTP 500 .* <b>out of memory<\/b>/);
  assert.equal([...message].length, 201, "200 characters and an ellipsis");
});

test("the panel counts each step, failures included, and each status", async (t) => {
  const { layer, items } = makeLayer(t, { size: 12, progress: "every" });
  const states = expectedStates(items);
  const page = await openMap(t, writeMap(layer));
  for (const step of [1, 2, 3]) {
    const of = (status) => items.filter((item) => item.step === step && (!status || item.status === status)).length;
    const text = await page.innerText(`#steps label:nth-of-type(${step}) .count`);
    assert.ok(text.startsWith(`${of("complete")}/${of()} `), text);
    assert.ok(text.endsWith(`, ${of("error")} failed`), text);
  }
  for (const [i, state] of ["pending", "running", "complete", "failed", "waiting"].entries()) {
    const text = await page.innerText(`#states label:nth-of-type(${i + 1}) .count`);
    assert.equal(text, String(states.filter((s) => s === state).length), state);
  }
  assert.match(await page.innerText("#done"), /of 64 blocks complete|of \d+ blocks complete/);
});

test("a run that goes on has a rate and a time left, and a finished one says how long it took", async (t) => {
  const pace = async (progress) => {
    const page = await openMap(t, writeMap(makeLayer(t, { size: 30, progress }).layer));
    return page.innerText("#pace");
  };
  assert.match(await pace("mixed"), /[\d.]+ blocks a minute · about \d+ (h|min).* left/);
  assert.match(await pace("finished"), /Took 3 h|Took \d+ min/);
  assert.match(await pace("pending"), /Not started/);
});

test("steps and statuses can be switched off", async (t) => {
  const { layer, items } = makeLayer(t, { size: 12, progress: "every" });
  const states = expectedStates(items);
  const page = await openMap(t, writeMap(layer));
  const count = () => page.evaluate(() => window.layerMap.layer.drawn.items.length);
  await page.uncheck("#steps label:nth-of-type(2) input");
  await drawn(page);
  assert.equal(await count(), items.filter((item) => item.step !== 2).length);
  await page.check("#steps label:nth-of-type(2) input");
  await page.uncheck("#states label:nth-of-type(4) input");
  await drawn(page);
  assert.equal(await count(), states.filter((state) => state !== "failed").length);

  const failed = items.find((item) => item.status === "error");
  const [[x, y]] = await onScreen(page, [centerOf(failed)]);
  assert.ok(difference((await screenPixels(page)).at(x, y), [238, 241, 244]) <= 1, "nothing is drawn there");
});

test("switches work far out, too", async (t) => {
  const { layer, items } = makeLayer(t, { size: 100 });
  const page = await openMap(t, writeMap(layer));
  const [[x, y]] = await onScreen(page, [centerOf(items.find((item) => item.step === 1 && item.x > 30 && item.y > 30))]);
  const before = (await screenPixels(page)).at(x, y);
  await page.uncheck("#steps label:nth-of-type(1) input");
  await drawn(page);
  const after = (await screenPixels(page)).at(x, y);
  assert.ok(difference(before, [238, 241, 244]) > 20);
  assert.ok(difference(after, [238, 241, 244]) <= 1, `${after}`);
});

test("the search box flies to a quadrant and tells of its block", async (t) => {
  const { layer } = makeLayer(t, { size: 100 });
  const page = await openMap(t, writeMap(layer), { reducedMotion: "reduce" });
  await page.keyboard.press("/");
  await page.keyboard.type("97, 96");
  await page.keyboard.press("Enter");
  await drawn(page);
  assert.match(await page.innerText("#details h2"), /at \(9[67], 96\)/);
  const [[x, y]] = await onScreen(page, [gridCorner(97.5, 96.5)]);
  assert.ok(Math.abs(x - 640) < 150 && Math.abs(y - 400) < 150, `${x}, ${y}`);

  const search = async (text) => {
    await page.fill("#search input", text);
    await page.keyboard.press("Enter");
    return page.innerText("#search-answer");
  };
  assert.match(await search("100,3"), /not in the plan, which spans 0,0 to 99,99/);
  assert.match(await search("somewhere"), /x,y/);
  assert.equal(await search("(0,0)"), "");
});

test("flying there without haste ends there, too", async (t) => {
  const { layer } = makeLayer(t, { size: 100 });
  const page = await openMap(t, writeMap(layer));
  await page.fill("#search input", "3,98");
  const landed = page.evaluate(() => new Promise((resolve) => window.layerMap.map.once("moveend", resolve)).then(() => true));
  await page.click("#search button:first-of-type");
  await landed;
  const [[x, y]] = await onScreen(page, [gridCorner(3.5, 98.5)]);
  assert.ok(Math.abs(x - 640) < 150 && Math.abs(y - 400) < 150, `${x}, ${y}`);
});

test("the view is in the address", async (t) => {
  const { layer } = makeLayer(t, { size: 30 });
  const url = writeMap(layer);
  const page = await openMap(t, url);
  await moveTo(page, gridCorner(20, 10), 17);
  const address = page.url();
  assert.match(address, /#17\/40\.\d+\/-73\.\d+$/);
  const again = await openMap(t, address);
  const center = await again.evaluate(() => window.layerMap.map.getCenter());
  const [lat, lng] = gridCorner(20, 10);
  assert.ok(Math.abs(center.lat - lat) < 1e-5 && Math.abs(center.lng - lng) < 1e-5);
  await again.click("#fit");
  await again.waitForFunction((old) => location.href !== old, address);
});

test("the map is moved and zoomed with the keyboard", async (t) => {
  const { layer } = makeLayer(t, { size: 9 });
  const page = await openMap(t, writeMap(layer));
  const zoom = () => page.evaluate(() => window.layerMap.map.getZoom());
  const before = await zoom();
  await page.focus("#map");
  const moved = page.evaluate(() => new Promise((resolve) => window.layerMap.map.once("zoomend", resolve)).then(() => true));
  await page.keyboard.press("+");
  await moved;
  assert.ok(await zoom() > before);
});

test("on a phone the map comes first and everything can be reached", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "every" });
  const page = await openMap(t, writeMap(layer), { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const panel = await page.locator("#panel").boundingBox();
  assert.ok(panel.height < 844 / 4, `the panel takes ${panel.height}`);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  const [[x, y]] = await onScreen(page, [centerOf(items.find((item) => item.x === 3 && item.y === 3))]);
  await page.touchscreen.tap(x, y);
  assert.equal(await page.locator("#details").isVisible(), true);
  await page.tap("#panel summary");
  await page.locator("#fit").scrollIntoViewIfNeeded();
  await page.tap("#fit");
});
