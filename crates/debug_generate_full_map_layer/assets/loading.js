// Waits for the map library, and says so when it does not come.

const NO_LEAFLET_AFTER_MS = 5000;

/** Calls `show` when Leaflet is there, and says so when it does not come. */
function withLeaflet(show) {
  if (typeof L !== "undefined") {
    show();
    return;
  }
  const notice = document.getElementById("no-leaflet");
  const { style, script } = JSON.parse(document.getElementById("leaflet").textContent);
  const give = (element, attributes) => document.head.append(Object.assign(element, attributes, { crossOrigin: "anonymous" }));
  const link = document.createElement("link"), element = document.createElement("script");
  const late = setTimeout(() => (notice.hidden = false), NO_LEAFLET_AFTER_MS);
  element.addEventListener("error", () => (notice.hidden = false));
  const styled = new Promise((resolve) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => (notice.hidden = false));
  });
  element.addEventListener("load", async () => {
    await styled;
    clearTimeout(late);
    notice.hidden = true;
    show();
  });
  // Put in by a script, neither holds up what the page shows.
  give(link, { rel: "stylesheet", href: style.url, integrity: style.integrity });
  give(element, { src: script.url, integrity: script.integrity });
}
