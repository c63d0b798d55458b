// What the map is worked with: views, lists, one by one, the address, a run that is dead.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { drawn, heldTiles, moveTo, openMap, openPage, settled } from "./support/browser.js";
import { gridCorner, onScreen } from "./support/geometry.js";
import { expectedStates, LEAFLET, makeLayer, scratchDirectory, writeMap } from "./support/layers.js";
import { difference, isLike, screenPixels } from "./support/pixels.js";
import { serveMap } from "./support/server.js";

const GROUND = [238, 241, 244];
const NO_SEED = { content: ".seed { display: none !important; }" };
const centerOf = (item) => gridCorner(item.x + item.width / 2, item.y + item.height / 2);

test("far out a finished block is its picture, and without pictures one strong tone; a pending one is pale", async (t) => {
  const { layer, items } = makeLayer(t, { size: 70, progress: "mixed", picture_px: 16 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  assert.equal(await page.evaluate(() => window.layerMap.layer.drawn.as), "image");
  const places = await onScreen(page, items.map(centerOf));
  const distance = (pixels, status) => {
    const far = items.map((item, i) => (item.status === status ? difference(pixels.at(...places[i]), GROUND) : null));
    const known = far.filter((one) => one !== null).sort((a, b) => a - b);
    return known[known.length >> 1];
  };
  const withPictures = await screenPixels(page);
  assert.ok(distance(withPictures, "pending") < 70, "pending is pale");
  await page.locator("#fade").fill("0");
  await drawn(page);
  const plan = await screenPixels(page);
  const tones = items.map((item, i) => [item, plan.at(...places[i])]).filter(([item]) => item.status === "complete");
  const one = tones.filter(([, color]) => isLike(color, tones[0][1], 6)).length;
  assert.ok(one > 0.9 * tones.length, `${one} of ${tones.length} complete blocks have one tone`);
  assert.ok(distance(plan, "complete") > 150 && distance(plan, "pending") < 70);
  const pictures = items.filter((item, i) => item.status === "complete" && difference(withPictures.at(...places[i]), plan.at(...places[i])) > 10);
  assert.ok(pictures.length > 0.9 * tones.length, "they are their pictures");
});

test("a picture is seen from afar before it has come", async (t) => {
  const { layer } = makeLayer(t, { size: 16, progress: "finished", picture_px: 256 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  // From now on nothing comes.
  await page.evaluate(() => (window.layerMap.layer.loader.loadMore = () => {}));
  await moveTo(page, gridCorner(8, 8), 19);
  const levels = await page.evaluate(() => [window.layerMap.layer.own.level, ...window.layerMap.layer.own.drawn.keys()].map(String));
  assert.equal(levels[0], "0");
  assert.ok(levels.length > 1 && !levels.slice(1).some((key) => key.startsWith("0/0/")), `${levels}`);
  const pixels = await screenPixels(page);
  const places = await onScreen(page, [[7.8, 7.9], [8.3, 8.2], [7.7, 8.2]].map(([x, y]) => gridCorner(x, y)));
  for (const place of places) assert.ok(difference(pixels.at(...place), [15, 118, 110]) > 12, `${pixels.at(...place)}`);
  const order = await page.evaluate(() => window.layerMap.layer.loader.waiting.map(({ turn, fromMiddle }) => [turn, fromMiddle]));
  assert.deepEqual(order, [...order].sort((a, b) => a[0] - b[0] || a[1] - b[1]), "from the middle outwards");
});

test("pictures of blocks that are switched off are not seen, and do not answer the pointer", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "finished", picture_px: 64 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  await page.uncheck("#steps label:nth-of-type(1) input");
  await settled(page);
  const pixels = await screenPixels(page);
  const places = await onScreen(page, items.map(centerOf));
  for (const [i, item] of items.entries()) {
    const isGround = difference(pixels.at(...places[i]), GROUND) <= 2;
    assert.equal(isGround, item.step === 1, JSON.stringify(item));
  }
  const hidden = items.findIndex((item) => item.step === 1 && item.x > 2);
  await page.mouse.click(...places[hidden]);
  assert.equal(await page.locator("#details").isVisible(), false);
});

test("pictures of blocks that are switched off are not seen far out, either", async (t) => {
  const { layer, items } = makeLayer(t, { size: 70, progress: "finished", picture_px: 16 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  await page.uncheck("#steps label:nth-of-type(2) input");
  await settled(page);
  const pixels = await screenPixels(page);
  const places = await onScreen(page, items.map(centerOf));
  const like = items.filter((item, i) => (difference(pixels.at(...places[i]), GROUND) <= 8) === (item.step === 2));
  assert.ok(like.length > 0.98 * items.length, `${like.length} of ${items.length}`);
});

test("upright, the map stands as it was drawn", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "finished", picture_px: 64 });
  const page = await openMap(t, writeMap(layer));
  await page.locator("#upright-row input").check();
  await page.click("#fit");
  await page.waitForFunction(() => !window.layerMap.map._animatingZoom);
  await page.waitForTimeout(400);
  await settled(page);
  const corner = (x, y) => page.evaluate(([x, y]) => {
    const { map, layer } = window.layerMap, { placement } = layer;
    const scale = 256 * 2 ** map.getZoom(), origin = map.getPixelBounds().min;
    return [placement.worldX(x, y) * scale - origin.x, placement.worldY(x, y) * scale - origin.y];
  }, [x, y]);
  const [a, b, c] = [await corner(2, 3), await corner(3, 3), await corner(2, 4)];
  assert.ok(Math.abs(a[1] - b[1]) < 0.01 && Math.abs(a[0] - c[0]) < 0.01, "sides are upright");
  assert.ok(Math.abs((b[0] - a[0]) - (c[1] - a[1])) < 0.01, "quadrants are square");
  // The card tells of the block under the pointer, and the address remembers the view.
  const item = items.find(({ x, y }) => x === 3 && y === 3);
  await page.mouse.move((await corner(4, 4))[0], (await corner(4, 4))[1]);
  assert.match(await page.innerText("#details h2"), new RegExp(`${item.width}x${item.height} at \\(3, 3\\)`));
  assert.match(page.url(), /view=upright/);
  const again = await openMap(t, page.url());
  assert.equal(await again.locator("#upright-row input").isChecked(), true);
});

test("outlines lie thin on full pictures", async (t) => {
  const { layer } = makeLayer(t, { size: 5, progress: "finished", picture_px: 64 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  const [[x, y]] = await onScreen(page, [gridCorner(2, 2.5)]);
  const darkest = async () => {
    const pixels = await screenPixels(page);
    return Math.min(...[-2, -1, 0, 1, 2].map((dx) => Math.max(...pixels.at(x + dx, y))));
  };
  const before = await darkest();
  await page.locator("#outlines-row input").check();
  await settled(page);
  assert.ok((await darkest()) < before - 20, "a dark line");
  assert.match(page.url(), /outlines=1/);
});

test("a curtain parts the layer from what it is compared with", async (t) => {
  const other = makeLayer(t, { size: 6, progress: "finished", picture_px: 64, name: "Night", inverted: true }).layer;
  const { layer } = makeLayer(t, { size: 6, progress: "finished", picture_px: 64 });
  const page = await openMap(t, writeMap(layer, ["--leaflet-dir", LEAFLET, "--compare", other]));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  const [[x, y]] = await onScreen(page, [gridCorner(3.3, 3.3)]);
  const own = (await screenPixels(page)).at(x, y);
  await page.getByLabel("Compare with Night").check();
  await settled(page);
  const curtain = page.locator("#curtain");
  await curtain.focus();
  const colorAt = async () => (await screenPixels(page)).at(x, y);
  for (let step = 0; step < 30; step++) await page.keyboard.press("ArrowLeft");
  assert.ok(difference(await colorAt(), own) < 12, "on the right of the line is the layer");
  for (let step = 0; step < 60; step++) await page.keyboard.press("ArrowRight");
  assert.ok(difference((await colorAt()).map((channel) => 255 - channel), own) < 40, "on the left is the other");
  assert.match(page.url(), /curtain=1\.000/);
});

test("what failed is listed by message, and gone through one by one", async (t) => {
  const { layer, items } = makeLayer(t, { size: 12, progress: "every" });
  const page = await openMap(t, writeMap(layer), { reducedMotion: "reduce" });
  const failed = items.filter((item) => item.status === "error");
  assert.match(await page.innerText("#failures summary"), new RegExp(`^${failed.length} failed, for`));
  await page.click("#failures summary");
  assert.match(await page.innerText("#failures code"), /^generate_full_map_layer --layer-dir .*test --retry-errors$/);
  // The messages differ in their blocks, which do not count, and in the endpoint.
  const endpoints = new Set(items.flatMap((item, i) => (item.status === "error" ? [i % 4] : [])));
  assert.equal(await page.locator("#failures li").count(), endpoints.size);
  assert.match(await page.innerText("#failures li p >> nth=0"), /HTTP 500 from gpu-\d/);
  await page.click("#states label:nth-of-type(4) .count");
  const seen = new Set();
  for (const _ of failed) {
    assert.match(await page.innerText("#tour span"), new RegExp(`of ${failed.length} Failed`));
    seen.add(await page.innerText("#details h2"));
    await page.keyboard.press("n");
  }
  assert.equal(seen.size, failed.length);
  await page.keyboard.press("p");
  assert.match(await page.innerText("#tour span"), new RegExp(`^${failed.length} of `));
  assert.match(await page.innerText("#details"), /--retry-errors/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#tour").isVisible(), false);
});

test("a waiting block names the failed one that it waits for, and leads there", async (t) => {
  const { layer, items } = makeLayer(t, { size: 12, progress: "every" });
  const states = expectedStates(items);
  const page = await openMap(t, writeMap(layer), { reducedMotion: "reduce" });
  const waiting = items[states.indexOf("waiting")];
  await page.fill("#search input", `${waiting.x},${waiting.y}`);
  await page.keyboard.press("Enter");
  const way = page.locator("#details .way").first();
  const named = (await way.innerText()).match(/at \((-?\d+), (-?\d+)\), which failed/);
  const failed = items.find(({ x, y }) => x === Number(named[1]) && y === Number(named[2]));
  assert.equal(failed.status, "error");
  await way.click();
  assert.equal(await page.innerText("#details h2"), `${failed.width}x${failed.height} at (${failed.x}, ${failed.y})`);
});

test("a chosen block's card stays wherever the pointer is, and its text can be marked", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "every" });
  const page = await openMap(t, writeMap(layer));
  const places = await onScreen(page, items.map(centerOf));
  const [first, second] = [items.findIndex(({ x, y }) => x === 3 && y === 3), items.findIndex(({ x, y }) => x === 6 && y === 0)];
  await page.mouse.click(...places[first]);
  const title = await page.innerText("#details h2");
  await page.mouse.move(...places[second]);
  assert.equal(await page.innerText("#details h2"), title);
  const box = await page.locator("#details h2").boundingBox();
  await page.mouse.dblclick(box.x + 8, box.y + box.height / 2);
  assert.ok((await page.evaluate(() => String(getSelection()))).length > 0, "text is marked");
  assert.equal(await page.innerText("#details h2"), title, "and the map behind it is not clicked");
});

test("everything that is looked at is in the address", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "every" });
  const page = await openMap(t, writeMap(layer), { reducedMotion: "reduce" });
  const item = items.find(({ x, y }) => x === 3 && y === 3);
  await page.fill("#search input", "3,3");
  await page.keyboard.press("Enter");
  await page.uncheck("#steps label:nth-of-type(2) input");
  await page.uncheck("#states label:nth-of-type(1) input");
  await page.locator("#fade").fill("40");
  await page.waitForTimeout(400);
  const again = await openMap(t, page.url());
  assert.equal(await again.inputValue("#search input"), "3,3");
  assert.equal(await again.innerText("#details h2"), `${item.width}x${item.height} at (3, 3)`);
  assert.equal(await again.isChecked("#steps label:nth-of-type(2) input"), false);
  assert.equal(await again.isChecked("#states label:nth-of-type(1) input"), false);
  assert.equal(await again.inputValue("#fade"), "40");
  const centers = await Promise.all([page, again].map((one) => one.evaluate(() => window.layerMap.map.getCenter())));
  assert.ok(Math.abs(centers[0].lat - centers[1].lat) < 1e-5);
});

test("the worst edges are listed, and a click flies there", async (t) => {
  const { layer } = makeLayer(t, { size: 12, progress: "finished", picture_px: 16 });
  const page = await openMap(t, writeMap(layer), { reducedMotion: "reduce" });
  await page.click("#edges summary");
  const steps = (await page.locator("#edges li").allInnerTexts()).map(parseFloat);
  assert.ok(steps.length > 20 && steps.every((step, i) => i === 0 || step <= steps[i - 1]), `${steps}`);
  await page.click("#edges li:nth-child(3) button");
  await drawn(page);
  assert.match(await page.innerText("#tour span"), /^3 of \d+ edges/);
  const line = await page.locator("path.edge").boundingBox();
  assert.ok(Math.abs(line.x + line.width / 2 - 640) < 200 && Math.abs(line.y + line.height / 2 - 400) < 200, JSON.stringify(line));
});

test("a run is alive by its lock, and told as dead without", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "every" });
  const dead = await openMap(t, writeMap(layer));
  const running = items.filter((item) => item.status === "in_progress").length;
  assert.match(await dead.innerText("#run"), new RegExp(`The run is dead.* ${running} blocks were left under way`));
  assert.match(await dead.innerText("#states label:nth-of-type(2)"), /dead run/);
  const holder = spawn("flock", [path.join(layer, "run.lock"), "sleep", "60"]);
  t.after(() => holder.kill());
  await new Promise((resolve) => setTimeout(resolve, 500));
  const alive = await openMap(t, writeMap(layer));
  assert.match(await alive.innerText("#run"), /A run is under way.*Last finished: /);
  assert.match(await alive.title(), /^\d+ % · Winter$/);
  await alive.click("#endpoints summary");
  const rows = await alive.locator("#endpoints tbody tr").allInnerTexts();
  assert.equal(rows.length, 4);
  for (const row of rows) assert.match(row, /^gpu-\d\s+\d+\s+\d+\s+(6\.2 s|–)$/);
  const complete = items.filter((item) => item.status === "complete").length;
  assert.equal(await alive.innerText("#endpoints p"), `Spent: ${(complete / 4).toFixed(2)} USD`);
});

test("on a phone the pictures are those of its pixels", async (t) => {
  const { layer } = makeLayer(t, { size: 9, progress: "finished", picture_px: 128 });
  const levelAt = async (deviceScaleFactor) => {
    const page = await openMap(t, writeMap(layer), { viewport: { width: 390, height: 844 }, deviceScaleFactor, isMobile: true, hasTouch: true });
    await settled(page);
    assert.ok((await heldTiles(page)).length > 0);
    return page.evaluate(() => window.layerMap.layer.own.level);
  };
  const [coarse, fine] = [await levelAt(1), await levelAt(3)];
  assert.ok(fine < coarse, `${fine} and ${coarse}`);
});

test("a network that hangs shows the numbers at once and says what is missing", async (t) => {
  const { layer } = makeLayer(t, { size: 9, progress: "mixed" });
  const page = await openPage(t, "about:blank", { allow: [/ERR_/] });
  // Requests for Leaflet are never answered.
  await page.route("https://unpkg.com/**", () => {});
  await page.goto(writeMap(layer, []), { waitUntil: "commit" });
  await page.waitForFunction(() => document.getElementById("percent")?.textContent.endsWith(" %"), null, { timeout: 2000 });
  assert.equal(await page.locator("#no-leaflet").isVisible(), false);
  await page.waitForSelector("#no-leaflet:not([hidden])", { timeout: 7000 });
});

test("a page that was copied without its pictures says so", async (t) => {
  const { layer } = makeLayer(t, { size: 9, progress: "finished", picture_px: 64 });
  writeMap(layer);
  const moved = path.join(scratchDirectory(t), "map.html");
  copyFileSync(path.join(layer, "debug_map.html"), moved);
  const page = await openMap(t, pathToFileURL(moved).href, { allow: [/ERR_FILE_NOT_FOUND/] });
  await moveTo(page, gridCorner(4, 4), 18);
  await page.waitForSelector("#no-pictures:not([hidden])");
});

test("labels can be read and what has the focus is seen, on a light page and on a dark one", async (t) => {
  const { layer } = makeLayer(t, { size: 9, progress: "every" });
  const url = writeMap(layer);
  for (const colorScheme of ["light", "dark"]) {
    const page = await openMap(t, url, { colorScheme });
    await page.uncheck("#steps label:nth-of-type(2) input");
    const poor = await page.evaluate(() => {
      const channels = (color) => color.match(/[\d.]+/g).map(Number);
      const luminance = ([red, green, blue]) => {
        const [r, g, b] = [red, green, blue].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const paper = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const color = channels(getComputedStyle(at).backgroundColor);
          if (color.length === 3 || color[3] === 1) return color;
        }
        return [255, 255, 255];
      };
      const texts = [...document.querySelectorAll("#panel *")].filter((element) =>
        element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
      return texts.filter((element) => {
        const [a, b] = [channels(getComputedStyle(element).color), paper(element)].map(luminance).sort((a, b) => b - a);
        return (a + 0.05) / (b + 0.05) < 4.5;
      }).map((element) => `${element.tagName} ${element.className} ${element.textContent}`);
    });
    assert.deepEqual(poor, [], colorScheme);
    for (const selector of ["#map", "#fade", "#search input", "#fit"]) {
      await page.keyboard.press("Tab");
      await page.focus(selector);
      const { style, width } = await page.evaluate((selector) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.querySelector(selector));
        return { style: outlineStyle, width: parseFloat(outlineWidth) };
      }, selector);
      assert.ok(style !== "none" && width >= 1, `${selector}: ${style} ${width}`);
    }
  }
});

test("a failed block shows the best of its answers, and the command that takes it", async (t) => {
  const { layer, items } = makeLayer(t, { size: 9, progress: "every", picture_px: 64 });
  const [failed, other] = items.filter((item) => item.status === "error");
  const block = path.join(layer, "rejected", `${failed.x}_${failed.y}`, "3");
  mkdirSync(block, { recursive: true });
  const some = readdirSync(path.join(layer, "generations")).find((name) => name.endsWith(".png"));
  const names = [];
  for (let dy = 0; dy < failed.height; dy++) {
    for (let dx = 0; dx < failed.width; dx++) names.push(`${failed.x + dx}_${failed.y + dy}.png`);
  }
  for (const name of names) copyFileSync(path.join(layer, "generations", some), path.join(block, name));
  const served = await serveMap(layer);
  for (const url of [writeMap(layer), served.url]) {
    const page = await openMap(t, url);
    const choose = (item) => page.evaluate(([x, y]) => {
      const { details, index } = window.layerMap;
      details.choose(index.itemAt(x, y));
    }, [item.x, item.y]);
    await choose(failed);
    const rejected = page.locator("#rejected");
    await rejected.waitFor({ state: "visible" });
    await page.waitForFunction(() => [...document.querySelectorAll("#rejected img")].every((image) => image.naturalWidth === 64));
    const shown = await page.evaluate(() => [...document.querySelectorAll("#rejected img")].map((image) => image.src));
    assert.deepEqual(shown.map((src) => src.slice(src.lastIndexOf("/") + 1)), names);
    assert.match(await rejected.innerText(), new RegExp(`--accept ${failed.x},${failed.y}$`));
    await choose(other);
    await rejected.waitFor({ state: "hidden" });
    await page.goto("about:blank");
  }
});
