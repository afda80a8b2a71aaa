//! What a person reads at the end.

use comfy_table::{CellAlignment, Table, presets};

use super::Outcome;

/// Throughput and latency by load, an engine after the other.
pub(crate) fn loads(outcome: &Outcome) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "engine",
        "load",
        "a second",
        "to pgbench",
        "p50, ms",
        "p99, ms",
    ]);
    for (engine, figures) in &outcome.engines {
        for load in &figures.loads {
            let of = |name: String, digits: usize| {
                let median = figures.median(&name);
                median.map_or(String::new(), |value| format!("{value:.digits$}"))
            };
            let ratio = of(format!("ratio_{load}"), 2);
            table.add_row([
                engine.name().to_owned(),
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
    for (engine, figures) in &outcome.engines {
        for (load, counts) in &figures.profiles {
            let (batches, table) = counts.told();
            let load = in_words(load);
            let what = format!("{}: one move of {load}, {batches}", engine.name());
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
    match load {
        "bulk" => "redeem in bulk, vouchers",
        "loop_moves" => "the whole loop, moves",
        "reads" => "reads of vouchers",
        "open_loop_70" => "redeem, open loop at 70 % of the most",
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
    for (engine, figures) in &outcome.engines {
        let of = |name: &str| figures.median(name);
        let mut costs = Vec::new();
        if let Some(micros) = of("server_cpu_us_per_op") {
            costs.push(format!("{micros:.0} us of the server's CPU"));
        }
        if let Some(bytes) = of("wal_bytes_per_op") {
            costs.push(format!("{bytes:.0} bytes of log written"));
        }
        if let Some(mb) = of("peak_rss_mb") {
            costs.push(format!("{mb:.0} MB of the server's memory at the most"));
        }
        if !costs.is_empty() {
            lines.push(format!(
                "{}: a redemption takes {}",
                engine.name(),
                costs.join(", ")
            ));
        }
    }
    lines
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
