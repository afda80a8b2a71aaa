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

/// The name of the table that holds a table's links, and its columns; none where it has none.
pub(crate) fn links(table: Table) -> Option<(String, Vec<&'static str>)> {
    let spec = table.spec();
    let columns = ["region", "id"].iter().chain(spec.links).copied().collect();
    (!spec.links.is_empty()).then(|| (format!("{}_link", spec.name), columns))
}

/// The tail of an upsert into a table whose first columns are region and id: all others take the new value.
pub(crate) fn overwrite(columns: &[&str]) -> String {
    let sets: Vec<String> = columns
        .iter()
        .skip(2)
        .map(|c| format!("{c} = excluded.{c}"))
        .collect();
    format!("ON CONFLICT (region, id) DO UPDATE SET {}", sets.join(", "))
}

/// One page of a whole table of one region, links and all. Parameters: region, after, limit.
pub(crate) fn rows(table: Table, mark: char) -> String {
    let name = table.spec().name;
    let mut columns = joined(&columns(table), "t.");
    let mut linked = String::new();
    if let Some((link, _)) = links(table) {
        columns = format!("{columns}, {}", joined(table.spec().links, "l."));
        linked = format!(" LEFT JOIN {link} AS l ON l.region = t.region AND l.id = t.id");
    }
    format!(
        "SELECT {columns} FROM {name} AS t{linked} WHERE t.region = {mark}1 AND t.id > {mark}2 ORDER BY t.id LIMIT {mark}3"
    )
}

/// The vouchers that are due before an instant, the earliest first. Parameters: region, instant, limit.
pub(crate) fn due(mark: char) -> String {
    format!(
        "SELECT v.id FROM voucher AS v WHERE v.region = {mark}1 AND v.due < {mark}2 AND (v.state <> 'claimed' OR EXISTS \
         (SELECT 1 FROM sheet AS s WHERE s.region = {mark}1 AND s.id = v.sheet AND s.state = 'open')) ORDER BY v.due LIMIT {mark}3"
    )
}

/// The next instant at which a voucher is due. Parameters: region, from when on.
pub(crate) fn next_due(mark: char) -> String {
    format!("SELECT min(due) FROM voucher WHERE region = {mark}1 AND due >= {mark}2")
}

/// Counters by item and month: whole months, and of the two in which the days begin and end what the days say. `later` and `earlier` are
/// the engine's functions for the larger and the smaller of two texts. Parameters: region, subject, first item, end of the items, the day
/// before the first, the last day, and the months of these two.
pub(crate) fn report_sums(mark: char, later: &str, earlier: &str) -> String {
    let of =
        format!("region = {mark}1 AND subject = {mark}2 AND item >= {mark}3 AND item < {mark}4");
    format!(
        "SELECT item, month, value FROM (
            SELECT item, month, value FROM report_month WHERE {of} AND month > {mark}7 AND month < {mark}8
            UNION ALL
            SELECT item, month, (SELECT CAST(SUM(c.value) AS BIGINT) FROM report_count AS c
                WHERE c.region = m.region AND c.subject = m.subject AND c.item = m.item
                AND c.day > {later}({mark}5, m.month) AND c.day <= {earlier}({mark}6, m.month || '-31'))
            FROM report_month AS m WHERE {of} AND month IN ({mark}7, {mark}8)
        ) AS sums WHERE value IS NOT NULL ORDER BY item, month"
    )
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
    let given: Vec<(&str, String)> = (3..)
        .zip(equals)
        .map(|(at, column)| (*column, format!("{mark}{at}")))
        .collect();
    let next = 3 + equals.len() + usize::from(due);
    let limit = next + shown.values(table).len();
    let clause = shown.clause(table, mark, next);
    let (ways, clause) = match narrow(table, &given, mark) {
        narrow if narrow.is_empty() => match shown.ways(table, mark, next) {
            few if few.len() < 2 => (Vec::new(), clause),
            ways => (ways, String::new()), // they show nothing else
        },
        narrow => (narrow, clause),
    };
    // SQLite takes the first index that fits; a term it cannot use for one leaves it the one that is meant.
    let loose = if !ways.is_empty() && mark == '?' {
        "+"
    } else {
        ""
    };
    let mut filter = String::new();
    for (column, value) in given
        .iter()
        .filter(|(column, _)| spec.link(column).is_none())
    {
        filter.push_str(&format!(" AND {loose}{column} = {value}"));
    }
    if due {
        filter.push_str(&format!(" AND {loose}due < {mark}{}", next - 1));
    }
    let (name, columns) = (spec.name, joined(&columns(table), ""));
    if ways.is_empty() {
        // SQLite would walk the ids in order and look at every row for the few that are due; a term it
        // cannot use for that sends it to the index that ends in `due`.
        let id = if due && mark == '?' { "+id" } else { "id" };
        let rows = format!("FROM {name} WHERE region = {mark}1 AND {id} > {mark}2{filter}{clause}");
        return match count {
            true => format!("SELECT count(*) {rows}"),
            false => format!("SELECT {columns} {rows} ORDER BY {id} LIMIT {mark}{limit}"),
        };
    }
    walked(
        table,
        &ways,
        filter + &clause,
        mark,
        (!count).then_some(limit),
    )
}

/// The rows to which any of these ways leads, or their number where there is no parameter for a limit. The ids are found in the links,
/// where the table has any, and the rest is then asked of its rows.
fn walked(
    table: Table,
    ways: &[String],
    filter: String,
    mark: char,
    limit: Option<usize>,
) -> String {
    let name = table.spec().name;
    let (home, inside, outside) = match links(table) {
        Some((link, _)) => (link, String::new(), filter),
        None => (name.to_owned(), filter, String::new()),
    };
    let walk = |way: &String| {
        format!("SELECT id FROM {home} WHERE region = {mark}1 AND id > {mark}2{inside} AND {way}")
    };
    let walks: Vec<String> = ways.iter().map(walk).collect();
    let theirs = format!("({}) AS theirs", walks.join(" UNION "));
    let rows = |ids: &str| {
        format!("FROM {name} WHERE region = {mark}1 AND id IN (SELECT id FROM {ids}){outside}")
    };
    let Some(limit) = limit else {
        return match outside.is_empty() {
            true => format!("SELECT count(*) FROM {theirs}"),
            false => format!("SELECT count(*) {}", rows(&theirs)),
        };
    };
    let (columns, page) = (
        joined(&columns(table), ""),
        format!("ORDER BY id LIMIT {mark}{limit}"),
    );
    match outside.is_empty() {
        // Cut to the page before any row is read.
        true => format!(
            "SELECT {columns} {} ORDER BY id",
            rows(&format!("{theirs} {page}"))
        ),
        false => format!("SELECT {columns} {} {page}", rows(&theirs)),
    }
}

/// How the links lead to the few rows that have these columns; empty where none of them is one.
fn narrow(table: Table, given: &[(&str, String)], mark: char) -> Vec<String> {
    let spec = table.spec();
    let mut linked = given
        .iter()
        .filter(|(column, _)| spec.link(column).is_some());
    if let Some((column, value)) = linked.next() {
        let first = format!("{column} = {value}");
        return vec![linked.fold(first, |all, (column, value)| {
            format!("{all} AND {column} = {value}")
        })];
    }
    match given.iter().find(|(column, _)| *column == "sheet") {
        // A sheet claims one class's vouchers, or one session's, and of those that have none any more it is the link itself.
        Some((_, sheet)) if table == Table::Voucher => vec![
            format!(
                "occasion IN (SELECT occasion FROM sheet WHERE region = {mark}1 AND id = {sheet})"
            ),
            format!("written_off = {sheet}"),
        ],
        _ => Vec::new(),
    }
}
