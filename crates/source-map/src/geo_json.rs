//! Shapes on the globe from GeoJSON (RFC 7946).

use serde_json::Value;

use crate::LatLng;

/// A shape on the globe.
#[derive(Debug, Clone, PartialEq)]
pub enum GeoShape {
    /// A place.
    Point(LatLng),
    /// Places that are joined.
    Line(Vec<LatLng>),
    /// An outline, and then the outlines of holes in it.
    Polygon(Vec<Vec<LatLng>>),
}

/// Why a text is no GeoJSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeoJsonError {
    /// It does not parse.
    #[error("it is not JSON: {0}")]
    Syntax(String),
    /// An object of another type.
    #[error(
        "it is not GeoJSON: there is {0}, which has to be a FeatureCollection, a Feature or a geometry"
    )]
    Type(String),
    /// Something else stands where a list has to.
    #[error("it is not GeoJSON: a list has to stand in the place of {0}")]
    List(String),
    /// A pair of other numbers.
    #[error("{0} is not a longitude and a latitude in degrees")]
    Place(String),
}

/// The shapes in a GeoJSON text, wherever they stand in it, in their order.
///
/// # Errors
/// [`GeoJsonError`] when it is none.
pub fn geo_shapes(text: &str) -> Result<Vec<GeoShape>, GeoJsonError> {
    let text = text.trim_start_matches('\u{feff}');
    let value: Value =
        serde_json::from_str(text).map_err(|error| GeoJsonError::Syntax(error.to_string()))?;
    let mut shapes = Vec::new();
    collect(&value, &mut shapes)?;
    Ok(shapes)
}

fn collect(object: &Value, shapes: &mut Vec<GeoShape>) -> Result<(), GeoJsonError> {
    let coordinates = &object["coordinates"];
    match object["type"].as_str() {
        Some("FeatureCollection") => list(&object["features"])?
            .iter()
            .try_for_each(|feature| collect(feature, shapes))?,
        Some("GeometryCollection") => list(&object["geometries"])?
            .iter()
            .try_for_each(|part| collect(part, shapes))?,
        Some("Feature") if object["geometry"].is_null() => {}
        Some("Feature") => collect(&object["geometry"], shapes)?,
        Some("Point") => shapes.push(GeoShape::Point(place(coordinates)?)),
        Some("MultiPoint") => shapes.extend(places(coordinates)?.into_iter().map(GeoShape::Point)),
        Some("LineString") => shapes.push(GeoShape::Line(places(coordinates)?)),
        Some("MultiLineString") => {
            shapes.extend(lines(coordinates)?.into_iter().map(GeoShape::Line));
        }
        Some("Polygon") => shapes.push(GeoShape::Polygon(lines(coordinates)?)),
        Some("MultiPolygon") => {
            for polygon in list(coordinates)? {
                shapes.push(GeoShape::Polygon(lines(polygon)?));
            }
        }
        Some(other) => return Err(GeoJsonError::Type(format!("an object of type {other:?}"))),
        None => return Err(GeoJsonError::Type("something without a type".to_owned())),
    }
    Ok(())
}

fn list(value: &Value) -> Result<&[Value], GeoJsonError> {
    let list = value.as_array().map(Vec::as_slice);
    list.ok_or_else(|| GeoJsonError::List(value.to_string()))
}

fn lines(value: &Value) -> Result<Vec<Vec<LatLng>>, GeoJsonError> {
    list(value)?.iter().map(places).collect()
}

fn places(value: &Value) -> Result<Vec<LatLng>, GeoJsonError> {
    list(value)?.iter().map(place).collect()
}

fn place(point: &Value) -> Result<LatLng, GeoJsonError> {
    let number = |index: usize| point.get(index).and_then(Value::as_f64);
    match (number(0), number(1)) {
        // A line across the date line may go on beyond it.
        (Some(lng), Some(lat)) if lng.abs() <= 540.0 && lat.abs() <= 90.0 => {
            Ok(LatLng { lat, lng })
        }
        _ => Err(GeoJsonError::Place(point.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_found_wherever_they_stand() {
        let shapes = geo_shapes(
            r#"{"type": "FeatureCollection", "features": [
                {"type": "Feature", "geometry": null},
                {"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4, 5]]}},
                {"type": "GeometryCollection", "geometries": [
                    {"type": "MultiLineString", "coordinates": [[[1, 2]], []]},
                    {"type": "MultiPolygon", "coordinates": [[[[6, 7]]], [[[8, 9]], [[1, 1]]]]}]}]}"#,
        );
        let at = |lng, lat| LatLng { lat, lng };
        let expected = [
            GeoShape::Point(at(1.0, 2.0)),
            GeoShape::Point(at(3.0, 4.0)),
            GeoShape::Line(vec![at(1.0, 2.0)]),
            GeoShape::Line(Vec::new()),
            GeoShape::Polygon(vec![vec![at(6.0, 7.0)]]),
            GeoShape::Polygon(vec![vec![at(8.0, 9.0)], vec![at(1.0, 1.0)]]),
        ];
        assert_eq!(shapes.unwrap(), expected);
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, said) in [
            ("{", "not JSON"),
            ("[]", "without a type"),
            (r#"{"type": "Topology"}"#, "of type \"Topology\""),
            (r#"{"type": "FeatureCollection"}"#, "a list"),
            (
                r#"{"type": "LineString", "coordinates": 7}"#,
                "the place of 7",
            ),
            (
                r#"{"type": "Polygon", "coordinates": [[1, 2]]}"#,
                "1 is not a longitude",
            ),
            (r#"{"type": "Point", "coordinates": [1]}"#, "[1] is not"),
            (
                r#"{"type": "Point", "coordinates": [-8235000, 4970000]}"#,
                "is not a longitude",
            ),
            (
                r#"{"type": "Point", "coordinates": ["1", "2"]}"#,
                "is not a longitude",
            ),
        ] {
            let error = geo_shapes(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
