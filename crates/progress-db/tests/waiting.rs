//! Every way of reading a plan waits for another program, also for one that came after the plan was
//! opened, and the user is told.

use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use planner::{Quadrant, Region, plan};
use progress_db::{MetadataKey, PlanMetadata, ProgressDb, ProgressError, create};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

static TOLD: OnceLock<Mutex<Sender<String>>> = OnceLock::new();

/// What is told of waiting from now on.
fn told() -> Receiver<String> {
    let (sender, told) = channel();
    TOLD.set(Mutex::new(sender)).unwrap();
    sqlite::on_wait(|line| {
        let sender = TOLD.get().unwrap().lock().unwrap();
        sender.send(line.to_owned()).unwrap();
    });
    told
}

type Reading = Pin<Box<dyn Future<Output = Result<(), ProgressError>> + Send>>;

/// Each way of reading, with a database of its own where it takes an open one.
macro_rules! readings {
    ($path:expr, $(|$db:ident| $read:expr),+) => {
        vec![$({
            let mut $db = ProgressDb::open_read_only(&$path).await.unwrap();
            Box::pin(async move { $read.await.map(drop) }) as Reading
        }),+]
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_taken_after_opening_delays_every_read_and_no_more() {
    let told = told();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("progress.db");
    let region = Region::from_quadrants((0..9).map(|x| Quadrant::new(x, 0)));
    let metadata = PlanMetadata {
        program_version: String::new(),
        created_at: String::new(),
        bounds: region.bounds().unwrap(),
        bounds_given: false,
        source_config_hash: String::new(),
        source_layer: String::new(),
    };
    create(&path, &plan(&region), &metadata).await.unwrap();
    let mut readings = readings!(
        path,
        |db| db.items(),
        |db| db.is_complete(),
        |db| db.metadata(MetadataKey::Bounds),
        |db| db.pictures(&[Quadrant::new(0, 0)]),
        |db| db.last_attempt(),
        |db| db.settings_of_complete_items()
    );
    let to_open = path.clone();
    readings.push(Box::pin(async move {
        ProgressDb::snapshot_of(&to_open, 10).await.map(drop)
    }));
    let left = path.clone();
    readings.push(Box::pin(async move {
        let bounds = ProgressDb::metadata_in_what_is_left(&left, MetadataKey::Bounds).await;
        assert!(bounds.is_some(), "what is held was taken for lost");
        Ok(())
    }));

    let options = SqliteConnectOptions::new().filename(&path);
    let mut holder = options.connect().await.unwrap();
    let begun = sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut holder).await;
    begun.unwrap();
    let readings: Vec<_> = readings.into_iter().map(tokio::spawn).collect();
    let count = readings.len();
    let told = tokio::task::spawn_blocking(move || {
        for _ in 0..count {
            let line = told
                .recv_timeout(Duration::from_secs(60))
                .expect("each is told");
            assert!(line.ends_with(", which another program holds"), "{line}");
        }
    });
    told.await.unwrap();
    assert!(readings.iter().all(|reading| !reading.is_finished()));
    holder.close().await.unwrap();
    for reading in readings {
        reading.await.unwrap().unwrap();
    }
}
