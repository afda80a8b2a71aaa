//! The two-week report: the fortnight that ends with the day, beside the year so far ("严格落实双周调度制度").

use hefu_domain::Date;

use super::ALL;
use crate::build::{RegionFigures, Scene, columns, heading, newly, plan, row};
use crate::figures::Figures;
use crate::table::{Cell, Mark, Report, Row, Unit};

const DAYS: i64 = 14;

/// The day before the fortnight that ends with this one.
pub(crate) fn before_fortnight(until: Date) -> Date {
    let before = until.checked_sub(jiff::Span::new().days(DAYS));
    before.unwrap_or(until)
}

/// Applied, issued, trained, newly skilled, newly high-skilled, paid people, paid fen.
type Line = [i64; 7];

pub(crate) fn build(scene: &Scene) -> Report {
    let (count, fen) = (Unit::Count, Unit::Fen);
    let columns = columns(
        scene.lang,
        &[
            heading::REGION,
            ("applied", "本期申请", "applied", count),
            ("applied_year", "累计申请", "applied, year", count),
            ("issued", "本期发券", "issued", count),
            ("issued_year", "累计发券", "issued, year", count),
            ("trained", "本期完成培训", "trained", count),
            ("trained_year", "累计完成培训", "trained, year", count),
            ("newly_skilled", "本期新增技能人才", "newly skilled", count),
            (
                "newly_skilled_year",
                "累计新增技能人才",
                "newly skilled, year",
                count,
            ),
            (
                "newly_high_skilled",
                "本期新增高技能人才",
                "newly high-skilled",
                count,
            ),
            (
                "newly_high_skilled_year",
                "累计新增高技能人才",
                "newly high-skilled, year",
                count,
            ),
            ("paid", "本期兑现(人)", "paid (people)", count),
            ("paid_year", "累计兑现(人)", "paid (people), year", count),
            ("paid_fen", "本期兑现(元)", "paid (yuan)", fen),
            ("paid_fen_year", "累计兑现(元)", "paid (yuan), year", fen),
        ],
    );
    let mut rows = Vec::new();
    let mut sum = (Line::default(), Line::default());
    for region in scene.regions {
        let (fortnight, year) = of_region(scene, region);
        rows.push(shown(&scene.line(region), fortnight, year, Mark::Plain));
        for (sum, other) in [(&mut sum.0, fortnight), (&mut sum.1, year)] {
            for (sum, other) in sum.iter_mut().zip(other) {
                *sum += other;
            }
        }
    }
    if scene.is_tree() {
        rows.push(shown(&scene.sum(), sum.0, sum.1, Mark::Sum));
    }
    let mut report = scene.report(columns, rows);
    let until = scene.ask.until();
    let from = before_fortnight(until).tomorrow().unwrap_or(until);
    let note = scene.lang.of(
        format!(
            "本期为{from}至{until},共十四天;累计为{}年度计划至{until}。",
            scene.year
        ),
        format!(
            "The fortnight is from {from} to {until}; the year is plan year {} up to {until}.",
            scene.year
        ),
    );
    report.notes.push(note);
    report
}

/// The fortnight's figures and the year's.
fn of_region(scene: &Scene, region: &RegionFigures) -> (Line, Line) {
    let figures = &region.figures;
    // As they were asked for: the year's vouchers and certificates, then the fortnight's.
    let year = line(scene, &figures[2], &figures[3]);
    let fortnight = line(scene, &figures[4], &figures[5]);
    (fortnight, year)
}

fn line(scene: &Scene, vouchers: &Figures, certificates: &Figures) -> Line {
    let sum = |measure| -> i64 {
        let programmes = ALL.iter();
        programmes
            .map(|of| plan(vouchers, scene.year, *of, measure))
            .sum()
    };
    let (skilled, high) = newly(certificates);
    [
        sum("applied"),
        sum("issued"),
        sum("completed"),
        skilled,
        high,
        sum("paid"),
        sum("paid_fen"),
    ]
}

fn shown(name: &str, fortnight: Line, year: Line, mark: Mark) -> Row {
    let mut cells = vec![Cell::text(name)];
    for (one, all) in fortnight.into_iter().zip(year) {
        cells.extend([Cell::Number(one), Cell::Number(all)]);
    }
    row(cells, mark)
}
