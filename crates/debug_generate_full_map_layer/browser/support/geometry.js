// Where a quadrant lies, worked out from the camera as the map's makers do: in metres from the
// seed. The page has six numbers instead, so the two share nothing.

const METERS_PER_DEGREE = 111_111;

/** The camera of the layers that the example `map_layer` makes. */
export const CAMERA = {
  seed: { lat: 40.7484, lng: -73.9857 }, azimuth: -15, elevation: -45,
  metersPerPx: 300 / 1024, quadrantPx: 512,
};

/** The place on the globe, `[lat, lng]`, of the top-left corner of quadrant (x, y). */
export function gridCorner(x, y, camera = CAMERA) {
  const radians = (degrees) => (degrees * Math.PI) / 180;
  // A quadrant's anchor is its bottom-right corner; that of (x - 1, y - 1) is this corner.
  const right = (x - 1) * camera.quadrantPx * camera.metersPerPx;
  const up = -(y - 1) * camera.quadrantPx * camera.metersPerPx;
  const ahead = -up / Math.sin(radians(camera.elevation));
  const azimuth = radians(camera.azimuth);
  const east = right * Math.cos(azimuth) + ahead * Math.sin(azimuth);
  const north = -right * Math.sin(azimuth) + ahead * Math.cos(azimuth);
  return [
    camera.seed.lat + north / METERS_PER_DEGREE,
    camera.seed.lng + east / (METERS_PER_DEGREE * Math.cos(radians(camera.seed.lat))),
  ];
}

/** The corners of a block, clockwise from the top left. */
export function blockCorners({ x, y, width, height }) {
  return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]].map(([x, y]) => gridCorner(x, y));
}

/** Where Leaflet's own projection puts places, in pixels of the page. */
export function onScreen(page, places) {
  return page.evaluate(
    (places) => places.map((place) => {
      const { map } = window.layerMap;
      // As latLngToContainerPoint does, which rounds to whole pixels.
      const { x, y } = map.layerPointToContainerPoint(map.project(place).subtract(map.getPixelOrigin()));
      return [x, y];
    }),
    places);
}
