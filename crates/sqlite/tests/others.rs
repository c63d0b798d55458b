//! Databases that other programs write.

use std::path::{Path, PathBuf};

use sqlite::{Reader, Refusal, RefusalKind, open_to_write};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

async fn other_program(path: &Path, mode: SqliteJournalMode) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(mode)
        .pragma("cache_size", "1")
        .disable_statement_logging()
        .connect()
        .await
        .unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap();
}

async fn sum(reader: &mut Reader) -> Result<i64, Refusal> {
    let connection = reader.connection().await?;
    Ok(sqlx::query_scalar("SELECT sum(n) FROM t")
        .fetch_one(connection)
        .await?)
}

const HUNDRED_PAGES: &str = "CREATE TABLE t (n INTEGER, filler BLOB);
    WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100)
    INSERT INTO t SELECT 1, randomblob(4000) FROM c";

fn files(dir: &Path) -> Vec<String> {
    let mut files: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

/// A database whose writer died in the middle of a transaction.
async fn half_written(dir: &Path) -> PathBuf {
    let (whole, dead) = (dir.join("whole.db"), dir.join("dead.db"));
    let mut writer = other_program(&whole, SqliteJournalMode::Delete).await;
    run(&mut writer, HUNDRED_PAGES).await;
    run(
        &mut writer,
        "BEGIN; UPDATE t SET n = 7, filler = randomblob(4000)",
    )
    .await;
    std::fs::copy(&whole, &dead).unwrap();
    std::fs::copy(dir.join("whole.db-journal"), dir.join("dead.db-journal")).unwrap();
    run(&mut writer, "ROLLBACK").await;
    dead
}

#[tokio::test]
async fn what_a_dead_program_had_begun_is_undone_for_who_reads_and_who_writes() {
    for to_write in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = half_written(dir.path()).await;
        let mut reader = Reader::of(&path);
        if to_write {
            open_to_write(&path).await.unwrap().close().await.unwrap();
        }
        assert_eq!(sum(&mut reader).await.unwrap(), 100);
        assert_eq!(sum(&mut reader).await.unwrap(), 100);
        assert!(!dir.path().join("dead.db-journal").exists());
    }
}

#[tokio::test]
async fn what_cannot_be_undone_is_told_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let path = half_written(dir.path()).await;
    // A name that SQLite cannot open stands for a directory that cannot be written, which is no
    // obstacle to root.
    let journal = dir.path().join("dead.db-journal");
    std::fs::remove_file(&journal).unwrap();
    std::fs::create_dir(&journal).unwrap();
    std::fs::write(journal.join("a"), "b").unwrap();
    let refusal = sum(&mut Reader::of(&path)).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::HalfWritten, "{refusal:?}");
    assert!(
        refusal
            .kind
            .remedy()
            .unwrap()
            .contains("mend their permissions")
    );
}

#[tokio::test]
async fn a_reader_sees_what_is_written_and_leaves_nothing_behind() {
    use SqliteJournalMode::{Delete, Wal};
    for (mode, closes) in [(Delete, true), (Delete, false), (Wal, true), (Wal, false)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let mut writer = other_program(&path, mode).await;
        run(&mut writer, HUNDRED_PAGES).await;
        writer.close().await.unwrap();
        let before = files(dir.path());
        let mut reader = Reader::of(&path);
        for expected in 101..110 {
            assert_eq!(sum(&mut reader).await.unwrap(), expected - 1);
            let mut writer = other_program(&path, mode).await;
            run(&mut writer, "INSERT INTO t VALUES (1, randomblob(9000))").await;
            if !closes {
                assert_eq!(sum(&mut reader).await.unwrap(), expected);
            }
            writer.close().await.unwrap();
            assert_eq!(sum(&mut reader).await.unwrap(), expected);
        }
        reader.close().await.unwrap();
        // Who has read beside a writer in WAL mode may be the last to hold the log, and may not
        // remove it.
        if closes || mode == Delete {
            assert_eq!(files(dir.path()), before, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_database_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("empty"), "").unwrap();
    std::fs::write(at("text"), "SQLite format 2: no database at all").unwrap();
    std::fs::write(at("short"), "SQLite").unwrap();
    for (name, kind) in [
        ("none", RefusalKind::Missing),
        ("empty", RefusalKind::Empty),
        ("text", RefusalKind::NotADatabase),
        ("short", RefusalKind::NotADatabase),
        (".", RefusalKind::NotADatabase),
    ] {
        let read = sum(&mut Reader::of(&at(name))).await.unwrap_err();
        let written = open_to_write(&at(name)).await.unwrap_err();
        assert_eq!((read.kind, written.kind), (kind, kind), "{name}");
    }
    assert!(!at("none").exists());
}

#[tokio::test]
async fn what_waits_for_a_writer_is_no_database_and_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.db");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let refused = Reader::of(&pipe).connection().await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::NotADatabase);
}
