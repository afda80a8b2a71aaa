//! Which of a list's rows are shown to whoever asks. It is decided in the statement: a page that left rows out afterwards would tell by
//! its length, and by whether another follows, how many there are.

use crate::sql::links;
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
            Shown::Clear { .. } => matches!(
                table,
                Table::Institution | Table::CatalogueEntry | Table::Credit
            ),
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
            Shown::Of { .. } => {
                let mut parts = by_columns(table, &first, &second);
                if table == Table::Voucher {
                    parts.extend(stands_where(mark, &first));
                }
                let any = parts.join(" OR ");
                match links(table) {
                    Some((link, _)) => format!(
                        " AND EXISTS (SELECT 1 FROM {link} AS l WHERE l.region = {mark}1 AND l.id = {}.id AND ({any}))",
                        table.spec().name
                    ),
                    None => format!(" AND ({any})"),
                }
            }
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

    /// The ways to have a part in a row, each of which is a walk of one index from its beginning, for a list that no column narrows down
    /// by itself. What an institution's page costs depends on what the institution has then, not on what its region has. Empty where
    /// the rows are walked in order.
    pub(crate) fn ways(&self, table: Table, mark: char, next: usize) -> Vec<String> {
        let (first, second) = (format!("{mark}{next}"), format!("{mark}{}", next + 1));
        match self {
            Shown::All | Shown::Clear { .. } | Shown::Noticed { .. } => Vec::new(),
            Shown::Of { .. } => {
                let mut ways = by_columns(table, &first, &second);
                if table == Table::Voucher {
                    ways.extend(reached_from(mark, &first));
                }
                ways
            }
        }
    }
}

/// The index columns that name a part in a row.
fn by_columns(table: Table, institution: &str, person: &str) -> Vec<String> {
    let is = |column| format!("{column} = {institution}");
    match table {
        Table::Class => ["deliverer", "payee", "sponsor"].map(is).into(),
        Table::AssessmentSession => ["assessor", "payee"].map(is).into(),
        Table::Sheet => vec![is("payee")],
        _ => vec![is("employer"), format!("applicant = {person}")],
    }
}

/// Whether a voucher stands in an institution's class or session, or was written off with its sheet, asked of one voucher.
fn stands_where(mark: char, institution: &str) -> [String; 3] {
    let theirs = |table: Table, column: &str| {
        let (name, parts) = (table.spec().name, by_columns(table, institution, ""));
        format!(
            "EXISTS (SELECT 1 FROM {name} AS t WHERE t.region = {mark}1 AND t.id = l.{column} AND (t.{}))",
            parts.join(" OR t.")
        )
    };
    [
        theirs(Table::Class, "occasion"),
        theirs(Table::AssessmentSession, "occasion"),
        theirs(Table::Sheet, "written_off"),
    ]
}

/// The same, asked of the classes, sessions and sheets.
fn reached_from(mark: char, institution: &str) -> [String; 3] {
    let theirs = |table: Table| {
        let name = table.spec().name;
        let ids = by_columns(table, institution, "");
        let ids = ids
            .iter()
            .map(|part| format!("SELECT id FROM {name} WHERE region = {mark}1 AND {part}"));
        ids.collect::<Vec<_>>().join(" UNION ")
    };
    [
        format!("occasion IN ({})", theirs(Table::Class)),
        format!("occasion IN ({})", theirs(Table::AssessmentSession)),
        format!("written_off IN ({})", theirs(Table::Sheet)),
    ]
}

/// A field of a row's body as text, by its path.
fn field(path: &str, mark: char) -> String {
    if mark == '?' {
        format!("json_extract(body, '$.{path}')")
    } else {
        format!("(body::jsonb #>> '{{{}}}')", path.replace('.', ","))
    }
}
