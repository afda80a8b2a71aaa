//! Fund accounts by quarter ("各县(区、市)每季度报送资金使用情况"): what stands in each bucket at the quarter's end, and what share is spent.

use std::collections::{BTreeMap, BTreeSet};

use hefu_domain::Date;

use crate::build::{RegionFigures, Scene, columns, heading, month, row};
use crate::fold::{ALLOCATED, AVAILABLE, PAID, PAYABLE, RESERVED};
use crate::table::{Cell, Chart, ChartKind, Mark, Report, Row, Series, Unit, percent};
use crate::words::Lang;

const BUCKETS: [&str; 5] = [ALLOCATED, AVAILABLE, RESERVED, PAYABLE, PAID];

/// The buckets at a quarter's end.
type Line = [i64; 5];

/// A quarter of a calendar year, 1 to 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Quarter(i16, i8);

impl Quarter {
    fn of(day: Date) -> Quarter {
        Quarter(day.year(), (day.month() - 1) / 3 + 1)
    }

    fn next(self) -> Quarter {
        match self {
            Quarter(year, 4) => Quarter(year + 1, 1),
            Quarter(year, quarter) => Quarter(year, quarter + 1),
        }
    }

    /// Its last month.
    fn end(self) -> String {
        format!("{:04}-{:02}", self.0, self.1 * 3)
    }

    fn show(self, lang: Lang) -> String {
        let Quarter(year, quarter) = self;
        lang.of(
            format!("{year}年第{quarter}季度"),
            format!("{year} Q{quarter}"),
        )
    }
}

pub(crate) fn build(scene: &Scene) -> Report {
    let fen = Unit::Fen;
    let columns = columns(
        scene.lang,
        &[
            heading::REGION,
            ("source", "资金来源", "source", Unit::Text),
            ("quarter", "季度", "quarter", Unit::Text),
            ("allocated_fen", "已下达(元)", "allocated (yuan)", fen),
            ("available_fen", "可用(元)", "available (yuan)", fen),
            ("reserved_fen", "预留(元)", "reserved (yuan)", fen),
            ("payable_fen", "应付(元)", "payable (yuan)", fen),
            ("paid_fen", "已付(元)", "paid (yuan)", fen),
            (
                "paid_in_quarter_fen",
                "本季支付(元)",
                "paid in the quarter (yuan)",
                fen,
            ),
            ("percent", "支出进度", "spent", Unit::Percent),
        ],
    );
    let quarters = quarters(scene);
    let mut rows = Vec::new();
    let mut all: BTreeMap<Quarter, (Line, i64)> = BTreeMap::new();
    for region in scene.regions {
        let name = scene.line(region);
        for source in sources(region) {
            for (quarter, line, spent) in of_account(scene, region, source, &quarters) {
                let label = source_name(source, scene.lang);
                rows.push(shown(
                    [&name, &label, &quarter.show(scene.lang)],
                    line,
                    spent,
                    Mark::Plain,
                ));
                let sum = all.entry(quarter).or_default();
                for (sum, other) in sum.0.iter_mut().zip(line) {
                    *sum += other;
                }
                sum.1 += spent;
            }
        }
    }
    for (quarter, (line, spent)) in &all {
        let (sum, quarter) = (scene.sum(), quarter.show(scene.lang));
        rows.push(shown([&sum, "", &quarter], *line, *spent, Mark::Sum));
    }
    let mut report = scene.report(columns, rows);
    report.notes.push(scene.lang.of(
        "各栏为季末(最后一季为截止日)余额:已下达=可用+预留+应付+已付;支出进度=已付÷已下达。年度结账后转入下年的资金不再列入。",
        "Balances at the quarter's end, the last one's at the day: allocated = available + reserved + payable + paid. Spent is paid of allocated. What a closing carried on to the next year is not here any more.",
    ).to_owned());
    report.charts.push(chart(scene, &all));
    report
}

fn sources(region: &RegionFigures) -> BTreeSet<&str> {
    let parts = region.own().parts();
    parts
        .filter_map(|(parts, _)| parts.get(1).copied())
        .collect()
}

fn source_name(source: &str, lang: Lang) -> String {
    match source {
        "city" => lang.of("市级", "city").to_owned(),
        "county" => lang.of("县级", "county").to_owned(),
        other => other.to_owned(),
    }
}

/// From the first in which money moved to the day's own.
fn quarters(scene: &Scene) -> Vec<Quarter> {
    let months = scene
        .regions
        .iter()
        .flat_map(|region| region.own().months());
    let first: Option<Date> = months
        .min()
        .and_then(|month| format!("{month}-01").parse().ok());
    let mut quarters = Vec::new();
    let Some(first) = first else {
        return quarters;
    };
    let (mut quarter, last) = (Quarter::of(first), Quarter::of(scene.ask.until()));
    while quarter <= last {
        quarters.push(quarter);
        quarter = quarter.next();
    }
    quarters
}

fn of_account(
    scene: &Scene,
    region: &RegionFigures,
    source: &str,
    quarters: &[Quarter],
) -> Vec<(Quarter, Line, i64)> {
    let mut before = 0;
    let mut lines = Vec::new();
    for quarter in quarters {
        let end = quarter.end().min(month(scene.ask.until()));
        let at = |bucket: &str| {
            let item = format!("{}/{source}/{bucket}", scene.year);
            region.own().at_end_of(&item, &end)
        };
        let line = BUCKETS.map(at);
        let paid = line[4];
        // Before its first money an account is not there.
        if line != Line::default() || before != 0 {
            lines.push((*quarter, line, paid - before));
        }
        before = paid;
    }
    lines
}

fn shown(texts: [&str; 3], line: Line, spent: i64, mark: Mark) -> Row {
    let mut cells: Vec<Cell> = texts.map(Cell::text).into();
    cells.extend(line.map(Cell::Number));
    cells.push(Cell::Number(spent));
    cells.push(percent(line[4], line[0]));
    row(cells, mark)
}

fn chart(scene: &Scene, all: &BTreeMap<Quarter, (Line, i64)>) -> Chart {
    let series = |name: &str, at: usize| Series {
        name: name.to_owned(),
        values: all.values().map(|(line, _)| line[at]).collect(),
    };
    Chart {
        kind: ChartKind::Lines,
        title: scene.lang.of("资金使用进度", "use of funds").to_owned(),
        unit: Unit::Fen,
        categories: all.keys().map(|quarter| quarter.show(scene.lang)).collect(),
        series: vec![
            series(scene.lang.of("已下达", "allocated"), 0),
            series(scene.lang.of("已付", "paid"), 4),
        ],
    }
}
