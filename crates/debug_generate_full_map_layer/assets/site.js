// The page of a site: pictures to look at, one layer beside the other.

function start() {
  const data = JSON.parse(document.getElementById("layer-data").textContent);
  withLeaflet(() => showSite(data));
}

function showSite(data) {
  const address = new Address();
  const layers = data.layers.map(({ slug, geometry, own }) => ({ slug, geometry, set: new TileSet(own) }));
  const find = (slug, otherwise) => layers.find((layer) => layer.slug === slug) ?? otherwise;
  let shown = find(address.get("layer"), layers[0]);
  let other = find(address.get("beside"), layers.find((layer) => layer !== shown));
  // Whichever layer is shown, the map stands in the same place.
  const [{ geometry, set }] = layers, map = createMap();
  const bounds = { minX: set.minX, minY: set.minY, maxX: set.minX + set.columns - 1, maxY: set.minY + set.rows - 1 };
  const placements = placementsOf(new Geometry(geometry), bounds, set.tilePx);
  const placement = address.get("view") === "upright" ? placements.upright : placements.onGlobe;
  const layer = createMapLayer({ placement, own: shown.set, compared: other?.set });
  const fit = (options) => map.fitBounds(extentOf(layer.placement, bounds, shown.set), { ...fitPadding(), ...options });
  if (!showViewOf(map, address)) fit({ animate: false });
  layer.addTo(map);
  addBaseMap(map, data.base_map);
  addBoundary(map, data.boundary);
  addViews(map, layer, placements, address, () => {});
  keepViewInAddress(map, address);
  document.getElementById("fit").addEventListener("click", () => fit());
  const curtain = other && addCurtain(map, layer, address, () => [other.set.name, shown.set.name]);
  const show = () => {
    layer.setTiles(shown.set, other?.set);
    document.querySelector("h1").textContent = shown.set.name;
    curtain?.rename();
  };
  addChoice("layers", layers, () => shown, (chosen) => {
    if (chosen === other) other = shown;
    shown = chosen;
    address.set("layer", shown.slug);
    address.set("beside", other.slug);
    show();
  });
  show();
  layer.on("drawn", () => (document.getElementById("no-pictures").hidden = !layer.loader.isInVain()));
  // For the console, and for tests.
  window.layerMap = { map, layer, layers, placements, get own() { return shown.set; } };
}

/** A choice between layers, where there are some. */
function addChoice(id, layers, chosen, choose) {
  const fieldset = document.getElementById(id);
  fieldset.hidden = layers.length < 2;
  for (const layer of layers) {
    const row = document.createElement("label");
    row.className = "row";
    row.innerHTML = '<input type="radio" name="layer"><span class="label"></span>';
    row.querySelector(".label").textContent = layer.set.name;
    const box = row.querySelector("input");
    box.checked = layer === chosen();
    box.addEventListener("change", () => choose(layer));
    fieldset.append(row);
  }
}

// The page is at its end, and what it needs stands above.
start();
