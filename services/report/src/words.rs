//! Names: the reports, what counters are about, and how programmes, levels and targets are called in both languages.

use std::str::FromStr;

use hefu_domain::{BadCode, Programme, SkillLevel};

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Progress against the plan, by region and programme.
    Progress,
    /// Certificates by level, newly skilled, newly high-skilled.
    Certificates,
    /// The fortnight beside the year (双周调度).
    TwoWeek,
    /// Fund accounts by quarter.
    Funds,
    /// The monthly ranking by completion of the plan.
    Ranking,
    /// Targets and how far they are reached.
    Indicators,
    /// One institution's statement.
    Institution,
    /// The shares that the notice asks for.
    Shares,
}

impl Name {
    /// Every report.
    pub const ALL: [Name; 8] = [
        Name::Progress,
        Name::Certificates,
        Name::TwoWeek,
        Name::Funds,
        Name::Ranking,
        Name::Indicators,
        Name::Institution,
        Name::Shares,
    ];

    /// As commands and resource names have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Name::Progress => "progress",
            Name::Certificates => "certificates",
            Name::TwoWeek => "two-week",
            Name::Funds => "funds",
            Name::Ranking => "ranking",
            Name::Indicators => "indicators",
            Name::Institution => "institution",
            Name::Shares => "shares",
        }
    }

    /// What it is called.
    pub fn title(self, lang: Lang) -> &'static str {
        match self {
            Name::Progress => lang.of(
                "培训取证工作进度表",
                "Progress of training and certificates",
            ),
            Name::Certificates => lang.of("技能等级评价取证情况表", "Certificates by level"),
            Name::TwoWeek => lang.of("职业技能提升双周调度报表", "Two-week report"),
            Name::Funds => lang.of("职业技能培训资金使用情况季报", "Quarterly use of funds"),
            Name::Ranking => lang.of(
                "年度计划完成比例排队表",
                "Monthly ranking by completion of the plan",
            ),
            Name::Indicators => {
                lang.of("目标任务完成情况表", "Targets and how far they are reached")
            }
            Name::Institution => lang.of("培训评价机构情况表", "Statement of an institution"),
            Name::Shares => lang.of("专项比例完成情况表", "Shares that the plan asks for"),
        }
    }
}

impl FromStr for Name {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Name, BadCode> {
        let all = || Name::ALL.map(Name::as_str).join(", ");
        let found = Name::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| BadCode(format!("no such report; there are {}", all())))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A language of headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The words of this language.
    pub fn of<T>(self, zh: T, en: T) -> T {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// As it is asked for.
    pub fn as_str(self) -> &'static str {
        self.of("zh", "en")
    }
}

impl FromStr for Lang {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Lang, BadCode> {
        match text {
            "zh" => Ok(Lang::Zh),
            "en" => Ok(Lang::En),
            _ => Err(BadCode("a report's language is zh or en".to_owned())),
        }
    }
}

/// What counters are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Vouchers: `year/programme/measure`.
    Plan,
    /// Planned people: `year/code`.
    Target,
    /// Certificates: `year/programme or none/level/category or none/measure`.
    Certificate,
    /// Money: `year/source/bucket`, in fen.
    Fund,
    /// Institutions: `credit code/year/programme/measure`.
    Institution,
    /// People of whom the notice asks for a share (parts 3 and 4): `year/staff/credit code` of the host enterprise, `year/brand/brand`,
    /// `year/student/credit code` of the school.
    Share,
    /// Events of the log itself, by epoch.
    Log,
}

impl Subject {
    /// Every subject.
    pub const ALL: [Subject; 7] = [
        Subject::Plan,
        Subject::Target,
        Subject::Certificate,
        Subject::Fund,
        Subject::Institution,
        Subject::Share,
        Subject::Log,
    ];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Subject::Plan => "plan",
            Subject::Target => "target",
            Subject::Certificate => "certificate",
            Subject::Fund => "fund",
            Subject::Institution => "institution",
            Subject::Share => "share",
            Subject::Log => "log",
        }
    }
}

/// What a programme is called.
pub(crate) fn programme(of: Programme, lang: Lang) -> &'static str {
    match of {
        Programme::OrderProject => lang.of("订单式、项目制", "order and project"),
        Programme::EnterpriseStaff => lang.of("企业职工", "enterprise staff"),
        Programme::General => lang.of("普惠制", "general"),
        Programme::Apprenticeship => lang.of("新型学徒制", "apprenticeship"),
        Programme::Entrepreneurship => lang.of("创业培训", "entrepreneurship"),
        Programme::Assessment => lang.of("取证", "assessment"),
    }
}

/// What a skill level is called.
pub(crate) fn level(of: SkillLevel, lang: Lang) -> &'static str {
    match of.ordinal() {
        1 => lang.of("学徒工", "apprentice (1)"),
        2 => lang.of("初级工", "junior (2)"),
        3 => lang.of("中级工", "intermediate (3)"),
        4 => lang.of("高级工", "senior (4)"),
        5 => lang.of("技师", "technician (5)"),
        6 => lang.of("高级技师", "senior technician (6)"),
        7 => lang.of("特级技师", "special technician (7)"),
        _ => lang.of("首席技师", "chief technician (8)"),
    }
}

/// Targets that reports know how far they are reached: a programme's code, or one of these.
pub(crate) mod target {
    /// All subsidised training.
    pub(crate) const TRAINED: &str = "trained";
    /// 新增技能人才.
    pub(crate) const NEWLY_SKILLED: &str = "newly_skilled";
    /// 新增高技能人才.
    pub(crate) const NEWLY_HIGH_SKILLED: &str = "newly_high_skilled";
    /// 从业人员: what the skilled share is a share of. A figure of the statistics, set beside the targets.
    pub(crate) const EMPLOYED: &str = "employed_people";
    /// 技能人才总量 at the end of the year before: another one.
    pub(crate) const SKILLED_BEFORE: &str = "skilled_people_before";
}

/// What a target is called; an unknown one by its code.
pub(crate) fn target_name(code: &str, lang: Lang) -> String {
    let name = match code {
        target::TRAINED => lang.of("补贴性职业技能培训", "subsidised training"),
        target::NEWLY_SKILLED => lang.of("新增技能人才", "newly skilled people"),
        target::NEWLY_HIGH_SKILLED => lang.of("新增高技能人才", "newly high-skilled people"),
        target::EMPLOYED => lang.of("从业人员", "employed people"),
        target::SKILLED_BEFORE => lang.of(
            "上年末技能人才总量",
            "skilled people at the end of the year before",
        ),
        code => match code.parse::<Programme>() {
            Ok(found) => programme(found, lang),
            Err(_) => code,
        },
    };
    name.to_owned()
}
