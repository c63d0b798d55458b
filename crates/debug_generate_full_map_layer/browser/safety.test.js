// Hostile names, no network, no Leaflet.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { openMap, openPage } from "./support/browser.js";
import { LEAFLET, makeLayer, program, writeMap } from "./support/layers.js";

const NAME = `</script><img onerror="window.hacked=1" src=x>{{ name }}<!-- & 'quoted' \u2028`;

test("a layer's name is text and nothing else", async (t) => {
  const { layer } = makeLayer(t, { size: 4, name: NAME });
  const page = await openMap(t, writeMap(layer));
  assert.equal(await page.textContent("h1"), NAME);
  assert.ok((await page.title()).startsWith("0 % · </script><img"));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("img[onerror]").count(), 0);
});

test("a page with Leaflet in it is one file that needs no network", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 9 });
  writeMap(layer);
  const moved = path.join(directory, "elsewhere.html");
  renameSync(path.join(layer, "debug_map.html"), moved);
  const requests = [];
  const page = await openMap(t, pathToFileURL(moved).href, { offline: true });
  page.on("request", (request) => requests.push(request.url()));
  await page.reload();
  await page.waitForFunction(() => window.layerMap?.layer.drawn.items.length > 0);
  assert.deepEqual(requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:")), []);
});

test("tiles that cannot be reached take nothing away", async (t) => {
  const { layer } = makeLayer(t, { size: 9 });
  const url = writeMap(layer, ["--leaflet-dir", LEAFLET, "--tiles", "http://127.0.0.1:9/{z}/{x}/{y}.png"]);
  const page = await openMap(t, url, { allow: [/ERR_CONNECTION_REFUSED|ERR_UNSAFE_PORT/] });
  await page.waitForFunction(() => document.querySelector("#base-map-row").textContent.includes("cannot be reached"));
  assert.ok(await page.evaluate(() => window.layerMap.layer.drawn.items.length > 0));
});

test("a page that cannot load Leaflet says so", async (t) => {
  const { layer } = makeLayer(t, { size: 4 });
  const url = writeMap(layer, []);
  const html = readFileSync(new URL(url), "utf8");
  assert.match(html, /unpkg\.com\/leaflet@1\.9\.4\/dist\/leaflet\.js", "integrity": "sha256-/);
  const page = await openPage(t, url, { offline: true, allow: [/ERR_INTERNET_DISCONNECTED/] });
  await page.waitForSelector("#no-leaflet:not([hidden])");
  assert.match(await page.innerText("#no-leaflet"), /unpkg\.com.*--leaflet-dir/s);
});

test("the hashes that the page asks for are those of Leaflet's files", async (t) => {
  const { layer } = makeLayer(t, { size: 4 });
  const url = writeMap(layer, []);
  const page = await openPage(t, "about:blank");
  const served = [];
  // The network's part is played by the files that npm brought, which the browser checks.
  await page.route("https://unpkg.com/leaflet@1.9.4/dist/*", (route) => {
    const name = route.request().url().split("/").pop();
    served.push(name);
    const file = path.join(LEAFLET, "dist", name);
    return route.fulfill({ path: file, headers: { "access-control-allow-origin": "*" } });
  });
  await page.route("https://*.basemaps.cartocdn.com/**", (route) =>
    route.fulfill({ status: 200, contentType: "image/svg+xml", body: '<svg xmlns="http://www.w3.org/2000/svg"/>' }));
  await page.goto(url);
  await page.waitForFunction(() => window.layerMap?.layer.drawn.times > 0);
  assert.deepEqual(served.sort(), ["leaflet.css", "leaflet.js"]);
  assert.match(await page.innerText(".leaflet-control-attribution"), /OpenStreetMap/);
});

test("another file in Leaflet's place is refused by the browser", async (t) => {
  const { layer } = makeLayer(t, { size: 4 });
  const url = writeMap(layer, []);
  const page = await openPage(t, "about:blank", { allow: [/integrity/] });
  await page.route("https://unpkg.com/**", (route) =>
    route.fulfill({ body: "window.hacked = 1", contentType: "text/javascript", headers: { "access-control-allow-origin": "*" } }));
  await page.goto(url);
  await page.waitForSelector("#no-leaflet:not([hidden])");
  assert.equal(await page.evaluate(() => window.hacked), undefined);
});

test("an outline is drawn", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 9 });
  const outline = path.join(directory, "outline.geojson");
  const ring = [[-73.99, 40.73], [-73.97, 40.73], [-73.97, 40.75], [-73.99, 40.73]];
  writeFileSync(outline, JSON.stringify({ type: "Polygon", coordinates: [ring] }));
  const page = await openMap(t, writeMap(layer, ["--leaflet-dir", LEAFLET, "--boundary", outline]));
  assert.ok((await page.getAttribute("path.boundary", "d")).length > 10);
});

test("what cannot be drawn ends with status 2 and one line that says what to do", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 4 });
  const draw = (...flags) => {
    const { status, stderr, stdout } = spawnSync(program("debug_generate_full_map_layer"), flags, { encoding: "utf8" });
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    return stderr;
  };
  const files = readdirSync(layer);
  assert.match(draw("--layer-dir", path.join(directory, "nowhere")), /^error: .*layer_config\.json/);
  assert.match(draw("--layer-dir", layer, "--leaflet-dir", directory), /no leaflet\.js.*npm install/);
  assert.match(draw("--layer-dir", layer, "--tiles", "x"), /has no \{z\}/);
  assert.match(draw("--layer-dir", layer, "--boundary", path.join(layer, "progress.db")), /--boundary/);
  assert.match(draw("--layer-dir", layer, "--output", layer), /is a directory/);
  assert.match(draw("--layer-dir", layer, "--output", path.join(layer, "no", "map.html")), /no directory/);
  renameSync(path.join(directory, "source"), path.join(directory, "gone"));
  assert.match(draw("--layer-dir", layer), /cannot place the layer on the globe.*quadrants\.db/);
  renameSync(path.join(directory, "gone"), path.join(directory, "source"));
  assert.deepEqual(readdirSync(layer), files, "nothing is written");
});

test("the database is only read, and nothing is left beside it", async (t) => {
  const { layer } = makeLayer(t, { size: 9, progress: "mixed" });
  const before = readFileSync(path.join(layer, "progress.db"));
  const files = readdirSync(layer);
  writeMap(layer);
  const own = ["debug_map.html", "overviews"];
  assert.deepEqual(readdirSync(layer).filter((file) => !own.includes(file)), files);
  assert.ok(before.equals(readFileSync(path.join(layer, "progress.db"))));
  mkdirSync(path.join(layer, "out"));
  execFileSync(program("debug_generate_full_map_layer"), ["--layer_dir", layer, "--output", path.join(layer, "out", "map.html")]);
});
