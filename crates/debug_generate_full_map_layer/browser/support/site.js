// A published site, served as any web server would.

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";

const TYPES = { ".html": "text/html", ".png": "image/png", ".webp": "image/webp", ".dzi": "text/xml", ".js": "text/javascript" };

/** Serves the files in `directory` while the test `t` runs; `asked` are the paths that were asked
 *  for and `missing` those that are not there. */
export async function serveFiles(t, directory) {
  const asked = [], missing = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    asked.push(url.pathname + url.search);
    const name = url.pathname === "/" ? "index.html" : decodeURIComponent(url.pathname);
    const file = path.join(directory, name);
    if (!existsSync(file) || !statSync(file).isFile()) {
      missing.push(url.pathname);
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, missing };
}
