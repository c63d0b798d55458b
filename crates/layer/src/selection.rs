//! Which quadrants somebody asks for: as text, or as GeoJSON.

use std::collections::HashSet;

use planner::{Bounds, Quadrant};
use source_map::{GeoJsonError, GeoShape, Geometry, LatLng, geo_shapes};

use crate::versions::quadrant_named;

/// A point of a polygon, in quadrants right and down of the grid corner (0, 0).
type Point = (f64, f64);

/// Quadrants that somebody asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    singles: Vec<Quadrant>,
    rectangles: Vec<Bounds>,
    /// Those that hold one of these, when they are planned.
    held: HashSet<Quadrant>,
    /// The rings of polygons, holes too.
    polygons: Vec<Vec<Vec<Point>>>,
}

/// Why a text selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A word that is neither a quadrant nor a rectangle.
    #[error(
        "{0:?} is neither a quadrant nor a rectangle; they are written as in 12,-3 and 20,5..24,9 or 20,5,24,9, with blanks between them"
    )]
    Word(String),
    /// There is nothing in it.
    #[error("no quadrant is named; they are written as in 12,-3 or 20,5..24,9")]
    Empty,
    /// It begins like GeoJSON and is none.
    #[error(transparent)]
    GeoJson(#[from] GeoJsonError),
    /// A quadrant that is not planned.
    #[error("quadrant {0} is not in the plan, which is of the quadrants {1}")]
    NotPlanned(Quadrant, String),
    /// None of it is planned.
    #[error("none of what is asked for is in the plan, which is of the quadrants {0}")]
    NonePlanned(String),
}

impl Selection {
    /// Reads quadrants and inclusive rectangles, `12,-3 20,5..24,9` or `20,5,24,9`, or GeoJSON (RFC 7946) on the
    /// map of `geometry`. A quadrant belongs to a polygon when its centre lies in it, and to points
    /// and lines when it holds one of their points.
    ///
    /// # Errors
    /// [`SelectionError`] when the text is none of these.
    pub fn parse(text: &str, geometry: Geometry) -> Result<Self, SelectionError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let mut selection = Self::default();
        if text.starts_with('{') {
            for shape in geo_shapes(text)? {
                selection.add(&shape, geometry);
            }
        } else if let Some(corners) = corners(text) {
            // With blanks after the commas, too.
            selection.add_rectangle(corners, text)?;
        } else {
            for word in text.split_whitespace() {
                selection.add_word(word)?;
            }
        }
        if selection == Self::default() {
            return Err(SelectionError::Empty);
        }
        Ok(selection)
    }

    fn add_word(&mut self, word: &str) -> Result<(), SelectionError> {
        let bad = || SelectionError::Word(word.to_owned());
        let quadrant = |text: &str| quadrant_named(text).map_err(|_| bad());
        match (word.split_once(".."), corners(word)) {
            (None, Some(corners)) => self.add_rectangle(corners, word),
            (None, None) => {
                self.singles.push(quadrant(word)?);
                Ok(())
            }
            (Some((from, to)), _) => self.add_rectangle([quadrant(from)?, quadrant(to)?], word),
        }
    }

    /// The rectangle between two corners, whichever they are.
    fn add_rectangle(&mut self, corners: [Quadrant; 2], word: &str) -> Result<(), SelectionError> {
        let rectangle = Bounds::around(corners);
        let bad = || SelectionError::Word(word.to_owned());
        self.rectangles.push(rectangle.ok_or_else(bad)?);
        Ok(())
    }

    fn add(&mut self, shape: &GeoShape, geometry: Geometry) {
        let points = |places: &[LatLng]| -> Vec<Point> {
            places.iter().map(|&at| geometry.grid_point(at)).collect()
        };
        match shape {
            GeoShape::Point(place) => self.hold(&points(&[*place])),
            GeoShape::Line(places) => self.hold(&points(places)),
            GeoShape::Polygon(rings) => {
                let rings = rings.iter().map(|ring| points(ring));
                self.polygons.push(rings.collect());
            }
        }
    }

    fn hold(&mut self, points: &[Point]) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what lies beyond 32 bits is in no plan"
        )]
        let quadrant = |&(x, y): &Point| Quadrant::new(x.floor() as i32, y.floor() as i32);
        self.held.extend(points.iter().map(quadrant));
    }

    /// The quadrants of `planned` that are asked for, in their order.
    ///
    /// # Errors
    /// [`SelectionError::NotPlanned`] for one that is named and not among them, and
    /// [`SelectionError::NonePlanned`] where none is.
    pub fn of(&self, planned: &[Quadrant]) -> Result<Vec<Quadrant>, SelectionError> {
        let all: HashSet<Quadrant> = planned.iter().copied().collect();
        let extent = || {
            let xs = planned.iter().map(|quadrant| quadrant.x);
            let ys = planned.iter().map(|quadrant| quadrant.y);
            let of = |least: Option<i32>, most: Option<i32>| {
                (least.unwrap_or_default(), most.unwrap_or_default())
            };
            let (min_x, max_x) = of(xs.clone().min(), xs.max());
            let (min_y, max_y) = of(ys.clone().min(), ys.max());
            format!("{min_x},{min_y}..{max_x},{max_y}")
        };
        if let Some(&unknown) = self.singles.iter().find(|&single| !all.contains(single)) {
            return Err(SelectionError::NotPlanned(unknown, extent()));
        }
        let singles: HashSet<Quadrant> = self.singles.iter().copied().collect();
        let is_asked_for = |&quadrant: &Quadrant| {
            let centre = (f64::from(quadrant.x) + 0.5, f64::from(quadrant.y) + 0.5);
            singles.contains(&quadrant)
                || self.held.contains(&quadrant)
                || self.rectangles.iter().any(|part| part.contains(quadrant))
                || self.polygons.iter().any(|rings| is_inside(rings, centre))
        };
        let chosen: Vec<Quadrant> = planned.iter().copied().filter(is_asked_for).collect();
        if chosen.is_empty() {
            return Err(SelectionError::NonePlanned(extent()));
        }
        Ok(chosen)
    }
}

/// Two corners written as in `20,5,24,9`.
fn corners(text: &str) -> Option<[Quadrant; 2]> {
    let numbers: Option<Vec<i32>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers?[..] {
        [x1, y1, x2, y2] => Some([Quadrant::new(x1, y1), Quadrant::new(x2, y2)]),
        _ => None,
    }
}

/// Whether a point lies in a polygon and in none of its holes: a ray from it crosses the rings an
/// odd number of times.
fn is_inside(rings: &[Vec<Point>], (x, y): Point) -> bool {
    let mut is_inside = false;
    for ring in rings {
        let ends = ring.iter().zip(ring.iter().cycle().skip(1));
        for (&(ax, ay), &(bx, by)) in ends {
            if (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax) {
                is_inside = !is_inside;
            }
        }
    }
    is_inside
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Turned by some 30 degrees, and flattened.
    const GEOMETRY: Geometry = Geometry {
        origin: LatLng {
            lat: 40.0,
            lng: -74.0,
        },
        per_x: LatLng {
            lat: -0.0005,
            lng: 0.001,
        },
        per_y: LatLng {
            lat: -0.001,
            lng: -0.0004,
        },
    };

    fn square(size: i32) -> Vec<Quadrant> {
        let rows = -size..size;
        rows.flat_map(|y| (-size..size).map(move |x| Quadrant::new(x, y)))
            .collect()
    }

    fn chosen(text: &str) -> Vec<(i32, i32)> {
        let selection = Selection::parse(text, GEOMETRY).unwrap();
        let chosen = selection.of(&square(10)).unwrap();
        chosen.iter().map(|at| (at.x, at.y)).collect()
    }

    /// A place in the grid as GeoJSON has it.
    fn at(x: f64, y: f64) -> Value {
        let Geometry {
            origin,
            per_x,
            per_y,
        } = GEOMETRY;
        json!([
            origin.lng + x * per_x.lng + y * per_y.lng,
            origin.lat + x * per_x.lat + y * per_y.lat
        ])
    }

    #[test]
    fn quadrants_and_rectangles_are_read_in_any_order() {
        assert_eq!(chosen(" 3,-3\n-1,2 "), [(3, -3), (-1, 2)]);
        assert_eq!(chosen("1,1..0,0"), [(0, 0), (1, 0), (0, 1), (1, 1)]);
        assert_eq!(chosen("0,0..1,0 1,0 0,0"), [(0, 0), (1, 0)]);
        // Two corners in any order.
        for corners in [
            "-1,-2,0,-1",
            "0,-1,-1,-2",
            " 0, -2, -1, -1 ",
            "-1,-2,0,-2 0,-1,-1,-1",
        ] {
            let all = [(-1, -2), (0, -2), (-1, -1), (0, -1)];
            assert_eq!(chosen(corners), all, "{corners}");
        }
        // Of a rectangle only what is planned counts.
        assert_eq!(chosen("9,9..2000000000,2000000000"), [(9, 9)]);
    }

    #[test]
    fn geo_json_selects_what_its_shapes_hold() {
        let ring = |x: f64, y: f64, size: f64| {
            json!([
                at(x, y),
                at(x + size, y),
                at(x + size, y + size),
                at(x, y + size),
                at(x, y)
            ])
        };
        let polygon =
            json!({"type": "Polygon", "coordinates": [ring(-0.2, -0.2, 3.4), ring(0.9, 0.9, 1.2)]});
        let held: Vec<_> = (0..3)
            .flat_map(|y| (0..3).map(move |x| (x, y)))
            .filter(|&at| at != (1, 1))
            .collect();
        assert_eq!(
            chosen(&polygon.to_string()),
            held,
            "a hole is no part of it"
        );
        let feature = json!({"type": "FeatureCollection", "features": [
            {"type": "Feature", "geometry": null},
            {"type": "Feature", "geometry": {"type": "GeometryCollection", "geometries": [
                {"type": "Point", "coordinates": at(-0.5, 4.5)},
                {"type": "LineString", "coordinates": [at(5.1, 4.1), at(7.9, 4.9)]}]}},
            {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[ring(-4.1, -4.1, 1.2)]]}}]});
        assert_eq!(
            chosen(&feature.to_string()),
            [(-4, -4), (-1, 4), (5, 4), (7, 4)]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let bad = [
            "",
            "  ",
            "1",
            "1,2,3",
            "1,b",
            "1..2",
            "1,2..",
            "1,2,3,4,5",
            "1,2,3,b",
            "1,2,3,99999999999",
            "1,2,3,4..5,6",
            "{",
            "{}",
            "99999999999,1",
            "1, 2",
            "{\"type\": \"Point\"}",
            "{\"type\": \"Polygon\", \"coordinates\": [[1, 2]]}",
            "{\"type\": \"Point\", \"coordinates\": [4000000, 1]}",
            "{\"type\": \"FeatureCollection\", \"features\": []}",
        ];
        for text in bad {
            let error = Selection::parse(text, GEOMETRY).unwrap_err().to_string();
            assert!(!error.is_empty(), "{text}");
        }
        let of = |text: &str| Selection::parse(text, GEOMETRY).unwrap().of(&square(3));
        let error = of("0,0 3,0").unwrap_err().to_string();
        assert!(
            error.contains("(3, 0)") && error.contains("-3,-3..2,2"),
            "{error}"
        );
        assert!(matches!(
            of("3,3..9,9"),
            Err(SelectionError::NonePlanned(_))
        ));
    }

    #[test]
    fn a_place_on_the_globe_leads_back_to_its_place_in_the_grid() {
        for (x, y) in [(0, 0), (7, -3), (-1200, 4000)] {
            let (px, py) = GEOMETRY.grid_point(GEOMETRY.grid_corner(x, y));
            assert!((px - x as f64).abs() < 1e-6 && (py - y as f64).abs() < 1e-6);
        }
    }
}
