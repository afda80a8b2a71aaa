//! Statement text, made from the table declarations. Only declared names ever stand in it; values
//! are always bound.

use crate::shown::Shown;
use crate::tables::Table;

/// Columns of `event`, in the order every reader decodes.
pub(crate) const EVENT: &str = "region, epoch, idx, kind, stream, version, caller, request, ordinal, digest, at_ms, leaf, bytes";

/// Columns of `head`, in the order every reader decodes.
pub(crate) const HEAD: &str = "region, epoch, size, root, frontier, at_ms, fence, alarm";

/// The columns of a state table, in the order every reader decodes.
pub(crate) fn columns(table: Table) -> Vec<&'static str> {
    let mut all = vec!["region", "id", "version", "leaf"];
    all.extend(table.spec().columns);
    all.push("body");
    all
}

/// `a, b, c` with a prefix before each.
pub(crate) fn joined(columns: &[&str], prefix: &str) -> String {
    columns
        .iter()
        .map(|c| format!("{prefix}{c}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The tail of an upsert: everything but the key takes the new value.
pub(crate) fn overwrite(table: Table) -> String {
    let sets: Vec<String> = columns(table)
        .iter()
        .skip(2)
        .map(|c| format!("{c} = excluded.{c}"))
        .collect();
    format!("ON CONFLICT (region, id) DO UPDATE SET {}", sets.join(", "))
}

/// One page of one region's rows in id order, or their number. Parameters: region, after, then one
/// per equal column, then due (if asked for), then what `shown` is given, then the limit (not for a count).
pub(crate) fn page(
    table: Table,
    equals: &[&'static str],
    due: bool,
    shown: &Shown,
    mark: char,
    count: bool,
) -> String {
    let spec = table.spec();
    let what = if count {
        "count(*)".to_owned()
    } else {
        joined(&columns(table), "")
    };
    // SQLite would walk the ids in order and look at every row for the few that are due; a term it
    // cannot use for that sends it to the index that ends in `due`.
    let id = if due && mark == '?' { "+id" } else { "id" };
    let mut text = format!(
        "SELECT {what} FROM {} WHERE region = {mark}1 AND {id} > {mark}2",
        spec.name
    );
    let mut next = 3;
    for column in equals {
        text.push_str(&format!(" AND {column} = {mark}{next}"));
        next += 1;
    }
    if due {
        text.push_str(&format!(" AND due < {mark}{next}"));
        next += 1;
    }
    text.push_str(&shown.clause(table, mark, next));
    next += shown.values(table).len();
    if !count {
        text.push_str(&format!(" ORDER BY {id} LIMIT {mark}{next}"));
    }
    text
}
