//! Certificates by level, newly skilled and newly high-skilled people (2023 notice, parts 2 and 4).

use hefu_domain::SkillLevel;

use crate::build::{RegionFigures, Scene, certified, columns, heading, row};
use crate::fold::{CERTIFICATES, FIRST, FIRST_HIGH};
use crate::table::{Cell, Chart, ChartKind, Mark, Report, Row, Series, Unit};
use crate::words;

/// Certificates, with a voucher, without, newly skilled, newly high-skilled.
type Line = [i64; 5];

pub(crate) fn build(scene: &Scene) -> Report {
    let lang = scene.lang;
    let columns = columns(
        lang,
        &[
            heading::REGION,
            ("level", "等级", "level", Unit::Text),
            heading::CERTIFICATES,
            ("with_voucher", "其中:持券", "with voucher", Unit::Count),
            (
                "without_voucher",
                "其中:无券",
                "without voucher",
                Unit::Count,
            ),
            heading::NEWLY_SKILLED,
            heading::NEWLY_HIGH_SKILLED,
        ],
    );
    let levels: Vec<SkillLevel> = (1..=8)
        .filter_map(|n| SkillLevel::try_from(n).ok())
        .collect();
    let mut rows = Vec::new();
    for region in scene.regions {
        let name = scene.line(region);
        let mut sum = Line::default();
        for level in &levels {
            let line = of_level(region, Some(*level));
            if line != Line::default() {
                rows.push(shown(&name, words::level(*level, lang), line, Mark::Plain));
            }
            add(&mut sum, line);
        }
        let mark = Mark::Sum;
        rows.push(shown(&name, lang.of("小计", "subtotal"), sum, mark));
    }
    if scene.is_tree() {
        let name = scene.sum();
        let mut all = Line::default();
        for level in &levels {
            let mut sum = Line::default();
            for region in scene.regions {
                add(&mut sum, of_level(region, Some(*level)));
            }
            if sum != Line::default() {
                rows.push(shown(&name, words::level(*level, lang), sum, Mark::Sum));
            }
            add(&mut all, sum);
        }
        rows.push(shown(&name, "", all, Mark::Sum));
    }
    let mut report = scene.report(columns, rows);
    let note = lang.of(
        "证书自考核合格登记之日计,登记系统否认的自否认之日减去;新增人才按个人首个证书计,与是否持券无关。",
        "A certificate counts from the day on which the pass was recorded, and no more from the day on which the register denied it. People are counted with their first one, with or without a voucher.",
    );
    report.notes.push(note.to_owned());
    report.charts.push(by_level(scene, &levels));
    report
}

fn of_level(region: &RegionFigures, level: Option<SkillLevel>) -> Line {
    let figures = region.certificates();
    let level = level.map(|level| level.ordinal().to_string());
    let at = |parts: &[&str]| level.as_deref().is_none_or(|level| parts[2] == level);
    let without = |parts: &[&str]| parts[1] == "none";
    let all = certified(figures, CERTIFICATES, at);
    let bare = certified(figures, CERTIFICATES, |parts| at(parts) && without(parts));
    let first = certified(figures, FIRST, at);
    let high = certified(figures, FIRST_HIGH, at);
    [all, all - bare, bare, first, high]
}

fn add(sum: &mut Line, other: Line) {
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum += other;
    }
}

fn shown(region: &str, level: &str, line: Line, mark: Mark) -> Row {
    let mut cells = vec![Cell::text(region), Cell::text(level)];
    cells.extend(line.map(Cell::Number));
    row(cells, mark)
}

fn by_level(scene: &Scene, levels: &[SkillLevel]) -> Chart {
    let sum = |level: SkillLevel| -> i64 {
        let regions = scene.regions.iter();
        regions.map(|region| of_level(region, Some(level))[0]).sum()
    };
    let name = scene.lang.of("取证", "certificates").to_owned();
    Chart {
        kind: ChartKind::Bars,
        title: scene
            .lang
            .of("各等级取证", "certificates by level")
            .to_owned(),
        unit: Unit::Count,
        categories: levels
            .iter()
            .map(|level| words::level(*level, scene.lang).to_owned())
            .collect(),
        series: vec![Series {
            name,
            values: levels.iter().map(|level| sum(*level)).collect(),
        }],
    }
}
