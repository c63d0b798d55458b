//! Making a layer.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use layer::{
    CanvasConfig, CanvasMode, LayerConfig, LayerDir, LayerError, Order, PngCompression, RunLock,
    Source, Storage, UniformConfig, UniformMode,
};
use serde_json::json;
use terminal::event;
use tokio::signal::unix::{self, SignalKind};

use crate::args::{Args, CanvasArg, StorageArg, UniformArg};
use crate::backup::backup_name;
use crate::checks::{before_a_run, look_at_pictures, require_places};
use crate::extend::extend;
use crate::flat_water::FlatWater;
use crate::planned::{metadata_of, region_of, require_finished};
use crate::progress_line::{plan_visibly, step};
use crate::rebuild::rebuild;
use crate::staging::Staging;
use crate::summary::Summary;

/// Does what the command line asks for: makes a layer, or a new `progress.db` for one.
///
/// # Errors
/// What is wrong, where, and what to do; then nothing has been changed.
pub async fn init(args: Args) -> anyhow::Result<Summary> {
    // Heard and let pass, a limit on the size of files is an error of the write and no end of
    // the process, which would leave half a layer behind.
    let _heard = unix::signal(SignalKind::from_raw(libc::SIGXFSZ))?;
    let output = output_of(&args)?;
    let started = json!({
        "version": terminal::FORMAT_VERSION,
        "program": "init_layer",
        "layer": output.display().to_string(),
    });
    event("started", started);
    require_plain("--output", std::path::absolute(&output)?.as_os_str())?;
    if args.rebuild {
        return rebuild(&LayerDir::at(output), args.partial).await;
    }
    if args.extend {
        return extend(&LayerDir::at(output), args.bounds, args.partial).await;
    }
    let (Some(name), Some(generation_dir)) = (args.name.as_deref(), args.generation_dir.as_deref())
    else {
        bail!("--name and --generation-dir say what to make");
    };
    require_plain("--name", name.as_ref())?;
    require_plain("--generation-dir", generation_dir.as_os_str())?;
    let place = place_of(&output)?;
    let replaced = existing(&output, &place, args.force)?;
    let mut warnings = Vec::new();
    let config = config_of(&args, name, generation_dir, &place)?;
    if let Some(moved) = LayerDir::at(&place).moved_away() {
        warnings.push(format!(
            "a layer that was here before is kept as {}; a --force that was cut short may have left it there",
            moved.display()
        ));
    }
    step("reading the source map");
    let source = Source::open(generation_dir).await?;
    require_other_place(&source, &place)?;
    warnings.extend(require_finished(&source, args.partial)?);
    let region = region_of(&source, config.source_layer, args.bounds).await?;
    let bounds = args
        .bounds
        .or_else(|| region.bounds())
        .context("the map has no quadrants")?;
    let config = LayerConfig {
        bounds: Some(bounds),
        ..config
    };
    require_places(&source, &region)?;
    step("looking at its pictures");
    warnings.extend(look_at_pictures(&source, config.source_layer, &region).await?);
    let missing = before_a_run(&config, &LayerDir::at(&output).config_path())?;
    // Held until the old layer has been moved: a run may not lose it from under it. Not taken
    // before all else is right, because it leaves a file.
    let _lock = match &replaced {
        Some(_) => Some(RunLock::take(&LayerDir::at(&output))?),
        None => None,
    };
    let (region, plan) = plan_visibly(region).await;
    let flat_water = FlatWater::of(&config, &source, &plan.blocks).await?;

    step("writing the layer");
    let staging = Staging::beside(&place)?;
    let staged = LayerDir::at(staging.path());
    staged.create(config.storage)?;
    if config.storage == Storage::Sqlite {
        let unread = staged.create_quadrants(&source, region.quadrants()).await?;
        if unread > 0 {
            warnings.push(format!(
                "what {} says of {unread} quadrants besides their pictures could not be read, and is not carried over",
                source.place().display()
            ));
        }
    }
    source.describe(&staged)?;
    let mode = config_mode(&args)?;
    if mode & 0o077 == 0 {
        warnings.push(
            "layer_config.json may be read by you alone, as the files that it is made from"
                .to_owned(),
        );
    }
    staged.write_config(&config, mode)?;
    staged.write_schema()?;
    progress_db::create(
        &staged.progress_path(),
        &plan,
        &metadata_of(&config, &source, bounds, args.bounds.is_some()),
    )
    .await?;
    let backup = replaced.as_deref();
    staging.publish(backup)?;
    Ok(
        Summary::new(LayerDir::at(output), &config, &source, &region, &plan)
            .with_flat_water(flat_water)
            .with_backup(backup)
            .with_warnings(warnings)
            .with_missing(missing),
    )
}

/// Refuses what neither the configuration nor SQLite can keep, or what would not print as it is.
fn require_plain(flag: &str, text: &OsStr) -> anyhow::Result<()> {
    match text.to_str() {
        None => bail!(
            "{flag} {text:?} is not UTF-8, as all that a layer keeps must be; give it another name"
        ),
        Some(plain) if plain.chars().any(char::is_control) => {
            bail!("{flag} {plain:?} has a control character in it; give it another name")
        }
        Some(_) => Ok(()),
    }
}

/// Whose a file is of what the command line names, the layer or what it is made from, as
/// [`LayerDir::owner_of`].
#[must_use]
pub fn owner_of(args: &Args, path: &Path) -> Option<PathBuf> {
    let layer = output_of(args).ok().map(LayerDir::at);
    let of_layer = layer.and_then(|layer| layer.owner_of(path));
    let source = args.generation_dir.clone().map(LayerDir::at);
    let source = source.filter(|source| source.is_own(path));
    of_layer.or_else(|| source.map(|source| source.path().to_owned()))
}

fn output_of(args: &Args) -> anyhow::Result<PathBuf> {
    if let Some(output) = &args.output {
        if output.as_os_str().is_empty() {
            bail!("--output is empty; it names the directory to write the layer to");
        }
        return Ok(output.clone());
    }
    let Some(name) = &args.name else {
        bail!("--output or --name says which layer to rebuild")
    };
    let is_plain = Path::new(name)
        .file_name()
        .is_some_and(|file| file == name.as_str());
    if !is_plain {
        bail!("the name {name:?} cannot be a directory's; give one with --output");
    }
    Ok(Path::new("layers").join(name))
}

/// What is meant by `output`, which need not exist: behind all links, and without a slash at the
/// end, which would be a part of the names beside it.
fn place_of(output: &Path) -> anyhow::Result<PathBuf> {
    let place: PathBuf = std::path::absolute(output)?.components().collect();
    let is_gone = match place.canonicalize() {
        Ok(place) => return Ok(place),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_gone && let (Some(parent), Ok(target)) = (place.parent(), place.read_link()) {
        return place_of(&parent.join(target));
    }
    match (place.parent(), place.file_name()) {
        (Some(parent), Some(name)) => Ok(place_of(parent)?.join(name)),
        _ => Ok(place),
    }
}

/// Where to move the layer that is at `output` already, which means `place`; an error when it may
/// not be replaced.
fn existing(output: &Path, place: &Path, force: bool) -> anyhow::Result<Option<PathBuf>> {
    let entries = match std::fs::read_dir(output) {
        Ok(entries) => entries.count(),
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound
                && output.symlink_metadata().is_err() =>
        {
            return Ok(None);
        }
        Err(error) => {
            if let Some(backup) = LayerDir::at(place).moved_away() {
                bail!(
                    "{} is a link to a layer that a --force which was cut short has left in {}; move that back",
                    output.display(),
                    backup.display()
                );
            }
            return Err(error)
                .with_context(|| format!("{} is no directory to write to", output.display()));
        }
    };
    if entries == 0 {
        return Ok(None);
    }
    let layer = LayerDir::at(output);
    let is_layer = layer.config_path().exists() || layer.progress_path().exists();
    if !force && let Err(error @ LayerError::ConfigLost { .. }) = layer.read_config() {
        return Err(error.into());
    }
    if !force || !is_layer {
        let what = if is_layer {
            "is a layer already"
        } else {
            "exists, is not empty and is no layer"
        };
        let remedy = if is_layer {
            "choose another --output, or start it over with --force, which keeps what is there as a .bak"
        } else {
            "choose another --output"
        };
        bail!("{} {what}, and was not touched; {remedy}", output.display());
    }
    Ok(Some(backup_name(place)))
}

fn config_of(
    args: &Args,
    name: &str,
    generation_dir: &Path,
    place: &Path,
) -> anyhow::Result<LayerConfig> {
    if name.trim().is_empty() {
        bail!("--name is empty; a layer needs a name");
    }
    let model_endpoints = match &args.model_endpoints {
        Some(path) => layer::read_endpoints(path)?,
        None => Vec::new(),
    };
    let mut generation_params = match &args.generation_params {
        Some(path) => layer::read_params(path)?,
        None => serde_json::Map::new(),
    };
    if let Some(prompt) = &args.prompt {
        generation_params.insert("prompt".to_owned(), prompt.as_str().into());
    }
    Ok(LayerConfig {
        schema: Some(LayerDir::SCHEMA.to_owned()),
        version: Some(LayerConfig::CURRENT_VERSION),
        name: name.to_owned(),
        generation_dir: lasting_path(generation_dir, place)?,
        source_layer: args.source_layer,
        bounds: None,
        model_endpoints,
        generation_params,
        seed: 0,
        accept: layer::AcceptConfig::default(),
        currency: "USD".to_owned(),
        max_cost: None,
        max_calls: None,
        uniform: UniformConfig {
            mode: match args.uniform {
                UniformArg::Call => UniformMode::Call,
                UniformArg::Copy => UniformMode::Copy,
                UniformArg::Fill => UniformMode::Fill,
            },
            ..UniformConfig::default()
        },
        canvas: CanvasConfig {
            mode: match args.canvas {
                CanvasArg::Block => CanvasMode::Block,
                CanvasArg::Infill => CanvasMode::Infill,
            },
            ..CanvasConfig::default()
        },
        storage: match args.storage {
            StorageArg::Files => Storage::Files,
            StorageArg::Sqlite => Storage::Sqlite,
        },
        order: Order::default(),
        png_compression: PngCompression::default(),
        created_at: Some(layer::timestamp(SystemTime::now())),
    })
}

/// Refuses to start a layer over from itself.
fn require_other_place(source: &Source, place: &Path) -> anyhow::Result<()> {
    let dir = source.dir().canonicalize().unwrap_or_default();
    if dir == place {
        bail!(
            "{} is both the source and the layer to write; give the new one another name or --output",
            place.display()
        );
    }
    Ok(())
}

/// Who may read the configuration: nobody who may not read the files that it is made from, because
/// there may be keys in them.
fn config_mode(args: &Args) -> anyhow::Result<u32> {
    let mut mode = 0o666;
    let files = [&args.model_endpoints, &args.generation_params];
    for path in files.into_iter().flatten() {
        let file =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        mode &= file.permissions().mode() | 0o600;
    }
    Ok(mode)
}

/// The path of the source as the configuration keeps it: relative where that means the same
/// directory from two levels above the layer, so that a project can be moved as a whole, and
/// absolute where it does not.
fn lasting_path(generation_dir: &Path, place: &Path) -> anyhow::Result<PathBuf> {
    let absolute = std::path::absolute(generation_dir)
        .with_context(|| format!("{} is no path", generation_dir.display()))?;
    if generation_dir.is_absolute() {
        return Ok(absolute);
    }
    let root = place.parent().and_then(Path::parent);
    let same = root
        .and_then(|root| root.join(generation_dir).canonicalize().ok())
        .is_some_and(|path| {
            absolute
                .canonicalize()
                .is_ok_and(|absolute| absolute == path)
        });
    if same {
        return Ok(generation_dir.to_owned());
    }
    require_plain("--generation-dir", absolute.as_os_str())?;
    Ok(absolute)
}
