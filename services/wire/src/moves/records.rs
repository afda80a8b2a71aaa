//! Linked records: requests read into moves.

use std::collections::BTreeMap;

use hefu_domain::command::{self as act, Act};
use hefu_domain::state::{ListPart, ListedCertificate};
use hefu_domain::{Date, MOST_CERTIFICATES, Tag};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

/// The most entries of a part; its event's length bounds the days.
const MOST_ENTRIES: usize = 2_400;
/// The longest training of one entry, in days.
const MOST_DAYS: usize = 90;

impl Move for v1::ImportRosterRequest {
    request!("ImportRoster");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let part = part(r, &self.list, self.part, self.parts);
        let department = r.code("department", &self.department);
        let mut days: BTreeMap<Date, Vec<Tag>> = BTreeMap::new();
        let entries = r.list("entries", &self.entries, MOST_ENTRIES, |r, given| {
            for date in dates(r, given)? {
                let tag = r.day("identity_number", &given.identity_number, date)?;
                days.entry(date).or_default().push(tag);
            }
            Some(())
        });
        entries?;
        Some(
            act::ImportRoster {
                part: part?,
                department: department?,
                days,
            }
            .into(),
        )
    }
}

/// The days of an entry, each of them.
fn dates(r: &mut Reader, given: &v1::RosterEntry) -> Option<Vec<Date>> {
    let first = r.date("first_day", &given.first_day);
    let last = match given.last_day.as_str() {
        "" => first,
        text => r.date("last_day", text),
    };
    let (first, last) = (first?, last?);
    let mut dates = vec![first];
    while let Some(next) = dates
        .last()
        .filter(|day| **day < last && dates.len() < MOST_DAYS)
    {
        dates.push(next.tomorrow().ok()?);
    }
    if dates.last() != Some(&last) {
        let rule = format!("not before the first day, and at most {MOST_DAYS} days with it");
        r.wrong("last_day", rule);
        return None;
    }
    Some(dates)
}

impl Move for v1::ImportCertificatesRequest {
    request!("ImportCertificates");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let part = part(r, &self.list, self.part, self.parts);
        let certificates = r.list(
            "certificates",
            &self.certificates,
            MOST_CERTIFICATES,
            |r, given| {
                let person = r.name("person", &given.person, "people");
                let occupation = r.code("occupation", &given.occupation);
                let level = r.level("level", given.level);
                let on = r.date("day", &given.day);
                let certificate = r.certificate("certificate_number", &given.certificate_number);
                let (number, certificate) = certificate?;
                Some(ListedCertificate {
                    person: person?,
                    occupation: occupation?,
                    level: level?,
                    on: on?,
                    number,
                    certificate,
                })
            },
        );
        Some(
            act::ImportCertificates {
                part: part?,
                certificates: certificates?,
            }
            .into(),
        )
    }
}

fn part(r: &mut Reader, list: &str, part: u32, parts: u32) -> Option<ListPart> {
    let list = r.code("list", list);
    let part = r.small("part", part);
    let parts = r.small("parts", parts);
    Some(ListPart {
        list: list?,
        part: part?,
        parts: parts?,
    })
}
