// Layers to look at, and the programs that make and draw them.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const TARGET = path.join(ROOT, "target", process.env.PROFILE ?? "debug");
export const LAYER_MAKER = path.join(ROOT, "target", "debug", "examples", "map_layer");
export const LEAFLET = fileURLToPath(new URL("../node_modules/leaflet", import.meta.url));

export function program(name) {
  return path.join(TARGET, name);
}

/** A directory that goes when the test `t` ends. */
export function scratchDirectory(t) {
  const directory = mkdtempSync(path.join(tmpdir(), "map-"));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
  return directory;
}

/** Makes a layer; `options` are those of the example `map_layer`. Returns where it is and what
 *  its plan says. */
export function makeLayer(t, options) {
  const directory = path.join(scratchDirectory(t), "map");
  const flags = Object.entries(options).flatMap(([key, value]) => [`--${key.replaceAll("_", "-")}`, String(value)]);
  const list = execFileSync(LAYER_MAKER, [directory, "--list", ...flags], { encoding: "utf8", maxBuffer: 1 << 27 });
  const items = list.trim().split("\n").map((line) => JSON.parse(line));
  return { directory, layer: path.join(directory, "layers", "test"), items };
}

/** Writes the page of `layer` and returns its address. */
export function writeMap(layer, flags = ["--leaflet-dir", LEAFLET]) {
  execFileSync(program("debug_generate_full_map_layer"), ["--layer-dir", layer, ...flags]);
  return pathToFileURL(path.join(layer, "debug_map.html")).href;
}

/** Does on the layer in `directory` what a run would do, `ms` milliseconds an item. */
export function runOn(directory, ms, flags = []) {
  const run = spawn(LAYER_MAKER, [directory, "--follow", String(ms), ...flags], { stdio: "inherit" });
  return new Promise((resolve) => run.on("exit", resolve));
}

/** The states that the map is to show: an item that is pending waits when it touches a failed or
 *  waiting one before it. */
export function expectedStates(items) {
  const owner = new Map();
  items.forEach((item, index) => eachQuadrant(item, (x, y) => owner.set(`${x},${y}`, index)));
  const states = [];
  items.forEach((item, index) => {
    const before = new Set();
    eachQuadrant(item, (x, y) => {
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        const other = owner.get(`${x + dx},${y + dy}`);
        if (other < index) before.add(other);
      }
    });
    const waits = [...before].some((other) => ["failed", "waiting"].includes(states[other]));
    const names = { complete: "complete", in_progress: "running", error: "failed", pending: waits ? "waiting" : "pending" };
    states.push(names[item.status]);
  });
  return states;
}

function eachQuadrant(item, visit) {
  for (let dy = 0; dy < item.height; dy++) {
    for (let dx = 0; dx < item.width; dx++) visit(item.x + dx, item.y + dy);
  }
}
