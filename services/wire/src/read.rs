//! Reading a request: every field checked where it stands, and all that are wrong named at once.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use hefu_domain::command::{Confirmation, ConfirmedBy, PresentedToken};
use hefu_domain::state::{About, Occasion};
use hefu_domain::{
    BadCode, Date, Digest, Fen, Instant, InstitutionId, PlanYear, Region, RequestId, SkillLevel,
    Tag, VoucherId,
};
use uuid::Uuid;

use crate::{names, v1};

/// The longest text of a request, in bytes.
const MOST_TEXT: usize = 4_096;

/// A field that is wrong, by its path, and the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadField {
    /// `timetable[3].date`.
    pub field: String,
    /// What it must be.
    pub rule: String,
}

/// Every field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFields(pub Vec<BadField>);

impl fmt::Display for BadFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, bad) in self.0.iter().enumerate() {
            let comma = if i > 0 { "; " } else { "" };
            write!(f, "{comma}{}: {}", bad.field, bad.rule)?;
        }
        Ok(())
    }
}

/// What only the server can do to a field: draw ids, and turn what is personal or secret into tags and hashes.
pub struct Edge<'a> {
    /// Draws an id for that purpose.
    pub draw: &'a dyn Fn(&str) -> Uuid,
    /// The lookup tag of a presented identity number, or the rule that it breaks.
    pub identity: &'a dyn Fn(&Region, &str) -> Result<Tag, String>,
    /// The nullifier of a presented identity number's day, or the rule that the number breaks.
    pub day: &'a dyn Fn(&str, Date) -> Result<Tag, String>,
    /// A certificate number's nullifier and commitment.
    pub certificate: &'a dyn Fn(&Region, &str) -> (Tag, Digest),
    /// A corporate account's keyed tag and commitment, from name and number.
    pub account: &'a dyn Fn(&Region, &str, &str) -> (Tag, Digest),
    /// The commitment by which something of a classified unit is known: the unit's code, what it is (`unit`, `name` or `occupation`),
    /// and how it reads.
    pub seal: &'a dyn Fn(&Region, &str, &str, &str) -> Digest,
    /// A token as presented for that voucher.
    pub token: &'a dyn Fn(&str, VoucherId) -> PresentedToken,
}

impl Edge<'_> {
    /// The edge of a read, which draws no ids and presents nothing.
    pub const READING: Edge<'static> = Edge {
        draw: &|_| Uuid::nil(),
        identity: &|_, _| Err("is not read here".to_owned()),
        day: &|_, _| Err("is not read here".to_owned()),
        certificate: &|_, _| (Tag([0; 16]), Digest([0; 32])),
        account: &|_, _, _| (Tag([0; 16]), Digest([0; 32])),
        seal: &|_, _, _, _| Digest([0; 32]),
        token: &|_, _| PresentedToken {
            hash: Digest([0; 32]),
            genuine: false,
        },
    };
}

/// Reads one request's fields.
pub struct Reader<'a> {
    /// What only the server can do.
    pub edge: &'a Edge<'a>,
    region: Option<Region>,
    /// Where a name that is wrong begins as one of a region.
    meant: Option<Region>,
    named: BTreeSet<InstitutionId>,
    bad: Vec<BadField>,
    path: String,
}

impl<'a> Reader<'a> {
    /// A reader of one request.
    pub fn new(edge: &'a Edge<'a>) -> Reader<'a> {
        Reader {
            edge,
            region: None,
            meant: None,
            named: BTreeSet::new(),
            bad: Vec::new(),
            path: String::new(),
        }
    }

    /// The region that the request's names carry.
    pub fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// The region in whose name the request is made, be its names right or wrong.
    pub fn meant(&self) -> Option<&Region> {
        self.region.as_ref().or(self.meant.as_ref())
    }

    /// The institutions that the request named in clear so far, in whatever field.
    pub fn named(&self) -> impl Iterator<Item = &InstitutionId> {
        self.named.iter()
    }

    fn note_named(&mut self, text: &str) {
        let code = text.parse::<InstitutionId>().ok();
        self.named.extend(code.filter(|code| !code.is_sealed()));
    }

    /// Every field that is wrong.
    ///
    /// # Errors
    /// If there is one.
    pub fn done(self) -> Result<Region, BadFields> {
        match self.region {
            Some(region) if self.bad.is_empty() => Ok(region),
            Some(_) | None => Err(BadFields(self.bad)),
        }
    }

    /// Notes a wrong field; without a name it is the list's item itself, `trainers[2]`.
    pub fn wrong(&mut self, field: &str, rule: impl Into<String>) {
        let path = match field {
            "" => self.path.trim_end_matches('.').to_owned(),
            field => format!("{}{field}", self.path),
        };
        self.bad.push(BadField {
            field: path,
            rule: rule.into(),
        });
    }

    /// What was read of a field by a rule of its own, or that it is wrong.
    pub fn keep<T>(&mut self, field: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|rule| self.wrong(field, rule)).ok()
    }

    /// Reads the fields of a message within.
    pub fn within<T>(
        &mut self,
        path: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let outer = self.path.len();
        self.path.push_str(path);
        self.path.push('.');
        let value = read(self);
        self.path.truncate(outer);
        value
    }

    /// Reads a list, naming items by index; `None` when one is wrong.
    pub fn list<T, R>(
        &mut self,
        field: &str,
        items: &[T],
        most: usize,
        mut read: impl FnMut(&mut Self, &T) -> Option<R>,
    ) -> Option<Vec<R>> {
        if items.len() > most {
            self.wrong(field, format!("at most {most}, not {}", items.len()));
            return None;
        }
        let read: Vec<Option<R>> = items
            .iter()
            .enumerate()
            .map(|(i, item)| self.within(&format!("{field}[{i}]"), |r| read(r, item)))
            .collect();
        read.into_iter().collect()
    }

    fn of_region<T>(
        &mut self,
        field: &str,
        name: &str,
        read: Result<(Region, T), String>,
    ) -> Option<T> {
        if read.is_err() && self.meant.is_none() {
            self.meant = names::region_of(name);
        }
        let (region, value) = self.keep(field, read)?;
        match &self.region {
            None => self.region = Some(region),
            Some(known) if *known == region => {}
            Some(known) => {
                let rule = format!("must be of region {known} as the rest of the request");
                self.wrong(field, rule);
                return None;
            }
        }
        Some(value)
    }

    /// `regions/{code}` of this request.
    pub fn parent(&mut self, field: &str, name: &str) -> Option<Region> {
        let read = names::parse_region(name).map(|region| (region.clone(), region));
        self.of_region(field, name, read)
    }

    /// `regions/{code}/{collection}/{id}` of this request's region.
    pub fn name<T: FromStr<Err = BadCode>>(
        &mut self,
        field: &str,
        name: &str,
        collection: &str,
    ) -> Option<T> {
        let read = names::parse_child(name, collection);
        name.split('/').for_each(|part| self.note_named(part));
        self.of_region(field, name, read)
    }

    /// The name of what supervision is about.
    pub fn about(&mut self, field: &str, name: &str) -> Option<About> {
        let read = names::parse_about(name);
        name.split('/').for_each(|part| self.note_named(part));
        self.of_region(field, name, read)
    }

    /// The same, or empty: `Some(None)`.
    pub fn optional_name<T: FromStr<Err = BadCode>>(
        &mut self,
        field: &str,
        name: &str,
        collection: &str,
    ) -> Option<Option<T>> {
        if name.is_empty() {
            Some(None)
        } else {
            self.name(field, name, collection).map(Some)
        }
    }

    /// `regions/{code}/planYears/{year}`.
    pub fn plan_year_name(&mut self, field: &str, name: &str) -> Option<PlanYear> {
        self.year_name(field, name, "planYears")
    }

    /// An account's name.
    pub fn account_name(
        &mut self,
        field: &str,
        name: &str,
    ) -> Option<(PlanYear, hefu_domain::Source)> {
        let read =
            names::parse_account(name).map(|(region, year, source)| (region, (year, source)));
        self.of_region(field, name, read)
    }

    /// A catalogue line's name.
    pub fn catalogue_entry_name(
        &mut self,
        field: &str,
        name: &str,
    ) -> Option<hefu_domain::state::CatalogueEntryId> {
        let read = names::parse_catalogue_entry(name);
        name.split('/').for_each(|part| self.note_named(part));
        self.of_region(field, name, read)
    }

    /// `regions/{code}/{collection}/{year}`.
    pub fn year_name(&mut self, field: &str, name: &str, collection: &str) -> Option<PlanYear> {
        let read = names::parse_year(name, collection);
        self.of_region(field, name, read)
    }

    /// A class's or a session's name, or empty: `Some(None)`.
    pub fn optional_occasion(&mut self, field: &str, name: &str) -> Option<Option<Occasion>> {
        if name.is_empty() {
            return Some(None);
        }
        let read = names::parse_child(name, "classes")
            .map(|(region, id)| (region, Occasion::Class(id)))
            .or_else(|_| {
                names::parse_child(name, "sessions")
                    .map(|(region, id)| (region, Occasion::Session(id)))
            })
            .map_err(|_| {
                format!("must be regions/{{code}}/classes/{{uuid}} or …/sessions/{{uuid}}, not {name:.80}")
            });
        self.of_region(field, name, read).map(Some)
    }

    /// A filter by state: one of these codes, or empty, which does not filter.
    pub fn state(
        &mut self,
        field: &str,
        text: &str,
        known: &[&'static str],
    ) -> Option<&'static str> {
        let code = match text {
            "" => Some(""),
            text => known.iter().copied().find(|code| *code == text),
        };
        self.keep(
            field,
            code.ok_or_else(|| format!("must be one of {}, or empty", known.join(", "))),
        )
    }

    /// An objection's name.
    pub fn objection_name(
        &mut self,
        field: &str,
        name: &str,
    ) -> Option<(hefu_domain::SheetId, hefu_domain::ObjectionId)> {
        let read = names::parse_objection(name)
            .map(|(region, sheet, objection)| (region, (sheet, objection)));
        self.of_region(field, name, read)
    }

    /// A filter by one of the two catalogues, or unspecified: `Some(None)`.
    pub fn optional_catalogue(
        &mut self,
        field: &str,
        given: i32,
    ) -> Option<Option<hefu_domain::policy::Capacity>> {
        use hefu_domain::policy::Capacity;
        match v1::Capacity::try_from(given) {
            Ok(v1::Capacity::Unspecified) => Some(None),
            Ok(v1::Capacity::TrainingBody) => Some(Some(Capacity::TrainingBody)),
            Ok(v1::Capacity::AssessmentBody) => Some(Some(Capacity::AssessmentBody)),
            Ok(v1::Capacity::Enterprise | v1::Capacity::School) | Err(_) => {
                self.wrong(
                    field,
                    "CAPACITY_TRAINING_BODY, CAPACITY_ASSESSMENT_BODY or nothing",
                );
                None
            }
        }
    }

    /// `regions/{code}/{collection}/{id}` of another region.
    pub fn other_name<T: FromStr<Err = BadCode>>(
        &mut self,
        field: &str,
        name: &str,
        collection: &str,
    ) -> Option<(Region, T)> {
        self.keep(field, names::parse_child(name, collection))
    }

    /// Another region's name, or nothing.
    pub fn other_region(&mut self, field: &str, name: &str) -> Option<Region> {
        self.keep(field, names::parse_region(name))
    }

    /// A code of that type.
    pub fn code<T: FromStr<Err = BadCode>>(&mut self, field: &str, text: &str) -> Option<T> {
        self.note_named(text);
        self.keep(field, text.parse().map_err(|bad: BadCode| bad.0))
    }

    /// The same, or empty: `Some(None)`.
    pub fn optional_code<T: FromStr<Err = BadCode>>(
        &mut self,
        field: &str,
        text: &str,
    ) -> Option<Option<T>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.code(field, text).map(Some)
        }
    }

    /// A list of codes.
    pub fn codes<T: FromStr<Err = BadCode>>(
        &mut self,
        field: &str,
        texts: &[String],
    ) -> Option<Vec<T>> {
        self.list(field, texts, 500, |r, text| r.code("", text))
    }

    /// A code in clear, to be sealed here: one that is sealed already would be sealed twice.
    pub fn clear<T: FromStr<Err = BadCode>>(
        &mut self,
        field: &str,
        text: &str,
        is_sealed: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let read = text.parse().map_err(|bad: BadCode| bad.0);
        let code = self.keep(field, read)?;
        if is_sealed(&code) {
            self.wrong(field, "a code in clear; it is sealed here");
            return None;
        }
        Some(code)
    }

    /// Text for people: nothing in it is hidden or changes the writing direction.
    pub fn text(&mut self, field: &str, text: &str) -> Option<String> {
        let rule = match text {
            "" => Err("must not be empty".to_owned()),
            long if long.len() > MOST_TEXT => Err(format!("at most {MOST_TEXT} bytes")),
            hidden if hidden.chars().any(hefu_domain::disguises) => Err(
                "no control or invisible characters, no changes of writing direction".to_owned(),
            ),
            good => Ok(good.to_owned()),
        };
        self.keep(field, rule)
    }

    /// The same, or empty: `Some(None)`.
    pub fn optional_text(&mut self, field: &str, text: &str) -> Option<Option<String>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.text(field, text).map(Some)
        }
    }

    /// A plan year.
    pub fn plan_year(&mut self, field: &str, year: u32) -> Option<PlanYear> {
        let read = u16::try_from(year)
            .map_err(|_| "not a year".to_owned())
            .and_then(|y| PlanYear::try_from(y).map_err(|bad| bad.0));
        self.keep(field, read)
    }

    /// The same, or 0: `Some(None)`.
    pub fn optional_plan_year(&mut self, field: &str, year: u32) -> Option<Option<PlanYear>> {
        if year == 0 {
            Some(None)
        } else {
            self.plan_year(field, year).map(Some)
        }
    }

    /// A skill level.
    pub fn level(&mut self, field: &str, level: u32) -> Option<SkillLevel> {
        let read = u8::try_from(level)
            .map_err(|_| "a skill level is 1 to 8".to_owned())
            .and_then(|l| SkillLevel::try_from(l).map_err(|bad| bad.0));
        self.keep(field, read)
    }

    /// A skill level, or 0: `Some(None)`.
    pub fn optional_level(&mut self, field: &str, level: u32) -> Option<Option<SkillLevel>> {
        if level == 0 {
            Some(None)
        } else {
            self.level(field, level).map(Some)
        }
    }

    /// A small number.
    pub fn small(&mut self, field: &str, number: u32) -> Option<u16> {
        self.keep(
            field,
            u16::try_from(number).map_err(|_| "at most 65535".to_owned()),
        )
    }

    /// A positive amount of money.
    pub fn fen(&mut self, field: &str, fen: i64) -> Option<Fen> {
        let read = if (1..=Fen::MAX.0).contains(&fen) {
            Ok(Fen(fen))
        } else {
            Err(format!("more than 0 and at most {} fen", Fen::MAX.0))
        };
        self.keep(field, read)
    }

    /// A day `YYYY-MM-DD`.
    pub fn date(&mut self, field: &str, text: &str) -> Option<Date> {
        let read = text
            .parse::<Date>()
            .ok()
            .filter(|date| date.to_string() == text && (1900..=2199).contains(&date.year()));
        self.keep(field, read.ok_or_else(|| "a day is YYYY-MM-DD".to_owned()))
    }

    /// A timestamp.
    pub fn instant(&mut self, field: &str, at: &prost_types::Timestamp) -> Option<Instant> {
        let in_range =
            (0..=7_258_118_400).contains(&at.seconds) && (0..1_000_000_000).contains(&at.nanos);
        let read = if in_range {
            Ok(Instant(
                at.seconds * 1_000 + i64::from(at.nanos) / 1_000_000,
            ))
        } else {
            Err("a time between 1970 and 2200".to_owned())
        };
        self.keep(field, read)
    }

    /// A timestamp, or none: `Some(None)`.
    pub fn optional_instant(
        &mut self,
        field: &str,
        at: Option<&prost_types::Timestamp>,
    ) -> Option<Option<Instant>> {
        match at {
            None => Some(None),
            Some(at) => self.instant(field, at).map(Some),
        }
    }

    /// A hash of 32 bytes.
    pub fn digest(&mut self, field: &str, bytes: &[u8]) -> Option<Digest> {
        let read = <[u8; 32]>::try_from(bytes)
            .map(Digest)
            .map_err(|_| format!("a hash is 32 bytes, not {}", bytes.len()));
        self.keep(field, read)
    }

    /// The same, or empty: `Some(None)`.
    pub fn optional_digest(&mut self, field: &str, bytes: &[u8]) -> Option<Option<Digest>> {
        if bytes.is_empty() {
            Some(None)
        } else {
            self.digest(field, bytes).map(Some)
        }
    }

    /// A message that must be there.
    pub fn required<'m, T>(&mut self, field: &str, message: Option<&'m T>) -> Option<&'m T> {
        if message.is_none() {
            self.wrong(field, "must be there");
        }
        message
    }

    /// The holder's own confirmation.
    pub fn confirmation(
        &mut self,
        field: &str,
        given: Option<&v1::Confirmation>,
    ) -> Option<Confirmation> {
        let given = self.required(field, given)?;
        self.within(field, |r| {
            let by = r.confirmed_by("by", given.by());
            let evidence = r.digest("evidence", &given.evidence);
            let witness = r.optional_code("witness", &given.witness);
            Some(Confirmation {
                by: by?,
                evidence: evidence?,
                witness: witness?,
            })
        })
    }

    /// How somebody confirmed.
    pub fn confirmed_by(&mut self, field: &str, how: v1::ConfirmedBy) -> Option<ConfirmedBy> {
        let how = match how {
            v1::ConfirmedBy::Phone => Some(ConfirmedBy::Phone),
            v1::ConfirmedBy::Card => Some(ConfirmedBy::Card),
            v1::ConfirmedBy::Paper => Some(ConfirmedBy::Paper),
            v1::ConfirmedBy::CallBack => Some(ConfirmedBy::CallBack),
            v1::ConfirmedBy::Unspecified => None,
        };
        self.said(field, how)
    }

    /// An enum's value that must be said and known.
    pub fn said<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.wrong(field, "must be one of the values that the API knows");
        }
        value
    }

    /// A presented identity number's lookup tag. The number itself goes no further.
    pub fn identity(&mut self, field: &str, number: &str) -> Option<Tag> {
        let region = self.region.clone()?;
        self.keep(field, (self.edge.identity)(&region, number))
    }

    /// The nullifier of a presented identity number's day. The number itself goes no further.
    pub fn day(&mut self, field: &str, number: &str, date: Date) -> Option<Tag> {
        self.keep(field, (self.edge.day)(number, date))
    }

    /// A certificate's number, as a nullifier and a commitment; it goes no further. One certificate has one spelling, or it would pass
    /// for two.
    pub fn certificate(&mut self, field: &str, number: &str) -> Option<(Tag, Digest)> {
        let spelt = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        if !(4..=40).contains(&number.len()) || !number.bytes().all(spelt) {
            self.wrong(
                field,
                "4 to 40 capital letters and digits, as printed, without spaces",
            );
            return None;
        }
        let region = self.region.clone()?;
        Some((self.edge.certificate)(&region, number))
    }

    /// A presented token.
    pub fn token(
        &mut self,
        field: &str,
        token: &str,
        voucher: Option<VoucherId>,
    ) -> Option<PresentedToken> {
        if token.is_empty() || token.len() > MOST_TEXT {
            self.wrong(field, "a voucher token, a compact JWS");
            return None;
        }
        Some((self.edge.token)(token, voucher?))
    }

    /// A request id.
    pub fn request_id(&mut self, id: &str) -> Option<RequestId> {
        self.code("request_id", id)
    }
}
