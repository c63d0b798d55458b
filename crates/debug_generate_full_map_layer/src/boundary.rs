//! An outline from a GeoJSON file (RFC 7946).

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use source_map::{GeoShape, LatLng, geo_shapes};

/// Lines on the globe; each point is `[lng, lat]` in degrees.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Boundary {
    lines: Vec<Vec<[f64; 2]>>,
}

impl Boundary {
    /// The lines and the outlines of the polygons in the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is no GeoJSON, or holds neither.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read --boundary {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("cannot draw --boundary {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut lines = Vec::new();
        for shape in geo_shapes(text)? {
            match shape {
                GeoShape::Point(_) => {}
                GeoShape::Line(places) => lines.push(line(&places)),
                GeoShape::Polygon(rings) => lines.extend(rings.iter().map(|ring| line(ring))),
            }
        }
        if lines.is_empty() {
            bail!("it has no LineString or Polygon in it");
        }
        Ok(Self { lines })
    }
}

fn line(places: &[LatLng]) -> Vec<[f64; 2]> {
    // A centimetre is enough.
    let rounded = |degrees: f64| (degrees * 1e7).round() / 1e7;
    let place = |at: &LatLng| [rounded(at.lng), rounded(at.lat)];
    places.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_outlines_are_found_wherever_they_stand() {
        let boundary = Boundary::parse(
            r#"{"type": "FeatureCollection", "features": [
                {"type": "Feature", "properties": {"a": 1}, "geometry":
                    {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1.00000000001, 7], [0, 0]]]}},
                {"type": "Feature", "properties": null, "geometry": null},
                {"type": "GeometryCollection", "geometries": [
                    {"type": "LineString", "coordinates": [[2, 3], [4, 5]]},
                    {"type": "Point", "coordinates": [2, 3]},
                    {"type": "MultiPolygon", "coordinates": [[[[6, 7]]], [[[8, 9]]]]}]}]}"#,
        )
        .unwrap();
        assert_eq!(
            boundary.lines,
            [
                vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]],
                vec![[2.0, 3.0], [4.0, 5.0]],
                vec![[6.0, 7.0]],
                vec![[8.0, 9.0]],
            ]
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_with_its_reason() {
        let error = |text: &str| format!("{:#}", Boundary::parse(text).unwrap_err());
        assert!(error("{").starts_with("it is not JSON"));
        assert!(error("[]").contains("not GeoJSON"));
        assert!(error(r#"{"type": "Topology"}"#).contains("\"Topology\""));
        assert!(error(r#"{"type": "Point", "coordinates": [1, 2]}"#).contains("no LineString"));
        assert!(
            error(r#"{"type": "LineString", "coordinates": [[-8235000, 4970000]]}"#)
                .contains("[-8235000,4970000] is not a longitude")
        );
    }
}
