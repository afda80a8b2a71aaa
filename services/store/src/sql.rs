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

/// Columns that leave few rows over wherever they are asked for.
const NARROW: [&str; 3] = ["person", "occasion", "sheet"];

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
    let mut next = 3;
    let mut filter = String::new();
    let ways = shown.ways(table, mark, 3 + equals.len() + usize::from(due));
    let by_ways = ways.len() > 1 && !equals.iter().any(|column| NARROW.contains(column));
    // SQLite takes the first index that fits; a term it cannot use for one leaves it the one that is meant.
    let loose = if by_ways && mark == '?' { "+" } else { "" };
    for column in equals {
        filter.push_str(&format!(" AND {loose}{column} = {mark}{next}"));
        next += 1;
    }
    if due {
        filter.push_str(&format!(" AND due < {mark}{next}"));
        next += 1;
    }
    let limit = next + shown.values(table).len();
    let (name, columns) = (table.spec().name, joined(&columns(table), ""));
    if by_ways {
        let walk = |way| {
            format!(
                "SELECT id FROM {name} WHERE region = {mark}1 AND id > {mark}2{filter} AND {way}"
            )
        };
        let walks: Vec<String> = ways.iter().map(walk).collect();
        let theirs = format!("({}) AS theirs", walks.join(" UNION "));
        return match count {
            true => format!("SELECT count(*) FROM {theirs}"),
            false => format!(
                "SELECT {columns} FROM {name} WHERE region = {mark}1 AND id IN (SELECT id FROM {theirs} ORDER BY id LIMIT {mark}{limit}) ORDER BY id"
            ),
        };
    }
    // SQLite would walk the ids in order and look at every row for the few that are due; a term it
    // cannot use for that sends it to the index that ends in `due`.
    let id = if due && mark == '?' { "+id" } else { "id" };
    let rows = format!(
        "FROM {name} WHERE region = {mark}1 AND {id} > {mark}2{filter}{}",
        shown.clause(table, mark, next)
    );
    match count {
        true => format!("SELECT count(*) {rows}"),
        false => format!("SELECT {columns} {rows} ORDER BY {id} LIMIT {mark}{limit}"),
    }
}
