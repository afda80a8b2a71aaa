//! Facts as rows: where a key stands, and how a fact reads there. An impossible row is an error with its place, never a default.

use hefu_domain::state::*;
use hefu_domain::{Fact, Instant, Key};
use hefu_store::{FactKey, Row, StoreError, Table};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where a key's row stands: its table, and its id within the region.
pub fn place(key: &Key) -> (Table, String) {
    match key {
        Key::Region => (Table::RegionState, "region".to_owned()),
        Key::Policy(year) => (Table::Policy, year.to_string()),
        Key::Calendar(year) => (Table::Calendar, year.to_string()),
        Key::Year(year) => (Table::PlanYear, year.to_string()),
        Key::Account(year, source) => (Table::Account, format!("{year}/{source}")),
        Key::Credential(id) => (Table::Credential, id.to_string()),
        Key::Person(id) => (Table::Person, id.to_string()),
        Key::Institution(id) => (Table::Institution, id.to_string()),
        Key::CatalogueEntry(id) => (Table::CatalogueEntry, catalogue_id(id)),
        Key::Booking(resource) => (Table::Booking, resource.to_string()),
        Key::Class(id) => (Table::Class, id.to_string()),
        Key::Attendance(id) => (Table::Attendance, id.to_string()),
        Key::Employment(id) => (Table::Employment, id.to_string()),
        Key::Session(id) => (Table::AssessmentSession, id.to_string()),
        Key::Sheet(id) => (Table::Sheet, id.to_string()),
        Key::Voucher(id) => (Table::Voucher, id.to_string()),
    }
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

/// The row of a fact. `version` and `leaf` are its stream's.
pub fn row(
    region: &str,
    key: &Key,
    fact: &Fact,
    version: u64,
    leaf: Option<[u8; 32]>,
) -> Result<Row, StoreError> {
    let (table, id) = place(key);
    let encoded = match fact {
        Fact::Region(f) => serde_json::to_string(f),
        Fact::Policy(f) => serde_json::to_string(f),
        Fact::Calendar(f) => serde_json::to_string(f),
        Fact::Year(f) => serde_json::to_string(f),
        Fact::Account(f) => serde_json::to_string(f),
        Fact::Credential(f) => serde_json::to_string(f),
        Fact::Person(f) => serde_json::to_string(f),
        Fact::Institution(f) => serde_json::to_string(f),
        Fact::CatalogueEntry(f) => serde_json::to_string(f),
        Fact::Booking(f) => serde_json::to_string(f),
        Fact::Class(f) => serde_json::to_string(f),
        Fact::Attendance(f) => serde_json::to_string(f),
        Fact::Employment(f) => serde_json::to_string(f),
        Fact::Session(f) => serde_json::to_string(f),
        Fact::Sheet(f) => serde_json::to_string(f),
        Fact::Voucher(f) => serde_json::to_string(f),
    };
    let body = encoded.map_err(|_| StoreError::Corrupt {
        table: table.spec().name,
        column: "body",
        key: id.clone(),
    })?;
    let columns = columns(key, fact);
    Ok(Row {
        region: region.to_owned(),
        table,
        id,
        version,
        leaf,
        columns,
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
            ]
        }
        (_, Fact::Class(f)) => vec![
            Some(text(&f.state)),
            Some(f.filing.deliverer.to_string()),
            Some(f.filing.year.to_string()),
        ],
        (_, Fact::Session(f)) => vec![
            Some(text(&f.state)),
            Some(f.filing.body.to_string()),
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
        (
            _,
            Fact::Region(_)
            | Fact::Policy(_)
            | Fact::Calendar(_)
            | Fact::Year(_)
            | Fact::Account(_)
            | Fact::Person(_)
            | Fact::CatalogueEntry(_)
            | Fact::Booking(_)
            | Fact::Attendance(_)
            | Fact::Employment(_),
        ) => Vec::new(),
    }
}

/// state, year, programme, person, class (or session), sheet, due.
fn voucher_columns(voucher: &Voucher) -> Vec<Option<String>> {
    let (occasion_of, sheet) = match &voucher.state {
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
    };
    vec![
        Some(voucher.state.code().to_owned()),
        Some(voucher.year.to_string()),
        Some(voucher.programme.as_str().to_owned()),
        Some(voucher.person.to_string()),
        occasion_of.as_ref().map(occasion),
        sheet.map(ToString::to_string),
        voucher.due.map(|due: Instant| due.to_string()),
    ]
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
    fn read<T: DeserializeOwned>(row: &Row) -> Result<T, StoreError> {
        serde_json::from_str(&row.body).map_err(|_| StoreError::Corrupt {
            table: row.table.spec().name,
            column: "body",
            key: format!("{}/{}", row.region, row.id),
        })
    }
    Ok(match row.table {
        Table::RegionState => Fact::Region(read(row)?),
        Table::Policy => Fact::Policy(read(row)?),
        Table::Calendar => Fact::Calendar(read(row)?),
        Table::PlanYear => Fact::Year(read(row)?),
        Table::Account => Fact::Account(read(row)?),
        Table::Credential => Fact::Credential(read(row)?),
        Table::Person => Fact::Person(read(row)?),
        Table::Institution => Fact::Institution(read(row)?),
        Table::CatalogueEntry => Fact::CatalogueEntry(read(row)?),
        Table::Booking => Fact::Booking(read(row)?),
        Table::Class => Fact::Class(read(row)?),
        Table::Attendance => Fact::Attendance(read(row)?),
        Table::Employment => Fact::Employment(read(row)?),
        Table::AssessmentSession => Fact::Session(read(row)?),
        Table::Sheet => Fact::Sheet(read(row)?),
        Table::Voucher => Fact::Voucher(read(row)?),
    })
}
