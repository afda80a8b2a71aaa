//! Which of a list's rows are shown to whoever asks. It is decided in the statement: a page that left rows out afterwards would tell by
//! its length, and by whether another follows, how many there are.

use crate::tables::Table;

/// Which rows a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Shown {
    /// All of them.
    #[default]
    All,
    /// Those in which an institution has a part, and the vouchers that this person of it applied for.
    Of { institution: String, person: String },
    /// Those whose institution's code does not begin so, or is this one.
    Clear { hidden: String, own: String },
    /// Sheets whose public notice runs on that day.
    Noticed { day: String },
}

impl Shown {
    /// Whether the table's rows say what is asked of them.
    pub(crate) fn fits(&self, table: Table) -> bool {
        match self {
            Shown::All => true,
            Shown::Of { .. } => matches!(
                table,
                Table::Class | Table::AssessmentSession | Table::Sheet | Table::Voucher
            ),
            Shown::Clear { .. } => matches!(table, Table::Institution | Table::CatalogueEntry),
            Shown::Noticed { .. } => table == Table::Sheet,
        }
    }

    /// What the clause is given, in its order.
    pub(crate) fn values(&self, table: Table) -> Vec<&String> {
        match self {
            Shown::All => Vec::new(),
            Shown::Of {
                institution,
                person,
            } if table == Table::Voucher => vec![institution, person],
            Shown::Of { institution, .. } => vec![institution],
            Shown::Clear { hidden, own } => vec![hidden, own],
            Shown::Noticed { day } => vec![day],
        }
    }

    /// What a row must meet, over parameters from `next` on; the region is the first. Empty for all rows.
    pub(crate) fn clause(&self, table: Table, mark: char, next: usize) -> String {
        let (first, second) = (format!("{mark}{next}"), format!("{mark}{}", next + 1));
        match self {
            Shown::All => String::new(),
            Shown::Of { .. } => format!(" AND {}", has_part(table, mark, &first, &second)),
            Shown::Clear { .. } => {
                let code = match table {
                    Table::CatalogueEntry => "institution",
                    _ => "id",
                };
                format!(" AND (substr({code}, 1, length({first})) <> {first} OR {code} = {second})")
            }
            Shown::Noticed { .. } => {
                let until = field("notice_until", mark);
                format!(" AND {until} >= {first}")
            }
        }
    }
}

/// Whether an institution has a part in a row; what is not among its columns is read from its body.
fn has_part(table: Table, mark: char, institution: &str, person: &str) -> String {
    let is = |path| format!("{} = {institution}", field(path, mark));
    // Reading a body costs more than looking for a code in it.
    let find = if mark == '?' { "instr" } else { "strpos" };
    let named = format!("{find}(body, {institution}) > 0");
    match table {
        Table::Class => format!(
            "(deliverer = {institution} OR ({named} AND ({} OR {})))",
            is("filing.payee"),
            is("filing.sponsor")
        ),
        Table::AssessmentSession => format!(
            "(assessor = {institution} OR ({named} AND {}))",
            is("filing.payee")
        ),
        Table::Sheet => format!("payee = {institution}"),
        _ => {
            let theirs = |table: Table| {
                format!(
                    "SELECT id FROM {} WHERE region = {mark}1 AND {}",
                    table.spec().name,
                    has_part(table, mark, institution, person)
                )
            };
            format!(
                "(({named} AND ({} OR {} = {person})) OR occasion IN ({}) OR occasion IN ({}) OR (occasion IS NULL AND sheet IN ({})))",
                is("employer"),
                field("hands.applied", mark),
                theirs(Table::Class),
                theirs(Table::AssessmentSession),
                theirs(Table::Sheet)
            )
        }
    }
}

/// A field of a row's body as text, by its path.
fn field(path: &str, mark: char) -> String {
    if mark == '?' {
        format!("json_extract(body, '$.{path}')")
    } else {
        format!("(body::jsonb #>> '{{{}}}')", path.replace('.', ","))
    }
}
