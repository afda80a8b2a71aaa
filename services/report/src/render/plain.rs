//! Reports as JSON, as CSV that spreadsheets open, and the lines that stand around a printed table.

use serde_json::{Map, Value, json};

use crate::table::{Cell, Chart, Report, Unit};

/// The report as JSON: money in fen, shares in tenths of a percent, as its columns say.
pub fn json(report: &Report) -> Value {
    let cell = |cell: &Cell| match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Number(number) => json!(number),
    };
    let columns = report.columns.iter().map(|column| {
        json!({
            "key": column.key,
            "heading": column.heading,
            "unit": column.unit.as_str(),
        })
    });
    let rows = report.rows.iter().map(|row| {
        let keys = report.columns.iter().map(|column| column.key.clone());
        let cells: Map<String, Value> = keys.zip(row.cells.iter().map(cell)).collect();
        json!({ "cells": cells, "mark": row.mark.as_str() })
    });
    let logs = report
        .logs
        .iter()
        .map(|log| json!({ "region": log.region.as_str(), "epoch": log.epoch, "size": log.size }));
    json!({
        "name": report.name,
        "title": report.title,
        "region": report.region.as_str(),
        "region_name": report.region_name,
        "plan_year": report.year.number(),
        "as_of": report.as_of.to_string(),
        "logs": logs.collect::<Vec<_>>(),
        "columns": columns.collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
        "notes": report.notes,
        "charts": report.charts.iter().map(chart).collect::<Vec<_>>(),
    })
}

fn chart(chart: &Chart) -> Value {
    let series = chart
        .series
        .iter()
        .map(|series| json!({ "name": series.name, "values": series.values }));
    json!({
        "title": chart.title,
        "unit": chart.unit.as_str(),
        "categories": chart.categories,
        "series": series.collect::<Vec<_>>(),
    })
}

/// The table alone, as RFC 4180 has it; a mark of UTF-8 stands in front, without which Excel takes Chinese for something else.
pub fn csv(report: &Report) -> String {
    let mut csv = String::from('\u{FEFF}');
    let headings = report.columns.iter().map(|column| column.heading.clone());
    line(&mut csv, headings);
    for row in &report.rows {
        let cells = report.columns.iter().zip(&row.cells);
        line(
            &mut csv,
            cells.map(|(column, cell)| match cell {
                // Yuan as a number, shares as percent: what a spreadsheet computes with.
                Cell::Number(number) if column.unit == Unit::Percent => Unit::Percent.show(*number),
                cell => column.unit.cell(cell),
            }),
        );
    }
    csv
}

fn line(csv: &mut String, cells: impl Iterator<Item = String>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            csv.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            csv.push('"');
            csv.push_str(&cell.replace('"', "\"\""));
            csv.push('"');
        } else {
            csv.push_str(&cell);
        }
    }
    csv.push_str("\r\n");
}

/// What stands above and below a printed table: title, region, day, and as of which index of each log it counts.
pub fn text(report: &Report, zh: bool) -> (String, String) {
    let (region, code) = (&report.region_name, &report.region);
    let (year, day) = (report.year, report.as_of);
    let above = match zh {
        true => format!(
            "{}\n{region}({code}) {year}年度计划 截至{day}",
            report.title
        ),
        false => format!(
            "{}\n{region} ({code}), plan year {year}, as of the end of {day}",
            report.title
        ),
    };
    let logs = report.logs.iter().map(|log| match log.epoch {
        0 => format!("{}:{}", log.region, log.size),
        epoch => format!("{}/{epoch}:{}", log.region, log.size),
    });
    let logs: Vec<String> = logs.collect();
    let mut below: Vec<String> = report.notes.clone();
    below.push(match zh {
        true => format!("日志截至(地区:事件数) {}", logs.join(" ")),
        false => format!("as of the logs (region:events) {}", logs.join(" ")),
    });
    (above, below.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, Mark, Row};

    #[test]
    fn a_cell_with_a_comma_or_a_quote_stays_one_cell_and_excel_knows_the_letters() {
        let column = |key: &str, unit| Column {
            key: key.to_owned(),
            heading: key.to_owned(),
            unit,
        };
        let report = Report {
            name: "progress".to_owned(),
            title: String::new(),
            region: "140725".parse().unwrap(),
            region_name: String::new(),
            year: hefu_domain::PlanYear::try_from(2023).unwrap(),
            as_of: "2023-05-31".parse().unwrap(),
            logs: Vec::new(),
            columns: vec![
                column("a,b", Unit::Text),
                column("元", Unit::Fen),
                column("%", Unit::Percent),
            ],
            rows: vec![Row {
                cells: vec![
                    Cell::Text("他说\"好\"".to_owned()),
                    Cell::Number(150_000),
                    Cell::Empty,
                ],
                mark: Mark::Plain,
            }],
            notes: Vec::new(),
            charts: Vec::new(),
        };
        assert_eq!(
            csv(&report),
            "\u{FEFF}\"a,b\",元,%\r\n\"他说\"\"好\"\"\",1500.00,\r\n"
        );
        assert_eq!(json(&report)["rows"][0]["cells"]["元"], 150_000);
        assert!(json(&report)["rows"][0]["cells"]["%"].is_null());
    }
}
