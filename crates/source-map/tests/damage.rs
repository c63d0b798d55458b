//! A source map with damaged pages.

use std::path::Path;

use planner::Quadrant;
use source_map::{SourceError, SourceLayer, open_map};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

const PAGE: usize = 4096;
const CONFIG: &str = r#"{"seed": {"lat": 40, "lng": -73}, "camera_azimuth_degrees": -15,
  "camera_elevation_degrees": -45, "width_px": 1024, "height_px": 1024, "view_height_meters": 300}"#;

/// A map of 8 quadrants whose pictures are ten pages each, of bytes that say whose they are.
async fn new_map(dir: &Path) {
    let mut db = SqliteConnectOptions::new()
        .filename(dir.join("quadrants.db"))
        .create_if_missing(true)
        .page_size(4096)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql(
        "CREATE TABLE quadrants (quadrant_x INTEGER NOT NULL, quadrant_y INTEGER NOT NULL, render BLOB, generation BLOB,
           PRIMARY KEY (quadrant_x, quadrant_y))",
    )
    .execute(&mut db)
    .await
    .unwrap();
    for x in 0..8u8 {
        sqlx::query("INSERT INTO quadrants VALUES (?1, 0, ?2, NULL)")
            .bind(x)
            .bind(vec![x + 100; 10 * PAGE])
            .execute(&mut db)
            .await
            .unwrap();
    }
    db.close().await.unwrap();
    std::fs::write(dir.join("generation_config.json"), CONFIG).unwrap();
}

/// The overflow pages that hold the picture of `x` and whose link to the next is still to come.
fn pages_of(file: &[u8], x: u8) -> Vec<usize> {
    (0..file.len() / PAGE)
        .filter(|page| {
            file[page * PAGE + 4..][..PAGE - 4]
                .iter()
                .all(|&byte| byte == x + 100)
        })
        .collect()
}

#[tokio::test]
async fn a_damaged_page_under_one_picture_spoils_that_picture_only() {
    let dir = tempfile::tempdir().unwrap();
    new_map(dir.path()).await;
    let path = dir.path().join("quadrants.db");
    let whole = std::fs::read(&path).unwrap();
    let quadrants: Vec<Quadrant> = (0..8).map(|x| Quadrant::new(x, 0)).collect();
    for (spoiled, page) in (0..8u8).zip([0, 1, 2, 3, 4, 5, 6, 7]) {
        let mut file = whole.clone();
        let at = pages_of(&whole, spoiled)[page] * PAGE;
        // The number of the page that goes on.
        file[at..at + 4].copy_from_slice(&0x7fff_0000u32.to_be_bytes());
        std::fs::write(&path, file).unwrap();
        let (_, map) = open_map(dir.path()).await.unwrap();
        for asked in quadrants.chunks(4).chain([&quadrants[..]]) {
            let pictures = map.pictures(SourceLayer::Renders, asked).await.unwrap();
            assert_eq!(pictures.len(), asked.len());
            for (quadrant, picture) in asked.iter().zip(pictures) {
                let owner = u8::try_from(quadrant.x).unwrap();
                match picture {
                    Ok(bytes) => assert_eq!(bytes, vec![owner + 100; 10 * PAGE]),
                    Err(SourceError::DamagedPicture {
                        quadrant: named, ..
                    }) => {
                        assert_eq!((owner, named), (spoiled, *quadrant));
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
        let alone = map
            .picture(SourceLayer::Renders, Quadrant::new(spoiled.into(), 0))
            .await;
        assert!(matches!(alone, Err(SourceError::DamagedPicture { .. })));
        let region = map.region(SourceLayer::Renders, None).await.unwrap();
        assert_eq!(region.len(), 8);
    }
}
