//! Reports on the wire, and back: whoever asks a server renders as the server's own command does.

use hefu_domain::{PlanYear, Region};
use hefu_report::{
    AsOf, Cell, Chart, ChartKind, Column, Lang, Mark, Name, Report, Row, Series, Unit,
};

use crate::{names, v1};

/// A report on the wire.
pub fn report(report: &Report) -> v1::Report {
    v1::Report {
        name: names::child(&report.region, "reports", &report.name),
        title: report.title.clone(),
        region_name: report.region_name.clone(),
        plan_year: u32::from(report.year.number()),
        as_of: report.as_of.to_string(),
        logs: report.logs.iter().map(log).collect(),
        columns: report.columns.iter().map(column).collect(),
        rows: report.rows.iter().map(row).collect(),
        notes: report.notes.clone(),
        charts: report.charts.iter().map(chart).collect(),
    }
}

/// The reports that there are.
pub fn report_kinds(region: &Region, lang: Lang) -> Vec<v1::ReportKind> {
    let kind = |name: Name| v1::ReportKind {
        name: names::child(region, "reports", name),
        title: name.title(lang).to_owned(),
    };
    Name::ALL.map(kind).into()
}

fn log(log: &AsOf) -> v1::ReportLog {
    v1::ReportLog {
        region: names::region(&log.region),
        epoch: log.epoch,
        size: log.size,
    }
}

fn column(column: &Column) -> v1::ReportColumn {
    v1::ReportColumn {
        key: column.key.clone(),
        heading: column.heading.clone(),
        unit: unit(column.unit).into(),
    }
}

fn unit(unit: Unit) -> v1::ReportUnit {
    match unit {
        Unit::Text => v1::ReportUnit::Text,
        Unit::Count => v1::ReportUnit::Count,
        Unit::Fen => v1::ReportUnit::Fen,
        Unit::Percent => v1::ReportUnit::Permille,
    }
}

fn row(row: &Row) -> v1::ReportRow {
    use v1::report_cell::Said;
    let cell = |cell: &Cell| v1::ReportCell {
        said: match cell {
            Cell::Empty => None,
            Cell::Text(text) => Some(Said::Text(text.clone())),
            Cell::Number(number) => Some(Said::Number(*number)),
        },
    };
    let mark = match row.mark {
        Mark::Plain => v1::ReportMark::Unspecified,
        Mark::Sum => v1::ReportMark::Sum,
        Mark::Slow => v1::ReportMark::Slow,
    };
    v1::ReportRow {
        cells: row.cells.iter().map(cell).collect(),
        mark: mark.into(),
    }
}

fn chart(chart: &Chart) -> v1::ReportChart {
    let series = |series: &Series| v1::ReportSeries {
        name: series.name.clone(),
        values: series.values.clone(),
    };
    v1::ReportChart {
        title: chart.title.clone(),
        over_time: chart.kind == ChartKind::Lines,
        unit: unit(chart.unit).into(),
        categories: chart.categories.clone(),
        series: chart.series.iter().map(series).collect(),
    }
}

/// A report as a server sent it; `None` where it is none that this build knows.
pub fn read_report(sent: &v1::Report) -> Option<Report> {
    let (region, name) = names::parse_child::<Name>(&sent.name, "reports").ok()?;
    let column = |column: &v1::ReportColumn| {
        Some(Column {
            key: column.key.clone(),
            heading: column.heading.clone(),
            unit: read_unit(column.unit())?,
        })
    };
    let log = |log: &v1::ReportLog| {
        Some(AsOf {
            region: names::parse_region(&log.region).ok()?,
            epoch: log.epoch,
            size: log.size,
        })
    };
    let chart = |chart: &v1::ReportChart| {
        Some(Chart {
            kind: match chart.over_time {
                true => ChartKind::Lines,
                false => ChartKind::Bars,
            },
            title: chart.title.clone(),
            unit: read_unit(chart.unit())?,
            categories: chart.categories.clone(),
            series: chart.series.iter().map(read_series).collect(),
        })
    };
    Some(Report {
        name: name.to_string(),
        title: sent.title.clone(),
        region,
        region_name: sent.region_name.clone(),
        year: PlanYear::try_from(u16::try_from(sent.plan_year).ok()?).ok()?,
        as_of: sent.as_of.parse().ok()?,
        logs: sent.logs.iter().map(log).collect::<Option<_>>()?,
        columns: sent.columns.iter().map(column).collect::<Option<_>>()?,
        rows: sent.rows.iter().map(read_row).collect(),
        notes: sent.notes.clone(),
        charts: sent.charts.iter().map(chart).collect::<Option<_>>()?,
    })
}

fn read_unit(unit: v1::ReportUnit) -> Option<Unit> {
    match unit {
        v1::ReportUnit::Text => Some(Unit::Text),
        v1::ReportUnit::Count => Some(Unit::Count),
        v1::ReportUnit::Fen => Some(Unit::Fen),
        v1::ReportUnit::Permille => Some(Unit::Percent),
        v1::ReportUnit::Unspecified => None,
    }
}

fn read_series(series: &v1::ReportSeries) -> Series {
    Series {
        name: series.name.clone(),
        values: series.values.clone(),
    }
}

fn read_row(row: &v1::ReportRow) -> Row {
    use v1::report_cell::Said;
    let cell = |cell: &v1::ReportCell| match &cell.said {
        None => Cell::Empty,
        Some(Said::Text(text)) => Cell::Text(text.clone()),
        Some(Said::Number(number)) => Cell::Number(*number),
    };
    Row {
        cells: row.cells.iter().map(cell).collect(),
        mark: match row.mark() {
            v1::ReportMark::Unspecified => Mark::Plain,
            v1::ReportMark::Sum => Mark::Sum,
            v1::ReportMark::Slow => Mark::Slow,
        },
    }
}
