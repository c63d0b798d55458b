// A page that follows a run.

import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { heldTiles, openMap } from "./support/browser.js";
import { gridCorner, onScreen } from "./support/geometry.js";
import { makeLayer, runOn } from "./support/layers.js";
import { isLike, over, screenPixels } from "./support/pixels.js";
import { serveMap } from "./support/server.js";

test("a run is followed from 0 to 100 %, without loading the page again", async (t) => {
  const { layer, directory, items } = makeLayer(t, { size: 9 });
  const { url } = await serveMap(layer);
  const page = await openMap(t, url);
  assert.equal(await page.innerText("#percent"), "0 %");
  await page.waitForSelector('#freshness[data-kind="live"]');
  await page.evaluate(() => (window.sameDocument = true));
  const seen = new Set();
  await page.exposeFunction("percentSeen", (text) => seen.add(text));
  await page.evaluate(() => {
    const element = document.getElementById("percent");
    new MutationObserver(() => window.percentSeen(element.textContent)).observe(element, { childList: true });
  });
  const sawRunning = page.waitForFunction(() => window.layerMap.plan.state.includes(1));
  const run = runOn(directory, 150);
  await sawRunning;
  await page.waitForFunction(() => document.getElementById("percent").textContent === "100 %");
  assert.equal(await run, 0);
  assert.ok(seen.size > 3, `the panel showed ${[...seen]}`);
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  assert.match(await page.innerText("#done"), new RegExp(`^${items.length} of ${items.length} `));
  assert.match(await page.innerText("#pace"), /Took/);

  const item = items[0];
  const [[x, y]] = await onScreen(page, [gridCorner(item.x + 1.4, item.y + 1.4)]);
  await page.waitForFunction(() => !window.layerMap.layer.pending);
  assert.ok(isLike((await screenPixels(page)).at(x, y), over([238, 241, 244], [255, 99, 71], 0.85)));
});

test("pictures appear while a run goes on", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 4, picture_px: 64 });
  const { url } = await serveMap(layer);
  const page = await openMap(t, url);
  await page.waitForSelector('#freshness[data-kind="live"]');
  await runOn(directory, 20, ["--picture-px", "64"]);
  await page.waitForFunction(() => window.layerMap.own.hasOverviews() && window.layerMap.layer.isSettled());
  assert.ok((await heldTiles(page)).length > 0);
});

test("a page that was away is told what it missed", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 9 });
  const { url } = await serveMap(layer);
  const page = await openMap(t, url, { allow: [/ERR_INTERNET_DISCONNECTED|ERR_NETWORK/] });
  await page.waitForSelector('#freshness[data-kind="live"]');
  await page.context().setOffline(true);
  await runOn(directory, 1);
  await page.context().setOffline(false);
  await page.waitForFunction(() => document.getElementById("percent").textContent === "100 %");
});

test("a page that is opened late shows how things stand", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 9 });
  const { url } = await serveMap(layer);
  await runOn(directory, 1);
  const page = await openMap(t, url);
  assert.equal(await page.innerText("#percent"), "100 %");
});

test("more tabs than a browser grants connections follow a run, and load pictures", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 4, picture_px: 64 });
  const { url } = await serveMap(layer);
  const pages = [await openMap(t, url)];
  while (pages.length < 8) {
    const page = await pages[0].context().newPage();
    await page.goto(url);
    pages.push(page);
  }
  await Promise.all(pages.map((page) => page.waitForSelector('#freshness[data-kind="live"]')));
  await runOn(directory, 20, ["--picture-px", "64"]);
  // A tab asks while it is in front.
  for (const page of pages) {
    await page.bringToFront();
    await page.waitForFunction(() => document.getElementById("percent").textContent === "100 %");
    await page.waitForFunction(() => {
      const { layer, own } = window.layerMap;
      return own.hasOverviews() && layer.loader.held.size > 0 && layer.isSettled();
    });
  }
});

test("a tab that is not seen asks nothing, and asks at once when it is seen again", async (t) => {
  const { layer, directory } = makeLayer(t, { size: 4 });
  const { url } = await serveMap(layer);
  const page = await openMap(t, url);
  await page.waitForSelector('#freshness[data-kind="live"]');
  const be = (state) => page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
  await be("hidden");
  // What was asked before is answered.
  await page.waitForTimeout(500);
  let asked = 0;
  page.on("request", (request) => (asked += request.url().includes("/changes/") ? 1 : 0));
  await runOn(directory, 1);
  await page.waitForTimeout(2500);
  assert.equal(asked, 0);
  assert.equal(await page.innerText("#percent"), "0 %");
  await be("visible");
  await page.waitForFunction(() => document.getElementById("percent").textContent === "100 %");
});

test("Ctrl-C ends the server with status 0, while pages are open", async (t) => {
  const { layer } = makeLayer(t, { size: 4 });
  const { url, server, ended } = await serveMap(layer);
  const page = await openMap(t, url, { allow: [/ERR_/] });
  await page.waitForSelector('#freshness[data-kind="live"]');
  server.kill("SIGINT");
  assert.equal(await ended, 0);
  await page.waitForSelector('#freshness[data-kind="lost"]');
});

function statusOf(url, path, headers = {}, method = "GET") {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers, method }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("nothing but the page, the pictures and the progress is served, and only under its own name", async (t) => {
  const { layer } = makeLayer(t, { size: 4, progress: "finished", picture_px: 16 });
  const { url } = await serveMap(layer);
  assert.equal(await statusOf(url, "/"), 200);
  assert.equal(await statusOf(url, "/generations/0_0.png"), 200);
  for (const path of [
    "/progress.db", "/layer_config.json", "/generations", "/generations/", "/generations/9_9.png",
    "/generations/..%2fprogress.db", "/generations/../progress.db", "/generations/%2e%2e/progress.db",
    "/generations//etc/passwd", "/generations/0_0.png%00", "/generations/+0_0.png", "/debug_map.html",
  ]) {
    assert.equal(await statusOf(url, path), 404, path);
  }
  assert.equal(await statusOf(url, "/", {}, "POST"), 405);
  assert.equal(await statusOf(url, "/", { host: "evil.example" }), 421);
  assert.equal(await statusOf(url, "/", { host: `evil.example:${new URL(url).port}` }), 421);
  assert.equal(await statusOf(url, "/", { host: `localhost:${new URL(url).port}` }), 200);
});
