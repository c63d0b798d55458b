// The map that ships with the project, made into a layer by the real programs.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { openMap, settled } from "./support/browser.js";
import { ROOT, program, writeMap } from "./support/layers.js";
import { isLike, screenPixels } from "./support/pixels.js";
import { serveMap } from "./support/server.js";

const scratch = mkdtempSync(path.join(tmpdir(), "map-fixture-"));
after(() => rmSync(scratch, { recursive: true }));

function initLayer(name) {
  const layer = path.join(scratch, "layers", name);
  execFileSync(program("init_layer"), [
    "--name", name, "--generation-dir", path.join(ROOT, "fixtures", "tiny-city"),
    "--model-endpoints", path.join(ROOT, "fixtures", "model_endpoints.json"), "--output", layer,
  ]);
  return layer;
}

function generate(layer) {
  return new Promise((resolve, reject) =>
    execFile(program("generate_full_map_layer"), ["--layer-dir", layer], (error) => (error ? reject(error) : resolve())));
}

test("a real run is followed from 0 to 100 %, and its pictures appear", async (t) => {
  const layer = initLayer("followed");
  const { url } = await serveMap(layer);
  const page = await openMap(t, url);
  const count = await page.evaluate(() => window.layerMap.plan.count);
  assert.equal(await page.innerText("#percent"), "0 %");
  assert.equal(await page.evaluate(() => window.layerMap.layer.drawn.items.length), count);
  await page.waitForSelector('#freshness[data-kind="live"]');
  await generate(layer);
  await page.waitForFunction(() => document.getElementById("percent").textContent === "100 %");
  const quadrants = readdirSync(path.join(layer, "generations")).filter((name) => /^-?\d+_-?\d+\.png$/.test(name)).length;
  await page.waitForFunction((quadrants) => {
    const { layer, own } = window.layerMap;
    // Those that are held, and those that are seen from afar.
    return own.levels[own.top].size === 1 && layer.isSettled() && own.levels[1].size >= quadrants / 4;
  }, quadrants);
  assert.match(await page.innerText("#pace"), /^Took /);
});

test("no seam of the map shows between the pictures", async (t) => {
  const layer = initLayer("drawn");
  await generate(layer);
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag({ content: ".seed { display: none !important; }" });
  await settled(page);
  // A ground of a colour that no picture has.
  await page.addStyleTag({ content: "#map { background: #ff00ff !important; }" });
  await page.waitForFunction(() => !window.layerMap.layer.pending);
  const edges = await page.evaluate(() => {
    const { map, plan, index, geometry } = window.layerMap;
    const points = [];
    for (let item = 0; item < plan.count; item++) {
      const x = plan.x[item], y = plan.y[item];
      for (const share of [0.2, 0.4, 0.6, 0.8]) {
        // The left side of its first quadrant, where another one is on the left.
        if (index.itemAt(x - 1, y) < 0) continue;
        const { x: left, y: top } = map.latLngToContainerPoint([geometry.latAt(x, y + share), geometry.lngAt(x, y + share)]);
        points.push([left, top]);
      }
    }
    return points;
  });
  assert.ok(edges.length > 20);
  const pixels = await screenPixels(page);
  for (const [x, y] of edges) {
    for (const dx of [-1, 0, 1]) {
      const [red, green, blue] = pixels.at(x + dx, y);
      assert.ok(!(red > green + 60 && blue > green + 60), `the ground shines through at ${x + dx}, ${y}: ${[red, green, blue]}`);
      assert.ok(!isLike([red, green, blue], [255, 0, 255], 60));
    }
  }
});
