//! A picture of the figures: bars of throughput on the left, p50 and p99 of the same loads on the right, an engine after the other.

use std::fmt::Write as _;

use super::Outcome;
use super::report::{self, in_words};

const WIDTH: f64 = 1_080.0;
const MARGIN: f64 = 24.0;
/// Where names end and bars begin.
const NAMES: f64 = 270.0;
const BARS: f64 = 300.0;
/// Where percentiles begin.
const DOTS: f64 = 690.0;
const DOTS_WIDTH: f64 = 250.0;
const ROW: f64 = 26.0;

const STYLE: &str = "text{font:13px system-ui,'Noto Sans CJK SC',sans-serif;fill:#222}\
.t{font-size:18px;font-weight:600}.e{font-size:15px;font-weight:600}.s{fill:#666;font-size:12px}\
.r{text-anchor:end}.b{fill:#3b6ea5}.p{fill:#3b6ea5}.q{fill:#c4572e}.l{stroke:#bbb;stroke-width:2}.g{stroke:#e4e4e4}";

/// The picture, as SVG text.
pub(crate) fn picture(outcome: &Outcome) -> String {
    let mut parts = String::new();
    let mut y = MARGIN + 18.0;
    text(&mut parts, MARGIN, y, "t", "hefu bench");
    if let Some(tps) = outcome.pgbench() {
        let said = format!("pgbench on the same PostgreSQL: {} tps", thousands(tps));
        text(&mut parts, WIDTH - MARGIN, y, "s r", &said);
    }
    y += 20.0;
    let most = outcome.highest("_per_second");
    let slowest = outcome.highest("_p99_ms");
    for one in &outcome.told {
        let figures = &one.figures;
        y += ROW;
        text(&mut parts, MARGIN, y, "e", &one.name());
        text(&mut parts, NAMES + 10.0, y, "s", "a second, logarithmic");
        text(
            &mut parts,
            DOTS,
            y,
            "s",
            "latency in ms, logarithmic: p50 (blue) to p99 (red)",
        );
        for load in &figures.loads {
            y += ROW;
            text(&mut parts, NAMES, y, "r", &in_words(load));
            if let Some(value) = figures.median(&format!("{load}_per_second")) {
                bar(&mut parts, y, value, most);
            }
            let of = |which: &str| figures.median(&format!("{load}_{which}_ms"));
            if let (Some(p50), Some(p99)) = (of("p50"), of("p99")) {
                percentiles(&mut parts, y, (p50, p99), slowest);
            }
        }
        y += ROW / 2.0;
    }
    let height = y + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n\
         <style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{parts}</svg>\n"
    )
}

fn bar(parts: &mut String, y: f64, value: f64, most: f64) {
    let length = BARS * share(value, most, 10.0);
    let top = y - 13.0;
    let _ = writeln!(
        parts,
        "<rect class=\"b\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"16\" rx=\"2\"/>",
        NAMES + 10.0
    );
    text(parts, NAMES + 16.0 + length, y, "s", &thousands(value));
}

fn percentiles(parts: &mut String, y: f64, (p50, p99): (f64, f64), slowest: f64) {
    let at = |millis: f64| DOTS + DOTS_WIDTH * share(millis, slowest, 0.05);
    let middle = y - 5.0;
    let _ = writeln!(
        parts,
        "<line class=\"g\" x1=\"{DOTS}\" y1=\"{middle:.1}\" x2=\"{:.1}\" y2=\"{middle:.1}\"/>\
         <line class=\"l\" x1=\"{:.1}\" y1=\"{middle:.1}\" x2=\"{:.1}\" y2=\"{middle:.1}\"/>\
         <circle class=\"p\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"5\"/><circle class=\"q\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"5\"/>",
        DOTS + DOTS_WIDTH,
        at(p50),
        at(p99),
        at(p50),
        at(p99),
    );
    let said = format!("{p50:.1} … {p99:.1}");
    text(parts, WIDTH - MARGIN, y, "s r", &said);
}

/// Where a value stands between the least and the most, on a logarithmic scale: 0 to 1.
fn share(value: f64, most: f64, least: f64) -> f64 {
    if value <= least || most <= least {
        return 0.0;
    }
    ((value / least).ln() / (most / least).ln()).clamp(0.0, 1.0)
}

fn text(parts: &mut String, x: f64, y: f64, class: &str, said: &str) {
    let said = said.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        parts,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{said}</text>"
    );
}

fn thousands(value: f64) -> String {
    report::thousands(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::super::Told;
    use super::super::figures::Figures;
    use super::super::load::Measured;
    use super::super::place::Engine;
    use super::*;

    #[test]
    fn every_load_has_a_bar_and_two_percentiles() {
        let mut figures = Figures::default();
        let mut measured = Measured::new();
        (measured.ops, measured.seconds) = (12_345, 1.0);
        measured.note(&Ok(()), std::time::Duration::from_millis(3), 0, true);
        figures.load("single_64", &measured);
        figures.load("reads", &measured);
        let outcome = Outcome {
            pgbench: vec![3_000.0],
            told: vec![Told {
                engine: Engine::Sqlite,
                vouchers: None,
                figures,
            }],
        };
        let svg = picture(&outcome);
        assert_eq!(svg.matches("class=\"b\"").count(), 2);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains("12,345") && svg.contains("3,000 tps"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn a_share_never_leaves_the_picture() {
        for value in [0.0, 0.001, 1.0, 50.0, 1e9] {
            let share = share(value, 100.0, 0.05);
            assert!((0.0..=1.0).contains(&share), "{value}");
        }
        assert_eq!(share(5.0, 0.0, 0.05), 0.0);
    }
}
