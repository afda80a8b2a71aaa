//! One institution's statement: its classes and sessions, its people, its claims and payouts.

use hefu_domain::{InstitutionId, Programme};

use super::ALL;
use crate::build::{AskError, RegionFigures, Scene, columns, heading, row};
use crate::fact::{self, Fact, at_end_of};
use crate::table::{Cell, Mark, Report, Row, Unit, percent};
use crate::words;

/// What is counted, in the order of the columns.
const MEASURES: [&str; 15] = [
    "classes_filed",
    "classes_approved",
    "classes_finished",
    "classes_cancelled",
    "enrolled",
    "dropped",
    "completed",
    "sessions_finished",
    "assessed",
    "passed",
    "claimed",
    "claimed_fen",
    "approved_fen",
    "paid",
    "paid_fen",
];
const CLAWED_BACK: &str = "clawed_back_fen";

type Line = [i64; 16];

pub(crate) fn build(scene: &Scene) -> Result<Report, AskError> {
    let ask = scene.ask;
    let institution = ask.institution.as_ref().ok_or(AskError::NoInstitution)?;
    let known = scene
        .regions
        .iter()
        .find_map(|region| name(scene, region, institution));
    let known = known.ok_or_else(|| AskError::UnknownInstitution {
        institution: institution.clone(),
        region: ask.region.clone(),
        day: ask.until(),
    })?;
    let mut rows = Vec::new();
    let mut sum = Line::default();
    for region in scene.regions {
        for programme in ALL {
            let line = line(scene, region, institution, programme);
            if line != Line::default() {
                let texts = [
                    scene.line(region),
                    words::programme(programme, scene.lang).to_owned(),
                ];
                rows.push(shown(texts, line, Mark::Plain));
            }
            for (sum, other) in sum.iter_mut().zip(line) {
                *sum += other;
            }
        }
    }
    rows.push(shown([scene.sum(), String::new()], sum, Mark::Sum));
    let mut report = scene.report(headings(scene), rows);
    report.title = match known.is_empty() {
        // A classified unit's name stands nowhere in clear.
        true => format!("{} {institution}", report.title),
        false => format!("{} {known} {institution}", report.title),
    };
    report.notes.push(scene.lang.of(
        "申领为提交到申领表的人次(含退回后重新申领);审批、兑现为净额。",
        "Claimed counts every time that a voucher was put on a sheet; approved and paid are net of what was struck out or returned.",
    ).to_owned());
    Ok(report)
}

fn headings(scene: &Scene) -> Vec<crate::table::Column> {
    let (count, fen, share) = (Unit::Count, Unit::Fen, Unit::Percent);
    columns(
        scene.lang,
        &[
            heading::REGION,
            heading::PROGRAMME,
            ("classes_filed", "备案班期", "classes filed", count),
            ("classes_approved", "批准班期", "approved", count),
            ("classes_finished", "结业班期", "finished", count),
            ("classes_cancelled", "取消班期", "cancelled", count),
            ("enrolled", "报到", "enrolled", count),
            ("dropped", "退出", "dropped", count),
            ("completed", "完成", "completed", count),
            ("completion", "完成率", "completion", share),
            ("sessions_finished", "评价场次", "sessions", count),
            ("assessed", "参评", "assessed", count),
            ("passed", "合格", "passed", count),
            ("pass_rate", "合格率", "pass rate", share),
            ("claimed", "申领(人次)", "claimed", count),
            ("claimed_fen", "申领(元)", "claimed (yuan)", fen),
            ("approved_fen", "审批(元)", "approved (yuan)", fen),
            ("paid", "兑现(人)", "paid (people)", count),
            ("paid_fen", "兑现(元)", "paid (yuan)", fen),
            ("clawed_back_fen", "追回(元)", "clawed back (yuan)", fen),
        ],
    )
}

/// What it was called by the day; nothing where it was not registered.
fn name(scene: &Scene, region: &RegionFigures, of: &InstitutionId) -> Option<String> {
    match region.fact(&fact::institution(of))? {
        Fact::Institution(all) => at_end_of(all, scene.ask.until()).map(|known| known.name.clone()),
        _ => None,
    }
}

fn line(scene: &Scene, region: &RegionFigures, of: &InstitutionId, programme: Programme) -> Line {
    let mut line = Line::default();
    let measures = MEASURES.iter().chain([&CLAWED_BACK]);
    for (cell, measure) in line.iter_mut().zip(measures) {
        let item = format!("{of}/{}/{}/{measure}", scene.year, programme.as_str());
        *cell = region.own().total(&item);
    }
    line
}

fn shown(texts: [String; 2], line: Line, mark: Mark) -> Row {
    let mut cells: Vec<Cell> = texts.map(Cell::Text).into();
    cells.extend(line[..7].iter().copied().map(Cell::Number));
    cells.push(percent(line[6], line[4]));
    cells.extend(line[7..10].iter().copied().map(Cell::Number));
    cells.push(percent(line[9], line[8]));
    cells.extend(line[10..].iter().copied().map(Cell::Number));
    row(cells, mark)
}
