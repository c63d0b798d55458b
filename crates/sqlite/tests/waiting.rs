//! Waiting for a database that another program holds.

use std::sync::mpsc;
use std::sync::{Mutex, OnceLock};

use sqlite::{Reader, attach, create, open_to_write};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

static TOLD: OnceLock<Mutex<mpsc::Sender<String>>> = OnceLock::new();

#[tokio::test]
async fn it_is_told_once_and_goes_on_when_the_lock_is_gone() {
    let (sender, told) = mpsc::channel();
    TOLD.set(Mutex::new(sender)).unwrap();
    sqlite::on_wait(|line| {
        let sender = TOLD.get().unwrap().lock().unwrap();
        sender.send(line.to_owned()).unwrap();
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let mut holder = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql("CREATE TABLE t (n); BEGIN EXCLUSIVE")
        .execute(&mut holder)
        .await
        .unwrap();
    let attaching = tokio::spawn({
        let (path, own) = (path.clone(), dir.path().join("own.db"));
        async move {
            let mut connection = create(&own).await?;
            attach(&mut connection, &path, "source").await?;
            sqlx::raw_sql("SELECT n FROM source.t")
                .execute(&mut connection)
                .await?;
            Ok::<(), sqlite::Refusal>(())
        }
    });
    let waiting = tokio::spawn({
        let path = path.clone();
        async move {
            let mut reader = Reader::of(&path);
            reader.connection().await.map(drop)?;
            drop(reader);
            open_to_write(&path).await?.close().await?;
            Ok::<(), sqlite::Refusal>(())
        }
    });
    let line = tokio::task::spawn_blocking(move || {
        let lines = [told.recv().unwrap(), told.recv().unwrap()];
        (lines, told)
    });
    let (lines, told) = line.await.unwrap();
    let expected = format!(
        "waiting for {}, which another program holds",
        path.display()
    );
    assert_eq!(lines, [expected.clone(), expected]);
    assert!(!waiting.is_finished() && !attaching.is_finished());
    holder.close().await.unwrap();
    attaching.await.unwrap().unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(told.try_recv().ok(), None);
}
