//! The shares that the notice asks for beside the targets (parts 2, 3 and 4): staff of county-affiliated enterprises, each local brand,
//! first certificates of students of county-run schools, skilled people among those employed. Whose an enterprise or a school is counts as it
//! is registered at the end of the day; what no event says is left empty, and a note says so.

use std::collections::BTreeSet;

use hefu_domain::Programme;
use hefu_domain::policy::{BrandRules, Capacity};
use hefu_domain::{Brand, InstitutionId};

use super::progress::skilled;
use crate::build::{RegionFigures, Scene, certified, columns, heading, row};
use crate::fact::{Fact, INSTITUTIONS, InstitutionFact, at_end_of};
use crate::fold::{BRAND, FIRST, STAFF, STUDENT};
use crate::table::{Cell, Column, Mark, Report, Row, Unit, percent};

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

/// Staff of county-affiliated enterprises ("应不少于年度计划数的三分之一").
#[derive(Debug, Clone, Copy, Default)]
struct Staff {
    planned: i64,
    required: Option<i64>,
    trained: i64,
    own: i64,
    enterprises: usize,
}

impl Staff {
    fn of(scene: &Scene, region: &RegionFigures) -> Staff {
        let planned = region.target(scene.year, Programme::EnterpriseStaff.as_str());
        let required = scene.rules().map(|rules| {
            let one_in = i64::from(rules.own_enterprises_one_in);
            (planned + one_in - 1).div_euclid(one_in)
        });
        let enterprises = affiliated(scene, region, Capacity::Enterprise);
        Staff {
            planned,
            required,
            trained: region.plan(scene.year, Programme::EnterpriseStaff, "completed"),
            own: of_these(scene, region, STAFF, &enterprises),
            enterprises: enterprises.len(),
        }
    }

    fn add(&mut self, other: Staff) {
        self.planned += other.planned;
        self.required = match (self.required, other.required) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self.trained += other.trained;
        self.own += other.own;
        self.enterprises += other.enterprises;
    }

    fn row(self, scene: &Scene, region: String, mark: Mark) -> Row {
        let lang = scene.lang;
        let Staff {
            planned,
            trained,
            enterprises,
            ..
        } = self;
        let one_in = scene.rules().map(|rules| rules.own_enterprises_one_in);
        let required_share = one_in.map_or(Cell::Empty, |one_in| percent(1, one_in.into()));
        line(
            region,
            lang.of("县(区、市)属企业职工培训", "staff of county-affiliated enterprises").to_owned(),
            [
                number(self.required),
                Cell::Number(self.own),
                required_share,
                percent(self.own, planned),
            ],
            lang.of(
                format!("企业职工计划{planned}人,全部企业已培训{trained}人;县属企业{enterprises}家"),
                format!("plan of {planned}; {trained} trained in all enterprises; {enterprises} county-affiliated"),
            ),
            mark,
        )
    }
}

/// The brands of a region's line: its own, and others for which somebody was trained there.
fn brands(scene: &Scene, region: &RegionFigures, name: &str) -> Vec<Row> {
    let own = listed(scene, region).filter(|(_, rules)| is_of(scene, region, rules));
    let mut shown: Vec<(Brand, Option<BrandRules>, i64)> = own
        .map(|(brand, rules)| {
            let reached = trained_for(scene, region, brand);
            (brand.clone(), Some(rules.clone()), reached)
        })
        .collect();
    let others = region.shares().parts().filter_map(|(parts, reached)| {
        let brand: Brand = parts.get(2)?.parse().ok()?;
        let counts = parts[1] == BRAND && reached != 0;
        let known = shown.iter().any(|(other, ..)| *other == brand);
        (counts && !known).then_some((brand, None, reached))
    });
    let others: Vec<_> = others.collect();
    shown.extend(others);
    let mut rows: Vec<Row> = shown
        .iter()
        .map(|(brand, rules, reached)| {
            let of = (brand, rules.as_ref());
            brand_row(scene, name.to_owned(), of, *reached, Mark::Plain)
        })
        .collect();
    if rows.is_empty() && region.region.is_county() {
        let lang = scene.lang;
        rows.push(line(
            name.to_owned(),
            lang.of("地方特色品牌培训", "local brands").to_owned(),
            [Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty],
            lang.of(
                "政策(brands)未列本地区品牌",
                "the policy (brands) lists none of this region's",
            )
            .to_owned(),
            Mark::Plain,
        ));
    }
    rows
}

/// The brands of a region's policy.
fn listed<'a>(
    scene: &Scene<'a>,
    region: &'a RegionFigures,
) -> impl Iterator<Item = (&'a Brand, &'a BrandRules)> {
    scene
        .policy(region)
        .into_iter()
        .flat_map(|policy| &policy.brands)
}

/// Whose line a brand stands in: its region's, or that of the region asked for where it is nobody's alone.
fn is_of(scene: &Scene, region: &RegionFigures, rules: &BrandRules) -> bool {
    rules.region.as_ref().unwrap_or(&scene.ask.region) == &region.region
}

fn trained_for(scene: &Scene, region: &RegionFigures, brand: &Brand) -> i64 {
    let item = format!("{}/{BRAND}/{brand}", scene.year);
    region.shares().total(&item)
}

/// "每个品牌开展不少于100人的技能提升培训". Of another region's brand, or one that the policy lists no more, nothing is asked here.
fn brand_row(
    scene: &Scene,
    region: String,
    (brand, own): (&Brand, Option<&BrandRules>),
    reached: i64,
    mark: Mark,
) -> Row {
    let lang = scene.lang;
    let required = own.and_then(|rules| {
        let for_every = || scene.rules().map(|rules| rules.brand_people);
        rules.people.or_else(for_every).map(i64::from)
    });
    let anywhere = || {
        scene
            .regions
            .iter()
            .find_map(|region| scene.policy(region)?.brands.get(brand))
    };
    let called = own.or_else(anywhere).map_or(brand.as_str(), |rules| {
        lang.of(rules.name.as_str(), rules.name_en.as_str())
    });
    let share = required.map_or(Cell::Empty, |required| percent(reached, required));
    let basis = match own {
        Some(_) => lang.of("政策所列品牌", "listed by the policy"),
        None => lang.of(
            "他处品牌或已不在政策之列",
            "another region's, or listed no more",
        ),
    };
    line(
        region,
        lang.of(format!("品牌培训:{called}"), format!("brand: {called}")),
        [number(required), Cell::Number(reached), Cell::Empty, share],
        basis.to_owned(),
        mark,
    )
}

/// First certificates of people in their graduating year, and of them those of county-run schools' students.
#[derive(Debug, Clone, Copy, Default)]
struct Students {
    all: i64,
    named: i64,
    county_run: i64,
    schools: usize,
}

impl Students {
    fn of(scene: &Scene, region: &RegionFigures) -> Students {
        let schools = match region.region.is_county() {
            true => affiliated(scene, region, Capacity::School),
            false => BTreeSet::new(),
        };
        let named = region.shares().parts();
        let named = named.filter(|(parts, _)| parts.get(1) == Some(&STUDENT));
        Students {
            all: graduating(scene, region),
            named: named.map(|(_, value)| value).sum(),
            county_run: of_these(scene, region, STUDENT, &schools),
            schools: schools.len(),
        }
    }

    fn add(&mut self, other: Students) {
        self.all += other.all;
        self.named += other.named;
        self.county_run += other.county_run;
        self.schools += other.schools;
    }

    fn rows(self, scene: &Scene, region: &str, counties: bool, mark: Mark) -> Vec<Row> {
        let lang = scene.lang;
        let unnamed = self.all - self.named;
        let schools = self.schools;
        let mut rows = vec![line(
            region.to_owned(),
            lang.of(
                "毕业年度学生初次取证",
                "first certificates of graduating students",
            )
            .to_owned(),
            [
                Cell::Empty,
                Cell::Number(self.all),
                Cell::Empty,
                Cell::Empty,
            ],
            lang.of(
                format!("含各级各类院校;未载明学校{unnamed}人"),
                format!("schools of every kind; {unnamed} name none"),
            ),
            mark,
        )];
        if counties {
            rows.push(line(
                region.to_owned(),
                lang.of(
                    "其中:县(区、市)属中等职业学校学生",
                    "of them: students of county-run secondary vocational schools",
                )
                .to_owned(),
                [
                    Cell::Empty,
                    Cell::Number(self.county_run),
                    Cell::Empty,
                    percent(self.county_run, self.all),
                ],
                lang.of(
                    format!("计入新增技能人才计划;县属学校{schools}所"),
                    format!("count in the plan of newly skilled; {schools} county-run"),
                ),
                mark,
            ));
        }
        rows
    }
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

/// First certificates of people in a category that the region's policy calls graduating.
fn graduating(scene: &Scene, region: &RegionFigures) -> i64 {
    let Some(policy) = scene.policy(region) else {
        return 0;
    };
    certified(region.certificates(), FIRST, |parts| {
        policy
            .graduating
            .keys()
            .any(|category| category.as_str() == parts[3])
    })
}
