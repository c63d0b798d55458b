//! The camera and grid configuration of a source map.

use serde_json::{Map, Value};

/// A place on the globe in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatLng {
    /// Latitude in degrees, north positive.
    pub lat: f64,
    /// Longitude in degrees, east positive.
    pub lng: f64,
}

/// The part of `generation_config` that this project needs; other keys are ignored.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationConfig {
    /// The map's name.
    pub name: String,
    /// The bottom-right corner of quadrant (0, 0).
    pub seed: LatLng,
    /// Direction of the camera.
    pub camera_azimuth_degrees: f64,
    /// Tilt of the camera, negative when it looks down.
    pub camera_elevation_degrees: f64,
    /// Width of a tile in pixels.
    pub width_px: f64,
    /// Height of a tile in pixels.
    pub height_px: f64,
    /// What a tile's height shows, in metres.
    pub view_height_meters: f64,
    /// The part of a tile that a quadrant is.
    pub tile_step: f64,
}

const DEFAULT_TILE_STEP: f64 = 0.5;

/// The largest quadrant side that is believed, in pixels.
const MAX_QUADRANT_PX: f64 = 8192.0;

impl GenerationConfig {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// A sentence that names the key which is missing or makes no sense.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let config = object(value, "it")?;
        let seed = object(required(config, "", "seed")?, "seed")?;
        let config = Self {
            name: match config.get("name") {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(name)) => name.clone(),
                Some(other) => return Err(format!("name is {other}; it must be a text")),
            },
            seed: LatLng {
                lat: number(seed, "seed.", "lat")?,
                lng: number(seed, "seed.", "lng")?,
            },
            camera_azimuth_degrees: number(config, "", "camera_azimuth_degrees")?,
            camera_elevation_degrees: number(config, "", "camera_elevation_degrees")?,
            width_px: number(config, "", "width_px")?,
            height_px: number(config, "", "height_px")?,
            view_height_meters: number(config, "", "view_height_meters")?,
            tile_step: match config.get("tile_step") {
                None | Some(Value::Null) => DEFAULT_TILE_STEP,
                Some(_) => number(config, "", "tile_step")?,
            },
        };
        if config.camera_elevation_degrees.to_radians().sin().abs() < 1e-6 {
            return Err(format!(
                "camera_elevation_degrees is {}: the camera looks along the ground, so nothing has a place on it",
                config.camera_elevation_degrees
            ));
        }
        for (key, degrees, most) in [
            ("seed.lat", config.seed.lat, 90.0),
            ("seed.lng", config.seed.lng, 180.0),
        ] {
            if !(-most..=most).contains(&degrees) {
                return Err(format!(
                    "{key} is {degrees}; it must be within -{most} and {most} degrees"
                ));
            }
        }
        if config.seed.lat.to_radians().cos().abs() < 1e-6 {
            return Err(format!(
                "seed.lat is {}: at a pole a longitude means nothing",
                config.seed.lat
            ));
        }
        if !(config.view_height_meters > 0.0 && config.view_height_meters.is_finite()) {
            return Err(format!(
                "view_height_meters is {}; it must be positive",
                config.view_height_meters
            ));
        }
        for (key, side_px) in [
            ("width_px", config.width_px),
            ("height_px", config.height_px),
        ] {
            let quadrant_px = side_px * config.tile_step;
            if !(1.0..=MAX_QUADRANT_PX).contains(&quadrant_px) || quadrant_px.fract().abs() > 1e-6 {
                return Err(format!(
                    "{key} {side_px} times tile_step {} gives quadrants of {quadrant_px} px; that must be a whole number from 1 to {MAX_QUADRANT_PX}",
                    config.tile_step
                ));
            }
        }
        Ok(config)
    }

    /// Width and height of a quadrant in pixels.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked when read"
    )]
    pub fn quadrant_size_px(&self) -> (u32, u32) {
        let side = |tile_px: f64| (tile_px * self.tile_step).round() as u32;
        (side(self.width_px), side(self.height_px))
    }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{place} must be an object {{…}}"))
}

/// What stands at `key` of the object whose keys begin with `within`; null counts as nothing.
fn required<'a>(
    object: &'a Map<String, Value>,
    within: &str,
    key: &str,
) -> Result<&'a Value, String> {
    let value = object.get(key).filter(|value| !value.is_null());
    value.ok_or_else(|| format!("it has no {within}{key}"))
}

fn number(object: &Map<String, Value>, within: &str, key: &str) -> Result<f64, String> {
    let value = required(object, within, key)?;
    value
        .as_f64()
        .ok_or_else(|| format!("{within}{key} must be a number like 1.5, without quotes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Value)) -> Result<GenerationConfig, String> {
        let mut value = serde_json::json!({
            "name": "nyc", "seed": {"lat": 40.7484, "lng": -73.9857}, "n_tiles_x": 2, "n_tiles_y": 2,
            "camera_azimuth_degrees": -15, "camera_elevation_degrees": -45,
            "width_px": 1024, "height_px": 720, "view_height_meters": 300,
        });
        change(&mut value);
        GenerationConfig::from_json(&value)
    }

    #[test]
    fn the_tile_step_is_half_a_tile_unless_it_says_otherwise() {
        assert_eq!(config(|_| {}).unwrap().quadrant_size_px(), (512, 360));
        assert_eq!(
            config(|v| v["tile_step"] = 0.25.into())
                .unwrap()
                .quadrant_size_px(),
            (256, 180)
        );
    }

    /// Every key with every kind of value: it is read, or the key is named.
    #[test]
    fn what_cannot_be_read_is_named_in_the_words_of_the_file() {
        let values =
            serde_json::json!([null, true, 7, -1.5, "text", "1", [], [1, 2], {}, {"lat": 1}]);
        let keys = [
            "seed",
            "camera_azimuth_degrees",
            "camera_elevation_degrees",
            "width_px",
            "height_px",
            "view_height_meters",
            "tile_step",
            "name",
        ];
        let mut said = Vec::new();
        for value in values.as_array().unwrap() {
            said.extend(GenerationConfig::from_json(value).err());
            for key in ["lat", "lng"] {
                let error = config(|v| v["seed"][key] = value.clone()).err();
                assert!(
                    error.iter().all(|error| error.contains(key))
                        && error.is_some() != value.is_number(),
                    "{key} {value}: {error:?}"
                );
                said.extend(error);
            }
            for key in keys {
                let error = config(|v| v[key] = value.clone()).err();
                assert!(
                    error.iter().all(|error| error.contains(key)),
                    "{key} {value}: {error:?}"
                );
                said.extend(error);
            }
        }
        for error in said {
            for of_rust in [
                "expected",
                "struct",
                "f64",
                "invalid type",
                "LatLng",
                "field",
            ] {
                assert!(!error.contains(of_rust), "{error}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let error = |key: &str, value: Value| config(|v| v[key] = value).unwrap_err();
        assert!(error("camera_elevation_degrees", 0.into()).contains("looks along the ground"));
        assert!(error("camera_elevation_degrees", 180.into()).contains("looks along the ground"));
        assert!(error("width_px", 0.into()).contains("width_px 0"));
        assert!(error("width_px", 1023.into()).contains("511.5"));
        assert!(error("tile_step", (-1).into()).contains("-1024"));
        assert!(error("view_height_meters", 0.into()).contains("must be positive"));
        assert!(error("seed", serde_json::json!({"lat": 90, "lng": 0})).contains("pole"));
        assert!(error("seed", serde_json::json!({"lat": 1})).contains("lng"));
        assert!(
            error("seed", serde_json::json!({"lat": -91, "lng": 0})).contains("seed.lat is -91")
        );
        assert!(
            error("seed", serde_json::json!({"lat": 0, "lng": 181})).contains("seed.lng is 181")
        );
        assert!(
            config(|v| drop(v.as_object_mut().unwrap().remove("height_px")))
                .unwrap_err()
                .contains("height_px")
        );
    }
}
