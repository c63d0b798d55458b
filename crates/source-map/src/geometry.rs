//! From the grid to the globe.

use planner::{Block, Quadrant};

use crate::{GenerationConfig, LatLng};

/// Metres in a degree of latitude, as the map's makers reckon.
const METERS_PER_DEGREE: f64 = 111_111.0;

/// The affine map from the grid to degrees: six numbers.
///
/// A *grid corner* `(x, y)` is the top-left corner of quadrant `(x, y)`; the seed is the
/// bottom-right corner of quadrant (0, 0), so the grid corner (1, 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// The grid corner (0, 0).
    pub origin: LatLng,
    /// Degrees for one quadrant to the right.
    pub per_x: LatLng,
    /// Degrees for one quadrant down.
    pub per_y: LatLng,
}

impl Geometry {
    /// The geometry of a map.
    ///
    /// The camera looks at the ground at an angle, so a pixel up the picture is more ground
    /// than a pixel to the right by `1 / sin(elevation)`; both are then turned by the azimuth.
    #[must_use]
    pub fn of(config: &GenerationConfig) -> Self {
        let (width_px, height_px) = config.quadrant_size_px();
        let meters_per_px = config.view_height_meters / config.height_px;
        let (sin_azimuth, cos_azimuth) = config.camera_azimuth_degrees.to_radians().sin_cos();
        let sin_elevation = config.camera_elevation_degrees.to_radians().sin();
        let seed = config.seed;
        let shift = |right_px: f64, up_px: f64| {
            let rot_x = right_px * meters_per_px;
            let rot_y = -(up_px * meters_per_px) / sin_elevation;
            let east = rot_x * cos_azimuth + rot_y * sin_azimuth;
            let north = -rot_x * sin_azimuth + rot_y * cos_azimuth;
            LatLng {
                lat: north / METERS_PER_DEGREE,
                lng: east / (METERS_PER_DEGREE * seed.lat.to_radians().cos()),
            }
        };
        let per_x = shift(f64::from(width_px), 0.0);
        let per_y = shift(0.0, -f64::from(height_px));
        let origin = LatLng {
            lat: seed.lat - per_x.lat - per_y.lat,
            lng: seed.lng - per_x.lng - per_y.lng,
        };
        Self {
            origin,
            per_x,
            per_y,
        }
    }

    /// Whether both put every quadrant in the same place, to a hand's breadth.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let places = |geometry: &Self| [geometry.origin, geometry.per_x, geometry.per_y];
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        places(self)
            .iter()
            .zip(places(other))
            .all(|(a, b)| near(a.lat, b.lat) && near(a.lng, b.lng))
    }

    /// The place of the grid corner `(x, y)`.
    #[must_use]
    pub fn grid_corner(&self, x: i64, y: i64) -> LatLng {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a grid of 32-bit numbers fits a double"
        )]
        let (x, y) = (x as f64, y as f64);
        LatLng {
            lat: self.origin.lat + x * self.per_x.lat + y * self.per_y.lat,
            lng: self.origin.lng + x * self.per_x.lng + y * self.per_y.lng,
        }
    }

    /// Where a place lies in the grid, the way back of [`Geometry::grid_corner`]: quadrants to the
    /// right and down of the grid corner (0, 0).
    #[must_use]
    pub fn grid_point(&self, place: LatLng) -> (f64, f64) {
        let (lat, lng) = (place.lat - self.origin.lat, place.lng - self.origin.lng);
        let (a, b) = (self.per_x, self.per_y);
        // Cramer's rule.
        let determinant = a.lng * b.lat - a.lat * b.lng;
        (
            (lng * b.lat - lat * b.lng) / determinant,
            (a.lng * lat - a.lat * lng) / determinant,
        )
    }

    /// The anchor of a quadrant: its bottom-right corner.
    #[must_use]
    pub fn anchor(&self, quadrant: Quadrant) -> LatLng {
        self.grid_corner(i64::from(quadrant.x) + 1, i64::from(quadrant.y) + 1)
    }

    /// Corners of a block in degrees, clockwise from the top left as seen in the picture.
    #[must_use]
    pub fn block_corners(&self, block: Block) -> [LatLng; 4] {
        let Quadrant { x, y } = block.top_left;
        let (left, top) = (i64::from(x), i64::from(y));
        let right = left + i64::from(block.shape.width());
        let bottom = top + i64::from(block.shape.height());
        [
            self.grid_corner(left, top),
            self.grid_corner(right, top),
            self.grid_corner(right, bottom),
            self.grid_corner(left, bottom),
        ]
    }
}

#[cfg(test)]
mod tests {
    use planner::BlockShape;

    use super::*;

    fn config(
        azimuth: f64,
        elevation: f64,
        width_px: f64,
        height_px: f64,
        view: f64,
    ) -> GenerationConfig {
        GenerationConfig {
            name: String::new(),
            seed: LatLng {
                lat: 40.7484,
                lng: -73.9857,
            },
            camera_azimuth_degrees: azimuth,
            camera_elevation_degrees: elevation,
            width_px,
            height_px,
            view_height_meters: view,
            tile_step: 0.5,
        }
    }

    fn check(config: &GenerationConfig, block: Block, expected: [(f64, f64); 4]) {
        let corners = Geometry::of(config).block_corners(block);
        for (corner, (lat, lng)) in corners.into_iter().zip(expected) {
            assert!(
                (corner.lat - lat).abs() < 1e-9 && (corner.lng - lng).abs() < 1e-9,
                "{block}: {corner:?} is not {lat}, {lng}"
            );
        }
    }

    #[test]
    fn corners_agree_with_those_that_the_map_generator_computes() {
        let nyc = config(-15.0, -45.0, 1024.0, 1024.0, 300.0);
        let single = |x, y| Block::new(BlockShape::OneByOne, x, y);
        check(
            &nyc,
            single(0, 0),
            [
                (40.749894730, -73.988073516),
                (40.750244136, -73.986352252),
                (40.748400000, -73.985700000),
                (40.748050594, -73.987421265),
            ],
        );
        check(
            &nyc,
            single(-10, -10),
            [
                (40.764842031, -74.011808677),
                (40.765191437, -74.010087413),
                (40.763347301, -74.009435161),
                (40.762997895, -74.011156426),
            ],
        );
        check(
            &nyc,
            Block::new(BlockShape::TwoByTwo, 0, 0),
            [
                (40.749894730, -73.988073516),
                (40.750593542, -73.984630987),
                (40.746905270, -73.983326484),
                (40.746206458, -73.986769013),
            ],
        );
        check(
            &config(30.0, -35.264, 1280.0, 720.0, 200.0),
            single(3, -2),
            [
                (40.750850041, -73.978955424),
                (40.750050041, -73.977126395),
                (40.748700026, -73.978155234),
                (40.749500027, -73.979984263),
            ],
        );
    }
}
