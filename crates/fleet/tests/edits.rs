//! Whatever is written into the files: a run has the endpoints that stood there last and could be used,
//! each at its place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use dispatch::{EndpointChange, Level, Pool};
use fleet::{Fleet, Reason, Update};
use layer::LayerDir;
use proptest::prelude::*;
use serde_json::{Value, json};

/// An entry: its name, port, and slots.
type Entry = (char, u16, u32);

/// What stands in a file.
#[derive(Debug, Clone)]
enum Text {
    Entries(Vec<Entry>),
    /// What does not parse, or not as endpoints.
    Broken(&'static str),
    Away,
    /// A pipe to which nobody writes.
    Pipe,
}

/// What is done to one of the files.
#[derive(Debug, Clone)]
enum Edit {
    Config(Text),
    File(Text),
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (0..6_u8, 1..4_u16, 1..4_u32);
    prop::collection::btree_map(0..6_u8, entry, 0..5).prop_map(|entries| {
        let entry = |(name, (_, port, slots))| ((b'a' + name) as char, port, slots);
        entries.into_iter().map(entry).collect()
    })
}

fn text() -> impl Strategy<Value = Text> {
    let broken = ["", "[", "{\"a\": 1}", "[{\"name\": \"a\"}]", "null"];
    prop_oneof![
        4 => entries().prop_map(Text::Entries),
        1 => prop::sample::select(broken.to_vec()).prop_map(Text::Broken),
        1 => Just(Text::Away),
        1 => Just(Text::Pipe),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![text().prop_map(Edit::Config), text().prop_map(Edit::File)]
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/")
}

fn list(entries: &[Entry]) -> Value {
    let entry = |&(name, port, slots): &Entry| json!({"name": name.to_string(), "url": url(port), "max_concurrent": slots});
    entries.iter().map(entry).collect()
}

/// A layer's directory with nothing in it but what tells of endpoints.
struct Place {
    _root: tempfile::TempDir,
    layer: Arc<LayerDir>,
    file: PathBuf,
}

impl Place {
    fn new(config: &[Entry], file: &[Entry]) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let place = Self {
            layer: Arc::new(LayerDir::at(root.path())),
            file: root.path().join("fleet.json"),
            _root: root,
        };
        place.write_config(&list(config));
        fs::write(&place.file, list(file).to_string()).expect("a file");
        place
    }

    fn write_config(&self, endpoints: &Value) {
        let config = json!({"version": 1, "generation_dir": "map", "model_endpoints": endpoints,
            "generation_params": {"prompt": "p"}});
        fs::write(self.layer.config_path(), config.to_string()).expect("a file");
    }

    fn read(&self, file: Option<&Path>) -> anyhow::Result<Fleet> {
        let (mut config, _) = self.layer.read_config()?;
        Ok(Fleet::read(&self.layer, &mut config, file, None)?.0)
    }

    /// Does it; what stands there now where it can be used.
    fn edit(&self, edit: &Edit) -> Option<Vec<Entry>> {
        let (path, text) = match edit {
            Edit::Config(text) => (self.layer.config_path(), text),
            Edit::File(text) => (self.file.clone(), text),
        };
        let was_removed = fs::remove_file(&path);
        match (edit, text) {
            (_, Text::Away) => drop(was_removed),
            (_, Text::Pipe) => {
                let made = Command::new("mkfifo").arg(path).status();
                assert!(made.expect("mkfifo starts").success());
            }
            (_, Text::Broken(text)) => fs::write(path, text).expect("a file"),
            (Edit::Config(_), Text::Entries(entries)) => self.write_config(&list(entries)),
            (Edit::File(_), Text::Entries(entries)) => {
                fs::write(path, list(entries).to_string()).expect("a file");
            }
        }
        match text {
            Text::Entries(entries) => Some(entries.clone()),
            Text::Broken(_) | Text::Away | Text::Pipe => None,
        }
    }
}

/// What a run has: the pool that is told all changes, and the addresses behind it.
struct Told {
    pool: Pool,
    addresses: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Told {
    fn of(fleet: &Fleet) -> Self {
        let endpoints = fleet.endpoints();
        Self {
            pool: Pool::new(endpoints.iter().map(|e| e.limits()), None),
            addresses: endpoints.iter().map(|e| e.address.clone()).collect(),
            places: (endpoints.iter().map(|e| e.name.clone()).zip(0..)).collect(),
        }
    }

    fn take_in(&mut self, update: Update, now: Duration) {
        for (index, change) in update.changes {
            self.pool.change(index, change, now);
        }
        if !update.endpoints.is_empty() {
            let all = update.endpoints.iter();
            self.addresses = all.map(|(endpoint, _)| endpoint.address.clone()).collect();
        }
        for (index, member) in self.pool.members().iter().enumerate() {
            let place = self.places.entry(member.name().to_owned()).or_insert(index);
            assert_eq!(*place, index, "{} has moved", member.name());
        }
    }

    /// Name, address and slots of those that are here.
    fn here(&self) -> BTreeMap<String, (String, usize)> {
        let members = self.pool.members().iter().zip(&self.addresses);
        let here = members.filter(|(member, _)| !member.is_gone());
        here.map(|(member, address)| (member.name().to_owned(), (address.clone(), member.width())))
            .collect()
    }
}

/// What is to be there: the configuration's, and those in the file beside.
fn expected(config: &[Entry], file: &[Entry]) -> BTreeMap<String, (String, usize)> {
    let all = file.iter().chain(config);
    all.map(|&(name, port, slots)| (name.to_string(), (url(port), slots as usize)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_run_has_the_endpoints_of_the_last_files_that_could_be_used(
        edits in prop::collection::vec((edit(), any::<bool>()), 1..12),
    ) {
        let (mut config, mut file) = (vec![('a', 1, 1)], vec![('f', 2, 1)]);
        let place = Place::new(&config, &file);
        let mut fleet = place.read(Some(&place.file)).expect("it is read");
        let mut told = Told::of(&fleet);
        for (step, (edit, is_asked)) in edits.iter().enumerate() {
            let now = Duration::from_secs(step as u64);
            let last = match edit {
                Edit::Config(_) => &mut config,
                Edit::File(_) => &mut file,
            };
            if let Some(entries) = place.edit(edit) {
                *last = entries;
            }
            let reason = if *is_asked { Reason::Asked } else { Reason::Changed };
            told.take_in(fleet.look_again(reason), now);
            prop_assert_eq!(told.here(), expected(&config, &file), "after {:?}", edit);
            let again = fleet.look_again(Reason::Changed);
            prop_assert!(again.is_empty(), "told twice: {:?}", again);
        }
    }
}

/// Of each entry: its name, and the key that it carries.
type Keys = Vec<(char, u8)>;

fn keys() -> impl Strategy<Value = Keys> {
    prop::collection::btree_map(0..3_u8, 0..8_u8, 0..4).prop_map(|keys| {
        keys.into_iter()
            .map(|(n, key)| ((b'a' + n) as char, key))
            .collect()
    })
}

/// In the places where an entry may have a key.
fn key(number: u8) -> String {
    format!("{number}-key-of-{number}{number}{number}")
}

fn with_keys(keys: &Keys) -> Value {
    let entry = |&(name, number): &(char, u8)| match number % 2 {
        0 => json!({"name": name.to_string(), "url": url(1), "headers": {"x-key": key(number)}}),
        _ => {
            json!({"name": name.to_string(), "url": format!("http://127.0.0.1:1/?key={}", key(number))})
        }
    };
    keys.iter().map(entry).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_key_that_was_one_is_struck_out_of_what_any_endpoint_says_from_then_on(
        edits in prop::collection::vec(keys(), 1..8),
    ) {
        let place = Place::new(&[], &[]);
        place.write_config(&with_keys(&edits[0]));
        let mut fleet = place.read(Some(&place.file)).expect("it is read");
        // A call that is under way has the endpoint that it began with.
        let mut endpoints = fleet.endpoints();
        let mut known: Vec<String> = Vec::new();
        for edit in &edits {
            place.write_config(&with_keys(edit));
            let update = fleet.look_again(Reason::Changed);
            endpoints.extend(update.endpoints.into_iter().map(|(endpoint, _)| endpoint));
            known.extend(edit.iter().map(|&(_, number)| key(number)));
            let said = format!("{} is not as good as {}", known.join(", "), known.join(", "));
            for endpoint in &endpoints {
                let told = endpoint.redact(&said);
                let shown = known.iter().find(|key| told.contains(key.as_str()));
                prop_assert_eq!(shown, None, "{} says {}", endpoint.name, told);
            }
        }
    }
}

fn lines(update: &Update, wanted: Level) -> Vec<&str> {
    let lines = update.lines.iter().filter(|(level, _)| *level == wanted);
    lines.map(|(_, line)| line.as_str()).collect()
}

#[test]
fn what_is_tried_is_told_to_all_that_come() {
    let place = Place::new(&[('a', 1, 1)], &[]);
    let (mut config, _) = place.layer.read_config().expect("it is read");
    let tried = "prompt=night".parse().expect("settings");
    let fleet = Fleet::read(&place.layer, &mut config, None, Some(&tried));
    let (mut fleet, _) = fleet.expect("it is read");
    assert_eq!(config.generation_params["prompt"], "night");
    assert_eq!(
        fleet.differences(),
        ["endpoint a is told prompt: \"p\" -> \"night\""]
    );
    assert!(
        fleet.look_again(Reason::Changed).is_empty(),
        "nothing was edited"
    );
    place.write_config(&list(&[('a', 2, 1), ('b', 3, 1)]));
    let update = fleet.look_again(Reason::Changed);
    assert_eq!(lines(&update, Level::Warning), [""; 0]);
    let told = fleet.endpoints();
    let told = told.iter().map(|e| e.settings.told["prompt"].clone());
    assert_eq!(told.collect::<Vec<_>>(), ["night", "night"]);
}

#[test]
fn an_edit_that_leaves_no_endpoint_is_refused_where_no_other_can_come() {
    let place = Place::new(&[('a', 1, 1)], &[]);
    let mut fleet = place.read(None).expect("it is read");
    place.write_config(&json!([]));
    let update = fleet.look_again(Reason::Changed);
    assert!(update.changes.is_empty());
    let [line] = lines(&update, Level::Warning)[..] else {
        panic!("{update:?}");
    };
    assert!(line.contains("lists no model_endpoints"), "{line}");
    assert!(line.contains("stay as they were"), "{line}");
    // The only one that stands there cannot be used.
    place.write_config(&json!([{"name": "b", "url": url(2), "api_key_env": "NO_SUCH_KEY"}]));
    let update = fleet.look_again(Reason::Changed);
    assert!(update.changes.is_empty());
    let told = lines(&update, Level::Warning);
    assert!(
        told[0].starts_with("endpoint b is not taken: NO_SUCH_KEY is not set; set it in .env"),
        "{told:?}"
    );
}

#[test]
fn an_endpoint_without_a_price_is_not_taken_where_one_is_needed() {
    let place = Place::new(&[], &[]);
    place.write_config(&json!([{"name": "a", "url": url(1), "price": {"per_call": 0.04}}]));
    let fleet = place.read(None).expect("it is read");
    let mut fleet = fleet.priced_for(Some("--max-cost"));
    place.write_config(&json!([{"name": "a", "url": url(1)}, {"name": "b", "url": url(2)}]));
    let update = fleet.look_again(Reason::Changed);
    assert!(update.changes.is_empty(), "{update:?}");
    let told = lines(&update, Level::Warning);
    assert!(
        told[0].starts_with("endpoint a stays as it was: --max-cost needs to know"),
        "{told:?}"
    );
    assert!(
        told[1].starts_with("endpoint b is not taken: --max-cost needs to know"),
        "{told:?}"
    );
}

#[test]
fn another_address_is_another_server_and_another_number_is_not() {
    let place = Place::new(&[('a', 1, 1), ('b', 2, 1)], &[]);
    let mut fleet = place.read(None).expect("it is read");
    place.write_config(&list(&[('a', 7, 1), ('b', 2, 3)]));
    let update = fleet.look_again(Reason::Changed);
    let of = |index| {
        let changes = update.changes.iter().filter(move |(at, _)| *at == index);
        changes
            .map(|(_, change)| change.clone())
            .collect::<Vec<_>>()
    };
    assert!(matches!(
        of(0)[..],
        [EndpointChange::Here(_), EndpointChange::Replaced]
    ));
    let [EndpointChange::Here(limits), EndpointChange::TriedAgain] = &of(1)[..] else {
        panic!("{update:?}");
    };
    assert_eq!(limits.slots, 3);
    let told = lines(&update, Level::Plain);
    assert!(told[0].ends_with("has another url"), "{told:?}");
    assert!(told[1].ends_with("has another max_concurrent"), "{told:?}");
}

#[test]
fn one_that_comes_back_is_called_as_another_server_and_another_key_is_another_account() {
    let place = Place::new(&[], &[('b', 2, 1)]);
    let mut fleet = place.read(Some(&place.file)).expect("it is read");
    let mut change_to = |keys: &Keys, file: &[Entry], reason| {
        place.write_config(&with_keys(keys));
        fs::write(&place.file, list(file).to_string()).expect("a file");
        let changes = fleet.look_again(reason).changes;
        let again = changes.into_iter().map(|(_, change)| change);
        again
            .filter(|change| !matches!(change, EndpointChange::Here(_)))
            .collect::<Vec<_>>()
    };
    let b = [('b', 2, 1)];
    assert_eq!(change_to(&vec![('a', 0)], &b, Reason::Changed), []);
    let other_key = change_to(&vec![('a', 2)], &b, Reason::Changed);
    assert_eq!(other_key, [EndpointChange::TriedNow]);
    let other_limits = change_to(&vec![('a', 2)], &[('b', 2, 3)], Reason::Changed);
    assert_eq!(other_limits, [EndpointChange::TriedAgain]);
    let is_gone = change_to(&vec![('a', 2)], &[], Reason::Changed);
    assert_eq!(is_gone, [EndpointChange::Gone]);
    let is_back = change_to(&vec![('a', 2)], &[('b', 2, 3)], Reason::Changed);
    assert_eq!(is_back, [EndpointChange::Replaced]);
    let asked = change_to(&vec![('a', 2)], &[('b', 2, 3)], Reason::Asked);
    assert_eq!(asked, [EndpointChange::TriedNow, EndpointChange::TriedNow]);
}

#[test]
fn other_keys_wait_for_the_next_start_and_are_told_once() {
    let place = Place::new(&[('a', 1, 1)], &[]);
    let mut fleet = place.read(None).expect("it is read");
    let config = json!({"version": 1, "generation_dir": "map", "seed": 7,
        "model_endpoints": list(&[('a', 1, 1)]), "generation_params": {"prompt": "q"}});
    fs::write(place.layer.config_path(), config.to_string()).expect("a file");
    let update = fleet.look_again(Reason::Changed);
    assert!(update.changes.is_empty());
    let [line] = lines(&update, Level::Warning)[..] else {
        panic!("{update:?}");
    };
    assert!(
        line.contains("\"generation_params\", \"seed\" were edited"),
        "{line}"
    );
    assert!(fleet.look_again(Reason::Changed).is_empty());
}
