//! The subsidy policy as data: what an official reads beside the notice it comes from. The rules hold no figure of their own.
//!
//! A policy belongs to a region and a plan year and is adopted whole by an event (`AdoptPolicy`), so a replay needs no file.
//! Figures that the notice does not give are listed in `samples`.

mod supervision;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use supervision::{
    CreditClass, CreditRules, FraudLimits, FraudRule, Severity, SupervisionRules,
};

use crate::ids::{Answer, Brand, Category, Check, PlanYear, Region, Source};
use crate::money::{Days, Fen};
use crate::time::{Date, Instant};

/// The programmes (2023 notice, part 3; assessment, part 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Programme {
    /// 订单式、项目制.
    OrderProject,
    /// 企业职工.
    EnterpriseStaff,
    /// 广大劳动者(普惠制).
    General,
    /// 新型学徒制.
    Apprenticeship,
    /// 创业培训.
    Entrepreneurship,
    /// 取证.
    Assessment,
}

impl Programme {
    /// Every programme, in the notice's order.
    pub const ALL: [Programme; 6] = [
        Programme::OrderProject,
        Programme::EnterpriseStaff,
        Programme::General,
        Programme::Apprenticeship,
        Programme::Entrepreneurship,
        Programme::Assessment,
    ];

    /// The programme's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Programme::OrderProject => "order_project",
            Programme::EnterpriseStaff => "enterprise_staff",
            Programme::General => "general",
            Programme::Apprenticeship => "apprenticeship",
            Programme::Entrepreneurship => "entrepreneurship",
            Programme::Assessment => "assessment",
        }
    }

    /// Training vouchers (培训券) and assessment vouchers (评价券) are the two kinds.
    pub fn kind(self) -> VoucherKind {
        match self {
            Programme::Assessment => VoucherKind::Assessment,
            Programme::OrderProject
            | Programme::EnterpriseStaff
            | Programme::General
            | Programme::Apprenticeship
            | Programme::Entrepreneurship => VoucherKind::Training,
        }
    }
}

impl std::str::FromStr for Programme {
    type Err = crate::BadCode;
    fn from_str(text: &str) -> Result<Self, crate::BadCode> {
        Programme::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| crate::BadCode("no such programme".to_owned()))
    }
}

/// Training voucher or assessment voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoucherKind {
    /// 培训券.
    Training,
    /// 评价券.
    Assessment,
}

/// What an institution may be (机构类别); one may have several capacities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// 培训机构.
    TrainingBody,
    /// 企业.
    Enterprise,
    /// 院校.
    School,
    /// 评价机构.
    AssessmentBody,
}

/// One region's rules for one plan year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The plan year that it rules.
    pub year: PlanYear,
    /// The notice that it comes from, with its number.
    pub title: String,
    /// Dotted names of the figures that the notice does not give: samples until a region decides.
    pub samples: Vec<String>,
    /// The year's dates.
    pub dates: Dates,
    /// Rates, formulas and gates of each programme. A programme without rules issues nothing.
    pub programmes: BTreeMap<Programme, ProgrammeRules>,
    /// Answers that registers must have given about everybody, whatever the category.
    pub everyone: BTreeMap<Check, Vec<Answer>>,
    /// Who may apply for what, and which answers prove it.
    pub categories: BTreeMap<Category, CategoryRules>,
    /// Classes and their records.
    pub classes: ClassRules,
    /// Applications, claims, notices and payouts.
    pub claims: ClaimRules,
    /// Once-only limits.
    pub limits: Limits,
    /// Spot checks, credit and fraud checks; a policy that was made before there were any has none, and then there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervision: Option<SupervisionRules>,
    /// Local brands (地方特色品牌, "一县一品"), of which a class names one that it trains for (2023 notice, part 3, item 6).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub brands: BTreeMap<Brand, BrandRules>,
    /// What reports hold figures against; without it they mark nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<Box<ReportRules>>,
}

/// The year's dates, each the last day on which the thing may still be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// Training and assessment end ("11月底前全面完成").
    pub training_ends: Date,
    /// An issued voucher is used (enrolled, or assessed) until then.
    pub use_by: Date,
    /// Claims are made until then.
    pub claim_by: Date,
    /// Claims and payouts of the year close ("最晚于次年3月底完成").
    pub closes: Date,
    /// The notice's phrase.
    pub phrase: String,
}

/// How the amount of one voucher is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Formula {
    /// So much a day, in tiers ("前10天每人每天150元、之后每人每天100元"). The last tier has no `days` and takes the rest.
    Daily {
        /// Tiers in order.
        tiers: Vec<Tier>,
    },
    /// One amount per person ("按照每人300元").
    Flat {
        /// The amount.
        fen: Fen,
    },
    /// A rate per skill level, set by the region.
    PerLevel {
        /// Level ordinal ("1" to "8") to amount.
        fen: BTreeMap<String, Fen>,
    },
}

/// A stretch of days at one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// How many days it spans; the last tier has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Days>,
    /// Per day.
    pub fen: Fen,
}

/// One programme's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeRules {
    /// The notice's phrase.
    pub phrase: String,
    /// The amount.
    pub formula: Formula,
    /// Capacities, one of which the payee must have.
    pub paid_to: Vec<Capacity>,
    /// The most days that are paid. It or `max_fen` must stand, or nothing is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_days: Option<Days>,
    /// The most that one person is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fen: Option<Fen>,
    /// Lessons that make a day count.
    pub day_lessons: u16,
    /// Lessons over the whole class below which nothing is earned.
    pub min_lessons: u16,
    /// Employment share of the class, in percent, for its claim to be submitted ("就业率达到80%及以上").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employment_percent: Option<u16>,
    /// Sources of money in the order in which they are tried.
    pub sources: Vec<Source>,
    /// The target of the plan year that its vouchers count towards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_towards: Option<String>,
    /// Sources that pay instead once that target is reached ("所需经费由各县(区、市)自行解决"); none: the same ones go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond_plan: Vec<Source>,
    /// Register answers that this programme asks for, in addition to everybody's and the category's or instead of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requires: BTreeMap<Check, Vec<Answer>>,
    /// Papers after the event, by undertaking ("承诺制").
    pub by_undertaking: bool,
    /// By undertaking only: register answers one of which matches a person with their employer before the claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roster_matched_by: BTreeMap<Check, Vec<Answer>>,
    /// A pass on record before a training voucher is claimed.
    pub pass_required: bool,
    /// The token may also be fetched by the institution that applied.
    pub token_to_applicant: bool,
    /// An enterprise that teaches its own staff needs a catalogue entry.
    pub own_staff_need_catalogue: bool,
    /// The most that an Override may raise the cap to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_max_fen: Option<Fen>,
    /// An Override may lift the employment share.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub override_gate: bool,
    /// An Override may let somebody be taught outside the catalogue: such a class is filed, and takes only vouchers that have one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub override_catalogue: bool,
}

/// A category of people and the answers that prove it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryRules {
    /// The notice's phrase.
    pub phrase: String,
    /// What they may apply for.
    pub programmes: Vec<Programme>,
    /// Register answers, in addition to everybody's or instead of them.
    pub requires: BTreeMap<Check, Vec<Answer>>,
    /// One free assessment per graduation year ("免费参加一次").
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub graduating: bool,
}

/// Classes and their records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRules {
    /// Working days between the filing and the first day.
    pub filed_working_days: u16,
    /// Days from the first day on which people may still be enrolled: 1 = the first day only.
    pub grace_days: u16,
    /// Hours after a session in which attendance is entered ("实时录入").
    pub entry_window_hours: u32,
    /// Hours after that window in which a late entry may still be asked for.
    pub late_window_hours: u32,
    /// Share of the taught lessons that a person must have attended.
    pub attendance_percent: u16,
    /// The most entries on paper, in percent of a class's.
    pub paper_percent: u16,
    /// The most entries online, in percent of a class's.
    pub online_percent: u16,
    /// The most sessions entered late, in percent of a class's.
    pub late_percent: u16,
    /// Lessons of one morning, afternoon or evening at most.
    pub slot_lessons: u16,
    /// Modules taught in every class ("将安全、消防、法制、普通话等培训内容列入培训基本课程").
    pub modules: Vec<Module>,
    /// The notice's phrase.
    pub phrase: String,
}

/// Basic course modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Module {
    /// 安全.
    Safety,
    /// 消防.
    Fire,
    /// 法制.
    Legal,
    /// 普通话.
    Putonghua,
}

/// Applications, claims, notices and payouts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRules {
    /// Public notice (公示), in working days.
    pub notice_working_days: u16,
    /// Days in which a rejected application or a refused sheet may be reopened.
    pub reopen_days: u16,
    /// Days after an assessment voucher's pass in which it is claimed.
    pub assessment_claim_days: u16,
    /// Days that a changed corporate account waits before money goes to it.
    pub account_waiting_days: u16,
    /// Days that employment must have been held.
    pub employment_held_days: u16,
    /// Years for which the archive of a paid subsidy is kept, from the end of the calendar year in which the plan year's payouts close.
    pub archive_years: u16,
    /// The local minimum-living standard a month: who earns less is not employed ("就业" in the notice's terms).
    pub minimum_living_fen: Fen,
}

/// Once-only limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Subsidised trainings per person and year.
    pub trainings_per_year: u16,
    /// Assessment attempts per voucher.
    pub attempts: u16,
}

/// What reports hold figures against (2023 notice, parts 2, 3 and 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRules {
    /// The notice's phrase.
    pub phrase: String,
    /// The first month at whose beginning the regions are ranked ("自5月开始").
    pub ranking_from_month: u8,
    /// Working days of a month within which the ranking of the month before is due ("每月月初5个工作日之内").
    pub ranking_working_days: u16,
    /// What a region's completion is held against.
    pub slow_against: SlowAgainst,
    /// Below so many percent of it a region is slow ("对目标落实慢的县(区、市)将进行督办").
    pub slow_percent: u16,
    /// Skilled people among those employed ("技能人才总量占从业人员比例达到33%").
    pub skilled_share_percent: u16,
    /// Staff of county-affiliated enterprises: at least one in so many of the plan ("应不少于年度计划数的三分之一").
    pub own_enterprises_one_in: u16,
    /// People trained for each local brand ("每个品牌开展不少于100人").
    pub brand_people: u32,
}

/// A local brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrandRules {
    /// What it is called.
    pub name: String,
    /// What it is called in English.
    pub name_en: String,
    /// Whose it is; absent where it is the whole city's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// People to be trained for it, where it is not as many as for every brand (`reports.brand_people`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u32>,
}

/// What a region's completion of the plan is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlowAgainst {
    /// The share of the time that has passed, from the year's first day to the end of training.
    Time,
    /// What all of them together have completed.
    Mean,
}

/// A policy as a region adopted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopted {
    /// 1 for a region's and year's first.
    pub version: u32,
    /// From when it decides.
    pub effective: Instant,
    /// The rules.
    pub policy: Policy,
}

/// Morning, afternoon and evening.
const DAY_PARTS: u16 = 3;
/// The most that a policy may weigh as an event's body.
const MOST_BYTES: usize = 60_000;

/// Why a policy file is none; names the line or the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPolicyFile(pub String);

impl Policy {
    /// Reads a policy from TOML.
    ///
    /// # Errors
    /// Names line and key of what is wrong, or the contradiction.
    pub fn from_toml(text: &str) -> Result<Policy, BadPolicyFile> {
        let policy: Policy =
            toml::from_str(text).map_err(|error| BadPolicyFile(error.to_string()))?;
        policy.checked()
    }

    /// Reads a city's policy with a county's own figures over it, field by field ("制定符合本县(区、市)的…政策").
    ///
    /// # Errors
    /// As [`Policy::from_toml`].
    pub fn merged(base: &str, own: &str) -> Result<Policy, BadPolicyFile> {
        let parse = |text: &str| {
            text.parse::<toml::Table>()
                .map_err(|error| BadPolicyFile(error.to_string()))
        };
        let mut table = parse(base)?;
        overlay(&mut table, parse(own)?);
        let policy: Policy = table
            .try_into()
            .map_err(|error: toml::de::Error| BadPolicyFile(error.to_string()))?;
        policy.checked()
    }

    fn checked(self) -> Result<Policy, BadPolicyFile> {
        match self.contradictions() {
            wrong if wrong.is_empty() => Ok(self),
            wrong => Err(BadPolicyFile(wrong.join("; "))),
        }
    }

    /// What the policy says that cannot be: each as `key: what is wrong`.
    pub fn contradictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let dates = &self.dates;
        if !(dates.use_by <= dates.training_ends
            && dates.training_ends <= dates.claim_by
            && dates.claim_by <= dates.closes)
        {
            wrong.push(
                "dates: use_by, training_ends, claim_by and closes must follow each other"
                    .to_owned(),
            );
        }
        if i32::from(dates.training_ends.year()) != i32::from(self.year.number()) {
            wrong.push("dates.training_ends: not in the plan year".to_owned());
        }
        for (programme, rules) in &self.programmes {
            wrong.extend(
                rules
                    .contradictions()
                    .into_iter()
                    .map(|what| format!("programmes.{}: {what}", programme.as_str())),
            );
        }
        for (category, rules) in &self.categories {
            if rules.programmes.is_empty() {
                wrong.push(format!("categories.{category}: no programme"));
            }
            for programme in rules
                .programmes
                .iter()
                .filter(|p| !self.programmes.contains_key(p))
            {
                wrong.push(format!(
                    "categories.{category}: {} has no rules",
                    programme.as_str()
                ));
            }
        }
        if let Some(reports) = &self.reports {
            let no_month = !(1..=12).contains(&reports.ranking_from_month);
            let percents = [reports.slow_percent, reports.skilled_share_percent];
            if no_month || percents.into_iter().any(|percent| percent > 100) {
                wrong.push("reports: no such month, or a share above 100 percent".to_owned());
            }
            if reports.own_enterprises_one_in == 0 || reports.ranking_working_days == 0 {
                wrong.push("reports: one in none, or a ranking within no day".to_owned());
            }
        }
        for (brand, rules) in &self.brands {
            if rules.name.trim().is_empty() || rules.name_en.trim().is_empty() {
                wrong.push(format!("brands.{brand}: it needs a name in both languages"));
            }
            if rules.people == Some(0) {
                wrong.push(format!("brands.{brand}.people: nobody is no minimum"));
            }
        }
        wrong.extend(self.unanswerable());
        wrong.extend(self.unknown_samples());
        if self.limits.trainings_per_year == 0 || self.limits.attempts == 0 {
            wrong.push("limits: nobody could be trained or assessed".to_owned());
        }
        if self.claims.minimum_living_fen <= Fen::ZERO {
            wrong.push("claims.minimum_living_fen: nobody lives on nothing".to_owned());
        }
        let classes = &self.classes;
        let percents = [
            classes.attendance_percent,
            classes.paper_percent,
            classes.online_percent,
            classes.late_percent,
        ]
        .into_iter()
        .any(|p| p > 100);
        let full_day = DAY_PARTS.saturating_mul(classes.slot_lessons);
        for (programme, rules) in &self.programmes {
            if rules.day_lessons > full_day {
                let name = programme.as_str();
                wrong.push(format!(
                    "programmes.{name}.day_lessons: no day has so many lessons"
                ));
            }
        }
        if percents || classes.grace_days == 0 || classes.slot_lessons == 0 {
            wrong.push(
                "classes: a share above 100 percent, or no grace day, or no lesson in a slot"
                    .to_owned(),
            );
        }
        wrong.extend(
            self.supervision
                .iter()
                .flat_map(SupervisionRules::contradictions),
        );
        if serde_json::to_vec(self).map_or(usize::MAX, |bytes| bytes.len()) > MOST_BYTES {
            wrong.push(format!("larger than {MOST_BYTES} bytes"));
        }
        wrong
    }

    /// Checks for which no answer would do.
    fn unanswerable(&self) -> Vec<String> {
        let everyone = self
            .everyone
            .iter()
            .map(|entry| ("everyone".to_owned(), entry));
        let categories = self.categories.iter().flat_map(|(category, rules)| {
            rules
                .requires
                .iter()
                .map(move |entry| (format!("categories.{category}.requires"), entry))
        });
        let programmes = self.programmes.iter().flat_map(|(programme, rules)| {
            let name = format!("programmes.{}.requires", programme.as_str());
            rules
                .requires
                .iter()
                .map(move |entry| (name.clone(), entry))
        });
        let rosters = self.programmes.iter().flat_map(|(programme, rules)| {
            let name = format!("programmes.{}.roster_matched_by", programme.as_str());
            rules
                .roster_matched_by
                .iter()
                .map(move |entry| (name.clone(), entry))
        });
        everyone
            .chain(categories)
            .chain(programmes)
            .chain(rosters)
            .filter(|(_, (_, answers))| answers.is_empty())
            .map(|(place, (check, _))| format!("{place}.{check}: no answer would do"))
            .collect()
    }

    /// Names in `samples` that name no figure: a typing error there would pass a sample off as the notice's.
    fn unknown_samples(&self) -> Vec<String> {
        let figures = serde_json::to_value(self).unwrap_or_default();
        let unknown = self.samples.iter().filter(|name| {
            let path: Vec<&str> = name.split('.').collect();
            !names_a_figure(&figures, &path)
        });
        unknown
            .map(|name| format!("samples: {name} is nowhere in the policy"))
            .collect()
    }
}

/// Whether a dotted name leads somewhere; `*` stands for any key.
fn names_a_figure(figures: &serde_json::Value, path: &[&str]) -> bool {
    match (path, figures) {
        ([], _) => true,
        (["*", rest @ ..], serde_json::Value::Object(below)) => {
            below.values().any(|figures| names_a_figure(figures, rest))
        }
        ([key, rest @ ..], _) => figures
            .get(key)
            .is_some_and(|below| names_a_figure(below, rest)),
    }
}

impl ProgrammeRules {
    fn contradictions(&self) -> Vec<&'static str> {
        let mut wrong = Vec::new();
        match &self.formula {
            Formula::Daily { tiers } => {
                if tiers.last().is_none_or(|last| last.days.is_some()) {
                    wrong.push("the last tier must have no days: it takes the rest");
                }
                if tiers.iter().rev().skip(1).any(|tier| tier.days.is_none()) {
                    wrong.push("only the last tier may have no days");
                }
                if tiers.iter().any(|tier| tier.fen <= Fen::ZERO) {
                    wrong.push("a day's rate must be more than zero");
                }
                if self.max_days.is_none() && self.max_fen.is_none() {
                    wrong.push("max_days or max_fen must stand");
                }
                if self.day_lessons == 0 {
                    wrong.push("a day must have lessons to count");
                }
            }
            Formula::Flat { fen } if *fen <= Fen::ZERO => {
                wrong.push("the rate must be more than zero")
            }
            Formula::PerLevel { fen }
                if fen.is_empty()
                    || fen
                        .iter()
                        .any(|(level, fen)| !is_level(level) || *fen <= Fen::ZERO) =>
            {
                wrong.push("rates stand under levels \"1\" to \"8\" and are more than zero");
            }
            Formula::Flat { .. } | Formula::PerLevel { .. } => {}
        }
        if self.by_undertaking == self.roster_matched_by.is_empty() {
            wrong.push("by undertaking, and then only, the roster is matched by register answers");
        }
        if self.max_days == Some(Days(0)) || self.max_fen.is_some_and(|most| most <= Fen::ZERO) {
            wrong.push("a limit must be more than zero");
        }
        if let (Some(most), Some(cap)) = (self.override_max_fen, self.max_fen)
            && most <= cap
        {
            wrong.push("an override must lift the cap");
        }
        if self.override_gate && self.employment_percent.is_none() {
            wrong.push("an override of the gate needs an employment share");
        }
        if self.sources.is_empty() {
            wrong.push("no source of money");
        }
        if !self.beyond_plan.is_empty() && self.counts_towards.is_none() {
            wrong.push("beyond_plan needs counts_towards");
        }
        if self.paid_to.is_empty() {
            wrong.push("nobody is paid");
        }
        if self.employment_percent.is_some_and(|percent| percent > 100) {
            wrong.push("an employment share above 100 percent");
        }
        wrong
    }
}

fn is_level(text: &str) -> bool {
    matches!(text.as_bytes(), [b'1'..=b'8'])
}

/// Puts a table over another, field by field; lists are replaced whole, and so is a formula that becomes one of another kind.
fn overlay(base: &mut toml::Table, own: toml::Table) {
    for (key, value) in own {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above))
                if above
                    .get("kind")
                    .is_none_or(|kind| below.get("kind") == Some(kind)) =>
            {
                overlay(below, above);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
