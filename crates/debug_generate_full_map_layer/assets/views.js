// The map on the globe and upright, and what of it is looked at.

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

/** Where a map may stand: on the globe, and upright. */
function placementsOf(geometry, bounds, tilePx) {
  const onGlobe = new OnGlobe(geometry);
  return { onGlobe, upright: new Upright(onGlobe, bounds, tilePx) };
}

/** The smallest rectangle of the world that holds what there is to see: all tiles of a level with
 *  some, or else the whole rectangle of the grid. */
function extentOf(placement, { minX, minY, maxX, maxY }, set) {
  const level = Math.max(0, set.top - 5);
  const corners = [];
  for (const key of set.levels[level]?.keys() ?? []) {
    const { x, y, width, height } = set.gridRect(level, key % 0x4000000, Math.floor(key / 0x4000000));
    corners.push(...cornersOf(placement, x, y, width, height));
  }
  const whole = cornersOf(placement, minX, minY, maxX - minX + 1, maxY - minY + 1);
  return L.latLngBounds(corners.length > 0 ? corners : whole);
}

/** The switch between the map on the globe and upright. What is on the globe besides goes with it. */
function addViews(map, layer, placements, address, onSwitch) {
  const box = document.querySelector("#upright-row input");
  const mark = () => map.getContainer().classList.toggle("upright", box.checked);
  box.checked = layer.placement === placements.upright;
  mark();
  box.addEventListener("change", () => {
    const middle = gridAt(layer.placement, map.getCenter());
    layer.setPlacement(box.checked ? placements.upright : placements.onGlobe);
    mark();
    map.setView(latLngAt(layer.placement, middle.x, middle.y), map.getZoom(), { animate: false });
    address.set("view", box.checked ? "upright" : null);
    onSwitch();
  });
}

function showViewOf(map, address) {
  if (!address.view) return false;
  map.setView(address.view.center, address.view.zoom, { animate: false });
  return true;
}

function keepViewInAddress(map, address) {
  map.on("moveend", () => address.setView(map.getZoom(), map.getCenter()));
  window.addEventListener("hashchange", () => {
    const before = new Map(address.values);
    address.read();
    // Switches are read when the page is opened.
    const isOther = before.size !== address.values.size || [...before].some(([key, value]) => address.get(key) !== value);
    if (isOther) location.reload();
    else showViewOf(map, address);
  });
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
