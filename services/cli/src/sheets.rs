//! `hefu template`, `hefu import` and `hefu export`: spreadsheets that offices fill in and take away.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use hefu_domain::MOST_PAYOUTS;
use hefu_engine::Source;
use hefu_spreadsheet::{Prefilled, Template};
use hefu_wire::v1;
use tonic::transport::Channel;
use v1::import_sheet_response::Part;
use v1::redemption_service_client::RedemptionServiceClient;
use v1::spreadsheet_service_client::SpreadsheetServiceClient;

use crate::connect::{Remote, explain};

/// A sheet with errors ends with this code.
const WRONG: u8 = 3;
/// The bytes of one message of a file.
const CHUNK: usize = 256 << 10;
/// The largest answer that is taken.
const MOST_ANSWER: usize = 64 << 20;
/// Errors that are printed; the marked copy has more.
const MOST_PRINTED: usize = 20;

/// Make an empty sheet to fill in.
#[derive(Args)]
pub(crate) struct MakeTemplate {
    #[command(flatten)]
    remote: Remote,
    /// roster, attendance, certificates, targets or payout-answers.
    name: String,
    /// Where to; without it, a file of the template's title here.
    file: Option<PathBuf>,
    /// For attendance, the class whose seats stand in it: regions/…/classes/{uuid}.
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
}

/// Import a filled-in sheet. Where a row is wrong nothing is written, and a copy says what is wrong beside each cell.
#[derive(Args)]
pub(crate) struct ImportSheet {
    #[command(flatten)]
    remote: Remote,
    /// roster, attendance, certificates, targets or payout-answers.
    name: String,
    /// The sheet.
    file: PathBuf,
    /// The region's code.
    #[arg(long, env = "HEFU_REGION")]
    region: String,
    /// Check only; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// Where the copy with the errors goes; without it, beside the sheet.
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum ExportCommand {
    /// A class's roster, masked.
    Class {
        #[command(flatten)]
        remote: Remote,
        /// regions/…/classes/{uuid}.
        class: String,
        /// Where to; without it, a file here.
        file: Option<PathBuf>,
    },
    /// A claim sheet, masked.
    Claim {
        #[command(flatten)]
        remote: Remote,
        /// regions/…/sheets/{uuid}.
        sheet: String,
        /// Where to; without it, a file here.
        file: Option<PathBuf>,
    },
    /// The payouts under way: masked, or as the bank's file with --unmasked, which is on record with its reason.
    Payouts {
        #[command(flatten)]
        remote: Remote,
        /// The region's code.
        #[arg(long, env = "HEFU_REGION")]
        region: String,
        /// With account names and numbers in clear; for finance only.
        #[arg(long, requires = "reason")]
        unmasked: bool,
        /// Why, a code such as BANK_TRANSFER.
        #[arg(long, value_name = "CODE", requires = "unmasked")]
        reason: Option<String>,
        /// Also those that stand in an earlier file: handed both, a bank pays twice.
        #[arg(long, requires = "unmasked")]
        again: bool,
        /// Where to; without it, a file here.
        file: Option<PathBuf>,
    },
}

fn named(name: &str) -> anyhow::Result<Template> {
    let known: Vec<&str> = Template::ALL.iter().map(|one| one.name()).collect();
    Template::named(name)
        .with_context(|| format!("no template {name:?}; there are {}", known.join(", ")))
}

async fn client(remote: &Remote) -> anyhow::Result<SpreadsheetServiceClient<Channel>> {
    let client = SpreadsheetServiceClient::new(remote.channel().await?);
    Ok(client.max_decoding_message_size(MOST_ANSWER))
}

/// Makes a template: of a class by the server that knows its seats, the others here.
pub(crate) async fn template(make: MakeTemplate) -> anyhow::Result<ExitCode> {
    let template = named(&make.name)?;
    let xlsx = match (template, &make.class) {
        (Template::Attendance, Some(class)) => {
            let request = v1::GetTemplateRequest {
                name: class.clone(),
                template: make.name.clone(),
            };
            let request = make.remote.request(request)?;
            let made = client(&make.remote).await?.get_template(request).await;
            made.map_err(explain)?.into_inner().xlsx
        }
        (Template::Attendance, None) => {
            bail!(
                "an attendance sheet is a class's: name it with --class regions/…/classes/{{uuid}}"
            )
        }
        (_, Some(_)) => bail!("--class goes with attendance only"),
        (template, None) => template.workbook(&Prefilled::default())?,
    };
    let file = make
        .file
        .unwrap_or_else(|| format!("{}.xlsx", template.title()).into());
    ensure!(
        !file.exists(),
        "{} is there already, and may be filled in: name another file",
        file.display()
    );
    write(&file, &xlsx, false)?;
    println!("{}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// Imports a sheet and says what came of it.
pub(crate) async fn import(import: ImportSheet) -> anyhow::Result<ExitCode> {
    let template = named(&import.name)?;
    let file = std::fs::read(&import.file)
        .with_context(|| format!("cannot read {}", import.file.display()))?;
    let mut messages: Vec<v1::ImportSheetRequest> = file
        .chunks(CHUNK)
        .map(|chunk| v1::ImportSheetRequest {
            chunk: chunk.to_vec(),
            ..v1::ImportSheetRequest::default()
        })
        .collect();
    let Some(first) = messages.first_mut() else {
        bail!("{} is empty", import.file.display());
    };
    first.parent = format!("regions/{}", import.region);
    first.template = template.name().to_owned();
    first.validate_only = import.dry_run;
    let request = import.remote.request(tokio_stream::iter(messages))?;
    let answer = client(&import.remote).await?.import_sheet(request).await;
    let mut answer = answer.map_err(explain)?.into_inner();
    let (mut outcome, mut marked) = (None, Vec::new());
    while let Some(message) = answer.message().await.map_err(explain)? {
        match message.part {
            Some(Part::Outcome(told)) => outcome = Some(told),
            Some(Part::Marked(chunk)) => marked.extend(chunk),
            None => {}
        }
    }
    let outcome = outcome.context("the server said nothing of the sheet")?;
    told(&import, &outcome);
    if !marked.is_empty() {
        let copy = import.errors.unwrap_or_else(|| beside(&import.file));
        write(&copy, &marked, true)?;
        println!(
            "错误已标注 / the errors stand beside their cells in {}",
            copy.display()
        );
    }
    Ok(match outcome.errors.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(WRONG),
    })
}

/// Prints the outcome, in the clerk's language and in English.
fn told(import: &ImportSheet, outcome: &v1::SheetOutcome) {
    let rows = outcome.rows;
    for error in outcome.errors.iter().take(MOST_PRINTED) {
        let place = match (error.row, error.column.as_str()) {
            (0, _) => String::new(),
            (row, "") => format!("第 {row} 行: "),
            (row, column) => format!("{column}{row} {}: ", error.heading),
        };
        println!("{place}{} / {}", error.zh, error.en);
    }
    if outcome.errors.len() > MOST_PRINTED {
        println!(
            "…… 另有 {} 处 / and more",
            outcome.errors.len() - MOST_PRINTED
        );
    }
    if !outcome.errors.is_empty() {
        println!(
            "共 {rows} 行,{} 行有误,未写入任何数据 / {rows} rows, {} of them wrong: nothing was written",
            outcome.wrong_rows, outcome.wrong_rows
        );
        return;
    }
    if import.dry_run {
        println!("共 {rows} 行,检查通过,未写入 / {rows} rows, all good; nothing was written");
    } else if outcome.new_parts == 0 {
        println!("共 {rows} 行,此前已导入,无变化 / {rows} rows, imported before: nothing changed");
    } else {
        println!("共 {rows} 行,已导入 / {rows} rows imported");
    }
    if outcome.registered > 0 {
        let registered = outcome.registered;
        println!("新登记 {registered} 人 / {registered} people are new here");
    }
    if outcome.held_days > 0 {
        let (days, some) = (outcome.held_days, outcome.held_rows.len());
        println!(
            "{days} 人天已被占用,保持不变,涉及 {some} 行 / {days} days were held already and stay so, on {some} rows:"
        );
        let listed: Vec<String> = outcome
            .held_rows
            .iter()
            .take(50)
            .map(u32::to_string)
            .collect();
        println!("  {}", listed.join(" "));
    }
}

/// `名单.xlsx` is marked in `名单-错误.xlsx`.
fn beside(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-错误.xlsx"))
}

/// Writes a file; what is personal nobody else may read.
fn write(file: &Path, bytes: &[u8], is_private: bool) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if is_private {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        if file.exists() {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
        }
    }
    let cannot = || format!("cannot write {}", file.display());
    let mut out = options.open(file).with_context(cannot)?;
    out.write_all(bytes).with_context(cannot)
}

/// Takes a sheet out.
pub(crate) async fn export(command: ExportCommand) -> anyhow::Result<ExitCode> {
    let (remote, name, file) = match command {
        ExportCommand::Class {
            remote,
            class,
            file,
        } => (remote, class, file),
        ExportCommand::Claim {
            remote,
            sheet,
            file,
        } => (remote, sheet, file),
        ExportCommand::Payouts {
            remote,
            region,
            reason: Some(reason),
            again,
            file,
            ..
        } => {
            let parent = format!("regions/{region}");
            return bank_files(&remote, &parent, &reason, again, file).await;
        }
        ExportCommand::Payouts {
            remote,
            region,
            file,
            ..
        } => (remote, format!("regions/{region}"), file),
    };
    let request = remote.request(v1::ExportSheetRequest { name })?;
    let made = client(&remote).await?.export_sheet(request).await;
    let made = made.map_err(explain)?.into_inner();
    let file = file.unwrap_or_else(|| made.file_name.into());
    write(&file, &made.xlsx, true)?;
    println!("{}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// The bank's file of the payouts under way that stand in none yet; of more than one file holds, several.
async fn bank_files(
    remote: &Remote,
    region: &str,
    reason: &str,
    again: bool,
    file: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let mut sheets = under_way(remote, region).await?;
    ensure!(!sheets.is_empty(), "no payout of {region} is under way");
    sheets.retain(|sheet| again || !sheet.in_bank_file);
    ensure!(
        !sheets.is_empty(),
        "every payout of {region} that is under way stands in a file already: import the bank's answers, or take them out once more with --again"
    );
    let names = sheets.into_iter().map(|sheet| sheet.name).collect();
    let file = file.unwrap_or_else(|| "补贴资金发放文件.xlsx".into());
    for (file, names) in shared_out(&file, names) {
        let made = bank_file(remote, region, reason, again, names).await?;
        write(&file, &made, true)?;
        println!("{}", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Which sheets stand in which file: as many in each as one may hold.
fn shared_out(file: &Path, sheets: Vec<String>) -> Vec<(PathBuf, Vec<String>)> {
    let parts = (1..).zip(sheets.chunks(MOST_PAYOUTS));
    parts
        .map(|(number, some)| (numbered(file, number), some.to_vec()))
        .collect()
}

/// The first file as it is named, `发放-2.xlsx` beside it.
fn numbered(file: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{number}.xlsx"))
}

async fn bank_file(
    remote: &Remote,
    region: &str,
    reason: &str,
    again: bool,
    sheets: Vec<String>,
) -> anyhow::Result<Vec<u8>> {
    let mut random = [0u8; 16];
    random.copy_from_slice(&Source::System.draw(&[])[..16]);
    let request = v1::ExportPayoutsRequest {
        parent: region.to_owned(),
        sheets,
        reason: reason.to_owned(),
        request_id: format!("export-{:032x}", u128::from_be_bytes(random)),
        validate_only: false,
        again,
    };
    let made = client(remote)
        .await?
        .export_payouts(remote.request(request)?)
        .await;
    Ok(made.map_err(explain)?.into_inner().xlsx)
}

async fn under_way(remote: &Remote, region: &str) -> anyhow::Result<Vec<v1::Sheet>> {
    let mut client = RedemptionServiceClient::new(remote.channel().await?);
    let (mut sheets, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListSheetsRequest {
            parent: region.to_owned(),
            state: "paying".to_owned(),
            page_size: 500,
            page_token,
            ..v1::ListSheetsRequest::default()
        };
        let page = client.list_sheets(remote.request(request)?).await;
        let page = page.map_err(explain)?.into_inner();
        sheets.extend(page.sheets);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(sheets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payout_stands_in_one_file_and_no_file_holds_more_than_the_bank_is_sent() {
        let sheets: Vec<String> = (0..2 * MOST_PAYOUTS + 1)
            .map(|n| format!("regions/140725/sheets/{n}"))
            .collect();
        let files = shared_out(Path::new("本周/发放.xlsx"), sheets.clone());
        let named: Vec<&str> = files.iter().filter_map(|(file, _)| file.to_str()).collect();
        assert_eq!(
            named,
            ["本周/发放.xlsx", "本周/发放-2.xlsx", "本周/发放-3.xlsx"]
        );
        let held: Vec<usize> = files.iter().map(|(_, sheets)| sheets.len()).collect();
        assert_eq!(held, [MOST_PAYOUTS, MOST_PAYOUTS, 1]);
        let all: Vec<String> = files.into_iter().flat_map(|(_, sheets)| sheets).collect();
        assert_eq!(all, sheets);
    }
}
