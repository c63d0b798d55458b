//! The endpoints of a run and where they stand: read at its start, and again whenever that has changed.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use dispatch::{EndpointChange, EndpointIndex, Level};
use layer::{EndpointConfig, LayerConfig, LayerDir, LayerError, Tried, read_coming_endpoints};
use model_client::{Credentials, Environment, NotSet, Secrets};
use serde_json::Value;

use crate::differences::{differing_keys, names_of};
use crate::endpoint::Endpoint;

/// Where `.env` lies that keys come from.
const WORKING_DIRECTORY: &str = ".";

/// The endpoints of a run, each at the place that it keeps.
#[derive(Debug)]
pub struct Fleet {
    layer: Arc<LayerDir>,
    /// As it was when the run began: what endpoints are told follows from it.
    config: LayerConfig,
    /// What is told instead, where that is tried.
    tried: Option<Tried>,
    /// What is told otherwise than the configuration says, a line each.
    differences: Vec<String>,
    /// A file with more of them.
    file: Option<PathBuf>,
    /// The limit for which it must be known what calls cost.
    priced_for: Option<&'static str>,
    /// What stands in the configuration and in the file, as far as both could be read.
    of_layer: Vec<EndpointConfig>,
    of_file: Vec<EndpointConfig>,
    members: Vec<Placed>,
    /// What calls to any of them carry or carried, which no server's words may show.
    secrets: Secrets,
    /// What was told of each place that is wrong there.
    told: BTreeMap<String, String>,
}

/// An endpoint at its place.
#[derive(Debug)]
struct Placed {
    entry: EndpointConfig,
    endpoint: Arc<Endpoint>,
    is_here: bool,
}

/// Why what stands there is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It has changed.
    Changed,
    /// The user wants it.
    Asked,
}

/// What is new.
#[derive(Debug, Default)]
pub struct Update {
    /// For the dispatcher.
    pub changes: Vec<(EndpointIndex, EndpointChange)>,
    /// All endpoints by their places, and whether they are of the run, where anything has changed.
    pub endpoints: Vec<(Arc<Endpoint>, bool)>,
    /// For people.
    pub lines: Vec<(Level, String)>,
}

/// What becomes of one entry.
enum Outcome {
    Kept,
    Joins(Endpoint),
    Changes(EndpointIndex, Endpoint),
    Refused(String),
}

impl Fleet {
    /// Reads the endpoints of a layer, and those in `file`, which join `config` too. They are told what
    /// the layer's configuration says, and what is `tried` over it: so is `config` then. Also returns
    /// what the user should know.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn read(
        layer: &Arc<LayerDir>,
        config: &mut LayerConfig,
        file: Option<&Path>,
        tried: Option<&Tried>,
    ) -> anyhow::Result<(Self, Vec<String>)> {
        let of_layer = config.model_endpoints.clone();
        let of_file = file.map_or(Ok(Vec::new()), read_coming_endpoints)?;
        if let (Some(file), Some(twice)) = (file, twice(&of_layer, &of_file).next()) {
            bail!(
                "{}: an endpoint has the name \"{twice}\", as one in {} has; each needs a name of its own",
                file.display(),
                layer.config_path().display()
            );
        }
        config.model_endpoints.extend(of_file.iter().cloned());
        let (environment, warning) = Environment::read(Path::new(WORKING_DIRECTORY));
        let mut warnings = Vec::from_iter(warning);
        let told = tried.map_or_else(|| config.clone(), |tried| tried.over(config));
        let remarks = model_client::remarks(&told, &environment);
        warnings.extend(match tried {
            None => remarks?,
            Some(_) => remarks.context("what is given with --try cannot be told")?,
        });
        let entries = told.model_endpoints.iter();
        let endpoints = entries.map(|entry| Endpoint::of(&told, entry, &environment));
        let mut endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
        let secrets = Secrets::default();
        for endpoint in &mut endpoints {
            endpoint.share(&secrets);
        }
        let redact = |line: String| endpoints.iter().fold(line, |line, one| one.redact(&line));
        let mut differences = match tried {
            None => Vec::new(),
            Some(_) => model_client::differences(config, &told)?,
        };
        for entry in &config.model_endpoints {
            let own = tried.map_or_else(Vec::new, |tried| tried.own_of(entry));
            if !own.is_empty() {
                differences.push(format!(
                    "endpoint {} has its own {}, in place of which that is told; in generation_params it would win",
                    entry.name,
                    own.join(", ")
                ));
            }
        }
        let differences = differences.into_iter().map(redact).collect();
        let placed = |(entry, endpoint): (&EndpointConfig, Endpoint)| Placed {
            entry: entry.clone(),
            endpoint: Arc::new(endpoint),
            is_here: true,
        };
        let fleet = Self {
            layer: Arc::clone(layer),
            members: config
                .model_endpoints
                .iter()
                .zip(endpoints)
                .map(placed)
                .collect(),
            config: std::mem::replace(config, told),
            tried: tried.cloned(),
            differences,
            file: file.map(Path::to_owned),
            priced_for: None,
            of_layer,
            of_file,
            secrets,
            told: BTreeMap::new(),
        };
        Ok((fleet, warnings))
    }

    /// The same where endpoints need a price, for this limit.
    #[must_use]
    pub fn priced_for(mut self, limit: Option<&'static str>) -> Self {
        self.priced_for = limit;
        self
    }

    /// The endpoints of the run, in the order of their turns.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        let here = self.members.iter().filter(|placed| placed.is_here);
        here.map(|placed| Arc::clone(&placed.endpoint)).collect()
    }

    /// What they are told otherwise than the layer's configuration says, a line each.
    #[must_use]
    pub fn differences(&self) -> &[String] {
        &self.differences
    }

    /// The file with more of them, where there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The files that tell of them.
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        let own = [
            self.layer.config_path(),
            Path::new(WORKING_DIRECTORY).join(".env"),
        ];
        own.into_iter().chain(self.file.clone()).collect()
    }

    /// Whether a file is as one is that is just being written: empty, cut short, or away.
    pub(crate) fn is_being_written(&self) -> bool {
        let config = self.layer.read_config().err();
        let file = self.file.as_deref();
        let file = file.and_then(|file| read_coming_endpoints(file).err());
        config.into_iter().chain(file).any(|error| {
            matches!(
                error,
                LayerError::Missing { .. }
                    | LayerError::MovedAway { .. }
                    | LayerError::ConfigLost { .. }
                    | LayerError::Syntax { .. }
            )
        })
    }

    /// Reads what stands there now, and says what is new. What cannot be used changes nothing.
    pub fn look_again(&mut self, reason: Reason) -> Update {
        let mut update = Update::default();
        if reason == Reason::Asked {
            self.told.clear();
        }
        let (of_layer, of_file) = (self.of_layer.clone(), self.of_file.clone());
        let wanted = self.wanted(&mut update);
        let (environment, warning) = Environment::read(Path::new(WORKING_DIRECTORY));
        self.tell(".env", warning, &mut update);
        let outcomes: Vec<(EndpointConfig, Outcome)> = wanted
            .into_iter()
            .map(|entry| {
                let outcome = self.outcome(&entry, &environment);
                (entry, outcome)
            })
            .collect();
        let is_one = |(entry, outcome): &(EndpointConfig, Outcome)| match outcome {
            Outcome::Refused(_) => self.is_here(&entry.name),
            _ => true,
        };
        if self.file.is_none() && !outcomes.iter().any(is_one) {
            // A run does not lose all of its endpoints to an edit.
            (self.of_layer, self.of_file) = (of_layer, of_file);
            for (entry, outcome) in outcomes {
                self.tell_refusal(&entry.name, outcome, &mut update);
            }
            return update;
        }
        let names: HashSet<String> = names_of(outcomes.iter().map(|(entry, _)| entry));
        for (index, placed) in self.members.iter_mut().enumerate() {
            if placed.is_here && !names.contains(&placed.entry.name) {
                placed.is_here = false;
                update.changes.push((index, EndpointChange::Gone));
                update.say(format!(
                    "endpoint {} is no longer one of this run's; its calls under way are waited for",
                    placed.entry.name
                ));
            }
        }
        for (entry, outcome) in outcomes {
            match outcome {
                Outcome::Kept => drop(self.told.remove(&entry.name)),
                Outcome::Refused(_) => self.tell_refusal(&entry.name, outcome, &mut update),
                Outcome::Joins(endpoint) => self.join(entry, endpoint, &mut update),
                Outcome::Changes(index, endpoint) => {
                    self.change(index, entry, endpoint, &mut update);
                }
            }
        }
        if !update.changes.is_empty() {
            let all = self.members.iter();
            let all = all.map(|placed| (Arc::clone(&placed.endpoint), placed.is_here));
            update.endpoints = all.collect();
        }
        if reason == Reason::Asked {
            let here = self.members.iter().enumerate();
            let here = here.filter(|(_, placed)| placed.is_here);
            let again = here.map(|(index, _)| (index, EndpointChange::TriedNow));
            update.changes.extend(again);
            update.say("the endpoints were read again; who rests or is out is tried".to_owned());
        }
        update
    }

    /// The entries that stand there, those of the configuration first; what could not be read stands
    /// there as it did before.
    fn wanted(&mut self, update: &mut Update) -> Vec<EndpointConfig> {
        let stays = "the endpoints in it stay as they were until that is mended";
        let path = self.layer.config_path();
        let read = self.layer.read_config().and_then(|(config, _)| {
            if self.file.is_none() {
                config.require_endpoints(path.clone())?;
            }
            Ok(config)
        });
        let (place, file) = (path.display().to_string(), self.file.clone());
        match read {
            Err(error) => self.tell(&place, Some(format!("{error}; {stays}")), update),
            Ok(config) => {
                self.tell(&place, self.waits_for_the_next_start(&config), update);
                self.of_layer = config.model_endpoints;
            }
        }
        if let Some(file) = file {
            let place = file.display().to_string();
            match read_coming_endpoints(&file) {
                Err(error) => self.tell(&place, Some(format!("{error}; {stays}")), update),
                Ok(entries) => {
                    self.of_file = entries;
                    let twice: Vec<&str> = twice(&self.of_layer, &self.of_file).collect();
                    let line = (!twice.is_empty()).then(|| {
                        format!(
                            "{place}: {} stand in {} too, where they count; each needs a name of its own",
                            twice.join(", "),
                            path.display()
                        )
                    });
                    self.tell(&place, line, update);
                }
            }
        }
        let taken = names_of(self.of_layer.iter());
        let others = self
            .of_file
            .iter()
            .filter(|entry| !taken.contains(&entry.name));
        self.of_layer.iter().chain(others).cloned().collect()
    }

    /// What was edited besides endpoints.
    fn waits_for_the_next_start(&self, config: &LayerConfig) -> Option<String> {
        let of = |config: &LayerConfig| serde_json::to_value(config).unwrap_or(Value::Null);
        let mut keys = differing_keys(&of(&self.config), &of(config));
        keys.retain(|key| !matches!(key.as_str(), "model_endpoints" | "$schema" | "created_at"));
        (!keys.is_empty()).then(|| {
            format!(
                "{}: {} were edited, which this run goes on without: it takes effect at the next start",
                self.layer.config_path().display(),
                quoted(&keys)
            )
        })
    }

    fn place_of(&self, name: &str) -> Option<EndpointIndex> {
        self.members
            .iter()
            .position(|placed| placed.entry.name == name)
    }

    fn is_here(&self, name: &str) -> bool {
        let mut here = self.members.iter().filter(|placed| placed.is_here);
        here.any(|placed| placed.entry.name == name)
    }

    /// The endpoint of an entry, told what is tried.
    fn endpoint_of(
        &self,
        entry: &EndpointConfig,
        environment: &Environment,
    ) -> anyhow::Result<Endpoint> {
        let mut endpoint = match &self.tried {
            None => Endpoint::of(&self.config, entry, environment)?,
            Some(tried) => {
                let told = tried.over(&LayerConfig {
                    model_endpoints: vec![entry.clone()],
                    ..self.config.clone()
                });
                Endpoint::of(&told, &told.model_endpoints[0], environment)?
            }
        };
        endpoint.share(&self.secrets);
        Ok(endpoint)
    }

    /// What becomes of an entry, as it stands there and with the keys that there are.
    fn outcome(&self, entry: &EndpointConfig, environment: &Environment) -> Outcome {
        let endpoint = match self.endpoint_of(entry, environment) {
            Ok(endpoint) => endpoint,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        let index = self.place_of(&entry.name);
        if let Some(index) = index {
            let placed = &self.members[index];
            let is_same = placed.entry == *entry && placed.endpoint.carries_the_same_as(&endpoint);
            if is_same && placed.is_here {
                return Outcome::Kept;
            }
        }
        let missing = Credentials::of(entry, environment).map(|(_, missing)| missing);
        if let Some(NotSet { variable, .. }) = missing.unwrap_or_default().into_iter().next() {
            return Outcome::Refused(format!(
                "{variable} is not set; set it in .env, in the working directory"
            ));
        }
        if let (Some(limit), None) = (self.priced_for, endpoint.price) {
            return Outcome::Refused(format!(
                "{limit} needs to know what calls cost: give it a \"price\", as {{\"per_call\": 0.04}} or {{\"per_hour\": 1.8}}"
            ));
        }
        match index {
            None => Outcome::Joins(endpoint),
            Some(index) => Outcome::Changes(index, endpoint),
        }
    }

    fn join(&mut self, entry: EndpointConfig, endpoint: Endpoint, update: &mut Update) {
        self.told.remove(&entry.name);
        let here = EndpointChange::Here(endpoint.limits());
        update.changes.push((self.members.len(), here));
        update.say(format!("endpoint {} joins", endpoint.told()));
        self.members.push(Placed {
            entry,
            endpoint: Arc::new(endpoint),
            is_here: true,
        });
    }

    fn change(
        &mut self,
        index: EndpointIndex,
        entry: EndpointConfig,
        endpoint: Endpoint,
        update: &mut Update,
    ) {
        self.told.remove(&entry.name);
        let placed = &mut self.members[index];
        let of = |entry: &EndpointConfig| serde_json::to_value(entry).unwrap_or(Value::Null);
        let mut keys = differing_keys(&of(&placed.entry), &of(&entry));
        let is_another_server = placed.entry.url != entry.url;
        let is_another_account = !placed.endpoint.carries_the_same_as(&endpoint);
        if is_another_account && keys.is_empty() {
            keys.push("key".to_owned());
        }
        let came_back = !std::mem::replace(&mut placed.is_here, true);
        let line = match came_back {
            true => format!("endpoint {} is back", endpoint.told()),
            false => format!(
                "endpoint {} has another {}",
                endpoint.told(),
                keys.join(", ")
            ),
        };
        update.say(line);
        let again = match (is_another_server || came_back, is_another_account) {
            // Calls from before it was gone may hang for long.
            (true, _) => EndpointChange::Replaced,
            (false, true) => EndpointChange::TriedNow,
            (false, false) => EndpointChange::TriedAgain,
        };
        let here = EndpointChange::Here(endpoint.limits());
        update.changes.extend([(index, here), (index, again)]);
        placed.entry = entry;
        placed.endpoint = Arc::new(endpoint);
    }

    fn tell_refusal(&mut self, name: &str, outcome: Outcome, update: &mut Update) {
        if let Outcome::Refused(reason) = outcome {
            let so = match self.is_here(name) {
                true => "stays as it was",
                false => "is not taken",
            };
            let line = format!("endpoint {name} {so}: {reason}");
            self.tell(name, Some(line), update);
        }
    }

    /// Tells what is wrong at a place, or to be known of it, once as long as it is the same.
    fn tell(&mut self, place: &str, line: Option<String>, update: &mut Update) {
        match line {
            None => drop(self.told.remove(place)),
            Some(line) => {
                if self.told.insert(place.to_owned(), line.clone()).as_ref() != Some(&line) {
                    update.lines.push((Level::Warning, line));
                }
            }
        }
    }
}

impl Update {
    /// Whether there is nothing to do and nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.lines.is_empty()
    }

    fn say(&mut self, line: String) {
        self.lines.push((Level::Plain, line));
    }
}

/// The names of `others` that one of `entries` has too.
fn twice<'a>(
    entries: &[EndpointConfig],
    others: &'a [EndpointConfig],
) -> impl Iterator<Item = &'a str> {
    let taken = names_of(entries.iter());
    let others = others.iter().map(|entry| entry.name.as_str());
    others.filter(move |&name| taken.contains(name))
}

fn quoted(keys: &[String]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    quoted.join(", ")
}
