//! Progress against the plan, for each region line and programme (2023 notice, part 2; DOMAIN.md, section 8).

use hefu_domain::Programme;

use super::TRAINING;
use crate::build::{RegionFigures, Scene, columns, heading, newly, row};
use crate::fold::{CERTIFICATES, FIRST, FIRST_HIGH};
use crate::table::{Cell, Chart, ChartKind, Mark, Report, Row, Series, Unit, percent};
use crate::words::{self, target};

/// The lines in order: what counts inside general training stands below it.
const LINES: [Programme; 6] = [
    Programme::EnterpriseStaff,
    Programme::General,
    Programme::OrderProject,
    Programme::Apprenticeship,
    Programme::Entrepreneurship,
    Programme::Assessment,
];

/// One line's figures.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    target: i64,
    applied: i64,
    issued: i64,
    trained: i64,
    certificates: i64,
    first: i64,
    first_high: i64,
    paid: i64,
    paid_fen: i64,
}

impl Line {
    fn add(&mut self, other: Line) {
        self.target += other.target;
        self.beside(other);
    }

    /// Adds what was done, not what was planned: the plan counts it already.
    fn beside(&mut self, other: Line) {
        self.applied += other.applied;
        self.issued += other.issued;
        self.trained += other.trained;
        self.certificates += other.certificates;
        self.first += other.first;
        self.first_high += other.first_high;
        self.paid += other.paid;
        self.paid_fen += other.paid_fen;
    }

    fn is_nothing(&self) -> bool {
        let Line {
            target,
            applied,
            certificates,
            ..
        } = self;
        *target == 0 && *applied == 0 && *certificates == 0
    }

    /// How far the plan is reached: who is assessed is not trained, and counts with the certificate.
    fn reached(&self, programme: Programme) -> i64 {
        match programme {
            Programme::Assessment => self.certificates,
            Programme::OrderProject
            | Programme::EnterpriseStaff
            | Programme::General
            | Programme::Apprenticeship
            | Programme::Entrepreneurship => self.trained,
        }
    }

    fn row(&self, texts: [&str; 2], reached: i64, skilled_share: Cell, mark: Mark) -> Row {
        let [region, programme] = texts;
        let planned = match self.target {
            0 => Cell::Empty,
            target => Cell::Number(target),
        };
        let cells = vec![
            Cell::text(region),
            Cell::text(programme),
            planned,
            Cell::Number(self.applied),
            Cell::Number(self.issued),
            Cell::Number(self.trained),
            percent(reached, self.target),
            Cell::Number(self.certificates),
            Cell::Number(self.first),
            Cell::Number(self.first_high),
            skilled_share,
            Cell::Number(self.paid),
            Cell::Number(self.paid_fen),
        ];
        row(cells, mark)
    }
}

pub(crate) fn build(scene: &Scene) -> Report {
    let lang = scene.lang;
    let columns = columns(
        lang,
        &[
            heading::REGION,
            heading::PROGRAMME,
            ("target", "计划(人)", "plan (people)", Unit::Count),
            ("applied", "申请", "applied", Unit::Count),
            ("issued", "发券", "issued", Unit::Count),
            ("trained", "完成培训", "trained", Unit::Count),
            ("percent", "完成计划", "of plan", Unit::Percent),
            heading::CERTIFICATES,
            heading::NEWLY_SKILLED,
            heading::NEWLY_HIGH_SKILLED,
            (
                "skilled_share",
                "技能人才占从业人员",
                "skilled share",
                Unit::Percent,
            ),
            ("paid", "兑现(人)", "paid (people)", Unit::Count),
            ("paid_fen", "兑现金额(元)", "paid (yuan)", Unit::Fen),
        ],
    );
    let mut rows = Vec::new();
    let mut all = Line::default();
    let mut shares = (0, 0);
    for region in scene.regions {
        let own = of_region(scene, region, &mut rows);
        let share = skilled(scene, region);
        shares = (shares.0 + share.0, shares.1 + share.1);
        let subtotal = lang.of("小计", "subtotal");
        let line = scene.line(region);
        let share = percent(share.0, share.1);
        rows.push(own.row([&line, subtotal], own.trained, share, Mark::Sum));
        all.add(own);
    }
    if scene.is_tree() {
        let share = percent(shares.0, shares.1);
        rows.push(all.row([&scene.sum(), ""], all.trained, share, Mark::Sum));
    }
    let mut report = scene.report(columns, rows);
    report.notes = notes(scene, shares.1);
    report.charts = vec![over_time(scene), by_region(scene)];
    report
}

/// A region's lines, and their sum.
fn of_region(scene: &Scene, region: &RegionFigures, rows: &mut Vec<Row>) -> Line {
    let lang = scene.lang;
    let name = scene.line(region);
    let mut sum = Line::default();
    for programme in LINES {
        let own = line(scene, region, programme);
        let inside = scene.inside_general(region, programme);
        let mut shown = own;
        if programme == Programme::General {
            let others = TRAINING
                .iter()
                .filter(|of| scene.inside_general(region, **of));
            for other in others {
                shown.beside(line(scene, region, *other));
            }
        }
        // The plan of training is neither that of assessments nor that of what counts inside general training once more.
        if inside || programme == Programme::Assessment {
            sum.beside(own);
        } else {
            sum.add(own);
        }
        if !shown.is_nothing() {
            let called = words::programme(programme, lang);
            let called = match inside {
                true => lang.of(format!("其中:{called}"), format!("of general: {called}")),
                false => called.to_owned(),
            };
            let reached = shown.reached(programme);
            rows.push(shown.row([&name, &called], reached, Cell::Empty, Mark::Plain));
        }
    }
    let without = without_voucher(region);
    if without.certificates != 0 {
        let called = lang.of("无券取证", "without voucher");
        rows.push(without.row([&name, called], 0, Cell::Empty, Mark::Plain));
        sum.add(without);
    }
    sum
}

fn line(scene: &Scene, region: &RegionFigures, programme: Programme) -> Line {
    let count = |measure| region.plan(scene.year, programme, measure);
    let certified = certified(region, programme.as_str());
    Line {
        target: region.target(scene.year, programme.as_str()),
        applied: count("applied"),
        issued: count("issued"),
        trained: count("completed"),
        paid: count("paid"),
        paid_fen: count("paid_fen"),
        ..certified
    }
}

fn without_voucher(region: &RegionFigures) -> Line {
    certified(region, "none")
}

fn certified(region: &RegionFigures, programme: &str) -> Line {
    let count = |measure| {
        crate::build::certified(region.certificates(), measure, |parts| {
            parts[1] == programme
        })
    };
    Line {
        certificates: count(CERTIFICATES),
        first: count(FIRST),
        first_high: count(FIRST_HIGH),
        ..Line::default()
    }
}

/// Skilled people and those employed, where the figures of the statistics are set beside the targets.
pub(crate) fn skilled(scene: &Scene, region: &RegionFigures) -> (i64, i64) {
    let employed = region.target(scene.year, target::EMPLOYED);
    if employed == 0 {
        return (0, 0);
    }
    let before = region.target(scene.year, target::SKILLED_BEFORE);
    (before + newly(region.certificates()).0, employed)
}

fn notes(scene: &Scene, employed: i64) -> Vec<String> {
    let lang = scene.lang;
    let mut notes = vec![lang.of(
        "申请、发券、完成培训、取证按人次计;兑现为已付减退回。",
        "Applied, issued, trained and certificates count cases; paid is less what was returned.",
    )];
    if scene.regions.iter().any(|region| {
        TRAINING.iter().any(|of| {
            scene.inside_general(region, *of) && region.plan(scene.year, *of, "applied") > 0
        })
    }) {
        notes.push(lang.of(
            "订单式、项目制计入普惠制计划,其人数已含在普惠制一行内。",
            "Order and project training counts inside the plan of general training, whose line includes it.",
        ));
    }
    notes.push(lang.of(
        "新增技能人才为本地区日志中某人的首个证书;异地取得的证书不在其内。",
        "A newly skilled person is somebody's first certificate in this region's log; certificates of other regions are not seen.",
    ));
    if employed == 0 {
        notes.push(lang.of(
            "从业人员和上年末技能人才总量未随计划下达(employed_people、skilled_people_before),占比不计算。",
            "The share is not computed: employed_people and skilled_people_before were not set with the targets.",
        ));
    }
    notes.into_iter().map(str::to_owned).collect()
}

/// What was trained and certified by the end of each month, of all regions together.
fn over_time(scene: &Scene) -> Chart {
    let lang = scene.lang;
    let mut months: Vec<&str> = scene
        .regions
        .iter()
        .flat_map(|region| region.own().months().chain(region.certificates().months()))
        .collect();
    months.sort_unstable();
    months.dedup();
    let trained = |month: &str| -> i64 {
        let of = |region: &RegionFigures| -> i64 {
            let item = |of: &Programme| format!("{}/{}/completed", scene.year, of.as_str());
            let programmes = TRAINING.iter();
            programmes
                .map(|of| region.own().at_end_of(&item(of), month))
                .sum()
        };
        scene.regions.iter().map(of).sum()
    };
    let newly = |month: &str| -> i64 {
        let of = |region: &RegionFigures| -> i64 {
            let certificates = region.certificates();
            let firsts = certificates
                .parts()
                .filter(|(parts, _)| parts.last() == Some(&FIRST));
            firsts
                .map(|(parts, _)| certificates.at_end_of(&parts.join("/"), month))
                .sum()
        };
        scene.regions.iter().map(of).sum()
    };
    let series = |name: &str, value: &dyn Fn(&str) -> i64| Series {
        name: name.to_owned(),
        values: months.iter().map(|month| value(month)).collect(),
    };
    Chart {
        kind: ChartKind::Lines,
        title: lang.of("培训取证进度", "progress over time").to_owned(),
        unit: Unit::Count,
        series: vec![
            series(lang.of("完成培训", "trained"), &trained),
            series(lang.of("新增技能人才", "newly skilled"), &newly),
        ],
        categories: months.iter().map(|month| (*month).to_owned()).collect(),
    }
}

/// How much of its plan each region has trained.
fn by_region(scene: &Scene) -> Chart {
    let planned = scene.regions.iter().filter_map(|region| {
        let share = crate::table::share(scene.trained(region), scene.to_train(region));
        Some((scene.line(region), share?))
    });
    let (categories, values) = planned.unzip();
    let name = scene.lang.of("完成计划", "of plan").to_owned();
    Chart {
        kind: ChartKind::Bars,
        title: scene
            .lang
            .of("各地区完成计划比例", "completion of the plan by region")
            .to_owned(),
        unit: Unit::Percent,
        categories,
        series: vec![Series { name, values }],
    }
}
