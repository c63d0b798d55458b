//! What each error says.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

use layer::{Holder, LayerError};

#[test]
fn every_error_says_what_where_and_what_to_do() {
    let path = || PathBuf::from("a/layer_config.json");
    let place = || "a/layer_config.json".to_owned();
    let holder = Holder {
        pid: 42,
        host: "here".to_owned(),
        since: "2026-01-02T03:04:05Z".to_owned(),
    };
    for (error, text) in [
        (
            LayerError::Missing {
                path: path(),
                remedy: "make one",
            },
            "there is no a/layer_config.json; make one",
        ),
        (
            LayerError::Io {
                action: "write",
                path: path(),
                source: Error::from(ErrorKind::StorageFull),
            },
            "cannot write a/layer_config.json: no storage space",
        ),
        (
            LayerError::Syntax {
                path: path(),
                reason: "line 3".to_owned(),
            },
            "a/layer_config.json is not valid JSON: line 3",
        ),
        (
            LayerError::UnknownKey {
                place: place(),
                key: "nmae".to_owned(),
                nearest: "name".to_owned(),
            },
            "a/layer_config.json: unknown key \"nmae\"; did you mean \"name\"?",
        ),
        (
            LayerError::MissingKey {
                place: place(),
                key: "name".to_owned(),
            },
            "a/layer_config.json: the key \"name\" is missing",
        ),
        (
            LayerError::BadValue {
                place: "a/layer_config.json: canvas.noise".to_owned(),
                reason: "must be a number, not \"a\"".to_owned(),
            },
            "a/layer_config.json: canvas.noise must be a number, not \"a\"",
        ),
        (
            LayerError::NewerVersion {
                path: path(),
                version: 3,
                supported: 1,
            },
            "a/layer_config.json has version 3, and this program reads up to version 1; use a newer program",
        ),
        (
            LayerError::NoEndpoints { path: path() },
            "a/layer_config.json lists no endpoints; an entry looks like {\"name\": \"a\", \"url\": \"http://localhost:8000/\"}",
        ),
        (
            LayerError::DuplicateEndpoint {
                place: place(),
                name: "a".to_owned(),
            },
            "a/layer_config.json: two endpoints have the name \"a\"; each needs a name of its own",
        ),
        (
            LayerError::PicturesGone {
                path: path(),
                complete: 5,
            },
            "a/layer_config.json is gone, though 5 items are complete; put it back, or make an empty directory in its place and run with --resume, which makes them again",
        ),
        (
            LayerError::NotADirectory { path: path() },
            "a/layer_config.json is not a directory; move it away",
        ),
        (
            LayerError::InUse {
                path: path(),
                holder,
            },
            "a/layer_config.json is in use by another run (process 42 on here, since 2026-01-02T03:04:05Z); wait for it to end, or stop it",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(Holder::default().to_string(), "it has not said which");
}
