//! A report as an Excel workbook: the table, the notes, and native charts over a sheet of their own figures. Nothing of the moment goes into it:
//! the workbook's date is the report's day, so the same report is the same bytes.

use hefu_report::{Cell, Chart, ChartKind, Lang, Mark, Report, Unit};
use rust_xlsxwriter::{
    Chart as Drawn, ChartType, Color, DocProperties, ExcelDateTime, Format, FormatAlign,
    FormatBorder, Workbook, Worksheet, XlsxError,
};

/// Rows between two charts.
const CHART_ROWS: u32 = 20;
/// Excel's number of the paper.
const A4: u8 = 9;

/// The workbook's bytes.
pub(super) fn workbook(report: &Report, lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let day = report.as_of;
    let year = u16::try_from(day.year()).unwrap_or(1900);
    let created = ExcelDateTime::from_ymd(
        year,
        u8::try_from(day.month()).unwrap_or(1),
        u8::try_from(day.day()).unwrap_or(1),
    )?;
    let properties = DocProperties::new()
        .set_title(&report.title)
        .set_subject(&report.region_name)
        .set_creation_datetime(&created);
    book.set_properties(&properties);
    let sheet = book.add_worksheet();
    sheet.set_name("report")?;
    let below = table(sheet, report, lang)?;
    if report.charts.is_empty() {
        return book.save_to_buffer();
    }
    let mut row = below + 2;
    let mut drawn = Vec::new();
    let mut figures = Worksheet::new();
    figures.set_name("figures")?;
    let mut column = 0;
    for chart in &report.charts {
        drawn.push((row, chart_of(&mut figures, chart, &mut column)?));
        row += CHART_ROWS;
    }
    let sheet = book.worksheet_from_name("report")?;
    for (row, chart) in &drawn {
        sheet.insert_chart(*row, 0, chart)?;
    }
    book.push_worksheet(figures);
    book.save_to_buffer()
}

/// The table with title and notes; the row after the last.
fn table(sheet: &mut Worksheet, report: &Report, lang: Lang) -> Result<u32, XlsxError> {
    let title = Format::new().set_bold().set_font_size(16);
    sheet.write_with_format(0, 0, &report.title, &title)?;
    let subtitle = format!(
        "{} ({}) {} / {}",
        report.region_name, report.region, report.year, report.as_of
    );
    sheet.write(1, 0, subtitle)?;
    let heading = Format::new()
        .set_bold()
        .set_align(FormatAlign::Center)
        .set_text_wrap()
        .set_border(FormatBorder::Thin)
        .set_background_color(Color::RGB(0x00DD_E6F0));
    for (column, of) in (0..).zip(&report.columns) {
        sheet.write_with_format(3, column, &of.heading, &heading)?;
        let width = if of.unit == Unit::Text { 22 } else { 14 };
        sheet.set_column_width(column, width)?;
    }
    let mut row = 4;
    for line in &report.rows {
        for (column, (of, cell)) in (0..).zip(report.columns.iter().zip(&line.cells)) {
            let format = format(of.unit, line.mark);
            match cell {
                Cell::Empty => sheet.write_blank(row, column, &format)?,
                Cell::Text(text) => sheet.write_with_format(row, column, text, &format)?,
                Cell::Number(number) => {
                    sheet.write_with_format(row, column, value(of.unit, *number), &format)?
                }
            };
        }
        row += 1;
    }
    sheet.set_freeze_panes(4, 0)?;
    // On paper: A4 across, as wide as a page.
    sheet.set_landscape();
    sheet.set_paper_size(A4);
    sheet.set_print_fit_to_pages(1, 0);
    let (_, below) = hefu_report::text(report, lang == Lang::Zh);
    for note in report
        .notes
        .iter()
        .map(String::as_str)
        .chain(below.lines().last())
    {
        row += 1;
        sheet.write(row, 0, note)?;
    }
    Ok(row)
}

fn format(unit: Unit, mark: Mark) -> Format {
    let format = Format::new().set_border(FormatBorder::Thin);
    let format = match unit {
        Unit::Text => format,
        Unit::Count => format.set_num_format("0"),
        Unit::Fen => format.set_num_format("#,##0.00"),
        Unit::Percent => format.set_num_format("0.0%"),
    };
    match mark {
        Mark::Plain => format,
        Mark::Sum => format.set_bold(),
        Mark::Slow => format.set_background_color(Color::RGB(0x00FC_E4D6)),
    }
}

/// A number as Excel computes with it: yuan, and shares of one.
fn value(unit: Unit, number: i64) -> f64 {
    let number = number as f64;
    match unit {
        Unit::Text | Unit::Count => number,
        Unit::Fen => number / 100.0,
        Unit::Percent => number / 1_000.0,
    }
}

/// Puts a chart's figures beside those of the charts before it, and draws over them.
fn chart_of(figures: &mut Worksheet, chart: &Chart, column: &mut u16) -> Result<Drawn, XlsxError> {
    let first = *column;
    figures.write(0, first, &chart.title)?;
    let rows = u32::try_from(chart.categories.len()).unwrap_or(0);
    for (row, category) in (1..).zip(&chart.categories) {
        figures.write(row, first, category)?;
    }
    let mut drawn = Drawn::new(match chart.kind {
        ChartKind::Bars => ChartType::Bar,
        ChartKind::Lines => ChartType::Line,
    });
    drawn.title().set_name(&chart.title);
    if chart.unit == Unit::Percent {
        // Whichever of the two has the numbers.
        drawn.x_axis().set_num_format("0%");
        drawn.y_axis().set_num_format("0%");
    }
    let format = format(chart.unit, Mark::Plain);
    for (at, series) in (first + 1..).zip(&chart.series) {
        figures.write(0, at, &series.name)?;
        for (row, number) in (1..).zip(&series.values) {
            figures.write_with_format(row, at, value(chart.unit, *number), &format)?;
        }
        drawn
            .add_series()
            .set_name(("figures", 0, at))
            .set_categories(("figures", 1, first, rows.max(1), first))
            .set_values(("figures", 1, at, rows.max(1), at));
        *column = at;
    }
    if chart.kind == ChartKind::Bars {
        // As the table stands: the first on top.
        drawn.y_axis().set_reverse();
        // A bar is as long as its number: Excel would begin near the smallest.
        drawn.x_axis().set_min(0);
    }
    *column += 2;
    drawn.set_width(760).set_height(360);
    Ok(drawn)
}
