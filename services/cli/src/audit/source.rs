//! Where the logs that somebody checks are read from, and whose signatures count.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use hefu_audit::verify::{Asked, Head, Keys, Older, Report, Witnesses};
use hefu_audit::{Dir, Files, MAX_FILE};
use hefu_domain::Region;
use hefu_log::tile::{TILE_WIDTH, encode_entries};
use hefu_log::{Frontier, Hash, TileKind, TilePath, WitnessKey};
use hefu_server::log_files::{LogFile, LogFileError, LogFiles, LogPath, StoreFiles};
use hefu_server::strays::{self, Stray};
use hefu_store::{OpenOptions, Store, StoreError};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::live::ServerFiles;

/// Something does not hold.
pub(crate) const FAILED: u8 = 1;
/// The logs could not be checked at all: a wrong argument, or files that cannot be read.
const UNCHECKED: u8 = 2;
/// Everything holds, but the keys are the operator's own.
const SELF_CONSISTENT: u8 = 4;

#[derive(Args)]
#[command(group = clap::ArgGroup::new("logs").required(true).args(["dir", "server", "database"]))]
pub(crate) struct Source {
    /// An exported folder.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A server, http://HOST:PORT or https://HOST, or wherever else its /log/ is copied to. No key is needed.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The database itself, sqlite://PATH or postgres://…; its head rows are checked too.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// With --database: the state folder, in which log.vkey is.
    #[arg(long, env = "HEFU_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Verifier keys that you got from somewhere else than these logs, one a line. Without it nothing is proven.
    #[arg(long, value_name = "FILE")]
    vkey: Option<PathBuf>,
}

/// Opened logs.
pub(crate) struct Logs {
    pub(crate) files: Box<dyn Files>,
    pub(crate) keys: Keys,
    /// Whether they are a copy, perhaps of some regions only.
    copied: bool,
    store: Option<(Store, Handle)>,
}

impl Source {
    /// Opens the logs. Their reader waits for each file: ask it from where waiting is allowed.
    pub(crate) async fn open(&self) -> anyhow::Result<Logs> {
        let mut store = None;
        let files: Box<dyn Files> = match (&self.dir, &self.server, &self.database) {
            (Some(dir), ..) => Box::new(Dir::new(dir)),
            (None, Some(server), _) => {
                Box::new(ServerFiles::connect(server, Handle::current()).await?)
            }
            (None, None, Some(database)) => {
                let opened = Store::open(database, OpenOptions::reading()).await?;
                store = Some((opened.clone(), Handle::current()));
                let state = self.state.clone().or_else(|| crate::beside(database));
                let keys = state.map(|state| state.join("log.vkey"));
                Box::new(Rows::new(opened, keys))
            }
            (None, None, None) => anyhow::bail!("name --dir, --server or --database"),
        };
        let keys = tokio::task::block_in_place(|| self.keys(files.as_ref()))?;
        if let Some(warning) = keys.warning() {
            eprintln!("hefu: {warning}");
        }
        Ok(Logs {
            files,
            keys,
            copied: self.dir.is_some(),
            store,
        })
    }

    fn keys(&self, files: &dyn Files) -> anyhow::Result<Keys> {
        match &self.vkey {
            Some(file) => outside(file),
            None => {
                let text = files.read("log.vkey")?.context(
                    "there is no log.vkey beside these logs: name your own copy with --vkey FILE",
                )?;
                Keys::published(&String::from_utf8_lossy(&text)).context("log.vkey")
            }
        }
    }
}

/// A file that somebody named. Others may have made it, so it is not read without end.
pub(crate) fn text(file: &Path) -> anyhow::Result<String> {
    let cannot = || format!("cannot read {}", file.display());
    let mut bytes = Vec::new();
    let opened = File::open(file).with_context(cannot)?;
    opened
        .take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(cannot)?;
    ensure!(
        bytes.len() <= MAX_FILE,
        "{} is longer than any file of a log: name another one",
        file.display()
    );
    String::from_utf8(bytes).with_context(|| format!("{} is no text", file.display()))
}

/// Keys that somebody brought along.
pub(crate) fn outside(file: &Path) -> anyhow::Result<Keys> {
    Keys::from_outside(&text(file)?).with_context(|| format!("{}", file.display()))
}

/// The witnesses whose public keys are in these files, one a line.
pub(crate) fn witnesses(files: &[PathBuf], required: usize) -> anyhow::Result<Witnesses> {
    let mut keys: Vec<WitnessKey> = Vec::new();
    for file in files {
        for line in text(file)?.lines().filter(|line| !line.is_empty()) {
            let key = line
                .parse()
                .with_context(|| format!("{}", file.display()))?;
            keys.push(key);
        }
    }
    Ok(Witnesses::new(keys, required)?)
}

/// A checkpoint in a file.
pub(crate) fn checkpoint(file: &Path) -> anyhow::Result<Older> {
    Older::parse(&text(file)?).with_context(|| format!("{}", file.display()))
}

impl Logs {
    /// Everything that is there.
    pub(crate) fn asked(&self) -> Asked {
        Asked {
            partial: self.copied,
            ..Asked::all(self.keys.clone())
        }
    }

    /// A database's head rows; other sources have none.
    pub(crate) fn heads(&self) -> io::Result<Vec<Head>> {
        let Some((store, runtime)) = &self.store else {
            return Ok(Vec::new());
        };
        let rows = wait(runtime, heads(store))?;
        let rows = rows.into_iter();
        rows.map(|(row, stray)| head(row, stray)).collect()
    }
}

/// The head rows of one instant, and the first event row of each region that belongs to no log.
async fn heads(store: &Store) -> Result<Vec<(hefu_store::Head, Option<Stray>)>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let mut heads = Vec::new();
    for head in snapshot.all_heads().await? {
        let stray = strays::find(&mut snapshot, &head).await?;
        heads.push((head, stray));
    }
    Ok(heads)
}

fn head(row: hefu_store::Head, stray: Option<Stray>) -> io::Result<Head> {
    let wrong = || {
        let what = format!("a head row is of \"{}\", which is no region", row.region);
        io::Error::new(io::ErrorKind::InvalidData, what)
    };
    Ok(Head {
        region: row.region.parse().map_err(|_| wrong())?,
        epoch: row.epoch,
        size: row.size,
        root: Hash(row.root),
        frontier: Frontier::from_bytes(&row.frontier).ok(),
        stray: stray.map(|stray| (stray.epoch, stray.index)),
    })
}

fn wait<T>(runtime: &Handle, read: impl Future<Output = Result<T, StoreError>>) -> io::Result<T> {
    tokio::task::block_in_place(|| runtime.block_on(read)).map_err(io::Error::other)
}

/// A database's logs: what is published of them, and the events behind it that nobody has signed yet or that a fork kept.
/// The invariant: rows that are missing or damaged look like files that are; they are found by the checks, as in an export.
struct Rows {
    published: StoreFiles,
    logs: LogFiles,
    store: Store,
    runtime: Handle,
}

impl Rows {
    fn new(store: Store, keys: Option<PathBuf>) -> Rows {
        let (logs, runtime) = (LogFiles::new(store.clone(), keys), Handle::current());
        Rows {
            published: StoreFiles::new(logs.clone(), runtime.clone()),
            logs,
            store,
            runtime,
        }
    }

    /// The entries at such a path, as many as the table has of them.
    async fn entries(
        &self,
        region: &Region,
        epoch: Option<u64>,
        path: &TilePath,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let epoch = match epoch {
            Some(epoch) => epoch,
            None => match self.logs.published(region, None).await? {
                Some(published) => published.epoch,
                None => return Ok(None),
            },
        };
        let first = path.index() * u64::from(TILE_WIDTH);
        let width = u32::from(path.width());
        let rows = self
            .store
            .leaves(region.as_str(), epoch, first, width)
            .await?;
        let within = rows.iter().filter(|row| row.idx < first + u64::from(width));
        let entries: Vec<&[u8]> = within.map(|row| row.bytes.as_slice()).collect();
        Ok(encode_entries(&entries).ok())
    }
}

impl Files for Rows {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        if let Ok(LogPath::OfLog {
            region,
            epoch,
            file: LogFile::Tile(path),
        }) = path.parse()
            && path.kind() == TileKind::Entries
        {
            return wait(&self.runtime, self.entries(&region, epoch, &path));
        }
        match self.published.read(path) {
            Err(error) if is_damage(&error) => Ok(None),
            read => read,
        }
    }

    fn regions(&self) -> io::Result<Vec<Region>> {
        self.published.regions()
    }
}

/// Whether the rows are there and cannot be what they claim.
fn is_damage(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(inner, Some(LogFileError::Store(StoreError::Corrupt { .. })))
}

/// Says that the logs could not be checked, and why.
pub(crate) fn unchecked(error: &anyhow::Error) -> ExitCode {
    eprintln!("hefu: {error:#}");
    ExitCode::from(UNCHECKED)
}

/// 0 if everything holds, 1 if not, 4 if all holds by the operator's own keys.
pub(crate) fn exit(report: &Report) -> ExitCode {
    match (&report.failure, report.verified) {
        (Some(_), _) => ExitCode::from(FAILED),
        (None, true) => ExitCode::SUCCESS,
        (None, false) => ExitCode::from(SELF_CONSISTENT),
    }
}

/// A report as JSON, with the seconds that it took.
pub(crate) fn as_json(report: &Report, seconds: f64) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(report)?;
    value["seconds"] = json!((seconds * 1_000.0).round() / 1_000.0);
    if let Some(failure) = &report.failure {
        value["failure"]["message"] = json!(failure.to_string());
    }
    Ok(value)
}

/// What is told of every report: forks first and loud, then whether it holds.
pub(crate) fn say(report: &Report, seconds: f64) {
    for fork in &report.forks {
        println!("!!! FORK ACCEPTED: {fork}");
    }
    if report.unseen > 0 {
        println!(
            "{} checkpoints that a city recorded are of logs or events that are not here: they were not compared",
            report.unseen
        );
    }
    if !report.missing.is_empty() && report.failure.is_none() {
        let missing: Vec<&str> = report.missing.iter().map(Region::as_str).collect();
        println!(
            "not in this copy, though you brought keys of their logs: {}",
            missing.join(", ")
        );
    }
    let s = if report.regions == 1 { "" } else { "s" };
    let (events, regions) = (report.events, report.regions);
    let checked = format!("{events} events of {regions} region{s} in {seconds:.1} s");
    match (&report.failure, report.verified) {
        (Some(failure), _) => println!("NOT VERIFIED: {failure}"),
        (None, true) if report.forks.iter().any(|fork| !fork.seen) => println!(
            "VERIFIED WITH A FORK: {checked}, from a key that you brought along. What was signed before a fork is not all there: ask for the reason. \
             Keep today's checkpoints, and show them with --since next time."
        ),
        (None, true) => println!("verified: {checked}, from a key that you brought along"),
        (None, false) => println!(
            "SELF-CONSISTENT ONLY: {checked}, but the key lay beside the logs. Get it from somewhere else, and name it with --vkey."
        ),
    }
}
