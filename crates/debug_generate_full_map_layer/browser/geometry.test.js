// Where blocks are drawn, against the camera's own arithmetic and Leaflet's own projection.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, moveTo, openMap } from "./support/browser.js";
import { blockCorners, gridCorner, onScreen } from "./support/geometry.js";
import { makeLayer, writeMap } from "./support/layers.js";
import { difference, screenPixels } from "./support/pixels.js";

test("the geometry of these tests is that of the map's makers", () => {
  const known = [
    [{ x: 0, y: 0, width: 1, height: 1 }, [40.749894730, -73.988073516, 40.750244136, -73.986352252, 40.748400000, -73.985700000, 40.748050594, -73.987421265]],
    [{ x: -10, y: -10, width: 1, height: 1 }, [40.764842031, -74.011808677, 40.765191437, -74.010087413, 40.763347301, -74.009435161, 40.762997895, -74.011156426]],
    [{ x: 0, y: 0, width: 2, height: 2 }, [40.749894730, -73.988073516, 40.750593542, -73.984630987, 40.746905270, -73.983326484, 40.746206458, -73.986769013]],
  ];
  for (const [block, corners] of known) {
    blockCorners(block).flat().forEach((degrees, i) => assert.ok(Math.abs(degrees - corners[i]) < 1e-8));
  }
});

/** Where a border begins along the way from `outside` to `inside`: where the colour is half that
 *  of the border. */
function edgeBetween(pixels, inside, outside) {
  const length = Math.hypot(outside[0] - inside[0], outside[1] - inside[1]);
  const at = (way) => outside.map((from, i) => from + ((inside[i] - from) * way) / length);
  const ground = pixels.between(...outside);
  const strength = (way) => difference(pixels.between(...at(way)), ground);
  let way = 0;
  while (way < length && strength(way) < 12) way += 0.05;
  assert.ok(way < length, "no edge is found");
  // The border is at its strongest within its own width.
  const border = Math.max(...Array.from({ length: 30 }, (_, i) => strength(way + i * 0.05)));
  while (strength(way) < border / 2) way += 0.05;
  return at(way);
}

function intersection([a, b], [c, d]) {
  const cross = (u, v) => u[0] * v[1] - u[1] * v[0];
  const from = [c[0] - a[0], c[1] - a[1]], along = [b[0] - a[0], b[1] - a[1]], other = [d[0] - c[0], d[1] - c[1]];
  const share = cross(from, other) / cross(along, other);
  return [a[0] + along[0] * share, a[1] + along[1] * share];
}

/** The corners of a parallelogram that stands alone on the screen near `expected`: two points of
 *  each side are looked for, and the lines through them are crossed. */
function cornersSeen(pixels, expected) {
  const between = (a, b, share) => a.map((from, i) => from + (b[i] - from) * share);
  const center = between(expected[0], expected[2], 0.5);
  const sides = expected.map((corner, i) => {
    const next = expected[(i + 1) % 4];
    return [0.2, 0.8].map((share) => {
      const onSide = between(corner, next, share);
      const inward = between(onSide, center, 12 / Math.hypot(center[0] - onSide[0], center[1] - onSide[1]));
      const outward = onSide.map((at, axis) => 2 * at - inward[axis]);
      return edgeBetween(pixels, inward, outward);
    });
  });
  return expected.map((_, i) => intersection(sides[(i + 3) % 4], sides[i]));
}

async function checkCorners(t, page, block) {
  await moveTo(page, gridCorner(block.x + 0.5, block.y + 0.5), 18);
  const expected = await onScreen(page, blockCorners(block));
  const seen = cornersSeen(await screenPixels(page), expected);
  expected.forEach(([x, y], i) => {
    const distance = Math.hypot(seen[i][0] - x, seen[i][1] - y);
    t.diagnostic(`corner ${i} of (${block.x}, ${block.y}): ${distance.toFixed(2)} px off`);
    assert.ok(distance < 1, `corner ${i} of ${JSON.stringify(block)} is drawn at ${seen[i]}, ${distance} px from ${x}, ${y}`);
  });
}

test("corners of blocks are on the screen where they should be, far ones of a 400x400 map too", async (t) => {
  const { layer, items } = makeLayer(t, { size: 400 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag({ content: ".seed { display: none !important; }" });
  // Single quadrants that touch no other one stand alone when the other steps are off.
  await page.uncheck("#steps label:nth-of-type(1) input");
  await page.uncheck("#steps label:nth-of-type(2) input");
  await drawn(page);
  const places = new Set(items.filter((item) => item.step === 3).map(({ x, y }) => `${x},${y}`));
  const stands = ({ x, y }) => [[1, 0], [-1, 0], [0, 1], [0, -1]].every(([dx, dy]) => !places.has(`${x + dx},${y + dy}`));
  const singles = items.filter((item) => item.step === 3 && stands(item));
  const nearest = (x, y) => singles.reduce((best, item) =>
    (Math.hypot(item.x - x, item.y - y) < Math.hypot(best.x - x, best.y - y) ? item : best));
  for (const [x, y] of [[0, 0], [399, 0], [0, 399], [399, 399], [200, 200]]) await checkCorners(t, page, nearest(x, y));
});

test("far out, the map's own corners are where they should be", async (t) => {
  const { layer } = makeLayer(t, { size: 400 });
  const page = await openMap(t, writeMap(layer));
  await page.addStyleTag({ content: ".seed { display: none !important; }" });
  // A quadrant of seven pixels: the image is drawn, not paths.
  for (const [x, y, dx, dy] of [[0, 0, 1, 1], [400, 0, -1, 1], [400, 400, -1, -1], [0, 400, 1, -1]]) {
    await moveTo(page, gridCorner(x, y), 13);
    assert.equal(await page.evaluate(() => window.layerMap.layer.drawn.as), "image");
    const pixels = await screenPixels(page);
    // Two points on each of the two sides that meet here, a few quadrants away from the corner.
    const side = async (alongX, alongY) => {
      const points = [];
      for (const far of [4, 16]) {
        const [inside, outside] = await onScreen(page, [
          gridCorner(x + alongX * far + dx * 1.4 * (1 - Math.abs(alongX)), y + alongY * far + dy * 1.4 * (1 - Math.abs(alongY))),
          gridCorner(x + alongX * far - dx * 1.4 * (1 - Math.abs(alongX)), y + alongY * far - dy * 1.4 * (1 - Math.abs(alongY))),
        ]);
        points.push(edgeBetween(pixels, inside, outside));
      }
      return points;
    };
    const [seenX, seenY] = intersection(await side(dx, 0), await side(0, dy));
    const [[expectedX, expectedY]] = await onScreen(page, [gridCorner(x, y)]);
    const distance = Math.hypot(seenX - expectedX, seenY - expectedY);
    assert.ok(distance < 1, `corner ${x}, ${y} is drawn ${distance} px off`);
  }
});
