// The map as it is served.

import { spawn } from "node:child_process";
import { after } from "node:test";
import { LEAFLET, program } from "./layers.js";

// They end when all pages are closed, which would miss them.
const servers = [];
after(() => servers.forEach((server) => server.kill("SIGKILL")));

/** Serves the page of `layer` while the tests of the file run; `more` are flags besides. */
export async function serveMap(layer, more = [], address = "127.0.0.1:0") {
  const flags = ["--layer-dir", layer, "--leaflet-dir", LEAFLET, "--serve", address, ...more];
  const server = spawn(program("debug_generate_full_map_layer"), flags, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => server.on("exit", (code) => resolve(code)));
  servers.push(server);
  const url = await new Promise((resolve, reject) => {
    let output = "";
    server.stdout.on("data", (data) => {
      output += data;
      const found = output.match(/http:\S+/);
      if (found) resolve(found[0]);
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { url, server, ended };
}
