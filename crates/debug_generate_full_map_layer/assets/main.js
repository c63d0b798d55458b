// Puts the page together: at once what needs no map, and the map when Leaflet is there.

function start() {
  const data = JSON.parse(document.getElementById("layer-data").textContent);
  const plan = new Plan(data.plan);
  const panel = new Panel(plan, data.name);
  panel.update(data.health);
  panel.setFreshness(`As of ${dateTime(data.written_at_ms / 1000)}`, "still");
  if (plan.count === 0) {
    showNotice("no-plan");
    return;
  }
  withLeaflet(() => showMap(data, plan, panel));
}

function showMap(data, plan, panel) {
  const geometry = new Geometry(data.geometry);
  const index = new QuadrantIndex(plan);
  const address = new Address();
  const own = new TileSet(data.own, { plan, index });
  const compared = data.compared && new TileSet(data.compared);
  const map = createMap();
  const placements = placementsOf(geometry, index.bounds, own.tilePx);
  const placement = () => (address.get("view") === "upright" ? placements.upright : placements.onGlobe);
  const layer = createMapLayer({ placement: placement(), own, compared, plan, index });
  const fit = (options) => map.fitBounds(extentOf(layer.placement, index.bounds, own), { ...fitPadding(), ...options });
  if (!showViewOf(map, address)) fit({ animate: false });
  layer.addTo(map);
  const rejected = new RejectedAnswer(plan, data.rejected, data.command);
  const details = new Details(map, plan, index, layer, rejected, data.command, address);
  const tour = new Tour(({ item, other }) => details.goTo(item, other ?? null));
  details.onEnd = () => tour.end();
  panel.connect(layer, tour, address);
  const lists = new Lists(plan, tour, data.command);
  lists.update(data.worst_edges, data.health);
  addBaseMap(map, data.base_map);
  addBoundary(map, data.boundary);
  addSeed(map, data.seed);
  addSearch(plan, index, details, address);
  addViews(map, layer, placements, address, () => details.outline());
  addOutlinesSwitch(layer, address);
  if (compared) addCurtain(map, layer, address, () => [compared.name, own.name]);
  document.getElementById("fit").addEventListener("click", () => fit());
  keepViewInAddress(map, address);
  chooseBlockOf(address, index, details);
  layer.on("drawn", () => (document.getElementById("no-pictures").hidden = !layer.loader.isInVain()));
  const desk = data.live?.has_desk ? new Desk(data, plan, index, own, details, address) : null;
  desk?.begin();
  const side = addPilots(data, plan, index, own, address);
  if (data.live) {
    const changed = (change) => {
      const isSeen = change.progress || change.tiles.length > 0;
      const isTold = JSON.stringify(change.health) !== JSON.stringify(data.health) || change.worst_edges;
      if (!isSeen && !isTold) return;
      own.take(change.tiles);
      data.worst_edges = change.worst_edges ?? data.worst_edges;
      data.health = change.health;
      if (isSeen) layer.restyle();
      panel.update(data.health);
      lists.update(data.worst_edges, data.health);
      details.show();
      side.update();
      desk?.planChanged();
    };
    const replaced = () => desk?.isHeld() || location.reload();
    followLive(data.live, plan, changed, (text, kind) => panel.setFreshness(text, kind), replaced);
  }
  // For the console, and for tests.
  window.layerMap = { map, layer, plan, index, geometry, details, placements, own, compared, desk, side };
}

function showNotice(id) {
  document.getElementById(id).hidden = false;
}

function addSeed(map, seed) {
  const text = `Seed point ${seed[0].toFixed(6)}, ${seed[1].toFixed(6)}`;
  const icon = L.divIcon({ className: "seed", iconSize: [18, 18] });
  L.marker(seed, { icon, title: text, alt: text, keyboard: true }).bindTooltip(text).addTo(map);
}

function addOutlinesSwitch(layer, address) {
  const box = document.querySelector("#outlines-row input");
  box.checked = address.get("outlines") === "1";
  box.addEventListener("change", () => {
    layer.setOutlines(box.checked);
    address.set("outlines", box.checked ? 1 : null);
  });
  layer.setOutlines(box.checked);
}

function chooseBlockOf(address, index, details) {
  const numbers = address.get("block")?.match(/^(-?\d{1,9}),(-?\d{1,9})$/);
  if (!numbers) return;
  const item = index.itemAt(Number(numbers[1]), Number(numbers[2]));
  if (item !== NO_ITEM) details.choose(item);
}

// The page is at its end, and what it needs stands above.
start();
