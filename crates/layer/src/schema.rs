//! The JSON schema of `layer_config.json`, for editors: derived from the types that read the file, so
//! that it says what they say.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::Value;

use crate::LayerConfig;

/// The schema, indented, with a line's end.
#[must_use]
pub fn config_schema() -> String {
    // The draft that editors know best.
    let settings = SchemaSettings::draft07().with_transform(without_null);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<LayerConfig>();
    // What some editors ask for before they let comments and trailing commas pass.
    schema.insert("allowComments".to_owned(), true.into());
    schema.insert("allowTrailingCommas".to_owned(), true.into());
    format!("{:#}\n", schema.to_value())
}

/// Leaves out `null`, which is read as if the key were not there, and which nobody wants proposed.
fn without_null(schema: &mut Schema) {
    transform_subschemas(&mut without_null, schema);
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
        any.retain(|kind| kind.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = &any[..] {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}
