//! `hefu audit get-receipt`: the receipt of one event, made from the public files, so that nobody has to be asked for it. It is
//! checked before it is handed over.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hefu_audit::Files;
use hefu_domain::Region;
use hefu_log::tile::{TILE_WIDTH, decode_entries, tiles_for_inclusion};
use hefu_log::{Receipt, Tile, TileKind, TilePath, TileSet, inclusion_proof};

use super::export::keys::{Keys, Opened};
use super::live::Live;

#[derive(Args)]
pub(crate) struct GetReceipt {
    #[command(flatten)]
    live: Live,
    /// The region, for instance 140725.
    #[arg(long, value_name = "CODE")]
    region: Region,
    /// The event's index in the log, as the reply to its request said.
    #[arg(long, value_name = "N")]
    index: u64,
    /// Which log of the region, where it is not the current one.
    #[arg(long, value_name = "E")]
    epoch: Option<u64>,
    /// The file to write; without it the receipt is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) async fn run(asked: &GetReceipt) -> anyhow::Result<ExitCode> {
    let files = asked.live.open().await?;
    let receipt = tokio::task::block_in_place(|| make(files.as_ref(), asked))?;
    match &asked.out {
        None => print!("{receipt}"),
        Some(path) => {
            std::fs::write(path, receipt.to_string())
                .with_context(|| format!("cannot write {}", path.display()))?;
            println!("{}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn make(files: &dyn Files, asked: &GetReceipt) -> anyhow::Result<Receipt> {
    let prefix = match asked.epoch {
        None => asked.region.to_string(),
        Some(epoch) => format!("{}/epoch/{epoch}", asked.region),
    };
    let read = |path: &str| {
        let path = format!("{prefix}/{path}");
        let file = files.read(&path)?;
        file.with_context(|| format!("{path} is not published"))
    };
    let note = String::from_utf8(read("checkpoint")?).context("the checkpoint is no text")?;
    let keys = Keys::of(files)?;
    let Opened { checkpoint, .. } = keys.open(&note)?;
    let (index, size) = (asked.index, checkpoint.size);
    if index >= size {
        bail!("the last checkpoint covers {size} events, and not number {index} yet");
    }
    let mut tiles = TileSet::new();
    for path in tiles_for_inclusion(index, size)? {
        tiles.insert(Tile::from_bytes(&path, &read(&path.to_string())?)?);
    }
    let width = u64::from(TILE_WIDTH);
    let bundle = TilePath::in_log(TileKind::Entries, index / width, size)
        .context("an index outside the log")?;
    let bytes = read(&bundle.to_string())?;
    let entries = decode_entries(&bytes, bundle.width())?;
    let receipt = Receipt {
        entry: entries[(index % width) as usize].to_vec(),
        index,
        proof: inclusion_proof(index, size, &tiles)?,
        note,
    };
    ensure!(
        hefu_log::verify_inclusion(
            &hefu_log::leaf_hash(&receipt.entry),
            index,
            size,
            &receipt.proof,
            &checkpoint.root
        )
        .is_ok(),
        "what is shown of this log does not lead to its own checkpoint: there is no receipt to be had"
    );
    Ok(receipt)
}
