//! What a person reads at the end.

use comfy_table::{CellAlignment, Table, presets};

use super::Outcome;
use super::figures::Figures;

/// Throughput and latency by load, an engine after the other.
pub(crate) fn loads(outcome: &Outcome) -> Table {
    let grown = outcome.told.iter().any(|one| one.vouchers.is_some());
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "engine",
        "load",
        "a second",
        if grown {
            "to the smallest"
        } else {
            "to pgbench"
        },
        "p50, ms",
        "p99, ms",
    ]);
    for one in &outcome.told {
        let figures = &one.figures;
        for load in &figures.loads {
            let of = |name: String, digits: usize| {
                let median = figures.median(&name);
                median.map_or(String::new(), |value| format!("{value:.digits$}"))
            };
            let ratio = of(
                match grown {
                    true => format!("{load}_to_smallest"),
                    false => format!("ratio_{load}"),
                },
                2,
            );
            table.add_row([
                one.name(),
                in_words(load),
                of(format!("{load}_per_second"), 0),
                if ratio.is_empty() {
                    ratio
                } else {
                    format!("{ratio}x")
                },
                of(format!("{load}_p50_ms"), 2),
                of(format!("{load}_p99_ms"), 2),
            ]);
        }
    }
    for column in 2..6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Where the time of one move goes, a table for each load of single calls.
pub(crate) fn profiles(outcome: &Outcome) -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    for one in &outcome.told {
        for (load, counts) in &one.figures.profiles {
            let (batches, table) = counts.told();
            let load = in_words(load);
            let what = format!("{}: one move of {load}, {batches}", one.name());
            tables.push((what, table));
        }
    }
    tables
}

/// A load's name as a person says it.
pub(crate) fn in_words(load: &str) -> String {
    let number = |text: &str| text.parse::<u32>().is_ok();
    if let Some(callers) = load.strip_prefix("single_").filter(|n| number(n)) {
        return format!("redeem, {callers} in flight");
    }
    if let Some(callers) = load.strip_prefix("one_region_").filter(|n| number(n)) {
        return format!("redeem in one region, {callers} in flight");
    }
    if let Some(callers) = load.strip_prefix("two_processes_").filter(|n| number(n)) {
        return format!("redeem by two processes, {callers} in flight");
    }
    match load {
        "bulk" => "redeem in bulk, vouchers",
        "loop_moves" => "the whole loop, moves",
        "reads" => "reads of vouchers",
        "overload" => "redeem, twice the capacity offered",
        "open_loop_70" => "redeem, open loop at 70 % of the most",
        "list_first" => "first pages of vouchers",
        "list_half_way" => "pages of vouchers half-way down",
        "list_applied" => "first pages of applications",
        "list_of_school" => "a school's first page of vouchers",
        "classes_of_school" => "a school's first page of classes",
        "sheets_of_school" => "a school's first page of sheets",
        "find_person" => "people by identity number",
        "history" => "histories of vouchers",
        "streamed_events" => "events streamed",
        "replay_events" => "events verified and replayed",
        other => other,
    }
    .to_owned()
}

/// What it costs, a line an engine.
pub(crate) fn costs(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(tps) = outcome.pgbench() {
        lines.push(format!("pgbench: {tps:.0} transactions a second"));
    }
    for one in &outcome.told {
        let costs = moves(&one.figures);
        if !costs.is_empty() {
            lines.push(format!("{}: a redemption takes {costs}", one.name()));
        }
        if let Some(ratio) = one.figures.median("two_processes_to_one") {
            let name = one.name();
            lines.push(format!(
                "{name}: two processes on the same regions do {ratio:.2} of what one does"
            ));
        }
        if one.figures.median("overload_per_second").is_some() {
            let said = super::overload::in_words(&one.figures);
            lines.push(format!("{}: under {said}", one.name()));
        }
        if one.vouchers.is_some() {
            lines.push(format!("{}: {}", one.name(), grown(&one.figures)));
        }
    }
    lines
}

fn moves(figures: &Figures) -> String {
    let mut costs = Vec::new();
    if let Some(micros) = figures.median("server_cpu_us_per_op") {
        costs.push(format!("{micros:.0} us of the server's CPU"));
    }
    if let Some(bytes) = figures.median("wal_bytes_per_op") {
        costs.push(format!("{bytes:.0} bytes of log written"));
    }
    if let Some(mb) = figures.median("peak_rss_mb") {
        costs.push(format!("{mb:.0} MB of the server's memory at the most"));
    }
    costs.join(", ")
}

/// What a grown database takes, and how long a server takes to start on it.
fn grown(figures: &Figures) -> String {
    let of = |name: &str| figures.median(name).unwrap_or_default();
    let mut said = format!(
        "{:.2} GB, {:.0} bytes a voucher, {:.0} an event; {:.2} GB of wrapped keys; the first write {:.2} s after the server's start",
        of("database_bytes") / 1e9,
        of("bytes_per_voucher"),
        of("bytes_per_event"),
        of("keys_bytes") / 1e9,
        of("first_write_after_s"),
    );
    if let Some(rate) = figures.median("filled_per_second") {
        said.push_str(&format!("; filled at {rate:.0} vouchers a second"));
    }
    said
}

/// A whole number in groups of three.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_told_in_words() {
        assert_eq!(in_words("single_64"), "redeem, 64 in flight");
        assert_eq!(
            in_words("one_region_256"),
            "redeem in one region, 256 in flight"
        );
        assert_eq!(in_words("reads"), "reads of vouchers");
    }
}
