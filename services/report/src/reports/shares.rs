//! The shares that the notice asks for beside the targets (parts 2, 3 and 4): staff of county-affiliated enterprises, each local brand,
//! first certificates of students of county-run schools, skilled people among those employed. Whose an enterprise or a school is counts as it
//! is registered at the end of the day; what no event says is left empty, and a note says so.

mod brands;
mod staff;
mod students;

use std::collections::BTreeSet;

use hefu_domain::InstitutionId;
use hefu_domain::policy::Capacity;

use super::progress::skilled;
use crate::build::{RegionFigures, Scene, columns, heading, row};
use crate::fact::{Fact, INSTITUTIONS, InstitutionFact, at_end_of};
use crate::table::{Cell, Column, Mark, Report, Row, Unit, percent};
use brands::{brand_row, brands, listed, trained_for};
use staff::Staff;
use students::Students;

pub(crate) fn build(scene: &Scene) -> Report {
    let mut rows: Vec<Row> = scene
        .regions
        .iter()
        .flat_map(|region| of_region(scene, region))
        .collect();
    if scene.is_tree() {
        rows.extend(in_all(scene));
    }
    let mut report = scene.report(headings(scene), rows);
    report.notes = notes(scene);
    report
}

fn headings(scene: &Scene) -> Vec<Column> {
    columns(
        scene.lang,
        &[
            heading::REGION,
            ("share", "事项", "share", Unit::Text),
            (
                "required_people",
                "应达(人)",
                "required (people)",
                Unit::Count,
            ),
            (
                "reached_people",
                "已达(人)",
                "reached (people)",
                Unit::Count,
            ),
            (
                "required_share",
                "应达(比例)",
                "required (share)",
                Unit::Percent,
            ),
            (
                "reached_share",
                "已达(比例)",
                "reached (share)",
                Unit::Percent,
            ),
            ("basis", "依据", "basis", Unit::Text),
        ],
    )
}

fn notes(scene: &Scene) -> Vec<String> {
    let lang = scene.lang;
    let mut notes = vec![
        lang.of(
            "企业、学校的隶属关系按截至日的登记计;企业职工按收款企业计,品牌按班期备案所载计,均计完成培训人数。",
            "Enterprises and schools count as whose they are registered at the end of the day; staff count with the enterprise that is paid, brands as classes were filed; both count people trained.",
        ),
        lang.of(
            "学校按毕业年度学生申请时登记部门答复所载;未载明学校的、无券导入的证书不计入县属学校。",
            "A student's school is the one that a register's answer named at the application; where none is named, and for certificates without a voucher, no school counts.",
        ),
        lang.of(
            "技能人才占比需随计划下达从业人员(employed_people)和上年末技能人才总量(skilled_people_before)两项统计数据。",
            "The skilled share needs two figures of the statistics beside the targets: employed_people and skilled_people_before.",
        ),
    ];
    if scene.rules().is_none() {
        notes.push(lang.of(
            "本地区政策未载明报表规则(reports),应达各栏空缺。",
            "The region's policy says nothing of reports: what is required is empty.",
        ));
    }
    notes.into_iter().map(str::to_owned).collect()
}

/// One line: whose, what, required and reached people, required and reached share, and what it rests on.
fn line(region: String, what: String, cells: [Cell; 4], basis: String, mark: Mark) -> Row {
    let mut all = vec![Cell::Text(region), Cell::Text(what)];
    all.extend(cells);
    all.push(Cell::Text(basis));
    row(all, mark)
}

fn number(of: Option<i64>) -> Cell {
    of.map_or(Cell::Empty, Cell::Number)
}

fn of_region(scene: &Scene, region: &RegionFigures) -> Vec<Row> {
    let name = scene.line(region);
    let mut rows = Vec::new();
    if region.region.is_county() {
        rows.push(Staff::of(scene, region).row(scene, name.clone(), Mark::Plain));
    }
    rows.extend(brands(scene, region, &name));
    let students = Students::of(scene, region);
    rows.extend(students.rows(scene, &name, region.region.is_county(), Mark::Plain));
    let (skilled, employed) = skilled(scene, region);
    rows.push(skilled_share(scene, name, (skilled, employed), Mark::Plain));
    rows
}

/// The same of all regions together.
fn in_all(scene: &Scene) -> Vec<Row> {
    let name = scene.sum();
    let counties = || scene.regions.iter().filter(|of| of.region.is_county());
    let mut staff = Staff::default();
    for region in counties() {
        staff.add(Staff::of(scene, region));
    }
    let mut rows = vec![staff.row(scene, name.clone(), Mark::Sum)];
    for (brand, rules) in listed(scene, scene.own()) {
        let reached = scene.regions.iter().map(|of| trained_for(scene, of, brand));
        let reached = reached.sum();
        rows.push(brand_row(
            scene,
            name.clone(),
            (brand, Some(rules)),
            reached,
            Mark::Sum,
        ));
    }
    let mut students = Students::default();
    for region in scene.regions {
        students.add(Students::of(scene, region));
    }
    rows.extend(students.rows(scene, &name, true, Mark::Sum));
    let shares = scene.regions.iter().map(|region| skilled(scene, region));
    let all = shares.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    rows.push(skilled_share(scene, name, all, Mark::Sum));
    rows
}

/// Skilled people among those employed ("技能人才总量占从业人员比例达到33%").
fn skilled_share(
    scene: &Scene,
    region: String,
    (skilled, employed): (i64, i64),
    mark: Mark,
) -> Row {
    let lang = scene.lang;
    let required = scene.rules();
    let required = required.map(|rules| i64::from(rules.skilled_share_percent) * 10);
    let basis = match employed {
        0 => lang
            .of("从业人员未下达", "employed people not set")
            .to_owned(),
        employed => lang.of(
            format!("从业人员{employed}人"),
            format!("{employed} employed"),
        ),
    };
    line(
        region,
        lang.of("技能人才占从业人员", "skilled people among those employed")
            .to_owned(),
        [
            Cell::Empty,
            number((employed > 0).then_some(skilled)),
            number(required),
            percent(skilled, employed),
        ],
        basis,
        mark,
    )
}

/// Institutions of that kind which belong to the region's own government, as they are registered at the end of the day.
fn affiliated(
    scene: &Scene,
    region: &RegionFigures,
    capacity: Capacity,
) -> BTreeSet<InstitutionId> {
    let own = |what: &InstitutionFact| {
        what.affiliation.as_ref() == Some(&region.region) && what.capacities.contains(&capacity)
    };
    let known = region.facts.iter().filter_map(|(id, fact)| match fact {
        Fact::Institution(all) => Some((id, at_end_of(all, scene.ask.as_of)?)),
        _ => None,
    });
    known
        .filter(|(_, what)| own(what))
        .filter_map(|(id, _)| id.strip_prefix(INSTITUTIONS)?.parse().ok())
        .collect()
}

/// A counter of these institutions together.
fn of_these(
    scene: &Scene,
    region: &RegionFigures,
    which: &str,
    institutions: &BTreeSet<InstitutionId>,
) -> i64 {
    let item = |of: &InstitutionId| format!("{}/{which}/{of}", scene.year);
    let each = institutions
        .iter()
        .map(|of| region.shares().total(&item(of)));
    each.sum()
}
