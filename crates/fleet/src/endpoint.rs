//! An endpoint, ready to be called.

use std::num::NonZeroU32;
use std::time::Duration;

use canvas::{CanvasForm, Carries, Frame};
use dispatch::{EndpointLimits, Failure, FailureKind, Money, Price};
use layer::{CanvasMode, EndpointConfig, EndpointUrl, Filter, ImageFormat, LayerConfig};
use model_client::{Credentials, Environment, Secrets, Server, Settings, Shapes};

/// One endpoint of the pool and all that a call to it needs.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// What answers there.
    pub speaks: Speaks,
    /// How many calls it serves at a time, at most where it adapts.
    pub slots: usize,
    /// Whether it is to be found out how many are worth it.
    pub adapts: bool,
    /// How long a call may take.
    pub timeout: Duration,
    /// How many calls a minute it is given at most.
    pub max_per_minute: Option<u32>,
    /// What its canvas looks like.
    pub form: CanvasForm,
    /// What it is told.
    pub settings: Settings,
    /// The address that is called, for people to read, without what may be secret.
    pub address: String,
    /// What it costs, where that is known.
    pub price: Option<Price>,
    /// How long a call is expected to take.
    pub expected: Option<Duration>,
    /// The variable that holds its key, where there is one.
    pub key_variable: Option<String>,
    /// Whether that is set in the environment, where no edit changes it as long as the process lives.
    pub key_is_fixed: bool,
}

/// What answers at an endpoint.
#[derive(Debug, Clone)]
pub enum Speaks {
    /// A filter inside the process.
    Builtin(Filter),
    /// A server.
    Http(Box<Server>),
}

impl Endpoint {
    /// The endpoint of an entry in the layer's configuration.
    ///
    /// # Errors
    /// When a prompt or a header cannot be used.
    pub fn of(
        config: &LayerConfig,
        entry: &EndpointConfig,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let (credentials, _) = Credentials::of(entry, environment)?;
        let settings = Settings::of(config, entry)?;
        let (speaks, frame, address) = match &entry.url {
            EndpointUrl::Builtin(filter) => {
                (Speaks::Builtin(*filter), Frame::None, entry.url.to_string())
            }
            EndpointUrl::Http(url) => {
                let server = Server::of(entry, url, credentials, settings.model.as_deref())?;
                let address = EndpointUrl::Http(server.url.clone()).to_string();
                let frame = frame_of(server.shapes);
                (Speaks::Http(Box::new(server)), frame, address)
            }
        };
        let carries = match speaks {
            Speaks::Builtin(Filter::Copy) => Carries::Quadrants,
            Speaks::Builtin(_) => Carries::Pixels,
            Speaks::Http(_) => Carries::Encoded(entry.image_format.unwrap_or(ImageFormat::Png)),
        };
        Ok(Self {
            name: entry.name.clone(),
            speaks,
            slots: entry.slots() as usize,
            adapts: entry.adapts(),
            timeout: entry.timeout(),
            max_per_minute: entry.max_per_minute.map(NonZeroU32::get),
            form: CanvasForm {
                mode: canvas_mode(config, entry),
                carries,
                frame,
            },
            settings,
            address,
            price: price_of(entry),
            expected: entry.expected_s.map(Duration::from_secs_f64),
            key_variable: entry.api_key_env.clone(),
            key_is_fixed: (entry.api_key_env.as_deref())
                .is_some_and(|variable| environment.is_fixed(variable)),
        })
    }

    /// What the dispatcher is told of it.
    #[must_use]
    pub fn limits(&self) -> EndpointLimits {
        EndpointLimits {
            name: self.name.clone(),
            slots: self.slots,
            adapts: self.adapts,
            max_per_minute: self.max_per_minute.map(|most| most as usize),
            timeout: self.timeout,
            price: self.price,
        }
    }

    /// As in `gpu-1: http://gpu-1:8000/ (edit_b64, 2 at a time)`.
    #[must_use]
    pub fn told(&self) -> String {
        let (name, address, protocol) = (&self.name, &self.address, self.protocol_name());
        let slots = self.slots;
        match self.adapts {
            true => format!("{name}: {address} ({protocol}, auto, at most {slots} at a time)"),
            false => format!("{name}: {address} ({protocol}, {slots} at a time)"),
        }
    }

    /// Whether calls carry the same key and headers to both.
    #[must_use]
    pub fn carries_the_same_as(&self, other: &Self) -> bool {
        match (&self.speaks, &other.speaks) {
            (Speaks::Http(one), Speaks::Http(another)) => {
                one.credentials.carry_the_same_as(&another.credentials)
            }
            (Speaks::Builtin(_), Speaks::Builtin(_)) => true,
            _ => false,
        }
    }

    /// The seed of a call, as [`Server::seed_of`]; a filter has none.
    #[must_use]
    pub fn seed_of(&self, seed: u32) -> (Option<u32>, Option<i64>) {
        match &self.speaks {
            Speaks::Builtin(_) => (None, None),
            Speaks::Http(server) => server.seed_of(&self.settings, seed),
        }
    }

    /// The protocol's name, for people to read.
    #[must_use]
    pub fn protocol_name(&self) -> &'static str {
        match &self.speaks {
            Speaks::Builtin(_) => "builtin",
            Speaks::Http(server) => server.protocol.name(),
        }
    }

    /// Lets it strike out what is secret of all that share `secrets`, as [`Credentials::share`]; a filter
    /// says nothing.
    pub(crate) fn share(&mut self, secrets: &Secrets) {
        if let Speaks::Http(server) = &mut self.speaks {
            server.credentials.share(secrets);
        }
    }

    /// `text` with every key of the layer struck out, also those that it had before.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        match &self.speaks {
            Speaks::Builtin(_) => text.to_owned(),
            Speaks::Http(server) => server.credentials.redact(text),
        }
    }

    /// What the user can do about a failure.
    #[must_use]
    pub fn remedy(&self, failure: &Failure) -> String {
        let key = match &self.key_variable {
            Some(variable) => format!("check the key in {variable}"),
            None => "\"api_key_env\" names the variable that holds a key".to_owned(),
        };
        let (address, protocol) = (&self.address, self.protocol_name());
        match (failure.kind, failure.http_status) {
            (FailureKind::EndpointOut, Some(401 | 403)) => key,
            (FailureKind::EndpointOut, Some(402 | 429)) => {
                "check the account's plan and billing".to_owned()
            }
            (FailureKind::EndpointOut, Some(400)) => format!("{key}, and \"model\""),
            (FailureKind::EndpointOut | FailureKind::Missing, _) => {
                format!("check \"url\" and \"protocol\": {address} was called as {protocol}")
            }
            (FailureKind::Away { .. } | FailureKind::BrokeOff, Some(_)) => {
                "it is busy; a run waits and tries again".to_owned()
            }
            (FailureKind::Away { .. } | FailureKind::BrokeOff, None) => {
                format!("check that a server answers at {address}, within \"timeout_s\"")
            }
            (FailureKind::NotAccepted, _) => {
                "look at it, and at \"accept\" in layer_config.json".to_owned()
            }
            (FailureKind::Refused, _) => "change the prompt".to_owned(),
            (FailureKind::Rejected, _) => {
                "check \"model\", \"params\" and \"size_policy\", and \"protocol\"".to_owned()
            }
            (FailureKind::BadAnswer, Some(500..)) => "look into the server's log".to_owned(),
            (FailureKind::BadAnswer, _) => {
                format!("check \"protocol\": {address} was called as {protocol}")
            }
        }
    }

    /// A failure that may end its endpoint for the run, and what the user can do about it.
    #[must_use]
    pub fn with_remedy(&self, mut failure: Failure) -> Failure {
        if let FailureKind::EndpointOut | FailureKind::Missing = failure.kind {
            failure.message = format!("{}; {}", failure.message, self.remedy(&failure));
        }
        if let (FailureKind::EndpointOut, Some(400 | 401 | 403)) =
            (failure.kind, failure.http_status)
            && let (Some(variable), true) = (&self.key_variable, self.key_is_fixed)
        {
            failure.message += &format!(
                "; {variable} is set in the environment, which .env cannot change: start the run again"
            );
        }
        failure
    }
}

/// What a call costs. A filter inside the process costs nothing.
fn price_of(entry: &EndpointConfig) -> Option<Price> {
    match (entry.price, &entry.url) {
        (Some(layer::Price::PerCall(price)), _) => Some(Price::PerCall(Money::of(price))),
        (Some(layer::Price::PerHour(price)), _) => Some(Price::PerHour(Money::of(price))),
        (None, EndpointUrl::Builtin(_)) => Some(Price::PerCall(Money::ZERO)),
        (None, EndpointUrl::Http(_)) => None,
    }
}

/// What the canvas of an endpoint holds. A filter inside the process has no use for what is around
/// a block.
fn canvas_mode(config: &LayerConfig, entry: &EndpointConfig) -> CanvasMode {
    match entry.url {
        EndpointUrl::Builtin(_) => CanvasMode::Block,
        EndpointUrl::Http(_) => config.canvas.mode,
    }
}

/// What is put around canvases for a server that makes pictures of these shapes.
const fn frame_of(shapes: Shapes) -> Frame {
    match shapes {
        Shapes::Any => Frame::None,
        Shapes::Ratios(ratios) => Frame::Ratios(ratios),
        Shapes::Sizes(sizes) => Frame::Sizes(sizes),
    }
}
