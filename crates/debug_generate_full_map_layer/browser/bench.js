// What the map costs: size of the page, time and memory to write it, time until everything is
// drawn, frames while dragging and zooming.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { LAYER_MAKER, LEAFLET, program } from "./support/layers.js";

const SIZES = (process.argv[2] ?? "30,100,200,400").split(",").map(Number);
const TIMES_WRITTEN = 5;

const scratch = mkdtempSync(path.join(tmpdir(), "map-bench-"));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", chromiumSandbox: process.getuid() !== 0,
});
try {
  console.log("map        state       blocks  page KB  write s  memory MB  drawn s  drag frames/s  zoom frames/s");
  for (const size of SIZES) {
    for (const progress of ["pending", "mixed", "finished"]) await measure(size, progress);
  }
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true });
}

async function measure(size, progress) {
  const directory = path.join(scratch, `${size}-${progress}`);
  execFileSync(LAYER_MAKER, [directory, "--size", size, "--progress", progress]);
  const written = [];
  while (written.length < TIMES_WRITTEN) written.push(await write(path.join(directory, "layers", "test")));
  const best = (key) => Math.min(...written.map((one) => one[key]));
  const most = (key) => Math.max(...written.map((one) => one[key]));
  const seen = await look(pathToFileURL(written[0].page).href);
  const blocks = seen.blocks.toLocaleString("en");
  console.log([
    `${size}x${size}`.padEnd(10), progress.padEnd(9), blocks.padStart(8),
    (statSync(written[0].page).size / 1000).toFixed(0).padStart(8), best("seconds").toFixed(2).padStart(8),
    most("megabytes").toFixed(0).padStart(10), seen.drawnS.toFixed(2).padStart(8),
    rate(seen.drag).padStart(14), rate(seen.zoom).padStart(14),
  ].join(" "));
}

async function write(layer) {
  const began = performance.now();
  const map = spawn(program("debug_generate_full_map_layer"), ["--layer-dir", layer, "--leaflet-dir", LEAFLET]);
  let peakKb = 0;
  const note = setInterval(() => {
    // The highest that it ever was, so only the very last moments can be missed.
    const status = readFileSync(`/proc/${map.pid}/status`, { encoding: "utf8", flag: "r" });
    peakKb = Math.max(peakKb, Number(status.match(/VmHWM:\s*(\d+)/)?.[1] ?? 0));
  }, 2);
  const code = await new Promise((resolve) => map.on("exit", resolve));
  const seconds = (performance.now() - began) / 1000;
  clearInterval(note);
  if (code !== 0) throw new Error(`the map ended with ${code}`);
  return { page: path.join(layer, "debug_map.html"), seconds, megabytes: peakKb / 1024 };
}

async function look(url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(() => {
    const wait = () => {
      if (window.layerMap?.layer.drawn.times > 0) requestAnimationFrame(() => (window.drawnAt = performance.now()));
      else requestAnimationFrame(wait);
    };
    requestAnimationFrame(wait);
  });
  await page.goto(url);
  await page.waitForFunction(() => window.drawnAt);
  const drawnS = (await page.evaluate(() => window.drawnAt)) / 1000;
  const blocks = await page.evaluate(() => window.layerMap.plan.count);
  const drag = await frames(page, async () => {
    for (let turn = 0; turn < 6; turn++) {
      await page.mouse.move(300 + turn * 20, 400);
      await page.mouse.down();
      for (let step = 1; step <= 40; step++) {
        await page.mouse.move(300 + turn * 20 + (turn % 2 ? -step : step) * 12, 400 + (turn % 3 - 1) * step * 6);
        await page.waitForTimeout(8);
      }
      await page.mouse.up();
    }
  });
  await page.click("#fit");
  await page.waitForTimeout(600);
  const zoom = await frames(page, async () => {
    await page.mouse.move(460, 400);
    for (const direction of [-1, -1, -1, -1, -1, 1, 1, 1, 1, 1]) {
      await page.mouse.wheel(0, direction * 120);
      await page.waitForTimeout(350);
    }
  });
  await page.close();
  return { drawnS, blocks, drag, zoom };
}

/** The times of the frames that the page shows while `act` goes on. */
async function frames(page, act) {
  await page.evaluate(() => {
    window.frameTimes = [];
    const note = (time) => {
      window.frameTimes?.push(time);
      if (window.frameTimes) requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  await act();
  return page.evaluate(() => {
    const times = window.frameTimes;
    window.frameTimes = null;
    return times;
  });
}

function rate(times) {
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  const perSecond = (1000 * gaps.length) / (times.at(-1) - times[0]);
  return `${perSecond.toFixed(0)} (${Math.max(...gaps).toFixed(0)} ms)`;
}
