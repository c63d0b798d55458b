// The desk: going through blocks and judging them.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { test } from "node:test";
import { openMap, openPage } from "./support/browser.js";
import { makeLayer, runOn } from "./support/layers.js";
import { screenPixels } from "./support/pixels.js";
import { serveMap } from "./support/server.js";

const PX = 256;

/** A layer with its source, of which a block has failed; each complete block has `candidates` earlier
 *  pictures, those of the first quadrant. */
function layerToJudge(t, candidates = 0) {
  const made = makeLayer(t, { size: 9, progress: "mixed", picture_px: PX, whole_source: true, inverted: true });
  for (const { x, y, width, height } of made.items.filter(({ status }) => status === "complete")) {
    for (let version = 1; version <= candidates; version++) {
      const kept = path.join(made.layer, "candidates", `${x}_${y}`, String(version));
      mkdirSync(kept, { recursive: true });
      for (let dy = 0; dy < height; dy++) {
        for (let dx = 0; dx < width; dx++) {
          copyFileSync(path.join(made.layer, "generations", "0_0.png"), path.join(kept, `${x + dx}_${y + dy}.png`));
        }
      }
    }
  }
  return made;
}

async function openDesk(t, layer, options) {
  const { url, server } = await serveMap(layer, ["--review"]);
  const page = await openMap(t, url, options);
  await page.waitForSelector("#desk[open]");
  await edgesAreKnown(page);
  return { page, url, server };
}

/** Waits until the edges are measured, which makes others suspects. */
async function edgesAreKnown(page) {
  await page.waitForFunction(() => window.layerMap.desk.order.suspects > 1);
  await isLoadedAhead(page);
}

/** Waits until what comes next is loaded. */
function isLoadedAhead(page) {
  return page.waitForFunction(() => {
    const { desk } = window.layerMap;
    return desk.loadedFor === desk.item && desk.pictures.isSettled() && !desk.refreshing;
  });
}

/** Leaves the desk, which would go on loading while its layer is taken away. */
const leave = (page) => page.goto("about:blank");

const shown = (page) => page.innerText("#desk-title");
const judgements = (layer) => JSON.parse(readFileSync(path.join(layer, "review.json"), "utf8")).judgements;
const titleOf = ({ x, y, shape }) => `${shape} at (${x}, ${y})`;

/** Presses a key that judges, and waits until another block is shown. */
async function pressAndGoOn(page, key) {
  const before = await shown(page);
  await page.keyboard.press(key);
  await page.waitForFunction((before) => document.getElementById("desk-title").textContent !== before, before);
}

test("suspects are gone through and judged by key, and the layer has what was judged", async (t) => {
  const { layer, items } = layerToJudge(t, 2);
  const { page } = await openDesk(t, layer);
  const failed = items.find(({ status }) => status === "error");
  assert.equal(await shown(page), `${failed.width}x${failed.height} at (${failed.x}, ${failed.y})`);
  assert.match(await page.innerText("#desk-place"), /^1 of \d+ suspects$/);
  assert.match(await page.innerText("#desk-why"), /HTTP 500 .* <b>out of memory<\/b>/);
  assert.equal(await page.innerText("#desk-status"), "Failed");

  await page.keyboard.press("n");
  const second = await shown(page);
  assert.match(await page.innerText("#desk-why"), /edge \d+\.\d of 255 to -?\d+,-?\d+/);
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await shown(page), second);
  await page.keyboard.press("p");
  await page.keyboard.press("ArrowLeft");
  assert.match(await page.innerText("#desk-place"), /^1 of /);

  // Of a failed one there is nothing to keep.
  await page.keyboard.press("k");
  assert.match(await page.innerText("#desk-trouble"), /nothing to keep/);
  assert.match(await page.innerText("#desk-counts"), /^0 kept /);
  assert.match(await page.innerText("#desk-place"), /^1 of /);
  assert.equal(existsSync(path.join(layer, "review.json")), false);
  await page.keyboard.press("n");
  assert.equal(await shown(page), second);
  assert.equal(await page.isVisible("#desk-trouble"), false);
  await isLoadedAhead(page);

  await pressAndGoOn(page, "k");
  assert.deepEqual(judgements(layer).map(({ verdict }) => verdict), ["keep"]);
  assert.equal(titleOf(judgements(layer)[0]), second);
  const flagged = await shown(page);

  // Keys are letters while a note is written.
  await page.keyboard.press("r");
  await page.keyboard.type("knpcu1 <i>seam</i>");
  assert.equal(await shown(page), flagged);
  await page.keyboard.press("Tab");
  await page.keyboard.type("no cars");
  await pressAndGoOn(page, "Enter");
  const redo = judgements(layer).find(({ verdict }) => verdict === "redo");
  assert.equal(titleOf(redo), flagged);
  assert.deepEqual([redo.note, redo.prompt], ["knpcu1 <i>seam</i>", "no cars"]);
  assert.match(redo.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

  // A candidate is selected by its number, the newest first.
  const third = await shown(page);
  await page.keyboard.press("c");
  assert.match(await page.innerText("#desk-trouble"), /Select a candidate first/);
  await page.keyboard.press("2");
  assert.equal(await page.getAttribute("#desk figure.selected", "data-title"), "Candidate 1");
  await pressAndGoOn(page, "c");
  const chosen = judgements(layer).find(({ verdict }) => verdict.choose);
  assert.equal(titleOf(chosen), third);
  assert.deepEqual(chosen.verdict.choose, { from: "candidates", version: 1 });
  assert.match(await page.innerText("#desk-counts"), /^1 kept · 1 flagged · 1 chosen · \d+ not judged$/);
  assert.match(await page.innerText("#desk-command code"), /^generate_full_map_layer --layer-dir \S+ --redo-flagged$/);

  // Back over what is judged, which next then leaves out.
  const fourth = await shown(page);
  for (let i = 0; i < 2; i++) await page.keyboard.press("p");
  assert.equal(await shown(page), flagged);
  await page.waitForFunction(() => document.getElementById("desk-judgement").textContent.includes("no cars"));
  await page.keyboard.press("n");
  assert.equal(await shown(page), fourth);
  // The last judgement is taken back, and its block shown.
  await page.keyboard.press("u");
  await page.waitForFunction(() => window.layerMap.desk.order.open.choose === 0);
  assert.equal(await shown(page), third);
  assert.equal(judgements(layer).length, 2);
  await leave(page);
});

test("every picture of the next blocks is loaded ahead, and those behind are let go", async (t) => {
  const { layer } = layerToJudge(t, 1);
  const { page } = await openDesk(t, layer);
  const asked = [];
  page.on("request", (request) => /\.png/.test(request.url()) && asked.push(new URL(request.url())));
  for (let step = 0; step < 12; step++) {
    await isLoadedAhead(page);
    const ready = await page.evaluate(() => {
      const { desk } = window.layerMap, ahead = desk.order.ahead(desk.item, desk.place, 1, 5);
      const urls = (item) => desk.blocks.urls(item, desk.blocks.known(item));
      return ahead.length === 5 && ahead.every((item) => urls(item).every((url) => desk.pictures.get(url)?.complete));
    });
    assert.ok(ready, `step ${step}`);
    asked.length = 0;
    const at = await page.evaluate(() => {
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true }));
      // At once: nothing is waited for.
      const { desk } = window.layerMap;
      const middles = desk.panes.panes.map(({ canvas }) =>
        canvas.getContext("2d").getImageData(canvas.width / 2 - 3, canvas.height / 2 - 3, 1, 1).data[3]);
      return { middles, urls: desk.blocks.urls(desk.item, desk.told), title: desk.dialog.querySelector("h2").textContent };
    });
    assert.equal(at.middles.length, 3, at.title);
    assert.ok(at.middles.every((alpha) => alpha === 255), `${at.title}: ${at.middles}`);
    await isLoadedAhead(page);
    const again = asked.map((url) => url.pathname.slice(1) + url.search).filter((url) => at.urls.includes(url));
    assert.deepEqual(again, [], "pictures of a block were asked for when it was shown");
  }
  const [held, wanted] = await page.evaluate(() => {
    const { desk } = window.layerMap;
    const items = [desk.item, ...desk.order.ahead(desk.item, desk.place, 1, 5), ...desk.order.ahead(desk.item, desk.place, -1, 1)];
    const urls = new Set(items.flatMap((item) => desk.blocks.urls(item, desk.blocks.known(item))));
    return [desk.pictures.held.size, urls.size];
  });
  assert.equal(held, wanted);
  await leave(page);
});

test("pictures are shown pixel by pixel among their neighbours, and move together", async (t) => {
  const { layer } = layerToJudge(t, 1);
  const { page } = await openDesk(t, layer);
  await page.keyboard.press("n");
  await isLoadedAhead(page);
  const panes = await page.evaluate(async (px) => {
    const { desk, plan } = window.layerMap, { item } = desk;
    const pixel = async (url, x, y) => {
      const image = new Image(), canvas = new OffscreenCanvas(px, px), context = canvas.getContext("2d");
      image.src = url;
      await image.decode();
      context.drawImage(image, 0, 0);
      return [...context.getImageData(x, y, 1, 1).data];
    };
    const x = plan.x[item], y = plan.y[item], from = (qx, qy) => [(qx - x + 0.5) * px, (qy - y + 0.5) * px];
    const panes = [];
    for (const { title, canvas } of desk.panes.panes) {
      const drawn = (left, top) => [...canvas.getContext("2d").getImageData(left, top, 1, 1).data];
      const own = { Source: "source/", Answer: "generations/" }[title] ?? `kept/candidates/${x}_${y}/1/`;
      const around = title === "Source" ? "source/" : "generations/";
      const beside = [[x - 1, y], [x + plan.width[item], y], [x, y - 1], [x, y + plan.height[item]]]
        .filter(([qx, qy]) => desk.blocks.layerUrl(qx, qy));
      const pixels = [];
      for (const [qx, qy] of [[x, y], ...beside]) {
        const isOwn = qx === x && qy === y, [left, top] = from(qx, qy);
        // A pixel that is seen: half of a neighbour is.
        const dx = qx < x ? px - 7 : 5, dy = qy < y ? px - 9 : 11;
        pixels.push([drawn(left + dx, top + dy), await pixel(`${isOwn ? own : around}${qx}_${qy}.png`, dx, dy)]);
      }
      const { width, height } = canvas.getBoundingClientRect();
      panes.push({ title, pixels, beside: beside.length, size: [width, height], css: getComputedStyle(canvas).imageRendering,
        canvas: [canvas.width, canvas.height], expected: [(plan.width[item] + 1) * px, (plan.height[item] + 1) * px] });
    }
    return panes;
  }, PX);
  assert.deepEqual(panes.map(({ title }) => title), ["Source", "Answer", "Candidate 1"]);
  for (const { title, pixels, beside, size, css, canvas, expected } of panes) {
    assert.ok(beside > 0);
    for (const [drawn, stored] of pixels) assert.deepEqual(drawn, stored, title);
    assert.deepEqual(size, expected, "a pixel is a pixel");
    assert.deepEqual(canvas, expected);
    assert.equal(css, "pixelated");
  }
  const colors = new Set(panes.map(({ pixels }) => String(pixels[0][0])));
  assert.equal(colors.size, 3, "source, answer and candidate are told apart");

  // On the screen, too; and after they were moved, by as much in each pane.
  const places = () => page.evaluate(() => window.layerMap.desk.panes.panes.map(({ canvas, view }) => {
    const { x, y } = canvas.getBoundingClientRect(), seen = view.getBoundingClientRect();
    return { x, y, left: seen.x, top: seen.y };
  }));
  const compare = async () => {
    const screen = await screenPixels(page), [, answer] = await places();
    const at = { x: Math.ceil(answer.left) + 40, y: Math.ceil(answer.top) + 50 };
    const drawn = await page.evaluate(({ x, y }) => {
      const { canvas } = window.layerMap.desk.panes.panes[1];
      return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3);
    }, { x: at.x - answer.x, y: at.y - answer.y });
    assert.deepEqual(screen.at(at.x, at.y), drawn);
  };
  await compare();
  const before = await places();
  const [{ left, top }] = before;
  await page.mouse.move(left + 200, top + 200);
  await page.mouse.down();
  await page.mouse.move(left + 190, top + 217, { steps: 3 });
  await page.mouse.up();
  const after = await places();
  const moved = after.map(({ x, y }, i) => [x - before[i].x, y - before[i].y]);
  assert.ok(moved[0][0] !== 0 || moved[0][1] !== 0, "nothing moved");
  for (const by of moved) assert.deepEqual(by, moved[0]);
  await compare();
  // And all of it at once.
  await page.keyboard.press("f");
  const fits = await page.evaluate(() => window.layerMap.desk.panes.panes.every(({ canvas, view }) => {
    const inner = canvas.getBoundingClientRect(), outer = view.getBoundingClientRect();
    return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1 && inner.width <= outer.width + 1;
  }));
  assert.ok(fits);
  await leave(page);
});

test("a page of another origin that knows the token cannot judge", async (t) => {
  const { layer } = layerToJudge(t);
  const { page, url } = await openDesk(t, layer);
  const body = await page.evaluate(() => {
    const { desk, plan } = window.layerMap, { item } = desk;
    const shape = `${plan.width[item]}x${plan.height[item]}`;
    return JSON.stringify({ x: plan.x[item], y: plan.y[item], shape, seen: desk.told.seen, verdict: "redo" });
  });
  const evil = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>evil</title>"));
  await new Promise((resolve) => evil.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    evil.closeAllConnections();
    evil.close();
  });
  const { origin, searchParams } = new URL(url);
  const other = await openPage(t, `http://127.0.0.1:${evil.address().port}/`, { allow: [/CORS|ERR_FAILED|403|415|404|ERR_BLOCKED/] });
  const attempt = () => other.evaluate(async ([origin, token, body]) => {
    const to = `${origin}/review/judgements`, tried = [];
    const json = { "Content-Type": "application/json", "X-Review-Token": token };
    const ways = [
      { method: "POST", headers: json, body },
      { method: "POST", headers: { "X-Review-Token": token }, body },
      // Without asking first: what a page may send anywhere.
      { method: "POST", mode: "no-cors", headers: json, body },
      { method: "POST", mode: "no-cors", body: new Blob([body], { type: "text/plain" }) },
    ];
    for (const way of ways) tried.push(await fetch(to, way).then((answer) => answer.type, () => "refused"));
    tried.push(await fetch(`${origin}/review/agenda`, { headers: { "X-Review-Token": token } }).then(() => "read", () => "refused"));
    tried.push(await fetch(`${origin}/?review=${token}`).then(() => "read", () => "refused"));
    return tried;
  }, [origin, searchParams.get("review"), body]);
  // What a page may send without asking is sent, and its answer is not for it to see.
  assert.deepEqual(await attempt(), ["refused", "refused", "refused", "refused", "refused", "refused"]);
  assert.equal(existsSync(path.join(layer, "review.json")), false);
  // The same words from the desk are heard.
  const status = await page.evaluate(async (body) => {
    const headers = { "Content-Type": "application/json", "X-Review-Token": new URLSearchParams(location.search).get("review") };
    return (await fetch("review/judgements", { method: "POST", headers, body })).status;
  }, body);
  assert.equal(status, 200);
  assert.equal(judgements(layer).length, 1);
  await leave(page);
});

test("without the token the page is the map alone", async (t) => {
  const { layer } = layerToJudge(t);
  const { url } = await serveMap(layer, ["--review"]);
  for (const address of [new URL(url).origin, `${url}x`]) {
    const page = await openMap(t, address);
    await page.keyboard.press("d");
    assert.equal(await page.evaluate(() => document.querySelector("#desk, #open-desk")), null);
    assert.equal(await page.evaluate(() => window.layerMap.desk), null);
  }
});

test("a judgement that is not on disk is told, and nothing goes on without it", async (t) => {
  const { layer } = layerToJudge(t);
  const { page, server } = await openDesk(t, layer, { allow: [/ERR_|403/] });
  await page.keyboard.press("n");
  const title = await shown(page);
  await isLoadedAhead(page);
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.kill("SIGKILL");
  await ended;
  await page.keyboard.press("k");
  await page.waitForFunction(() => /^Not saved: the server is gone/.test(document.getElementById("desk-trouble").textContent));
  assert.equal(await shown(page), title);
  // A note is still there.
  await page.keyboard.press("r");
  await page.keyboard.type("a long note");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !window.layerMap.desk.isSending);
  assert.equal(await page.inputValue("#desk-form [name=note]"), "a long note");
  assert.equal(await page.isVisible("#desk-form"), true);
  assert.equal(await shown(page), title);
  await page.keyboard.press("Escape");
  await page.keyboard.press("r");
  assert.equal(await page.inputValue("#desk-form [name=note]"), "a long note", "what was written is not lost");

  // Nor when the server comes back, which knows the page no more.
  const again = await serveMap(layer, ["--review"], new URL(page.url()).host);
  await page.waitForFunction(() => /served by another server now/.test(document.getElementById("desk-trouble").textContent));
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /^Not saved: .*open the one that the server has printed/.test(document.getElementById("desk-trouble").textContent));
  assert.equal(await page.inputValue("#desk-form [name=note]"), "a long note");
  assert.equal(existsSync(path.join(layer, "review.json")), false);
  await page.goto(again.url);
  await page.waitForSelector("#desk[open]");
  await leave(page);
});

test("a note that is not sent is not left behind, and a held key judges nothing", async (t) => {
  const { layer } = layerToJudge(t);
  const { page } = await openDesk(t, layer);
  await page.keyboard.press("n");
  const title = await shown(page);
  await page.keyboard.press("r");
  await page.keyboard.type("half a note");
  for (const button of ["next", "keep"]) {
    await page.click(`#desk [data-do="${button}"]`);
    assert.match(await page.innerText("#desk-trouble"), /The note is not sent/);
    assert.equal(await shown(page), title);
  }
  await page.click('#desk [data-do="redo"]');
  assert.equal(await page.inputValue("#desk-form [name=note]"), "half a note", "it is not begun anew");
  await page.keyboard.press("Escape");
  assert.equal(await page.isVisible("#desk"), true, "Escape leaves the note first");
  await isLoadedAhead(page);
  await page.keyboard.down("k");
  for (let i = 0; i < 5; i++) await page.keyboard.down("k");
  await page.keyboard.up("k");
  await page.waitForFunction((title) => document.getElementById("desk-title").textContent !== title, title);
  assert.equal(judgements(layer).length, 1);
  // With Ctrl a key is the browser's.
  const second = await shown(page);
  await page.keyboard.press("Control+c");
  await page.keyboard.press("Control+k");
  await page.keyboard.press("r");
  await page.keyboard.type("seam");
  await pressAndGoOn(page, "Control+Enter");
  assert.equal(judgements(layer).find(({ verdict }) => verdict === "redo").note, "seam");
  assert.notEqual(await shown(page), second);
  await leave(page);
});

test("a block that is drawn while the desk is open is shown as it is then, and to be judged anew", async (t) => {
  const { layer, directory } = layerToJudge(t);
  const { page } = await openDesk(t, layer);
  // The first one failed.
  await page.keyboard.press("n");
  await isLoadedAhead(page);
  await pressAndGoOn(page, "k");
  await page.keyboard.press("n");
  await pressAndGoOn(page, "k");
  assert.equal(await page.evaluate(() => window.layerMap.desk.order.open.keep), 2);
  await isLoadedAhead(page);
  const item = await page.evaluate(() => window.layerMap.desk.item);
  const middle = () => page.evaluate(() => {
    const { canvas } = window.layerMap.desk.panes.panes[1], context = canvas.getContext("2d");
    return String([...context.getImageData(canvas.width / 2 - 9, canvas.height / 2 - 9, 1, 1).data]);
  });
  const before = await middle();
  // Not inverted now.
  assert.equal(await runOn(directory, 1, ["--picture-px", String(PX)]), 0);
  await page.waitForFunction(() => /Something has happened to this block/.test(document.getElementById("desk-trouble").textContent));
  await page.waitForFunction(() => window.layerMap.desk.order.open.keep === 0);
  await isLoadedAhead(page);
  assert.equal(await page.evaluate(() => window.layerMap.desk.item), item, "who looks at a block goes on looking at it");
  assert.notEqual(await middle(), before);
  await leave(page);
});

test("the desk is opened and closed by key and button, and the map is below", async (t) => {
  const { layer } = layerToJudge(t);
  const { page } = await openDesk(t, layer);
  const title = await shown(page);
  await page.keyboard.press("Escape");
  assert.equal(await page.isVisible("#desk"), false);
  assert.ok((await page.innerText("#details h2")).includes(title), "the map shows the block");
  await page.reload();
  await page.waitForFunction(() => window.layerMap?.layer.drawn.times > 0 && window.layerMap.desk.order.items.length > 0);
  assert.equal(await page.isVisible("#desk"), false, "it stays closed");
  await page.click("#open-desk");
  assert.equal(await page.isVisible("#desk"), true);
  await isLoadedAhead(page);
  const second = await page.evaluate(() => document.getElementById("desk-title").textContent);
  await page.click('#desk [data-do="next"]');
  assert.notEqual(await shown(page), second);
  await page.click('#desk [data-do="close"]');
  await page.keyboard.press("d");
  assert.equal(await page.isVisible("#desk"), true);
  await leave(page);
});
