//! Facts as rows: where a key stands, and how a fact reads there. An impossible row is an error with its place, never a default.

use std::str::FromStr;

use hefu_domain::state::*;
use hefu_domain::{
    Fact, Instant, InstitutionId, Key, PersonId, Place, PlanYear, Region, SheetId, StaffId,
    TokenStatus, token_status,
};
use hefu_store::{FactKey, Row, StoreError, Table};
use serde::Serialize;

/// Where a key's row stands: its table, and its id within the region.
pub fn place(key: &Key) -> (Table, String) {
    match key {
        Key::Region => (Table::RegionState, "region".to_owned()),
        Key::Policy(year) => (Table::Policy, year.to_string()),
        Key::Calendar(year) => (Table::Calendar, year.to_string()),
        Key::Year(year) => (Table::PlanYear, year.to_string()),
        Key::Account(year, source) => (Table::Account, format!("{year}/{source}")),
        Key::TopUp(id) => (Table::TopUp, id.to_string()),
        Key::Credential(id) => (Table::Credential, id.to_string()),
        Key::Person(id) => (Table::Person, id.to_string()),
        Key::Import(id) => (Table::Import, id.to_string()),
        Key::Institution(id) => (Table::Institution, id.to_string()),
        Key::CatalogueEntry(id) => (Table::CatalogueEntry, catalogue_id(id)),
        Key::Booking(resource) => (Table::Booking, resource.to_string()),
        Key::Class(id) => (Table::Class, id.to_string()),
        Key::Attendance(id) => (Table::Attendance, id.to_string()),
        Key::Employment(id) => (Table::Employment, id.to_string()),
        Key::Session(id) => (Table::AssessmentSession, id.to_string()),
        Key::Sheet(id) => (Table::Sheet, id.to_string()),
        Key::Voucher(id) => (Table::Voucher, id.to_string()),
        Key::Sample(id) => (Table::Sample, id.to_string()),
        Key::Inspection(id) => (Table::Inspection, id.to_string()),
        Key::Finding(id) => (Table::Finding, id.to_string()),
        Key::Flag(id) => (Table::Flag, id.to_string()),
        Key::Credit(id) => (Table::Credit, id.to_string()),
    }
}

/// The key whose row stands there; `None` if no key's does. [`place`] the other way round.
pub fn key(table: Table, id: &str) -> Option<Key> {
    fn parse<T: FromStr>(text: &str) -> Option<T> {
        text.parse().ok()
    }
    fn year(text: &str) -> Option<PlanYear> {
        PlanYear::try_from(parse::<u16>(text)?).ok()
    }
    let key = match table {
        Table::RegionState => Key::Region,
        Table::Policy => Key::Policy(year(id)?),
        Table::Calendar => Key::Calendar(parse(id)?),
        Table::PlanYear => Key::Year(year(id)?),
        Table::Account => {
            let (of, source) = id.split_once('/')?;
            Key::Account(year(of)?, parse(source)?)
        }
        Table::Credential => Key::Credential(parse(id)?),
        Table::TopUp => Key::TopUp(parse(id)?),
        Table::Person => Key::Person(parse(id)?),
        Table::Import => Key::Import(parse(id)?),
        Table::Institution => Key::Institution(parse(id)?),
        Table::CatalogueEntry => {
            let mut parts = id.splitn(4, '/');
            let of = year(parts.next()?)?;
            let capacity = serde_json::Value::from(parts.next()?);
            Key::CatalogueEntry(CatalogueEntryId {
                year: of,
                capacity: serde_json::from_value(capacity).ok()?,
                occupation: parse(parts.next()?)?,
                institution: parse(parts.next()?)?,
            })
        }
        Table::Booking => Key::Booking(parse(id)?),
        Table::Class => Key::Class(parse(id)?),
        Table::Attendance => Key::Attendance(parse(id)?),
        Table::Employment => Key::Employment(parse(id)?),
        Table::AssessmentSession => Key::Session(parse(id)?),
        Table::Sheet => Key::Sheet(parse(id)?),
        Table::Voucher => Key::Voucher(parse(id)?),
        Table::Sample => Key::Sample(parse(id)?),
        Table::Inspection => Key::Inspection(parse(id)?),
        Table::Finding => Key::Finding(parse(id)?),
        Table::Flag => Key::Flag(parse(id)?),
        Table::Credit => Key::Credit(parse(id)?),
    };
    // A number may be spelt in more ways than one: only one of them is the row's.
    (place(&key).1 == id).then_some(key)
}

/// A stream's name in the log: the table of the thing that it is about, and its id.
pub fn stream(key: &Key) -> String {
    let (table, id) = place(key);
    format!("{}/{id}", table.spec().name)
}

fn catalogue_id(id: &CatalogueEntryId) -> String {
    format!(
        "{}/{}/{}/{}",
        id.year,
        text(&id.capacity),
        id.occupation,
        id.institution
    )
}

/// A key's row in the store.
pub fn fact_key(region: &str, key: &Key) -> FactKey {
    let (table, id) = place(key);
    FactKey {
        region: region.to_owned(),
        table,
        id,
    }
}

/// A unit variant's name as it is serialised.
fn text<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// The row of a fact, with its links. `version` and `leaf` are its stream's.
pub fn row(
    region: &str,
    key: &Key,
    fact: &Fact,
    version: u64,
    leaf: Option<[u8; 32]>,
) -> Result<Row, StoreError> {
    row_after(region, key, None, fact, version, leaf)
}

/// The row of a fact that was another one before: with its links only if they are others now.
pub(crate) fn row_after(
    region: &str,
    key: &Key,
    before: Option<&Fact>,
    fact: &Fact,
    version: u64,
    leaf: Option<[u8; 32]>,
) -> Result<Row, StoreError> {
    let (table, id) = place(key);
    let body = serde_json::to_string(fact).map_err(|_| StoreError::Corrupt {
        table: table.spec().name,
        column: "body",
        key: id.clone(),
    })?;
    let columns = columns(key, fact);
    let links = links(fact).filter(|now| before.and_then(links).as_ref() != Some(now));
    Ok(Row {
        region: region.to_owned(),
        table,
        id,
        version,
        leaf,
        columns,
        links: links.map(Links::texts),
        body,
    })
}

/// The index columns of a fact's row, in the order of its table's spec.
fn columns(key: &Key, fact: &Fact) -> Vec<Option<String>> {
    match (key, fact) {
        (Key::Account(year, source), _) => vec![Some(year.to_string()), Some(source.to_string())],
        (_, Fact::Credential(f)) => {
            let roles: Vec<String> = f.roles.iter().map(text).collect();
            vec![
                Some(f.person.to_string()),
                Some(roles.join(",")),
                f.institution.as_ref().map(ToString::to_string),
            ]
        }
        (_, Fact::Institution(f)) => vec![Some(text(&f.standing))],
        (Key::CatalogueEntry(id), Fact::CatalogueEntry(f)) => {
            vec![
                Some(id.institution.to_string()),
                Some(id.occupation.to_string()),
                Some(text(&f.standing)),
                Some(text(&id.capacity)),
                Some(id.year.to_string()),
                f.standing.is_published().then(|| "yes".to_owned()),
            ]
        }
        (_, Fact::TopUp(f)) => vec![Some(f.code().to_owned()), Some(f.year.to_string())],
        (_, Fact::Class(f)) => vec![
            Some(text(&f.state)),
            Some(f.filing.deliverer.to_string()),
            Some(f.filing.payee.to_string()),
            Some(f.filing.sponsor.to_string()),
            Some(f.filing.year.to_string()),
        ],
        (_, Fact::Session(f)) => vec![
            Some(text(&f.state)),
            Some(f.filing.body.to_string()),
            Some(f.filing.payee.to_string()),
            Some(f.filing.year.to_string()),
        ],
        (_, Fact::Sheet(f)) => {
            vec![
                Some(f.state.code().to_owned()),
                Some(f.payee.to_string()),
                Some(f.year.to_string()),
                Some(occasion(&f.occasion)),
            ]
        }
        (_, Fact::Voucher(f)) => voucher_columns(f),
        (_, Fact::Inspection(f)) => vec![Some(f.class.to_string())],
        (_, Fact::Finding(f)) => vec![
            Some(f.state.code().to_owned()),
            f.institution.as_ref().map(ToString::to_string),
        ],
        (_, Fact::Flag(f)) => vec![
            Some(f.state.code().to_owned()),
            Some(f.rule.as_str().to_owned()),
        ],
        (_, Fact::Credit(f)) => vec![Some(f.class.as_str().to_owned())],
        (
            _,
            Fact::Region(_)
            | Fact::Policy(_)
            | Fact::Calendar(_)
            | Fact::Year(_)
            | Fact::Account(_)
            | Fact::Person(_)
            | Fact::Import(_)
            | Fact::CatalogueEntry(_)
            | Fact::Booking(_)
            | Fact::Attendance(_)
            | Fact::Employment(_)
            | Fact::Sample(_),
        ) => Vec::new(),
    }
}

/// Where a voucher was earned or will be, and on which sheet it is claimed.
fn earned(voucher: &Voucher) -> (Option<Occasion>, Option<&SheetId>) {
    match &voucher.state {
        VoucherState::Enrolled { class, .. } => (Some(Occasion::Class(*class)), None),
        VoucherState::Completed { occasion, .. } => (Some(*occasion), None),
        VoucherState::Claimed {
            occasion, sheet, ..
        }
        | VoucherState::Approved {
            occasion, sheet, ..
        }
        | VoucherState::Paid {
            occasion, sheet, ..
        } => (Some(*occasion), Some(sheet)),
        VoucherState::WrittenOff { sheet } => (None, Some(sheet)),
        VoucherState::Ended { claim, .. } => (
            claim.as_ref().map(|c| c.occasion),
            claim.as_ref().map(|c| &c.sheet),
        ),
        VoucherState::Applied | VoucherState::Issued => (None, None),
    }
}

/// state, year, programme, sheet, due, entry in its status list.
fn voucher_columns(voucher: &Voucher) -> Vec<Option<String>> {
    let (_, sheet) = earned(voucher);
    vec![
        Some(voucher.state.code().to_owned()),
        Some(voucher.year.to_string()),
        Some(voucher.programme.as_str().to_owned()),
        sheet.map(ToString::to_string),
        voucher.due.map(|due: Instant| due.to_string()),
        voucher
            .place
            .map(|place| status_entry(place, token_status(voucher))),
    ]
}

/// What a voucher belongs to.
#[derive(PartialEq)]
struct Links<'a> {
    person: PersonId,
    occasion: Option<Occasion>,
    status_list: Option<u64>,
    employer: Option<&'a InstitutionId>,
    /// The institution's person who applied for the holder. The bureau's people see every voucher anyhow.
    applicant: Option<&'a StaffId>,
    /// Of what was written off, the sheet is all that says whose it was.
    written_off: Option<&'a SheetId>,
}

impl Links<'_> {
    /// In the order of the table's spec.
    fn texts(self) -> Vec<Option<String>> {
        vec![
            Some(self.person.to_string()),
            self.occasion.as_ref().map(occasion),
            self.status_list.map(|list| list.to_string()),
            self.employer.map(ToString::to_string),
            self.applicant.map(ToString::to_string),
            self.written_off.map(ToString::to_string),
        ]
    }
}

/// The links of a fact that has any.
fn links(fact: &Fact) -> Option<Links<'_>> {
    let Fact::Voucher(voucher) = fact else {
        return None;
    };
    let (occasion, sheet) = earned(voucher);
    Some(Links {
        person: voucher.person,
        occasion,
        status_list: voucher.place.map(Place::list),
        employer: voucher.employer.as_ref(),
        applicant: Some(&voucher.hands.applied).filter(|who| !who.is_plain()),
        written_off: sheet.filter(|_| occasion.is_none()),
    })
}

/// A voucher's entry in a status list as its row has it: the place within the list, and what is said there.
fn status_entry(place: Place, status: TokenStatus) -> String {
    format!("{}/{}", place.within(), status.value())
}

/// Reads a status list's entry back: the place within the list, and what is said there.
///
/// # Errors
/// `Corrupt` for what is none.
pub fn read_status_entry(region: &Region, entry: &str) -> Result<(u16, TokenStatus), StoreError> {
    let read = || {
        let (place, value) = entry.split_once('/')?;
        let value: u8 = value.parse().ok()?;
        let status = TokenStatus::ALL.iter().find(|s| s.value() == value)?;
        Some((place.parse().ok()?, *status))
    };
    read().ok_or_else(|| StoreError::Corrupt {
        table: Table::Voucher.spec().name,
        column: "status_entry",
        key: format!("{region}/{}", entry.escape_default()),
    })
}

fn occasion(occasion: &Occasion) -> String {
    match occasion {
        Occasion::Class(id) => id.to_string(),
        Occasion::Session(id) => id.to_string(),
    }
}

/// Reads a row's fact back.
///
/// # Errors
/// `Corrupt` with table, column and key when the body is not this table's.
pub fn fact(row: &Row) -> Result<Fact, StoreError> {
    let corrupt = |column| StoreError::Corrupt {
        table: row.table.spec().name,
        column,
        key: format!("{}/{}", row.region, row.id),
    };
    let key = key(row.table, &row.id).ok_or_else(|| corrupt("id"))?;
    Fact::read(&key, row.body.as_bytes()).map_err(|_| corrupt("body"))
}
