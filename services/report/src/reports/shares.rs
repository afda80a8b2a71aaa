//! The shares that the notice asks for beside the targets (parts 2, 3 and 4). What no event says is left empty, and a note says so.

use hefu_domain::Programme;

use super::progress::skilled;
use crate::build::{RegionFigures, Scene, certified, columns, heading, row};
use crate::fold::FIRST;
use crate::table::{Cell, Mark, Report, Row, Unit, percent};

pub(crate) fn build(scene: &Scene) -> Report {
    let columns = columns(
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
    );
    let rows = scene
        .regions
        .iter()
        .flat_map(|region| of_region(scene, region));
    let rows = rows.collect();
    let mut report = scene.report(columns, rows);
    let lang = scene.lang;
    report.notes = [
        lang.of(
            "企业的隶属关系、班期所属的地方特色品牌、学校的隶属关系未记入日志,相应各栏空缺,不作推算。",
            "The log does not say to whom an enterprise or a school belongs, nor which brand a class serves: those cells are empty, and nothing is guessed.",
        ),
        lang.of(
            "技能人才占比需随计划下达从业人员(employed_people)和上年末技能人才总量(skilled_people_before)两项统计数据。",
            "The skilled share needs two figures of the statistics beside the targets: employed_people and skilled_people_before.",
        ),
    ]
    .map(str::to_owned)
    .into();
    if scene.rules().is_none() {
        report.notes.push(
            lang.of(
                "本地区政策未载明报表规则(reports),应达各栏空缺。",
                "The region's policy says nothing of reports: what is required is empty.",
            )
            .to_owned(),
        );
    }
    report
}

fn of_region(scene: &Scene, region: &RegionFigures) -> Vec<Row> {
    let rules = scene.rules();
    let lang = scene.lang;
    let staff = region.target(scene.year, Programme::EnterpriseStaff.as_str());
    let staff_trained = region.plan(scene.year, Programme::EnterpriseStaff, "completed");
    let own_staff = rules.map(|rules| {
        let one_in = i64::from(rules.own_enterprises_one_in);
        (staff + one_in - 1).div_euclid(one_in)
    });
    let graduating = graduating(scene, region);
    let (skilled, employed) = skilled(scene, region);
    let required = rules.map(|rules| i64::from(rules.skilled_share_percent) * 10);
    let number = |of: Option<i64>| of.map_or(Cell::Empty, Cell::Number);
    let empty = || Cell::Empty;
    let line = |what: &str, cells: [Cell; 4], basis: String| {
        let mut all = vec![Cell::Text(scene.line(region)), Cell::text(what)];
        all.extend(cells);
        all.push(Cell::Text(basis));
        row(all, Mark::Plain)
    };
    vec![
        line(
            lang.of("县(区、市)属企业职工培训", "staff of county-affiliated enterprises"),
            [number(own_staff), empty(), empty(), empty()],
            lang.of(
                format!("企业职工计划{staff}人,全部企业已培训{staff_trained}人;县属未记录"),
                format!("plan of {staff}; {staff_trained} trained in all enterprises; affiliation not recorded"),
            ),
        ),
        line(
            lang.of("每个地方特色品牌培训", "each local brand"),
            [number(rules.map(|rules| i64::from(rules.brand_people))), empty(), empty(), empty()],
            lang.of("品牌未记录", "brands not recorded").to_owned(),
        ),
        line(
            lang.of("毕业年度学生初次取证", "first certificates of graduating students"),
            [empty(), Cell::Number(graduating), empty(), empty()],
            lang.of(
                "含各级各类院校;县属中职未区分",
                "schools of every kind; county-run ones not told apart",
            )
            .to_owned(),
        ),
        line(
            lang.of("技能人才占从业人员", "skilled people among those employed"),
            [
                empty(),
                number((employed > 0).then_some(skilled)),
                number(required),
                percent(skilled, employed),
            ],
            match employed {
                0 => lang.of("从业人员未下达", "employed people not set").to_owned(),
                employed => lang.of(format!("从业人员{employed}人"), format!("{employed} employed")),
            },
        ),
    ]
}

/// First certificates of people in a category that the region's policy calls graduating.
fn graduating(scene: &Scene, region: &RegionFigures) -> i64 {
    let Some(policy) = scene.policy(region) else {
        return 0;
    };
    certified(region.certificates(), FIRST, |parts| {
        policy
            .graduating
            .iter()
            .any(|category| category.as_str() == parts[3])
    })
}
