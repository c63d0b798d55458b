// The colours on the screen.

/** A picture of what the page shows: `at(x, y)` is the `[red, green, blue]` of a
 *  pixel, `between(x, y)` that of a point. */
export async function screenPixels(page) {
  const base64 = (await page.screenshot()).toString("base64");
  // The browser that took it decodes it, in a page of its own.
  const decoder = await page.context().newPage();
  const { width, height, text } = await decoder.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    let text = "";
    for (let from = 0; from < data.length; from += 30_000) {
      text += String.fromCharCode(...data.subarray(from, from + 30_000));
    }
    return { width: bitmap.width, height: bitmap.height, text: btoa(text) };
  }, base64);
  await decoder.close();
  const data = Buffer.from(text, "base64");
  const at = (x, y) => {
    const place = 4 * (Math.floor(y) * width + Math.floor(x));
    return [data[place], data[place + 1], data[place + 2]];
  };
  // A pixel's colour is that of its middle; between the middles it changes evenly.
  const between = (x, y) => {
    const left = Math.floor(x - 0.5), top = Math.floor(y - 0.5);
    const right = x - 0.5 - left, down = y - 0.5 - top;
    const corners = [[left, top, (1 - right) * (1 - down)], [left + 1, top, right * (1 - down)],
      [left, top + 1, (1 - right) * down], [left + 1, top + 1, right * down]];
    return [0, 1, 2].map((channel) =>
      corners.reduce((sum, [x, y, share]) => sum + at(x, y)[channel] * share, 0));
  };
  return { width, height, at, between };
}

/** What `color` looks like over `ground` at an opacity. */
export function over(ground, color, alpha) {
  return color.map((channel, i) => channel * alpha + ground[i] * (1 - alpha));
}

export function isLike(color, expected, tolerance = 3) {
  return color.every((channel, i) => Math.abs(channel - expected[i]) <= tolerance);
}

/** The largest difference of a channel. */
export function difference(a, b) {
  return Math.max(...a.map((channel, i) => Math.abs(channel - b[i])));
}
