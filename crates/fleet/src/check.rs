//! `--check-endpoints`: a small canvas of the layer goes to each endpoint, and a table says what
//! came of it. Nothing is claimed, recorded or saved.

use std::fmt::Write as _;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use canvas::{
    Arrangement, Buffers, Judgement, Kind, Looked, Outgoing, Palette, Picture, QuadrantSize, Sheet,
    SizeMatch, decode_quadrant, prepare_source,
};
use futures_util::future::join_all;
use image::DynamicImage;
use layer::{AcceptConfig, CanvasMode, Check, LayerConfig, LayerDir, Pictures, Source, block_seed};
use model_client::{Carried, Client, Failure, Server, status_text};
use planner::{Block, BlockShape, Item, Quadrant, Status};
use progress_db::ProgressDb;
use serde_json::{Map, Value};

use crate::call::{call_server, decode_answer};
use crate::endpoint::{Endpoint, Speaks};

/// How many quadrants are looked at for one whose source picture can be read.
const CANDIDATES: usize = 50;

/// What came of one endpoint's call.
struct Checked {
    answer: Result<Answer, Failure>,
    latency: Duration,
}

/// A picture that came back.
struct Answer {
    /// The status, where a server answered.
    http_status: Option<u16>,
    size_px: (u32, u32),
    size_match: SizeMatch,
    judgement: Judgement,
}

/// What a canvas is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The layer, for its items.
    pub layer: &'a LayerDir,
    /// What stands in its configuration.
    pub config: &'a LayerConfig,
    /// Its source.
    pub source: &'a Source,
    /// Its finished pictures.
    pub pictures: &'a Pictures,
    /// The size of a quadrant.
    pub size: QuadrantSize,
}

/// What came of all calls.
#[derive(Debug)]
pub struct Checks {
    /// A table for people, and a line below it.
    pub text: String,
    /// The same for scripts.
    pub figures: Map<String, Value>,
    /// How many endpoints do not work.
    pub failed: usize,
    /// Of how many.
    pub of: usize,
}

/// Sends each endpoint one canvas, all at once, and makes the table. `tell` is told what is sent
/// before that.
///
/// # Errors
/// When there is nothing to send.
pub async fn check(
    given: Given<'_>,
    endpoints: &[Arc<Endpoint>],
    tell: impl FnOnce(Block),
) -> anyhow::Result<Checks> {
    let Chosen {
        block,
        source,
        finished,
    } = choose_canvas(given).await?;
    tell(block);
    let client = Client::new()?;
    let checks = endpoints
        .iter()
        .map(|endpoint| check_one(given, &client, endpoint, block, &source));
    let checked = join_all(checks).await;
    let is_failure = |checked: &&Checked| checked.answer.is_err();
    let failed = checked.iter().filter(is_failure).count();
    let others = other_colors(given, endpoints, &checked, finished.as_ref());
    let rows = rows(endpoints, &checked, &others);
    let mut text = table(&rows);
    let _ = writeln!(
        text,
        "\n{} of {} endpoints work; {block} was sent, and nothing in the layer was changed.",
        checked.len() - failed,
        checked.len()
    );
    Ok(Checks {
        text,
        figures: told(&rows, &checked),
        failed,
        of: checked.len(),
    })
}

/// What is sent.
struct Chosen {
    block: Block,
    source: DynamicImage,
    /// What the layer has there, where a model has drawn it.
    finished: Option<Looked>,
}

/// A 1x1 item of the layer, else a quadrant of a larger one, whose source picture can be read; one that
/// is finished first, so that its colours can be compared.
async fn choose_canvas(given: Given<'_>) -> anyhow::Result<Chosen> {
    let mut db = ProgressDb::open_read_only(&given.layer.progress_path()).await?;
    let mut items = db.items().await?;
    let uncalled = db.uncalled().await?;
    db.close().await?;
    let is_drawn = |item: &Item| item.status == Status::Complete && !uncalled.contains(&item.id);
    items.sort_by_key(|item| (!is_drawn(item), item.block.shape != BlockShape::OneByOne));
    let mut reason = "there are no items".to_owned();
    for item in items.iter().take(CANDIDATES) {
        let quadrant = item.block.top_left;
        match read_source(given, quadrant).await {
            Ok(source) => {
                let finished = if is_drawn(item) {
                    finished(given, quadrant, &source).await
                } else {
                    None
                };
                let block = Block {
                    shape: BlockShape::OneByOne,
                    top_left: quadrant,
                };
                return Ok(Chosen {
                    block,
                    source,
                    finished,
                });
            }
            Err(error) => reason = error,
        }
    }
    bail!("the layer has no source picture that could be sent: {reason}")
}

/// What a finished quadrant looks like; `None` where its picture is missing or damaged.
async fn finished(given: Given<'_>, quadrant: Quadrant, source: &DynamicImage) -> Option<Looked> {
    let picture = given.pictures.read_what_is_whole(quadrant).await.ok()??;
    let finished = decode_quadrant(&picture, given.size, &mut Buffers::default()).ok()?;
    let mut source = source.to_rgba8();
    if given.config.canvas.mode == CanvasMode::Infill {
        prepare_source(&mut source, quadrant, &given.config.canvas);
    }
    let source = DynamicImage::from(source).into_rgb8();
    Some(Looked::of_finished(&source, &finished.into_rgb8()))
}

/// Of each endpoint whether it draws in other colours than the layer has, or where that has nothing
/// there than most of the endpoints do, for people.
fn other_colors(
    given: Given<'_>,
    endpoints: &[Arc<Endpoint>],
    checked: &[Checked],
    finished: Option<&Looked>,
) -> Vec<Option<String>> {
    let looked: Vec<Option<&Looked>> = checked
        .iter()
        .map(|checked| Some(&checked.answer.as_ref().ok()?.judgement.looked))
        .collect();
    let drawn = endpoints.iter().zip(&looked);
    let drawn = drawn.filter_map(|(endpoint, looked)| Some((endpoint.name.as_str(), (*looked)?)));
    let drawn: Vec<(&str, &Looked)> = match finished {
        Some(finished) => vec![("the layer", finished)],
        None => drawn.collect(),
    };
    let alike = |(_, looked): &&(&str, &Looked)| {
        let others = drawn.iter();
        others
            .filter(|(_, other)| looked.other_colors(other).is_none())
            .count()
    };
    // Of equals the first, which is the last that is looked at.
    let most = drawn.iter().rev().max_by_key(alike);
    let is_on = given.config.accept.limit(Check::Color).is_some();
    let other = |looked: Option<&Looked>| {
        let (than, most) = most.filter(|_| is_on)?;
        let levels = looked?.other_colors(most)?;
        Some(format!(
            "it draws in other colours than {than} ({levels:.0} levels apart; \"accept\")"
        ))
    };
    looked.into_iter().map(other).collect()
}

async fn read_source(given: Given<'_>, quadrant: Quadrant) -> Result<DynamicImage, String> {
    let picture = given
        .source
        .picture(given.config.source_layer, quadrant)
        .await;
    let picture = picture.map_err(|error| error.to_string())?;
    canvas::decode_quadrant(&picture, given.size, &mut Buffers::default())
        .map_err(|reason| format!("the source of quadrant {quadrant} is {reason}"))
}

async fn check_one(
    given: Given<'_>,
    client: &Client,
    endpoint: &Endpoint,
    block: Block,
    source: &DynamicImage,
) -> Checked {
    match &endpoint.speaks {
        Speaks::Builtin(filter) => {
            let began = Instant::now();
            let mut picture = source.to_rgb8();
            canvas::apply_filter(*filter, &mut picture);
            Checked {
                latency: began.elapsed(),
                answer: Ok(Answer {
                    http_status: None,
                    size_px: picture.dimensions(),
                    size_match: SizeMatch::Exact,
                    judgement: Judgement::default(),
                }),
            }
        }
        Speaks::Http(server) => {
            let sheet = sheet_of(given, endpoint, block, source);
            let (form, config, accept) =
                (endpoint.form, &given.config.canvas, &given.config.accept);
            match Outgoing::of(sheet, form, config, Some(accept), &mut Buffers::default()) {
                Ok(encoded) => {
                    let seed = block_seed(given.config.seed, block, 0);
                    call(client, endpoint, server, encoded, accept, seed).await
                }
                Err(reason) => Checked {
                    latency: Duration::ZERO,
                    answer: Err(Failure::bad_answer(reason)),
                },
            }
        }
    }
}

/// The canvas of a block of one quadrant around which nothing is finished.
fn sheet_of(given: Given<'_>, endpoint: &Endpoint, block: Block, source: &DynamicImage) -> Sheet {
    match endpoint.form.mode {
        CanvasMode::Block => {
            let sources = [(block.top_left, source.clone())];
            canvas::stitch(block, given.size, &sources, &mut Buffers::default())
        }
        CanvasMode::Infill => {
            let (at, kind) = (block.top_left, Kind::Source);
            let own = Picture::of(at, kind, source.clone(), &mut Buffers::default());
            let arrangement = Arrangement::of(block, given.size, |_| false);
            canvas::infill(&arrangement, &given.config.canvas, vec![own])
        }
    }
}

async fn call(
    client: &Client,
    endpoint: &Endpoint,
    server: &Server,
    sheet: Outgoing,
    accept: &AcceptConfig,
    seed: u32,
) -> Checked {
    let began = Instant::now();
    let Outgoing { content, sent } = sheet;
    let again = || ready(content.clone().encoded().map(|(_, picture)| picture));
    let sheet = (content.clone(), &sent);
    let (settings, seed) = (&endpoint.settings, endpoint.seed_of(seed).0);
    let answer = call_server(client, server, settings, sheet, seed, again).await;
    let latency = began.elapsed();
    let read = |picture: &Carried, http_status: u16| {
        let picture = decode_answer(&sent, picture, &mut Buffers::default())?;
        let size_px = picture.dimensions();
        let (picture, size_match) = sent.bring_to_size(picture)?;
        Ok(Answer {
            http_status: Some(http_status),
            size_px,
            size_match,
            judgement: sent.judge(&picture, accept, &Palette::default()),
        })
    };
    let answer = answer.result.and_then(|received| {
        let came_as = received.came_as;
        read(&received.picture, came_as.status())
            .map_err(|reason: String| came_as.unusable(&endpoint.redact(&reason)))
    });
    Checked { answer, latency }
}

/// A row of the table, the last cell of which is as long as it is.
type Row = ([String; 5], String);

/// The rows, with the names of the columns first.
fn rows(
    endpoints: &[Arc<Endpoint>],
    checked: &[Checked],
    other_colors: &[Option<String>],
) -> Vec<Row> {
    let head = ["endpoint", "protocol", "status", "latency", "size"].map(str::to_owned);
    let mut rows = vec![(head, "result".to_owned())];
    let answers = endpoints.iter().zip(checked).zip(other_colors);
    for ((endpoint, checked), other_colors) in answers {
        let (status, size, result) = match &checked.answer {
            Ok(answer) => (
                answer.http_status.map_or("-".to_owned(), status_text),
                format!("{}x{}", answer.size_px.0, answer.size_px.1),
                remark(answer, other_colors.as_deref()),
            ),
            Err(failure) => (
                failure.http_status.map_or("-".to_owned(), status_text),
                "-".to_owned(),
                format!("{failure}; {}", endpoint.remedy(failure)),
            ),
        };
        let latency = format!("{:.2} s", checked.latency.as_secs_f64());
        let name = endpoint.name.clone();
        let protocol = endpoint.protocol_name().to_owned();
        rows.push(([name, protocol, status, latency, size], result));
    }
    rows
}

/// The same for scripts, each row an object.
fn told(rows: &[Row], checked: &[Checked]) -> Map<String, Value> {
    let row = |((cells, result), checked): (&Row, &Checked)| {
        let mut told = Map::from_iter(
            rows[0]
                .0
                .iter()
                .cloned()
                .zip(cells.iter().map(|cell| cell.as_str().into())),
        );
        told.insert("latency".to_owned(), checked.latency.as_secs_f64().into());
        told.insert("works".to_owned(), checked.answer.is_ok().into());
        told.insert("result".to_owned(), result.as_str().into());
        Value::Object(told)
    };
    let endpoints = rows[1..].iter().zip(checked).map(row).collect();
    Map::from_iter([("endpoints".to_owned(), endpoints)])
}

fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let width = |column: usize| {
        let cells = rows.iter().map(|(cells, _)| cells[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    for (cells, result) in rows {
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{result}");
    }
    text
}

fn remark(answer: &Answer, other_colors: Option<&str>) -> String {
    let works = match answer.size_match {
        SizeMatch::Exact => "works",
        SizeMatch::Resized => "works; answers are resized",
        SizeMatch::Stretched => {
            "works; answers have another shape than the canvas and are stretched: \"size_policy\": \"pad\" sends a shape that the server makes"
        }
    };
    match (&answer.judgement, other_colors) {
        (good, None) if good.is_good() => works.to_owned(),
        (good, Some(other_colors)) if good.is_good() => format!("{works}; {other_colors}"),
        (bad, _) => {
            format!("{works}; a run would not accept this picture: {bad} (\"accept\")")
        }
    }
}
