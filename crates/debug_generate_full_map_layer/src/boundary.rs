//! An outline from a GeoJSON file (RFC 7946).

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;

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
        let value: Value =
            serde_json::from_str(text.trim_start_matches('\u{feff}')).context("it is not JSON")?;
        let mut lines = Vec::new();
        collect(&value, &mut lines)?;
        if lines.is_empty() {
            bail!("it has no LineString or Polygon in it");
        }
        Ok(Self { lines })
    }
}

fn collect(object: &Value, lines: &mut Vec<Vec<[f64; 2]>>) -> Result<()> {
    let parts = |key: &str| {
        object[key]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let coordinates = || parts("coordinates");
    match object["type"].as_str() {
        Some("FeatureCollection") => parts("features").iter().try_for_each(|f| collect(f, lines)),
        Some("GeometryCollection") => parts("geometries")
            .iter()
            .try_for_each(|g| collect(g, lines)),
        Some("Feature") if object["geometry"].is_null() => Ok(()),
        Some("Feature") => collect(&object["geometry"], lines),
        Some("LineString") => {
            lines.push(line(coordinates())?);
            Ok(())
        }
        Some("Polygon" | "MultiLineString") => coordinates().iter().try_for_each(|part| {
            lines.push(line(
                part.as_array().map(Vec::as_slice).unwrap_or_default(),
            )?);
            Ok(())
        }),
        Some("MultiPolygon") => {
            for ring in coordinates()
                .iter()
                .flat_map(|polygon| polygon.as_array().into_iter().flatten())
            {
                lines.push(line(
                    ring.as_array().map(Vec::as_slice).unwrap_or_default(),
                )?);
            }
            Ok(())
        }
        Some("Point" | "MultiPoint") => Ok(()),
        other => bail!(
            "it is not GeoJSON: there is an object of type {other:?}, which has to be a FeatureCollection, a Feature or a geometry"
        ),
    }
}

fn line(points: &[Value]) -> Result<Vec<[f64; 2]>> {
    points
        .iter()
        .map(|point| {
            let (lng, lat) = (point[0].as_f64(), point[1].as_f64());
            match (lng, lat) {
                (Some(lng), Some(lat)) if lng.abs() <= 540.0 && lat.abs() <= 90.0 => {
                    // A centimetre is enough.
                    Ok([lng, lat].map(|degrees| (degrees * 1e7).round() / 1e7))
                }
                _ => bail!("{point} is not a longitude and a latitude in degrees"),
            }
        })
        .collect()
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
