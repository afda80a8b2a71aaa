//! Targets and how far they are reached (2023 notice, part 2): each that was set, for each region line and all together.

use std::collections::BTreeSet;

use hefu_domain::Programme;

use super::TRAINING;
use crate::build::{RegionFigures, Scene, certified, columns, heading, row};
use crate::fold::CERTIFICATES;
use crate::table::{Cell, Mark, Report, Row, Unit, percent};
use crate::words::{target, target_name};

pub(crate) fn build(scene: &Scene) -> Report {
    let columns = columns(
        scene.lang,
        &[
            heading::REGION,
            ("indicator", "指标", "indicator", Unit::Text),
            ("target", "计划(人)", "plan (people)", Unit::Count),
            ("reached", "完成(人)", "reached (people)", Unit::Count),
            ("percent", "完成比例", "of plan", Unit::Percent),
        ],
    );
    let codes = codes(scene);
    let mut rows = Vec::new();
    for region in scene.regions {
        for code in &codes {
            let planned = planned(scene, region, code);
            if planned > 0 {
                let line = (planned, reached(scene, region, code));
                rows.push(shown(scene, &scene.line(region), code, line, Mark::Plain));
            }
        }
    }
    if scene.is_tree() {
        for code in &codes {
            let regions = scene.regions.iter();
            let (mut all, mut done) = (0, Some(0));
            for region in regions {
                all += planned(scene, region, code);
                done = done
                    .zip(reached(scene, region, code))
                    .map(|(sum, more)| sum + more);
            }
            rows.push(shown(scene, &scene.sum(), code, (all, done), Mark::Sum));
        }
    }
    let mut report = scene.report(columns, rows);
    report.notes.push(scene.lang.of(
        "培训指标按完成培训的人次计,普惠制含计入其内的订单式、项目制;未单独下达的“补贴性职业技能培训”为各项目计划之和;取证指标按持取证券取得的证书计。完成一栏为空的,日志中没有相应数据。",
        "Training counts those who completed it, general training with the order and project training inside it. Where subsidised training has no target of its own, it is the sum of the programmes'. Assessment counts the certificates of its vouchers. The log has nothing about what is left empty.",
    ).to_owned());
    report
}

/// Every target that was set, the known ones first; those that are figures of the statistics are no targets.
fn codes(scene: &Scene) -> Vec<String> {
    let mut known = vec![target::TRAINED.to_owned()];
    known.extend(TRAINING.map(|of| of.as_str().to_owned()));
    known.extend([target::NEWLY_SKILLED, target::NEWLY_HIGH_SKILLED].map(str::to_owned));
    let set: BTreeSet<&str> = scene
        .regions
        .iter()
        .flat_map(|region| region.targets().parts())
        .filter(|(_, people)| *people > 0)
        .filter_map(|(parts, _)| parts.get(1).copied())
        .collect();
    let stock = [target::EMPLOYED, target::SKILLED_BEFORE];
    let others: Vec<String> = set
        .iter()
        .filter(|code| !known.iter().any(|known| known == *code) && !stock.contains(code))
        .map(|code| (*code).to_owned())
        .collect();
    known.retain(|code| code == target::TRAINED || set.contains(code.as_str()));
    known.extend(others);
    known
}

fn planned(scene: &Scene, region: &RegionFigures, code: &str) -> i64 {
    match region.target(scene.year, code) {
        0 if code == target::TRAINED => scene.to_train(region),
        people => people,
    }
}

/// What counts towards it; nothing where the log does not know.
fn reached(scene: &Scene, region: &RegionFigures, code: &str) -> Option<i64> {
    match code {
        target::TRAINED => Some(scene.trained(region)),
        target::NEWLY_SKILLED => Some(region.newly().0),
        target::NEWLY_HIGH_SKILLED => Some(region.newly().1),
        code => {
            let programme: Programme = code.parse().ok()?;
            if programme == Programme::Assessment {
                let of = |parts: &[&str]| parts[1] == programme.as_str();
                return Some(certified(region.certificates(), CERTIFICATES, of));
            }
            let mut done = region.plan(scene.year, programme, "completed");
            if programme == Programme::General {
                let inside = TRAINING
                    .iter()
                    .filter(|of| scene.inside_general(region, **of));
                done += inside
                    .map(|of| region.plan(scene.year, *of, "completed"))
                    .sum::<i64>();
            }
            Some(done)
        }
    }
}

fn shown(
    scene: &Scene,
    region: &str,
    code: &str,
    (planned, reached): (i64, Option<i64>),
    mark: Mark,
) -> Row {
    let cells = vec![
        Cell::text(region),
        Cell::Text(target_name(code, scene.lang)),
        Cell::Number(planned),
        reached.map_or(Cell::Empty, Cell::Number),
        reached.map_or(Cell::Empty, |reached| percent(reached, planned)),
    ];
    row(cells, mark)
}
