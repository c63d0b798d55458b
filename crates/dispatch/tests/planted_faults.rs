//! The simulation can fail: faults that are planted in the dispatcher are found by it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fault: in which file, what it is, and which text becomes which.
struct Fault(&'static str, &'static str, &'static str, &'static str);

const FAULTS: &[Fault] = &[
    Fault(
        "queue.rs",
        "what an item follows is not looked at when a run begins",
        ".filter(|&&other| queue.items[other as usize].status != Status::Complete)",
        ".filter(|_| false)",
    ),
    Fault(
        "queue.rs",
        "an item starts when all but one of those that it follows are complete",
        "if !is_open || self.missing[index] > 0 {",
        "if !is_open || self.missing[index] > 1 {",
    ),
    Fault(
        "queue.rs",
        "a step starts before the one before it is finished",
        "&& self.item(first).step <= step\n",
        "&& self.item(first).step <= step + 1\n",
    ),
    Fault(
        "queue.rs",
        "a failed item holds nothing back",
        "        self.hold_back_behind(handle);\n        self.let_steps_start();\n",
        "        self.let_steps_start();\n",
    ),
    Fault(
        "queue.rs",
        "an item that is put back is not ready again",
        "        self.ready.insert(handle);\n        let counts",
        "        let counts",
    ),
    Fault(
        "queue.rs",
        "a complete item counts as under way",
        "        counts.taken -= 1;\n        counts.complete += 1;",
        "        counts.complete += 1;",
    ),
    Fault(
        "queue.rs",
        "what is outside of a part runs when its turn comes",
        "status == Status::Pending && !self.is_outside(handle);",
        "status == Status::Pending;",
    ),
    Fault(
        "queue.rs",
        "what is outside of a part is waited for",
        "            return &mut self.outside_counts;\n",
        "",
    ),
    Fault(
        "queue.rs",
        "nobody starts the next step when the last item of one has failed",
        "        self.hold_back_behind(handle);\n        self.let_steps_start();\n",
        "        self.hold_back_behind(handle);\n",
    ),
    Fault(
        "queue.rs",
        "in the eager order what lies at a corner is forgotten",
        "Turn::AfterSurrounding => self.missing_at_corners[index] == 0,",
        "Turn::AfterSurrounding => true,",
    ),
    Fault(
        "queue.rs",
        "in the eager order what is outside of a part is waited for at corners",
        "item.step < step && item.status != Status::Complete && !self.is_outside(other)",
        "item.step < step && item.status != Status::Complete",
    ),
    Fault(
        "pool/member.rs",
        "a slot is not given back",
        "calls.swap_remove(index);",
        "let _ = index;",
    ),
    Fault(
        "pool/member.rs",
        "an endpoint gets one call more than it has slots",
        "self.calls.len() < self.width() &&",
        "self.calls.len() <= self.width() &&",
    ),
    Fault(
        "pool/member.rs",
        "one that asked to be left alone is called in all its slots when it is to be tried now",
        "self.one_first |= asked_until",
        "self.one_first &= asked_until",
    ),
    Fault(
        "pool/member.rs",
        "one that is to be tried now is left alone as long as it asked",
        "self.asked_until.take()",
        "self.asked_until",
    ),
    Fault(
        "pool/member.rs",
        "an endpoint that is out is called",
        "self.out.is_none() && !self.gone",
        "!self.gone",
    ),
    Fault(
        "pool/member.rs",
        "an endpoint that is gone is called",
        "self.out.is_none() && !self.gone",
        "self.out.is_none()",
    ),
    Fault(
        "pool/member.rs",
        "calls to a machine that has vanished keep the slots of the next one",
        "        self.former.append(&mut self.calls);\n",
        "",
    ),
    Fault(
        "pool/member.rs",
        "an endpoint whose key is mended stays out",
        "        self.out = None;\n",
        "",
    ),
    Fault(
        "pool.rs",
        "other limits are not heeded",
        "self.members[index].set_limits(limits);",
        "drop(limits);",
    ),
    Fault(
        "dispatcher.rs",
        "a call costs what its endpoint has come to cost since it began",
        "call.terms.cost_of(call.took)",
        "self.pool.members()[call.endpoint].terms().cost_of(call.took)",
    ),
    Fault(
        "pool/member.rs",
        "calls a minute are not limited",
        "let limit = self.limits.max_per_minute?;",
        "let limit = 100 * self.limits.max_per_minute?;",
    ),
    Fault(
        "pool/member.rs",
        "a rest never ends",
        "self.resting_until.max(Some(until));",
        "self.resting_until.max(Some(until * 1000));",
    ),
    Fault(
        "pool/heard.rs",
        "a call that has ended counts on",
        "        self.under_way = self.under_way.saturating_sub(1);\n",
        "",
    ),
    Fault(
        "pool/heard.rs",
        "how long a server asks to wait is forgotten",
        "member.asked_until = member.asked_until.max(Some(now + asked));",
        "member.resting_until = Some(now + asked);",
    ),
    Fault(
        "pool/heard.rs",
        "an endpoint whose key is refused goes on",
        "member.out = Some(failure.message.clone());",
        "member.last_failure = Some(failure.message.clone());",
    ),
    Fault(
        "tries.rs",
        "a try counts twice",
        "                item.bad.push(endpoint);\n",
        "                item.bad.push(endpoint);\n                item.bad.push(endpoint);\n",
    ),
    Fault(
        "tries.rs",
        "an outage counts against the items",
        "        if others == 0 {\n",
        "        item.against += ENOUGH / MOST_UNANSWERED;\n        if others == 0 {\n",
    ),
    Fault(
        "tries.rs",
        "comparisons are made twice as often as they may",
        ".map(|at| at + COMPARISON_HOLDS)",
        ".map(|at| at + COMPARISON_HOLDS / 2)",
    ),
    Fault(
        "tries.rs",
        "nothing is ever compared",
        "item.is_some_and(|item| item.since_comparison() >= WORTH_COMPARING)",
        "item.is_some_and(|item| item.since_comparison() == usize::MAX)",
    ),
    Fault(
        "tries.rs",
        "useless answers count for nothing",
        "let given_up = item.against + useless + not_good >= ENOUGH\n            || item.refusals >= MOST_REFUSALS\n            || item.bad.len() + item.probed >= MOST_PROBED;",
        "let given_up = item.against + useless * 0 + not_good >= ENOUGH;",
    ),
    Fault(
        "tries.rs",
        "pictures that are not good enough count for nothing",
        "item.against + useless + not_good >= ENOUGH\n",
        "item.against + useless + not_good * 0 >= ENOUGH\n",
    ),
    Fault(
        "money.rs",
        "the price of a call is not set aside before it starts",
        "self.cost_aside = self.cost_aside.plus(most);",
        "self.cost_aside = self.cost_aside.plus(Money::ZERO);",
    ),
    Fault(
        "money.rs",
        "calls under way do not count",
        "self.calls + self.calls_aside < bound.most",
        "self.calls < bound.most",
    ),
    Fault(
        "money.rs",
        "what is not paid for is not given back",
        "        self.cost_aside = self.cost_aside.minus(most);\n",
        "        self.cost_aside = self.cost_aside.minus(paid.unwrap_or_default());\n",
    ),
    Fault(
        "dispatcher.rs",
        "every failed call is paid for",
        "let is_paid = result.as_ref().err().is_none_or(money::is_paid);",
        "let is_paid = true;",
    ),
    Fault(
        "dispatcher.rs",
        "an item whose picture is saved is called again",
        "self.queue.complete(handle);",
        "self.queue.put_back(handle);",
    ),
    Fault(
        "dispatcher.rs",
        "more items are begun than were asked for",
        ".is_none_or(|most| self.begun.len() < most || ",
        ".is_none_or(|most| self.begun.len() <= most || ",
    ),
    Fault(
        "dispatcher.rs",
        "failures count as in a row that were not",
        "        self.errors_in_a_row = 0;\n",
        "",
    ),
    Fault(
        "dispatcher.rs",
        "an item without a source picture is asked for for ever",
        "self.bad_sources.insert(handle, message);",
        "drop(message);",
    ),
    Fault(
        "dispatcher/failing.rs",
        "the record of a failed call is not closed",
        "self.close((attempt, call), end_of(failure), told, is_paid);",
        "let _ = (attempt, end_of(failure), told, is_paid);",
    ),
    Fault(
        "dispatcher.rs",
        "calls whose pictures are saved are not counted among those that are over",
        "self.pool.over(call.endpoint, None, call.took);",
        "",
    ),
    Fault(
        "dispatcher/failing.rs",
        "an item that failed is not put back",
        "        self.orders.push(Order::PutBack(handle));\n",
        "",
    ),
    Fault(
        "dispatcher/ending.rs",
        "a signal goes unheard",
        "self.stop.get_or_insert(Ending::Signal(signal));",
        "let _ = Ending::Signal(signal);",
    ),
    Fault(
        "dispatcher/ending.rs",
        "a run goes on without endpoints",
        "if is_stuck && self.pool.all_out() {",
        "if is_stuck && self.pool.all_out() && self.pool.has_free(now) {",
    ),
    Fault(
        "dispatcher/ending.rs",
        "nobody wakes the run when a rest is over",
        "            self.pool.next_wake(now),\n",
        "",
    ),
    Fault(
        "dispatcher/ahead.rs",
        "canvases are prepared without bounds",
        "let depth = self.canvas_depth();",
        "let depth = 10 * self.canvas_depth();",
    ),
    Fault(
        "dispatcher/ahead.rs",
        "as many canvases are at hand as there are slots",
        "at_hand.min(slots) + self",
        "slots.max(at_hand.min(slots)) + self",
    ),
    Fault(
        "dispatcher/ahead.rs",
        "what failed before gets no canvas again",
        "        wanted.extend(known.take(depth));\n",
        "        drop(known);\n",
    ),
    Fault(
        "dispatcher/failing.rs",
        "a canvas is sent again that was let go",
        "        self.queue.put_back(handle);\n        self.wants",
        "        self.queue.put_back(handle);\n        self.canvases.insert(handle, super::CanvasState::Ready);\n        self.wants",
    ),
    Fault(
        "surroundings.rs",
        "a canvas is drawn before what it shows is settled",
        "Status::Pending | Status::InProgress => return None,",
        "Status::Pending | Status::InProgress => {}",
    ),
    Fault(
        "surroundings.rs",
        "a canvas waits for what is outside of the part",
        "queue.is_held_back(owner) || queue.is_outside(owner)",
        "queue.is_held_back(owner)",
    ),
    Fault(
        "dispatcher/comparing.rs",
        "what is outside of a part is called to compare",
        " && !self.queue.is_outside(handle)",
        "",
    ),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Fault {
    /// The text of the file with the fault in it.
    fn planted(&self) -> String {
        let Self(file, what, from, to) = self;
        let path = crates().join("dispatch/src").join(file);
        let text = fs::read_to_string(&path).expect("a source file");
        let times = text.matches(from).count();
        assert_eq!(times, 1, "{what}: {from:?} stands {times} times in {file}");
        text.replace(from, to)
    }
}

#[test]
fn every_planted_fault_has_its_place() {
    assert!(FAULTS.len() >= 20);
    for fault in FAULTS {
        fault.planted();
    }
}

fn copy_crate(name: &str, workspace: &Path) {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).expect("a directory") {
            let entry = entry.expect("an entry");
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).expect("a copy");
            }
        }
    }
    copy(&crates().join(name), &workspace.join(name));
    // Nothing but the two crates is needed.
    let manifest = workspace.join(name).join("Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let text = text.split("[dev-dependencies]").next().expect("a part");
    let text = text.replace("[lints]\nworkspace = true\n", "");
    fs::write(manifest, text).expect("a manifest");
}

/// `cargo test` of the simulation in the copy; what it printed when it failed.
fn simulate(workspace: &Path, args: &[&str]) -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "test",
            "-q",
            "--release",
            "--offline",
            "-p",
            "dispatch",
            "--test",
            "simulation",
        ])
        .args(args)
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .env_remove("SIMULATED_RUNS")
        .env_remove("SIMULATED_FIRST_SEED")
        .output()
        .expect("cargo runs");
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&text).into_owned())
}

/// Takes minutes: the crate is built for each fault.
#[test]
#[ignore = "minutes; `just plant` runs it"]
fn every_planted_fault_is_found_by_the_simulation() {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted");
    if workspace.exists() {
        fs::remove_dir_all(&workspace).expect("the last one goes");
    }
    for name in ["planner", "dispatch"] {
        copy_crate(name, &workspace);
    }
    let root = fs::read_to_string(crates().join("../Cargo.toml")).expect("a manifest");
    let (_, package) = root
        .split_once("[workspace.package]")
        .expect("what crates share");
    let (package, _) = package.split_once("\n\n").expect("what crates share");
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"planner\", \"dispatch\"]\n\n[workspace.package]{package}\n\n[workspace.dependencies]\nplanner = {{ path = \"planner\" }}\n"
    );
    fs::write(workspace.join("Cargo.toml"), manifest).expect("a manifest");
    simulate(&workspace, &[]).expect("without a fault all promises are kept");
    let mut missed = Vec::new();
    for fault in FAULTS {
        let Fault(file, what, ..) = fault;
        let path = workspace.join("dispatch/src").join(file);
        let sound = fs::read_to_string(&path).expect("a source file");
        fs::write(&path, fault.planted()).expect("a source file");
        simulate(&workspace, &["--no-run"]).expect("it compiles");
        let found = simulate(&workspace, &[]);
        fs::write(&path, sound).expect("a source file");
        let line = match &found {
            Ok(()) => "MISSED",
            Err(text) => {
                let mut broken = text.lines().filter(|line| line.starts_with("seed "));
                broken.next().unwrap_or("it did not come to its end")
            }
        };
        let line: String = line.chars().take(100).collect();
        println!("{file}: {what}: {line}");
        if found.is_ok() {
            missed.push(what);
        }
    }
    println!(
        "{} of {} planted faults were found",
        FAULTS.len() - missed.len(),
        FAULTS.len()
    );
    assert!(missed.is_empty(), "missed: {missed:#?}");
}
