// Zoomed in, the finished pictures lie on the map.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { drawn, heldTiles, moveTo, openMap, settled } from "./support/browser.js";
import { gridCorner, onScreen } from "./support/geometry.js";
import { LEAFLET, makeLayer, program, writeMap } from "./support/layers.js";
import { difference, isLike, over, screenPixels } from "./support/pixels.js";

const PLAN_COLORS = [[255, 99, 71], [50, 205, 50], [30, 144, 255]].map((rgb) => over([238, 241, 244], rgb, 0.85));
const NO_SEED = { content: ".seed { display: none !important; }" };

test("each picture is warped to its quadrant", async (t) => {
  const { layer } = makeLayer(t, { size: 4, progress: "finished", picture_px: 64 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  const pixels = await screenPixels(page);
  // The pictures themselves, as the browser decodes them.
  const shares = [0.15, 0.4, 0.6, 0.85];
  for (let x = 0; x < 4; x++) {
    for (let y = 0; y < 4; y++) {
      const own = await page.evaluate(async ([name, shares]) => {
        const image = window.layerMap.layer.loader.held.get(name).bitmap;
        return [image.width, image.height];
      }, [`0/0/${x}_${y}`, shares]);
      assert.deepEqual(own, [64, 64]);
      const points = await onScreen(page, shares.flatMap((a) => shares.map((b) => gridCorner(x + a, y + b))));
      for (const point of points) {
        const color = pixels.at(...point);
        assert.ok(PLAN_COLORS.every((plan) => !isLike(color, plan)), `the fill shows in ${x}, ${y}`);
      }
    }
  }
  // The picture of the far quadrant, drawn straight, has the same colours at the same shares.
  const far = await pictureColors(page, layer, "3_3.png", shares);
  const seen = await onScreen(page, shares.flatMap((a) => shares.map((b) => gridCorner(3 + a, 3 + b))));
  const close = seen.filter((point, i) => difference(pixels.at(...point), far[i]) < 40).length;
  assert.ok(close >= seen.length - 3, `${close} of ${seen.length} colours agree`);
});

/** The colours of a picture file at shares of its width and height. */
async function pictureColors(page, layer, name, shares) {
  const straight = await page.context().newPage();
  await straight.goto(pathToFileURL(path.join(layer, "generations", name)).href);
  await straight.evaluate(() => {
    const image = document.querySelector("img");
    image.style.cssText = "position:fixed;left:0;top:0;width:400px;height:400px;cursor:default";
  });
  const pixels = await screenPixels(straight);
  const colors = shares.flatMap((a) => shares.map((b) => pixels.at(400 * a, 400 * b)));
  await straight.close();
  return colors;
}

test("the slider fades from the plan to the layer", async (t) => {
  const { layer } = makeLayer(t, { size: 4, progress: "finished", picture_px: 64 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  const [[x, y]] = await onScreen(page, [gridCorner(0.4, 0.6)]);
  const colorAt = async (share) => {
    await page.locator("#fade").fill(String(share));
    await drawn(page);
    return (await screenPixels(page)).at(x, y);
  };
  const layerColor = await colorAt(100), planColor = await colorAt(0);
  assert.ok(isLike(planColor, PLAN_COLORS[0]), `${planColor}`);
  assert.ok(!isLike(layerColor, PLAN_COLORS[0], 20), `${layerColor}`);
  const middle = await colorAt(50);
  assert.ok(!isLike(middle, planColor) && !isLike(middle, layerColor), `${middle}`);
});

test("only what is in sight is loaded, at the size in which it is seen", async (t) => {
  const { layer } = makeLayer(t, { size: 30, progress: "finished", picture_px: 128 });
  const page = await openMap(t, writeMap(layer));
  await settled(page);
  const levels = new Set((await heldTiles(page)).map((tile) => tile.split("/")[0]));
  assert.ok(!levels.has("0"), `far out there are overviews, not ${[...levels]}`);
  const requested = [];
  page.on("request", (request) => requested.push(request.url()));
  await moveTo(page, gridCorner(15, 15), 18);
  await settled(page);
  assert.ok(requested.length > 4 && requested.length < 150, `${requested.length} were asked for`);
  assert.ok(requested.some((url) => url.endsWith("/15_15.png")));
});

test("a picture that is not there is not asked for, and its block keeps its fill", async (t) => {
  const { layer } = makeLayer(t, { size: 4, progress: "finished", picture_px: 64 });
  rmSync(path.join(layer, "generations", "0_0.png"));
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag(NO_SEED);
  await settled(page);
  const [point] = await onScreen(page, [gridCorner(0.4, 0.6)]);
  assert.ok(isLike((await screenPixels(page)).at(...point), PLAN_COLORS[0]));
});

test("pictures are found from wherever the page was written", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 4, progress: "finished", picture_px: 64 });
  const output = path.join(directory, "a #1 & b", "map.html");
  mkdirSync(path.dirname(output));
  execFileSync(program("debug_generate_full_map_layer"), ["--layer-dir", layer, "--output", output, "--leaflet-dir", LEAFLET]);
  const page = await openMap(t, pathToFileURL(output).href);
  await settled(page);
  assert.equal((await heldTiles(page, 0)).length, 16);
});

test("few pictures are held, however many were seen", async (t) => {
  const { layer } = makeLayer(t, { size: 12, progress: "finished", picture_px: 128 });
  const page = await openMap(t, writeMap(layer));
  await page.evaluate(() => {
    const { loader } = window.layerMap.layer;
    loader.setScreen = () => (loader.maxBytes = 1_000_000);
    loader.setScreen();
  });
  for (let at = 1; at < 12; at += 2) {
    await moveTo(page, gridCorner(at, at), 19);
    await settled(page);
  }
  const { bytes, held } = await page.evaluate(() => {
    const { bytes, held } = window.layerMap.layer.loader;
    return { bytes, held: [...held.values()].reduce((sum, { bitmap }) => sum + bitmap.width * bitmap.height * 4, 0) };
  });
  assert.equal(bytes, held);
  assert.ok(bytes <= 1_000_000, `${bytes}`);
});
