//! What the fold remembers: as little as the next events need, and codes and ids only, as they stand in the log.

use std::collections::{BTreeMap, BTreeSet};

use hefu_domain::calendar::Calendar;
use hefu_domain::policy::{BrandRules, Capacity, Dates, Programme, ReportRules};
use hefu_domain::state::{Money, Occasion};
use hefu_domain::{
    Brand, Category, Check, ClassId, Date, Fen, InstitutionId, PersonId, PlanYear, Region,
    SessionId, SheetId, SkillLevel, VoucherId,
};
use serde::{Deserialize, Serialize};

/// What the fold remembers of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Fact {
    /// See [`RegionFact`].
    Region(RegionFact),
    /// The working-day calendars of a year as they were adopted, in order.
    Calendar(Vec<Since<Calendar>>),
    /// A plan year's policies as they were adopted, in order.
    Policy(Vec<Since<PolicyFact>>),
    /// See [`YearFact`].
    Year(YearFact),
    /// What an institution was called, in order.
    Institution(Vec<Since<InstitutionFact>>),
    /// A class, or an assessment session.
    Place(PlaceFact),
    /// See [`VoucherFact`].
    Voucher(VoucherFact),
    /// See [`SheetFact`].
    Sheet(SheetFact),
    /// See [`PersonFact`].
    Person(PersonFact),
}

/// Something that is so from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since<T> {
    /// The day on which it was put on record.
    pub day: Date,
    /// What.
    pub what: T,
}

/// What was so at the end of a day.
pub(crate) fn at_end_of<T>(all: &[Since<T>], day: Date) -> Option<&T> {
    let known = all.iter().rev().find(|since| since.day <= day);
    known.map(|since| &since.what)
}

/// A region, from the first event of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionFact {
    /// The city, of a county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Region>,
    /// Chinese name.
    pub name: String,
    /// English name.
    pub name_en: String,
}

/// What reports ask of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFact {
    /// The year's dates.
    pub dates: Dates,
    /// Programme to the target that its vouchers count towards.
    pub counts_towards: BTreeMap<Programme, String>,
    /// Categories of people in their graduating year, with the checks that prove each: an answer to one may name the school.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub graduating: BTreeMap<Category, BTreeSet<Check>>,
    /// Local brands.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub brands: BTreeMap<Brand, BrandRules>,
    /// What figures are held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<ReportRules>,
}

/// A plan year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearFact {
    /// When it was opened.
    pub opened: Date,
    /// Whether its payouts are closed: what is paid after that is the next year's money.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// Planned people by code.
    pub targets: BTreeMap<String, u32>,
}

/// An institution; a classified unit has no name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstitutionFact {
    /// Its registered name.
    pub name: String,
    /// What it is.
    pub capacities: BTreeSet<Capacity>,
    /// The division whose government it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliation: Option<Region>,
}

/// A class or a session: whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceFact {
    /// The plan year.
    pub year: PlanYear,
    /// Its programme; a session's is assessment.
    pub programme: Programme,
    /// Who teaches or assesses.
    pub by: InstitutionId,
    /// Who is paid.
    pub payee: InstitutionId,
    /// The level.
    pub level: SkillLevel,
    /// The local brand that a class trains for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
}

/// In which of its account's buckets a voucher's money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// 预留.
    Reserved,
    /// 应付.
    Payable,
    /// 已付.
    Paid,
}

/// A voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherFact {
    /// Whose.
    pub person: PersonId,
    /// Of which plan year.
    pub year: PlanYear,
    /// For what.
    pub programme: Programme,
    /// As what they applied.
    pub category: Category,
    /// The school from which somebody graduates, as a register's answer names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<InstitutionId>,
    /// Its money, and where that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<(Money, Bucket)>,
    /// The sheet that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<SheetId>,
    /// The certificate on record for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateFact>,
    /// Who owes how much of it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claw_back: Option<(InstitutionId, Fen)>,
}

/// A certificate on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFact {
    /// The level.
    pub level: SkillLevel,
    /// The register says that it is none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
}

/// A claim sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetFact {
    /// The plan year.
    pub year: PlanYear,
    /// The programme.
    pub programme: Programme,
    /// Who is paid.
    pub payee: InstitutionId,
    /// Its lines in order; one that was struck out is gone.
    pub lines: Vec<(VoucherId, Fen)>,
    /// Whether its payout stands.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paid: bool,
}

/// A person: their certificates in the order in which they were put on record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PersonFact {
    /// The first of them makes a newly skilled person, the first at 高级工 or above a newly high-skilled one.
    pub certificates: Vec<HeldCertificate>,
}

/// A certificate that a person holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCertificate {
    /// The voucher on which it was recorded, or whatever else it came with.
    pub of: String,
    /// The year in which it counts: its voucher's plan year, or that of the day on it, which may be older than any plan year.
    pub year: i16,
    /// The programme of the voucher; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programme: Option<Programme>,
    /// The category of the person on that voucher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// The school from which the person graduates, as that voucher's application names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<InstitutionId>,
    /// The level.
    pub level: SkillLevel,
}

/// The region's own.
pub(crate) const REGION: &str = "region";

/// The id under which the region itself is remembered.
pub fn fact_of_region() -> &'static str {
    REGION
}

pub(crate) fn calendar(year: u16) -> String {
    format!("calendar/{year}")
}

pub(crate) fn policy(year: PlanYear) -> String {
    format!("policy/{year}")
}

pub(crate) fn year(year: PlanYear) -> String {
    format!("year/{year}")
}

/// What the ids of institutions begin with.
pub(crate) const INSTITUTIONS: &str = "institution/";

pub(crate) fn institution(id: &InstitutionId) -> String {
    format!("{INSTITUTIONS}{id}")
}

pub(crate) fn class(id: ClassId) -> String {
    format!("class/{id}")
}

pub(crate) fn session(id: SessionId) -> String {
    format!("session/{id}")
}

pub(crate) fn occasion(of: Occasion) -> String {
    match of {
        Occasion::Class(id) => class(id),
        Occasion::Session(id) => session(id),
    }
}

pub(crate) fn voucher(id: VoucherId) -> String {
    format!("voucher/{id}")
}

pub(crate) fn sheet(id: SheetId) -> String {
    format!("sheet/{id}")
}

pub(crate) fn person(id: PersonId) -> String {
    format!("person/{id}")
}

impl Fact {
    /// Reads a fact back by its id. `None` where there is no such kind of thing or the body is none of its.
    pub fn read(id: &str, body: &str) -> Option<Fact> {
        let kind = id.split('/').next().unwrap_or_default();
        let fact = match kind {
            REGION => serde_json::from_str(body).map(Fact::Region),
            "calendar" => serde_json::from_str(body).map(Fact::Calendar),
            "policy" => serde_json::from_str(body).map(Fact::Policy),
            "year" => serde_json::from_str(body).map(Fact::Year),
            "institution" => serde_json::from_str(body).map(Fact::Institution),
            "class" | "session" => serde_json::from_str(body).map(Fact::Place),
            "voucher" => serde_json::from_str(body).map(Fact::Voucher),
            "sheet" => serde_json::from_str(body).map(Fact::Sheet),
            "person" => serde_json::from_str(body).map(Fact::Person),
            _ => return None,
        };
        fact.ok()
    }
}
