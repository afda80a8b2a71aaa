//! Charts as SVG. Text is text, so that whoever looks at it sees Chinese in a font of their own.

use std::fmt::Write as _;

use crate::table::{Chart, ChartKind, Report, Unit};

const WIDTH: i64 = 860;
const LEFT: i64 = 120;
const RIGHT: i64 = 90;
const GAP: i64 = 8;
const TOP: i64 = 70;
const BAR: i64 = 26;
const PLOT: i64 = 320;
const COLOURS: [&str; 4] = ["#2b6cb0", "#c05621", "#2f855a", "#6b46c1"];

/// A report's first chart; nothing where it has none.
pub fn svg(report: &Report) -> Option<String> {
    let chart = report.charts.first()?;
    let drawn = match chart.kind {
        ChartKind::Bars => bars(chart),
        ChartKind::Lines => lines(chart),
    };
    let (body, height) = drawn;
    let subtitle = format!("{} {} {}", report.region_name, report.year, report.as_of);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui,'Noto Sans CJK SC',sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    put(&mut svg, &text(WIDTH / 2, 26, "middle", 18, &chart.title));
    put(&mut svg, &text(WIDTH / 2, 48, "middle", 13, &subtitle));
    svg.push_str(&body);
    svg.push_str("</svg>\n");
    Some(svg)
}

fn put(svg: &mut String, line: &str) {
    svg.push_str(line);
    svg.push('\n');
}

fn text(x: i64, y: i64, anchor: &str, size: i64, what: &str) -> String {
    format!(
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"#1a202c\">{}</text>",
        escaped(what)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// One bar a category, from above, each with its number behind it.
fn bars(chart: &Chart) -> (String, i64) {
    let values = chart.series.first().map(|series| series.values.as_slice());
    let values = values.unwrap_or_default();
    let full = match chart.unit {
        Unit::Percent => values.iter().copied().max().unwrap_or(0).max(1_000),
        Unit::Text | Unit::Count | Unit::Fen => values.iter().copied().max().unwrap_or(0).max(1),
    };
    let widest = chart.categories.iter().map(|name| width(name)).max();
    let left = LEFT.max(widest.unwrap_or(0) + 2 * GAP);
    let most = WIDTH - left - RIGHT;
    let mut svg = String::new();
    for (place, (category, value)) in (0..).zip(chart.categories.iter().zip(values)) {
        let y = TOP + place * BAR;
        let width = most * (*value).max(0) / full;
        put(&mut svg, &text(left - GAP, y + 15, "end", 13, category));
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{}\"/>",
            BAR - 8,
            COLOURS[0]
        );
        let number = chart.unit.show(*value);
        put(
            &mut svg,
            &text(left + width + 6, y + 15, "start", 13, &number),
        );
    }
    let rows = i64::try_from(chart.categories.len()).unwrap_or(0);
    if chart.unit == Unit::Percent {
        // All of the plan.
        let x = left + most * 1_000 / full;
        let end = TOP + rows * BAR;
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{end}\" stroke=\"#718096\" stroke-dasharray=\"4 3\"/>",
            TOP - 6
        );
    }
    (svg, TOP + rows * BAR + 24)
}

/// About how wide a text is, so that none begins outside the picture.
fn width(text: &str) -> i64 {
    let wide = |c: char| if c.is_ascii() { 7 } else { 13 };
    text.chars().map(wide).sum()
}

/// Lines over time, with what each is called.
fn lines(chart: &Chart) -> (String, i64) {
    let mut svg = String::new();
    let values = chart.series.iter().flat_map(|series| &series.values);
    let full = values.copied().max().unwrap_or(0).max(1);
    let steps = i64::try_from(chart.categories.len().max(2)).unwrap_or(2) - 1;
    let (x_of, y_of) = (
        |place: i64| LEFT + (WIDTH - LEFT - RIGHT) * place / steps,
        |value: i64| {
            // Money is large: the product stays within 128 bits.
            let scaled = i128::from(PLOT) * i128::from(value.max(0)) / i128::from(full);
            TOP + PLOT - i64::try_from(scaled).unwrap_or(0)
        },
    );
    for quarter in 0..=4 {
        let value = full * quarter / 4;
        let y = y_of(value);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"#e2e8f0\"/>",
            WIDTH - RIGHT
        );
        let number = chart.unit.show(value);
        put(&mut svg, &text(LEFT - 8, y + 4, "end", 12, &number));
    }
    for (place, category) in (0..).zip(&chart.categories) {
        put(
            &mut svg,
            &text(x_of(place), TOP + PLOT + 20, "middle", 12, category),
        );
    }
    for (number, series) in (0..).zip(&chart.series) {
        let colour = COLOURS[usize::try_from(number).unwrap_or(0) % COLOURS.len()];
        let places = (0..).zip(&series.values);
        let points: Vec<String> = places
            .map(|(place, value)| format!("{},{}", x_of(place), y_of(*value)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        let x = LEFT + 150 * number;
        let y = TOP + PLOT + 44;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"14\" height=\"10\" fill=\"{colour}\"/>",
            y - 9
        );
        put(&mut svg, &text(x + 20, y, "start", 13, &series.name));
    }
    (svg, TOP + PLOT + 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Series;

    #[test]
    fn a_long_name_begins_within_the_picture() {
        let chart = |name: &str| Chart {
            kind: ChartKind::Bars,
            title: String::new(),
            unit: Unit::Count,
            categories: vec![name.to_owned()],
            series: vec![Series {
                name: String::new(),
                values: vec![3],
            }],
        };
        let (short, _) = bars(&chart("寿阳县"));
        assert!(short.contains("<rect x=\"120\""), "{short}");
        let name = "Jinzhong City (own line)";
        let (long, _) = bars(&chart(name));
        let end = 24 * 7 + GAP;
        assert!(long.contains(&format!("<text x=\"{end}\"")), "{long}");
        assert!(
            long.contains(&format!("<rect x=\"{}\"", end + GAP)),
            "{long}"
        );
    }
}
