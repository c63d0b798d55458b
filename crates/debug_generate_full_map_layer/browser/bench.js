// What the map costs: size of the page, time and memory to write it, time until everything is
// drawn, frames while dragging and zooming; and the same of a finished map of a city with pictures
// of real size, from a file and served.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { LAYER_MAKER, LEAFLET, program } from "./support/layers.js";

const SIZES = (process.argv[2] ?? "30,100,200,400").split(",").filter(Boolean).map(Number);
/** Quadrants along the sides of the map with pictures: as many as New York has, 24,649. */
const CITY = Number(process.argv[3] ?? 157);
/** Screens that are looked at before the memory is read. */
const SCREENS = 50;
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
  if (CITY > 0) await measureCity(CITY);
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

/** A finished city whose pictures are of real size. */
async function measureCity(size) {
  const directory = path.join(scratch, "city"), layer = path.join(directory, "layers", "test");
  execFileSync(LAYER_MAKER, [directory, "--size", size, "--progress", "finished", "--pixel-art"]);
  const first = await write(layer), again = await write(layer);
  const quadrants = size * size;
  console.log(`\n${quadrants.toLocaleString("en")} finished quadrants of 512 px and about 75 KB`);
  console.log("overviews        seconds   CPU ms a quadrant   memory MB");
  for (const [name, one] of [["the first time", first], ["nothing to do", again]]) {
    console.log(`${name.padEnd(16)} ${one.seconds.toFixed(2).padStart(7)} ${(one.cpuMs / quadrants).toFixed(2).padStart(19)} ${one.megabytes.toFixed(0).padStart(11)}`);
  }
  console.log(`page     stands s   drag: far   middle   near   zoom   slide   tab MB after ${SCREENS} screens`);
  await seeCity("file", pathToFileURL(first.page).href);
  const server = spawn(program("debug_generate_full_map_layer"), ["--layer-dir", layer, "--leaflet-dir", LEAFLET, "--serve", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((resolve) => server.stdout.on("data", (data) => {
    const found = String(data).match(/http:\S+/);
    if (found) resolve(found[0]);
  }));
  // The overviews that there are become known a moment later.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await seeCity("served", url);
  server.kill();
}

async function seeCity(name, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const settled = () => page.waitForFunction(() => window.layerMap?.layer.loader.held.size > 0 && window.layerMap.layer.isSettled());
  const began = performance.now();
  await page.goto(url);
  await settled();
  const standsS = (performance.now() - began) / 1000;
  const zoomTo = (zoom) => page.evaluate((zoom) => {
    const { map } = window.layerMap;
    map.setView(map.getCenter(), zoom, { animate: false });
  }, zoom);
  const fit = await page.evaluate(() => window.layerMap.map.getZoom());
  const rates = [];
  for (const further of [0, 2.5, 5]) {
    await zoomTo(fit + further);
    rates.push(rate(await drag(page)));
  }
  await zoomTo(fit);
  rates.push(rate(await zoomInAndOut(page)));
  rates.push(rate(await frames(page, async () => {
    for (let step = 0; step <= 60; step++) {
      await page.locator("#fade").fill(String(Math.abs(100 - (step * 10) % 200)));
      await page.waitForTimeout(10);
    }
  })));
  for (let screen = 0; screen < SCREENS; screen++) {
    await page.evaluate(([zoom, share]) => {
      const { map, geometry, plan } = window.layerMap;
      const item = Math.floor(plan.count * share);
      map.setView([geometry.latAt(plan.x[item], plan.y[item]), geometry.lngAt(plan.x[item], plan.y[item])], zoom, { animate: false });
    }, [fit + (screen % 5) * 1.25, screen / SCREENS]);
    await settled();
  }
  const megabytes = await tabMegabytes(page);
  console.log(`${name.padEnd(8)} ${standsS.toFixed(2).padStart(8)} ${rates.map((one) => one.padStart(11)).join(" ")} ${megabytes.toFixed(0).padStart(8)}`);
  await page.close();
}

/** What the process that draws the page holds, its share of what is shared included. */
async function tabMegabytes(page) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const held = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => {
    const text = readFileSync(`/proc/${id}/smaps_rollup`, "utf8");
    return Number(text.match(/^Pss:\s*(\d+)/m)[1]) / 1024;
  });
  await session.detach();
  return Math.max(...held);
}

async function write(layer) {
  const began = performance.now();
  const map = spawn(program("debug_generate_full_map_layer"), ["--layer-dir", layer, "--leaflet-dir", LEAFLET]);
  let peakKb = 0, ticks = 0;
  const note = setInterval(() => {
    // The highest that it ever was, so only the very last moments can be missed.
    const status = readFileSync(`/proc/${map.pid}/status`, { encoding: "utf8", flag: "r" });
    peakKb = Math.max(peakKb, Number(status.match(/VmHWM:\s*(\d+)/)?.[1] ?? 0));
    const times = readFileSync(`/proc/${map.pid}/stat`, "utf8").split(") ")[1]?.split(" ");
    if (times) ticks = Number(times[11]) + Number(times[12]);
  }, 2);
  const code = await new Promise((resolve) => map.on("exit", resolve));
  const seconds = (performance.now() - began) / 1000;
  clearInterval(note);
  if (code !== 0) throw new Error(`the map ended with ${code}`);
  // A tick is a hundredth of a second.
  return { page: path.join(layer, "debug_map.html"), seconds, megabytes: peakKb / 1024, cpuMs: ticks * 10 };
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
  const dragged = await drag(page);
  await page.click("#fit");
  await page.waitForTimeout(600);
  const zoomed = await zoomInAndOut(page);
  await page.close();
  return { drawnS, blocks, drag: dragged, zoom: zoomed };
}

/** The times of the frames while the map is dragged to and fro. */
function drag(page) {
  return frames(page, async () => {
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
}

function zoomInAndOut(page) {
  return frames(page, async () => {
    await page.mouse.move(460, 400);
    for (const direction of [-1, -1, -1, -1, -1, 1, 1, 1, 1, 1]) {
      await page.mouse.wheel(0, direction * 120);
      await page.waitForTimeout(350);
    }
  });
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
