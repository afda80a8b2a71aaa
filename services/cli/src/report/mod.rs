//! `hefu report`: a report as of the end of a day, from a server, from a database, or recomputed from exported logs.

mod source;
mod xlsx;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use hefu_domain::{Date, InstitutionId, PlanYear, Region};
use hefu_report::{Ask, Lang, Mark, Name, Report, Unit};

use crate::connect::Remote;

/// Options of `hefu report`.
#[derive(Args)]
pub(crate) struct ReportCommand {
    /// Which: progress, certificates, two-week, funds, ranking, indicators, institution, shares.
    name: Name,
    #[command(flatten)]
    remote: Remote,
    /// The database itself, sqlite://PATH or postgres://…, instead of a server.
    #[arg(long, value_name = "URL", conflicts_with = "dir")]
    database: Option<String>,
    /// A folder of exported logs, instead of a server: the report is computed from their events alone.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The last day that counts, YYYY-MM-DD in Asia/Shanghai. A ranking is of the month before.
    #[arg(long, value_name = "DATE")]
    as_of: Date,
    /// The region's code; a city's report covers the regions below it. Without it: the region above all others.
    #[arg(long, env = "HEFU_REGION", value_name = "CODE")]
    region: Option<Region>,
    /// The plan year. Without it: the last that was opened by the day.
    #[arg(long, value_parser = plan_year)]
    year: Option<PlanYear>,
    /// Whose statement, by unified social credit code.
    #[arg(long, value_name = "CODE")]
    institution: Option<InstitutionId>,
    /// How it is written.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Headings and notes: zh or en.
    #[arg(long, default_value = "zh")]
    lang: Lang,
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal.
    Table,
    /// With keys, units and charts.
    Json,
    /// The table alone; opens in Excel.
    Csv,
    /// An Excel workbook with charts.
    Xlsx,
    /// The first chart.
    Svg,
}

fn plan_year(text: &str) -> Result<PlanYear, String> {
    let year: u16 = text.parse().map_err(|_| "a plan year is YYYY".to_owned())?;
    PlanYear::try_from(year).map_err(|bad| bad.0)
}

/// Makes a report and prints or writes it.
pub(crate) async fn run(command: ReportCommand) -> anyhow::Result<ExitCode> {
    let piped = command.out.is_some() || !std::io::stdout().is_terminal();
    ensure!(
        command.format != Format::Xlsx || piped,
        "a workbook is no text: name a file with --out"
    );
    let report = source::made(&command).await?;
    let bytes = written(&report, command.format, command.lang)?;
    match &command.out {
        Some(file) => std::fs::write(file, bytes)
            .with_context(|| format!("cannot write {}", file.display()))?,
        None => std::io::stdout().write_all(&bytes)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn written(report: &Report, format: Format, lang: Lang) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        Format::Table => table(report, lang).into_bytes(),
        Format::Json => {
            let mut text = serde_json::to_string_pretty(&hefu_report::json(report))?;
            text.push('\n');
            text.into_bytes()
        }
        Format::Csv => hefu_report::csv(report).into_bytes(),
        Format::Xlsx => xlsx::workbook(report, lang)?,
        Format::Svg => hefu_report::svg(report)
            .with_context(|| format!("report {} has no chart", report.name))?
            .into_bytes(),
    })
}

/// As an official reads it: title and day above, the table, what must be said and the logs' indexes below.
pub(crate) fn table(report: &Report, lang: Lang) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(report.columns.iter().map(|column| column.heading.as_str()));
    for row in &report.rows {
        let cells = report.columns.iter().zip(&row.cells);
        let cells = cells.map(|(column, cell)| column.unit.cell(cell));
        table.add_row(cells.collect::<Vec<_>>());
    }
    for (place, column) in report.columns.iter().enumerate() {
        if column.unit != Unit::Text
            && let Some(column) = table.column_mut(place)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let (above, below) = hefu_report::text(report, lang == Lang::Zh);
    let slow = report.rows.iter().filter(|row| row.mark == Mark::Slow);
    let slow = match slow.count() {
        0 => String::new(),
        count => lang.of(
            format!("需督办:{count}\n"),
            format!("to be followed up: {count}\n"),
        ),
    };
    format!("{above}\n{table}\n{slow}{below}\n")
}

impl ReportCommand {
    /// What is asked for, once its region is known.
    fn ask(&self, region: Region) -> Ask {
        Ask {
            name: self.name,
            region,
            below: true,
            as_of: self.as_of,
            year: self.year,
            institution: self.institution.clone(),
            lang: self.lang,
        }
    }

    /// The region that was named, or the one above all others.
    fn region(&self, there: &[Region]) -> anyhow::Result<Region> {
        if let Some(region) = &self.region {
            return Ok(region.clone());
        }
        let mut tops = there
            .iter()
            .filter(|region| !there.iter().any(|other| other.contains(region)));
        let first = tops.next().context("no region is open here")?;
        ensure!(
            tops.next().is_none(),
            "several regions have none above them: name one with --region"
        );
        Ok(first.clone())
    }
}
