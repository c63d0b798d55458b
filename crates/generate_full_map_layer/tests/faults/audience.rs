//! Nobody reads what is said.

use fixtures::maps::MapSpec;
use fixtures::server::{Reply, ServerSpec};

use crate::support::{PROGRAM, count, invert, layer_at, set_option, wait_for};

#[test]
fn a_terminal_that_is_not_read_holds_up_nothing() {
    // Each block's first answer makes a line of several hundred bytes: far more than a pipe holds.
    let seen = std::sync::Mutex::new(std::collections::HashSet::new());
    let server = ServerSpec::new()
        .script(move |request, _| {
            let canvas = request.json()["image_b64"].to_string();
            let is_first = seen.lock().unwrap().insert(canvas);
            if is_first {
                Reply::status(500).body("out of memory, and much to say about it: ".repeat(12))
            } else {
                Reply::model()
            }
        })
        .start();
    let layer = layer_at(MapSpec::rectangle(20, 20).quadrant_px(4, 4), &[&server]);
    set_option(&layer, 0, "max_concurrent", 8);
    let mut child = layer.command(PROGRAM, &[]).spawn().unwrap();
    let items = count(&layer, "pending");
    wait_for("all of it, with nobody reading", || {
        count(&layer, "complete") == items
    });
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    layer.assert_complete(invert);
}
