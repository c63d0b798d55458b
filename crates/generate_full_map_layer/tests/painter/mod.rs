//! A model that draws in another way each time that its taste has changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::MapSpec;
use fixtures::server::{ScriptedServer, ServerSpec};
use layer::Storage;
use serde_json::json;

pub(crate) struct Painter {
    pub server: ScriptedServer,
    taste: Arc<AtomicU8>,
}

impl Painter {
    pub(crate) fn new() -> Self {
        let taste = Arc::new(AtomicU8::new(0));
        let own = Arc::clone(&taste);
        let server = ServerSpec::new()
            .model(move |canvas| {
                let mut picture = canvas.clone();
                let taste = own.load(Ordering::SeqCst);
                picture
                    .pixels_mut()
                    .for_each(|pixel| pixel.0[1] ^= 0x55 ^ taste);
                picture
            })
            .start();
        Self { server, taste }
    }

    pub(crate) fn change_taste(&self) {
        self.taste.fetch_add(1, Ordering::SeqCst);
    }

    /// A layer of a square map, finished by `program`; what is drawn after that is other pictures.
    pub(crate) fn finished(
        &self,
        program: &str,
        storage: Storage,
        side: i32,
        mode: &str,
    ) -> TestLayer {
        let map = MapSpec::rectangle(side, side).quadrant_px(8, 8);
        let layer = TestLayer::stored_in(storage, map, &endpoints_at([self.server.url().as_str()]));
        layer.configure(|config| {
            config["canvas"] = json!({"mode": mode});
            config["generation_params"] = json!({"prompt": "snow"});
        });
        layer.run(program, &[]).assert_status(0);
        self.change_taste();
        layer
    }
}
