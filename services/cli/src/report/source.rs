//! Where a report comes from.

use anyhow::Context;
use hefu_audit::{Dir, Files};
use hefu_domain::Region;
use hefu_report::Report;
use hefu_server::reports::{ReadModel, of_logs};
use hefu_store::{Access, OpenOptions, Store, StoreError};
use hefu_wire::{names, show, v1};
use v1::policy_service_client::PolicyServiceClient;
use v1::reporting_service_client::ReportingServiceClient;

use super::ReportCommand;
use crate::connect::explain;

/// The largest answer that is taken: a province's report is far below it.
const MOST_ANSWER: usize = 64 << 20;

/// The report that was asked for.
pub(super) async fn made(command: &ReportCommand) -> anyhow::Result<Report> {
    match (&command.database, &command.dir) {
        (Some(database), _) => of_database(command, database).await,
        (None, Some(dir)) => {
            let files = Dir::new(dir);
            let ask = command.ask(command.region(&files.regions()?)?);
            let made = tokio::task::block_in_place(|| of_logs(&files, &ask));
            Ok(made.with_context(|| format!("{}", dir.display()))??)
        }
        (None, None) => of_server(command).await,
    }
}

async fn of_database(command: &ReportCommand, database: &str) -> anyhow::Result<Report> {
    let (store, writes) = opened(database).await?;
    let heads = store.all_heads().await?;
    let regions: Vec<Region> = heads
        .iter()
        .filter_map(|head| head.region.parse().ok())
        .collect();
    let ask = command.ask(command.region(&regions)?);
    let model = ReadModel::new(store.clone());
    if writes {
        model.catch_up(&model.tree(&ask).await?, None).await?;
    }
    let report = model.report(&ask).await;
    store.close().await;
    Ok(report?)
}

/// The database, for writing its figures if no server does.
async fn opened(database: &str) -> anyhow::Result<(Store, bool)> {
    // Nothing is made where nothing is.
    let reading = Store::open(database, OpenOptions::reading()).await?;
    anyhow::ensure!(
        !reading.is_empty().await?,
        "there is no region in this database"
    );
    let writing = OpenOptions {
        access: Access::Write,
        ..OpenOptions::default()
    };
    match Store::open(database, writing).await {
        Ok(store) => {
            reading.close().await;
            store.migrate().await?;
            Ok((store, true))
        }
        // A server has it, and feeds it; what it has not written yet is counted in memory.
        Err(StoreError::InUse { .. }) => Ok((reading, false)),
        Err(error) => Err(error.into()),
    }
}

async fn of_server(command: &ReportCommand) -> anyhow::Result<Report> {
    let channel = command.remote.channel().await?;
    let region = match &command.region {
        Some(region) => region.clone(),
        None => {
            let list = v1::ListRegionsRequest {
                page_size: 1_000,
                ..v1::ListRegionsRequest::default()
            };
            let listed = PolicyServiceClient::new(channel.clone())
                .list_regions(command.remote.request(list)?)
                .await
                .map_err(explain)?;
            let regions = listed.into_inner().regions;
            let names = regions
                .iter()
                .map(|region| names::parse_region(&region.name));
            let names: Vec<Region> = names.filter_map(Result::ok).collect();
            command.region(&names)?
        }
    };
    let get = v1::GetReportRequest {
        name: names::child(&region, "reports", command.name),
        as_of: command.as_of.to_string(),
        plan_year: command.year.map_or(0, |year| u32::from(year.number())),
        institution: command
            .institution
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        language: command.lang.as_str().to_owned(),
    };
    let answer = ReportingServiceClient::new(channel)
        .max_decoding_message_size(MOST_ANSWER)
        .get_report(command.remote.request(get)?)
        .await
        .map_err(explain)?;
    show::read_report(&answer.into_inner())
        .context("the server's report is none that this version of hefu can read")
}
