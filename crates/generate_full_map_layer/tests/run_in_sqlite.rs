//! The same where a layer keeps its pictures in a database: the test layers of a program of this
//! name do.

#[path = "run.rs"]
mod run;

#[test]
fn these_layers_are_in_sqlite() {
    let layer = fixtures::layers::TestLayer::new(
        fixtures::maps::MapSpec::rectangle(1, 1),
        &serde_json::json!([]),
    );
    assert_eq!(layer.storage(), layer::Storage::Sqlite);
}
