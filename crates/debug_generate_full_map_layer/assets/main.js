// Puts the page together.

function start() {
  const data = JSON.parse(document.getElementById("layer-data").textContent);
  const plan = new Plan(data.plan);
  if (typeof L === "undefined") {
    showNotice("no-leaflet");
    return;
  }
  if (plan.count === 0) {
    showNotice("no-plan");
    return;
  }
  const geometry = new Geometry(data.geometry);
  const index = new QuadrantIndex(plan);
  const map = createMap();
  const extent = extentOf(plan, geometry);
  const fit = (options) => map.fitBounds(extent, { ...fitPadding(), ...options });
  if (!showViewOfAddress(map)) fit({ animate: false });

  const layer = createBlocksLayer(plan, index, geometry, data.pictures).addTo(map);
  const details = new Details(map, plan, index, geometry);
  const panel = new Panel(plan, layer, data);
  panel.update();
  addBaseMap(map, data.base_map);
  addBoundary(map, data.boundary);
  addSeed(map, data.seed);
  addSearch(map, plan, index, geometry, details);
  document.getElementById("fit").addEventListener("click", () => fit());
  keepViewInAddress(map);
  panel.setFreshness(`As of ${dateTime(data.written_at_ms / 1000)}`, "still");
  if (data.live) {
    const changed = () => {
      layer.restyle();
      panel.update();
      details.show();
    };
    followLive(data.live, plan, changed, (text, kind) => panel.setFreshness(text, kind));
  }
  // For the console, and for tests.
  window.layerMap = { map, layer, plan, index, geometry, details };
}

function showNotice(id) {
  document.getElementById(id).hidden = false;
}

function createMap() {
  const map = L.map("map", {
    zoomControl: false, zoomSnap: 0.25, zoomDelta: 1, maxZoom: 23, wheelPxPerZoomLevel: 90,
    fadeAnimation: false,
  });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  L.control.zoom({ position: "topleft" }).addTo(map);
  L.control.scale({ position: "bottomleft" }).addTo(map);
  map.createPane("blocks").style.zIndex = 350;
  return map;
}

/** The smallest rectangle on the globe that holds all blocks. */
function extentOf(plan, geometry) {
  let south = Infinity, north = -Infinity, west = Infinity, east = -Infinity;
  for (let item = 0; item < plan.count; item++) {
    for (const right of [0, plan.width[item]]) {
      for (const down of [0, plan.height[item]]) {
        const lat = geometry.latAt(plan.x[item] + right, plan.y[item] + down);
        const lng = geometry.lngAt(plan.x[item] + right, plan.y[item] + down);
        south = Math.min(south, lat);
        north = Math.max(north, lat);
        west = Math.min(west, lng);
        east = Math.max(east, lng);
      }
    }
  }
  return L.latLngBounds([south, west], [north, east]);
}

/** Room for the panel where it lies beside the map. */
function fitPadding() {
  const panel = document.getElementById("panel");
  const isBeside = window.matchMedia("(min-width: 900px)").matches;
  return {
    paddingTopLeft: [16, 16],
    paddingBottomRight: isBeside ? [panel.offsetWidth + 32, 16] : [16, 72],
  };
}

function addBaseMap(map, baseMap) {
  const row = document.getElementById("base-map-row"), box = row.querySelector("input");
  row.hidden = !baseMap;
  if (!baseMap) return;
  const tiles = L.tileLayer(DARK_PAGE.matches ? baseMap.dark_url : baseMap.url, {
    attribution: baseMap.attribution, maxZoom: 23, maxNativeZoom: 19,
  });
  let loaded = 0, failed = 0;
  tiles.on("tileload", () => loaded++);
  tiles.on("tileerror", () => {
    failed++;
    if (loaded === 0 && failed === 4) {
      box.checked = false;
      tiles.remove();
      row.querySelector(".label").textContent = "Base map (cannot be reached)";
    }
  });
  const show = () => {
    loaded = failed = 0;
    if (box.checked) tiles.addTo(map);
    else tiles.remove();
  };
  box.checked = baseMap.shown && navigator.onLine;
  box.addEventListener("change", show);
  show();
}

function addBoundary(map, lines) {
  if (!lines) return;
  const points = lines.map((line) => line.map(([lng, lat]) => [lat, lng]));
  L.polyline(points, { className: "boundary", weight: 2, interactive: false }).addTo(map);
}

function addSeed(map, seed) {
  const text = `Seed point ${seed[0].toFixed(6)}, ${seed[1].toFixed(6)}`;
  const icon = L.divIcon({ className: "seed", iconSize: [18, 18] });
  L.marker(seed, { icon, title: text, alt: text, keyboard: true }).bindTooltip(text).addTo(map);
}

/** The view in the address: `#zoom/lat/lng`. */
function showViewOfAddress(map) {
  const parts = location.hash.slice(1).split("/").map(Number);
  const [zoom, lat, lng] = parts;
  if (parts.length !== 3 || !parts.every(Number.isFinite) || Math.abs(lat) > 85.06) return false;
  map.setView([lat, lng], zoom, { animate: false });
  return true;
}

function keepViewInAddress(map) {
  map.on("moveend", () => {
    const { lat, lng } = map.getCenter();
    history.replaceState(null, "", `#${Number(map.getZoom().toFixed(2))}/${lat.toFixed(6)}/${lng.toFixed(6)}`);
  });
  window.addEventListener("hashchange", () => showViewOfAddress(map));
}

document.addEventListener("DOMContentLoaded", start);
