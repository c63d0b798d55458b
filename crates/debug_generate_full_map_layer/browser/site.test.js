// A published site: the page to look at, and a stock viewer of Deep Zoom Images.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { heldTiles, moveTo, openMap, openPage, settled } from "./support/browser.js";
import { gridCorner, onScreen } from "./support/geometry.js";
import { LEAFLET, makeLayer, program, scratchDirectory } from "./support/layers.js";
import { difference, screenPixels } from "./support/pixels.js";
import { serveFiles } from "./support/site.js";

const OPENSEADRAGON = fileURLToPath(new URL("node_modules/openseadragon/build/openseadragon/openseadragon.min.js", import.meta.url));

function publish(layer, site, ...flags) {
  execFileSync(program("debug_generate_full_map_layer"), ["--layer-dir", layer, "--publish", site, "--leaflet-dir", LEAFLET, ...flags]);
}

test("a site shows the map from afar and near, and asks for nothing that is not there", async (t) => {
  const site = scratchDirectory(t);
  publish(makeLayer(t, { size: 12, progress: "mixed", picture_px: 64 }).layer, site);
  const { url, asked, missing } = await serveFiles(t, site);
  const page = await openMap(t, url);
  await settled(page);
  for (const zoom of [13, 15, 16.5, 18, 20]) {
    await moveTo(page, gridCorner(6, 6), zoom);
    await settled(page);
  }
  assert.deepEqual(missing, []);
  assert.ok(asked.some((path) => /winter_files\/10\/\d+_\d+\.png\?\w+$/.test(path)), `${asked}`);
  assert.equal(await page.innerText("h1"), "Winter");
});

test("a site can be opened as a file, too", async (t) => {
  const site = scratchDirectory(t);
  publish(makeLayer(t, { size: 6, progress: "finished", picture_px: 64 }).layer, site, "--webp");
  const page = await openMap(t, pathToFileURL(path.join(site, "index.html")).href, { offline: true });
  await settled(page);
  assert.ok((await heldTiles(page)).length > 0);
});

test("two layers lie beside each other with a curtain, and either can be looked at", async (t) => {
  const site = scratchDirectory(t);
  publish(makeLayer(t, { size: 6, progress: "finished", picture_px: 64, name: "Night" }).layer, site);
  publish(makeLayer(t, { size: 6, progress: "finished", picture_px: 64, name: "Snow", inverted: true }).layer, site);
  const page = await openMap(t, pathToFileURL(path.join(site, "index.html")).href);
  await page.locator("#curtain-row input").check();
  await settled(page);
  const colorAt = async (share) => {
    // A place in the middle of a quadrant that the curtain does not lie over.
    const [[x, y]] = await onScreen(page, [gridCorner(3.3, 3.3)]);
    await page.evaluate((share) => {
      const line = document.getElementById("curtain");
      const box = document.getElementById("map").getBoundingClientRect();
      const at = (type, x) => line.dispatchEvent(new PointerEvent(type, { clientX: x, pointerId: 1, bubbles: true }));
      line.setPointerCapture = () => {};
      at("pointerdown", 0);
      at("pointermove", box.width * share);
      at("pointerup", box.width * share);
    }, share);
    await settled(page);
    return (await screenPixels(page)).at(x, y);
  };
  const right = await colorAt(0.02), left = await colorAt(0.98);
  assert.ok(difference(right.map((channel) => 255 - channel), left) < 40, `${right} and ${left}`);
  assert.match(page.url(), /curtain=0\.980/);

  await page.locator("#layers input").nth(1).check();
  await settled(page);
  assert.equal(await page.innerText("h1"), "Snow");
  assert.ok(difference(await colorAt(0.02), left) < 40, "the other layer is shown");
});

test("a stock viewer opens the Deep Zoom Image", async (t) => {
  const site = scratchDirectory(t);
  const { layer } = makeLayer(t, { size: 5, progress: "finished", picture_px: 64 });
  publish(layer, site);
  copyFileSync(OPENSEADRAGON, path.join(site, "openseadragon.js"));
  writeFileSync(path.join(site, "viewer.html"), `<!doctype html><link rel="icon" href="data:,">
    <div id="viewer" style="width:640px;height:640px"></div><script src="openseadragon.js"></script>
    <script>
      window.failed = [];
      window.viewer = OpenSeadragon({ id: "viewer", tileSources: "winter.dzi", showNavigationControl: false, immediateRender: true, animationTime: 0 });
      viewer.addHandler("tile-load-failed", (event) => failed.push(event.tile.cacheKey));
      viewer.addHandler("open-failed", (event) => failed.push(event.message));
    </script>`);
  const { url, missing } = await serveFiles(t, site);
  const page = await openPage(t, `${url}viewer.html`);
  await page.waitForFunction(() => window.viewer?.world.getItemAt(0)?.getFullyLoaded());
  const size = await page.evaluate(() => {
    const { x, y } = window.viewer.world.getItemAt(0).getContentSize();
    return [x, y];
  });
  assert.deepEqual(size, [320, 320]);
  await page.evaluate(() => window.viewer.viewport.zoomTo(4, null, true));
  await page.waitForTimeout(300);
  await page.waitForFunction(() => window.viewer.world.getItemAt(0).getFullyLoaded());
  assert.deepEqual(await page.evaluate(() => window.failed), []);
  assert.deepEqual(missing, []);
});
