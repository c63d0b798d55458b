// A real browser, in which an error on the console fails the test.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after } from "node:test";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
let browser;

after(() => browser?.close());

/** Opens `url` in a page of its own and waits until the map is drawn. `options.allow` are
 *  patterns of console errors that the test brings about on purpose. */
export async function openMap(t, url, options = {}) {
  const page = await openPage(t, url, options);
  await page.waitForFunction(() => window.layerMap?.layer.drawn.times > 0);
  return page;
}

export async function openPage(t, url, { allow = [], offline = false, ...context } = {}) {
  assert.ok(existsSync(CHROMIUM), `there is no browser at ${CHROMIUM}; CHROMIUM names another`);
  browser ??= await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: process.getuid() !== 0 });
  const opened = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
  await opened.setOffline(offline);
  const page = await opened.newPage();
  const errors = [];
  const add = (text) => allow.some((pattern) => pattern.test(text)) || errors.push(text);
  page.on("pageerror", (error) => add(String(error.stack)));
  page.on("console", (message) => message.type() === "error" && add(`${message.text()} ${message.location().url}`));
  t.after(async () => {
    await opened.close();
    assert.deepEqual(errors, [], "there are errors on the console");
  });
  await page.goto(url);
  return page;
}

/** Moves the map at once and waits until it is drawn there. */
export async function moveTo(page, center, zoom) {
  await page.evaluate(([center, zoom]) => {
    window.layerMap.map.setView(center, zoom, { animate: false });
  }, [center, zoom]);
  await drawn(page);
}

/** Waits until what was asked for is drawn, and shown. */
export async function drawn(page) {
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    await frame();
  });
}

/** Waits until every picture in sight has come, and is drawn. */
export async function settled(page) {
  await page.waitForFunction(() => {
    const { layer } = window.layerMap;
    return layer.loader.held.size > 0 && layer.isSettled();
  });
  await drawn(page);
}

/** The names of the tiles that are held, as `level/column_row`, of one level or of all. */
export function heldTiles(page, level = "") {
  return page.evaluate((level) => {
    const keys = [...window.layerMap.layer.loader.held.keys()].map((key) => key.slice(key.indexOf("/") + 1));
    return keys.filter((key) => key.startsWith(level));
  }, level === "" ? "" : `${level}/`);
}
