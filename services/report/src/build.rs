//! From a question to a report: which counters it needs, up to which day, and what is made of them.

use hefu_domain::calendar::{Calendar, Calendars};
use hefu_domain::policy::ReportRules;
use hefu_domain::{Date, InstitutionId, PlanYear, Programme, Region};

use crate::book::Count;
use crate::fact::{Fact, PolicyFact, REGION, at_end_of};
use crate::figures::{Figures, MonthSum};
use crate::fold::{FIRST, FIRST_HIGH};
use crate::reports;
use crate::table::{AsOf, Cell, Column, Mark, Report, Row, Unit};
use crate::words::{Lang, Name, Subject};

/// What somebody wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Which report.
    pub name: Name,
    /// Of which region.
    pub region: Region,
    /// Whether with those below it.
    pub below: bool,
    /// As of the end of which day.
    pub as_of: Date,
    /// Of which plan year; none: the last that was opened by then, though no later one than the day's own.
    pub year: Option<PlanYear>,
    /// Of which institution, for its statement.
    pub institution: Option<InstitutionId>,
    /// In which language.
    pub lang: Lang,
}

/// Why there is no such report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The region's log is not there.
    #[error("region {0} is not open here")]
    NoRegion(Region),
    /// No plan year was opened by that day.
    #[error("no plan year was open in region {region} at the end of {day}: ask for a later day")]
    NoYear {
        /// The region.
        region: Region,
        /// The day.
        day: Date,
    },
    /// The ranking begins later in the year.
    #[error(
        "the first ranking of plan year {year} is made in month {month}: ask for a day from then on"
    )]
    NotRankedYet {
        /// The plan year.
        year: PlanYear,
        /// The first month with a ranking.
        month: u8,
    },
    /// A statement is somebody's.
    #[error("an institution's statement needs the institution's unified social credit code")]
    NoInstitution,
    /// Nothing is known of that institution.
    #[error("institution {institution} was not registered in region {region} by {day}")]
    UnknownInstitution {
        /// Which.
        institution: InstitutionId,
        /// The region.
        region: Region,
        /// The day.
        day: Date,
    },
}

/// Counters that a report needs of each region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What about.
    pub subject: Subject,
    /// Items that begin so.
    pub prefix: String,
    /// Days after this one.
    pub after: Option<Date>,
    /// Days up to and with this one.
    pub until: Date,
}

/// The prefix under which the length of a log is counted: every epoch.
pub const WHOLE_LOG: &str = "";

/// What is known of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionFigures {
    /// Which.
    pub region: Region,
    /// Facts by id: those that [`Ask::facts`] names.
    pub facts: Vec<(String, Fact)>,
    /// Counters, in the order of [`Ask::wants`].
    pub figures: Vec<Figures>,
}

impl Ask {
    /// The last day that counts: a ranking is of the month before.
    pub fn until(&self) -> Date {
        match self.name {
            Name::Ranking => self
                .as_of
                .first_of_month()
                .yesterday()
                .unwrap_or(self.as_of),
            Name::Progress
            | Name::Certificates
            | Name::TwoWeek
            | Name::Funds
            | Name::Indicators
            | Name::Institution
            | Name::Shares => self.as_of,
        }
    }

    /// The beginnings of the ids of facts that it needs of each region.
    pub fn facts(&self) -> Vec<String> {
        let mut facts: Vec<String> = [REGION, "calendar/", "policy/", "year/"]
            .map(str::to_owned)
            .into();
        facts.extend(self.institution.iter().map(crate::fact::institution));
        if self.name == Name::Shares {
            facts.push(crate::fact::INSTITUTIONS.to_owned());
        }
        facts
    }

    /// The plan year that it is of, by the facts of its own region.
    ///
    /// # Errors
    /// `NoYear`.
    pub fn plan_year(&self, facts: &[(String, Fact)]) -> Result<PlanYear, AskError> {
        if let Some(year) = self.year {
            return Ok(year);
        }
        let until = self.until();
        let opened = facts.iter().filter_map(|(id, fact)| match fact {
            Fact::Year(year) if year.opened <= until => {
                let number: u16 = id.strip_prefix("year/")?.parse().ok()?;
                let by_then = i32::from(number) <= i32::from(until.year());
                PlanYear::try_from(number).ok().filter(|_| by_then)
            }
            _ => None,
        });
        opened.max().ok_or_else(|| AskError::NoYear {
            region: self.region.clone(),
            day: until,
        })
    }

    /// The counters that it needs of each region.
    pub fn wants(&self, year: PlanYear) -> Vec<Wanted> {
        let until = self.until();
        let all = |subject, prefix: String| Wanted {
            subject,
            prefix,
            after: None,
            until,
        };
        let year = format!("{year}/");
        let mut wants = vec![
            all(Subject::Log, WHOLE_LOG.to_owned()),
            all(Subject::Target, year.clone()),
        ];
        match self.name {
            Name::Institution => {
                let of = self.institution.iter();
                wants.extend(of.map(|id| all(Subject::Institution, format!("{id}/{year}"))));
            }
            Name::Funds => wants.push(all(Subject::Fund, year.clone())),
            Name::Progress
            | Name::Certificates
            | Name::TwoWeek
            | Name::Ranking
            | Name::Indicators
            | Name::Shares => {
                wants.push(all(Subject::Plan, year.clone()));
                wants.push(all(Subject::Certificate, year.clone()));
            }
        }
        if self.name == Name::Shares {
            wants.push(all(Subject::Share, year));
        }
        if self.name == Name::TwoWeek {
            let after = Some(reports::before_fortnight(until));
            let last = wants.split_off(2);
            wants.extend(last.iter().cloned());
            wants.extend(last.into_iter().map(|wanted| Wanted { after, ..wanted }));
        }
        wants
    }
}

impl Wanted {
    /// The same of counters in memory.
    pub fn select<'a>(
        &self,
        counts: impl IntoIterator<Item = (&'a Count, &'a i64)>,
    ) -> impl Iterator<Item = MonthSum> {
        let meant = move |(count, _): &(&Count, &i64)| {
            count.subject == self.subject
                && count.item.starts_with(&self.prefix)
                && self.after.is_none_or(|after| count.day > after)
                && count.day <= self.until
        };
        let meant = counts.into_iter().filter(meant);
        meant.map(|(count, value)| MonthSum {
            item: count.item.clone(),
            month: month(count.day),
            value: *value,
        })
    }
}

/// `YYYY-MM`.
pub(crate) fn month(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

/// Makes the report. `regions` begins with the region that was asked for; those below it follow by code.
///
/// # Errors
/// [`AskError`].
pub fn build(ask: &Ask, regions: &[RegionFigures]) -> Result<Report, AskError> {
    let own = regions
        .first()
        .filter(|own| own.region == ask.region && own.fact(REGION).is_some())
        .ok_or_else(|| AskError::NoRegion(ask.region.clone()))?;
    let scene = Scene {
        ask,
        year: ask.plan_year(&own.facts)?,
        regions,
        lang: ask.lang,
    };
    match ask.name {
        Name::Progress => Ok(reports::progress::build(&scene)),
        Name::Certificates => Ok(reports::certificates::build(&scene)),
        Name::TwoWeek => Ok(reports::two_week::build(&scene)),
        Name::Funds => Ok(reports::funds::build(&scene)),
        Name::Ranking => reports::ranking::build(&scene),
        Name::Indicators => Ok(reports::indicators::build(&scene)),
        Name::Institution => reports::institution::build(&scene),
        Name::Shares => Ok(reports::shares::build(&scene)),
    }
}

/// A question with what is known.
pub(crate) struct Scene<'a> {
    pub(crate) ask: &'a Ask,
    pub(crate) year: PlanYear,
    pub(crate) regions: &'a [RegionFigures],
    pub(crate) lang: Lang,
}

impl RegionFigures {
    pub(crate) fn fact(&self, id: &str) -> Option<&Fact> {
        let found = self.facts.iter().find(|(of, _)| of == id);
        found.map(|(_, fact)| fact)
    }

    /// What it is called.
    pub(crate) fn called(&self, lang: Lang) -> String {
        match self.fact(REGION) {
            Some(Fact::Region(fact)) => lang.of(&fact.name, &fact.name_en).clone(),
            _ => self.region.to_string(),
        }
    }

    fn log(&self) -> &Figures {
        &self.figures[0]
    }

    pub(crate) fn target(&self, year: PlanYear, code: &str) -> i64 {
        self.figures[1].total(&format!("{year}/{code}"))
    }

    pub(crate) fn targets(&self) -> &Figures {
        &self.figures[1]
    }

    /// Those of the report's own subject.
    pub(crate) fn own(&self) -> &Figures {
        &self.figures[2]
    }

    /// Counters of vouchers of a programme.
    pub(crate) fn plan(&self, year: PlanYear, programme: Programme, measure: &str) -> i64 {
        plan(&self.figures[2], year, programme, measure)
    }

    pub(crate) fn certificates(&self) -> &Figures {
        &self.figures[3]
    }

    /// Counters of shares, for the report of them.
    pub(crate) fn shares(&self) -> &Figures {
        &self.figures[4]
    }

    /// Newly skilled and newly high-skilled people.
    pub(crate) fn newly(&self) -> (i64, i64) {
        newly(&self.figures[3])
    }
}

pub(crate) fn plan(of: &Figures, year: PlanYear, programme: Programme, measure: &str) -> i64 {
    of.total(&format!("{year}/{}/{measure}", programme.as_str()))
}

pub(crate) fn newly(of: &Figures) -> (i64, i64) {
    (
        certified(of, FIRST, |_| true),
        certified(of, FIRST_HIGH, |_| true),
    )
}

/// Counters of certificates with those parts: year, programme, level, category, measure.
pub(crate) fn certified(of: &Figures, measure: &str, which: impl Fn(&[&str]) -> bool) -> i64 {
    let meant = of
        .parts()
        .filter(|(parts, _)| parts.last() == Some(&measure) && which(parts));
    meant.map(|(_, value)| value).sum()
}

impl<'a> Scene<'a> {
    /// The region that was asked for.
    pub(crate) fn own(&self) -> &'a RegionFigures {
        &self.regions[0]
    }

    /// Whether there are regions below it.
    pub(crate) fn is_tree(&self) -> bool {
        self.regions.len() > 1
    }

    /// What a region's line is called: the city's own units have one beside the counties' (市直).
    pub(crate) fn line(&self, region: &RegionFigures) -> String {
        if self.is_tree() && region.region == self.ask.region {
            return self.lang.of(
                "市直".to_owned(),
                format!("{} (own line)", region.called(self.lang)),
            );
        }
        region.called(self.lang)
    }

    pub(crate) fn sum(&self) -> String {
        self.lang.of("合计", "total").to_owned()
    }

    /// A region's policy as it was adopted last by the day.
    pub(crate) fn policy<'r>(&self, region: &'r RegionFigures) -> Option<&'r PolicyFact> {
        match region.fact(&crate::fact::policy(self.year)) {
            Some(Fact::Policy(all)) => at_end_of(all, self.ask.as_of),
            _ => None,
        }
    }

    /// What figures are held against, by the asked region's own policy.
    pub(crate) fn rules(&self) -> Option<&'a ReportRules> {
        self.policy(self.own())?.reports.as_ref()
    }

    /// Whether a region's vouchers of a programme count inside general training.
    pub(crate) fn inside_general(&self, region: &RegionFigures, programme: Programme) -> bool {
        let towards = self.policy(region).map(|policy| &policy.counts_towards);
        let towards = towards.and_then(|towards| towards.get(&programme));
        programme != Programme::General
            && towards.is_some_and(|code| code == Programme::General.as_str())
    }

    /// People to be trained: each programme's own target, but for one that counts inside general training.
    pub(crate) fn to_train(&self, region: &RegionFigures) -> i64 {
        let programmes = reports::TRAINING.iter();
        let counted = programmes.filter(|of| !self.inside_general(region, **of));
        counted
            .map(|of| region.target(self.year, of.as_str()))
            .sum()
    }

    /// People trained, whatever the programme.
    pub(crate) fn trained(&self, region: &RegionFigures) -> i64 {
        let programmes = reports::TRAINING.iter();
        programmes
            .map(|of| region.plan(self.year, *of, "completed"))
            .sum()
    }

    /// The calendars on record in the asked region by the day, one a year.
    pub(crate) fn calendars(&self) -> Calendars<'a> {
        let calendars = self.own().facts.iter().filter_map(|(_, fact)| match fact {
            Fact::Calendar(all) => at_end_of(all, self.ask.as_of),
            _ => None,
        });
        Calendars(calendars.collect::<Vec<&Calendar>>())
    }

    /// The report, as of which index of each log it counts.
    pub(crate) fn report(&self, columns: Vec<Column>, rows: Vec<Row>) -> Report {
        Report {
            name: self.ask.name.to_string(),
            title: self.ask.name.title(self.lang).to_owned(),
            region: self.ask.region.clone(),
            region_name: self.own().called(self.lang),
            year: self.year,
            as_of: self.ask.until(),
            logs: self.regions.iter().map(as_of).collect(),
            columns,
            rows,
            notes: Vec::new(),
            charts: Vec::new(),
        }
    }
}

/// The last epoch that has events by the day, and how many.
fn as_of(region: &RegionFigures) -> AsOf {
    let epochs = region.log().parts().filter_map(|(parts, size)| {
        let epoch: u64 = parts.first()?.parse().ok()?;
        Some((epoch, u64::try_from(size).ok()?))
    });
    let (epoch, size) = epochs.max().unwrap_or_default();
    AsOf {
        region: region.region.clone(),
        epoch,
        size,
    }
}

/// A column's key, its heading in both languages, and what its cells are.
pub(crate) type Heading = (&'static str, &'static str, &'static str, Unit);

/// The columns that several reports have.
pub(crate) mod heading {
    use super::{Heading, Unit};

    pub(crate) const REGION: Heading = ("region", "地区", "region", Unit::Text);
    pub(crate) const PROGRAMME: Heading = ("programme", "项目", "programme", Unit::Text);
    pub(crate) const CERTIFICATES: Heading = ("certificates", "取证", "certificates", Unit::Count);
    pub(crate) const NEWLY_SKILLED: Heading = (
        "newly_skilled",
        "新增技能人才",
        "newly skilled",
        Unit::Count,
    );
    pub(crate) const NEWLY_HIGH_SKILLED: Heading = (
        "newly_high_skilled",
        "新增高技能人才",
        "newly high-skilled",
        Unit::Count,
    );
}

/// Columns of a report.
pub(crate) fn columns(lang: Lang, of: &[Heading]) -> Vec<Column> {
    let column = |(key, zh, en, unit): &Heading| Column {
        key: (*key).to_owned(),
        heading: lang.of(*zh, *en).to_owned(),
        unit: *unit,
    };
    of.iter().map(column).collect()
}

/// A row of these cells.
pub(crate) fn row(cells: Vec<Cell>, mark: Mark) -> Row {
    Row { cells, mark }
}
