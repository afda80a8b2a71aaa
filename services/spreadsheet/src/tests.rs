//! Round trips and hostile files: what is written is read back, and what is no sheet of ours is refused with the reason.

use std::io::{Cursor, Write as _};

use calamine::{DataType as _, Reader as _, Xlsx};
use hefu_domain::Date;
use rust_xlsxwriter::{Format, Workbook, Worksheet};

use crate::*;

const GOOD: &str = "11010519491231002X";
const OTHER: &str = "440524188001010014";

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A roster's row.
fn person(identity: Cell, first: Cell, last: Cell) -> Vec<Cell> {
    let course = "=cmd|' /C calc'!A0";
    vec![
        "农业农村局".into(),
        "张三".into(),
        identity,
        course.into(),
        first,
        last,
    ]
}

fn roster(rows: Vec<Vec<Cell>>) -> Vec<u8> {
    let context = String::new();
    Template::Roster
        .workbook(&Prefilled { context, rows })
        .unwrap()
}

/// A row's number, the person's number and their first day.
type RosterRow = (u32, String, String);

fn read_roster(file: &[u8]) -> Result<(Filled, Vec<RosterRow>), Unreadable> {
    let mut rows = Vec::new();
    let filled = read(
        Cursor::new(file),
        Template::Roster,
        &Limits::default(),
        |row| {
            let first = row.day("first_day").unwrap().to_string();
            rows.push((row.number, row.text("identity").to_owned(), first));
            assert_eq!(row.text("department"), "agriculture");
            Vec::new()
        },
    )?;
    Ok((filled, rows))
}

/// Row, column's letter, and what is wrong in English.
fn told(filled: &Filled) -> Vec<(u32, String, &str)> {
    let place = |fault: &CellFault| fault.column.map(column_letter).unwrap_or_default();
    let told = filled.faults.iter();
    told.map(|fault| (fault.row, place(fault), fault.fault.en.as_str()))
        .collect()
}

fn wrong(file: &[u8]) -> Vec<(u32, String, String)> {
    let (filled, rows) = read_roster(file).unwrap();
    let told = told(&filled).into_iter();
    let told: Vec<_> = told.map(|(row, at, en)| (row, at, en.to_owned())).collect();
    assert_eq!(
        filled.wrong_rows as usize,
        filled.rows as usize - rows.len()
    );
    told
}

#[test]
fn what_is_filled_in_is_read_back() {
    let file = roster(vec![
        person(
            GOOD.into(),
            Cell::Day(day("2023-06-01")),
            Cell::Day(day("2023-06-05")),
        ),
        person(
            "４４０５２４ 1880 0101 0014".into(),
            "2023年6月2日".into(),
            Cell::Empty,
        ),
    ]);
    let (filled, rows) = read_roster(&file).unwrap();
    assert_eq!(told(&filled), []);
    let expected = [(3, GOOD, "2023-06-01"), (4, OTHER, "2023-06-02")];
    let expected = expected.map(|(row, id, day)| (row, id.to_owned(), day.to_owned()));
    assert_eq!(rows, expected);
}

#[test]
fn every_template_is_read_back_by_its_own_name_and_by_no_other() {
    for template in Template::ALL {
        let empty = template.workbook(&Prefilled::default()).unwrap();
        for other in Template::ALL {
            let read = read(Cursor::new(&empty), other, &Limits::default(), |_| {
                Vec::new()
            });
            let said = read.map(|_| ()).unwrap_err();
            if other == template {
                assert_eq!(said, Unreadable::Empty);
            } else {
                assert!(matches!(said, Unreadable::OtherTemplate { .. }), "{said}");
            }
        }
        assert_eq!(Template::named(template.name()), Some(template));
        assert_eq!(
            empty,
            template.workbook(&Prefilled::default()).unwrap(),
            "the same bytes"
        );
    }
}

#[test]
fn a_wrong_cell_is_named_by_row_and_column_and_the_others_are_looked_at_all_the_same() {
    let first = || Cell::Day(day("2023-06-01"));
    let file = roster(vec![
        person(
            Cell::Number(440_524_188_001_010_014.0),
            first(),
            Cell::Empty,
        ),
        person(Cell::Empty, "昨天".into(), Cell::Empty),
        person(GOOD.into(), first(), Cell::Empty),
        person(
            GOOD.to_lowercase().into(),
            first(),
            Cell::Day(day("2023-06-02")),
        ),
    ]);
    let told = wrong(&file);
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!((told[0].0, told[0].1.as_str()), (3, "C"));
    assert!(told[0].2.contains("15 digits"), "{told:?}");
    assert_eq!(
        (told[1].0, told[1].1.as_str(), told[1].2.as_str()),
        (4, "C", "must be filled in")
    );
    assert_eq!((told[2].0, told[2].1.as_str()), (4, "E"));
    assert_eq!(
        (told[3].0, told[3].2.as_str()),
        (6, "says the same as row 5")
    );
}

#[test]
fn the_same_values_have_the_same_hash_whoever_saved_the_file() {
    let rows = |date: Cell| roster(vec![person(GOOD.into(), date, Cell::Empty)]);
    let hash = |file: Vec<u8>| read_roster(&file).unwrap().0.hash;
    let one = hash(rows(Cell::Day(day("2023-06-01"))));
    assert_eq!(one, hash(rows("2023/6/1".into())));
    assert_ne!(one, hash(rows("2023/6/2".into())));
}

/// A roster's workbook written by hand, as somebody's spreadsheet might.
fn by_hand(fill: impl Fn(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (at, column) in (0..).zip(Template::Roster.columns()) {
        sheet.write_string(0, at, column.zh).unwrap();
    }
    fill(sheet);
    Template::Roster.hidden(book.add_worksheet(), "").unwrap();
    book.save_to_buffer().unwrap()
}

fn good_row(sheet: &mut Worksheet, row: u32) {
    for (at, text) in ["农业农村局", "张三", GOOD, "", "2023-06-01"]
        .iter()
        .enumerate()
    {
        sheet.write_string(row, at as u16, *text).unwrap();
    }
}

#[test]
fn formulas_and_merged_cells_are_refused_with_the_reason() {
    let file = by_hand(|sheet| {
        good_row(sheet, 2);
        sheet
            .write_formula(2, 2, "=\"11010519491231002\"&\"X\"")
            .unwrap();
        good_row(sheet, 3);
        sheet
            .merge_range(3, 0, 4, 0, "农业农村局", &Format::new())
            .unwrap();
    });
    let told = wrong(&file);
    assert!(
        told.iter()
            .any(|(row, at, en)| (*row, at.as_str()) == (3, "C") && en.contains("formula")),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|(row, at, en)| (*row, at.as_str()) == (4, "A") && en.contains("merged")),
        "{told:?}"
    );
}

#[test]
fn columns_may_stand_in_any_order_and_none_may_be_missing_or_twice() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let order = [
        ("身份证号*", GOOD),
        ("姓名", "张三"),
        ("备注", "x"),
        ("开始日期", "2023-06-01"),
        ("主办部门", "agriculture"),
        ("结束日期", ""),
        ("培训项目", ""),
    ];
    for (at, (heading, value)) in (0..).zip(order) {
        sheet.write_string(0, at, heading).unwrap();
        sheet.write_string(2, at, value).unwrap();
    }
    Template::Roster.hidden(book.add_worksheet(), "").unwrap();
    let (filled, rows) = read_roster(&book.save_to_buffer().unwrap()).unwrap();
    assert_eq!((told(&filled), rows.len()), (vec![], 1));

    let twice = by_hand(|sheet| {
        sheet.write_string(0, 6, "姓名").unwrap();
    });
    assert_eq!(
        read_roster(&twice).unwrap_err(),
        Unreadable::ColumnTwice("姓名")
    );
    let missing = by_hand(|sheet| {
        sheet.write_string(0, 1, "名字").unwrap();
    });
    assert_eq!(
        read_roster(&missing).unwrap_err(),
        Unreadable::NoColumn("姓名".to_owned())
    );
}

#[test]
fn days_of_1904_workbooks_are_the_days_that_they_show() {
    // What a spreadsheet of that system keeps: the same day under another number, and a flag in the workbook.
    let file = by_hand(|sheet| {
        good_row(sheet, 2);
        let format = Format::new().set_num_format("yyyy-mm-dd");
        // 2023-06-01 is 45078 days after 1899-12-30, and 43616 after 1904-01-01.
        sheet
            .write_number_with_format(2, 4, 43_616, &format)
            .unwrap();
    });
    let old = repacked(&file, |name, text| match name {
        "xl/workbook.xml" => text.replace("<workbookPr", "<workbookPr date1904=\"1\""),
        _ => text,
    });
    let (_, rows) = read_roster(&old).unwrap();
    assert_eq!(rows[0].2, "2023-06-01");
    let (_, rows) = read_roster(&file).unwrap();
    assert_eq!(
        rows[0].2, "2019-05-31",
        "without the flag it is another day"
    );
}

/// The same workbook with its parts changed.
fn repacked(file: &[u8], change: impl Fn(&str, String) -> String) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..zip.len() {
        let part = zip.by_index(at).unwrap();
        let name = part.name().unwrap().into_owned();
        let text = std::io::read_to_string(part).unwrap();
        out.start_file(&name, zip::write::SimpleFileOptions::default())
            .unwrap();
        out.write_all(change(&name, text).as_bytes()).unwrap();
    }
    out.finish().unwrap().into_inner()
}

#[test]
fn what_is_no_workbook_is_refused_whatever_it_is() {
    for hostile in [
        &b""[..],
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"name,identity\n",
    ] {
        assert_eq!(read_roster(hostile).unwrap_err(), Unreadable::NotAWorkbook);
    }
    let good = roster(vec![person(GOOD.into(), "2023-06-01".into(), Cell::Empty)]);
    for cut in (0..good.len()).step_by(97) {
        assert!(read_roster(&good[..cut]).is_err(), "cut at {cut}");
    }
    let other = table("名单", &[("姓名", 10.0)], [vec!["张三".into()]]).unwrap();
    assert_eq!(
        read_roster(&other).unwrap_err(),
        Unreadable::NoTemplate("roster")
    );
    let old = repacked(&good, |_, text| text.replace("<t>1</t>", "<t>0</t>"));
    assert!(matches!(
        read_roster(&old).unwrap_err(),
        Unreadable::OldTemplate { .. }
    ));
}

#[test]
fn a_bomb_is_found_before_it_is_unpacked_and_so_is_a_sheet_of_a_million_cells() {
    let good = roster(vec![person(GOOD.into(), "2023-06-01".into(), Cell::Empty)]);
    let small = Limits {
        unpacked: 1 << 20,
        cells: 1_000,
        ..Limits::default()
    };
    let tried = |file: &[u8]| {
        let read = read(Cursor::new(file), Template::Roster, &small, |_| Vec::new());
        read.map(|filled| filled.rows)
    };
    assert_eq!(tried(&good), Ok(1));
    let bomb = repacked(&good, |name, text| match name {
        "xl/sharedStrings.xml" => format!("{text}{}", " ".repeat(8 << 20)),
        _ => text,
    });
    assert!(bomb.len() < 100_000, "it is small while it is packed");
    assert_eq!(tried(&bomb), Err(Unreadable::TooLarge));
    let many = repacked(&good, |name, text| match name {
        "xl/worksheets/sheet1.xml" => text.replace(
            "</sheetData>",
            &format!("<row r=\"9\">{}</row></sheetData>", "<c/>".repeat(2_000)),
        ),
        _ => text,
    });
    assert_eq!(tried(&many), Err(Unreadable::TooLarge));
    // A shared formula may say that it covers the whole sheet.
    let wide = repacked(&good, |name, text| {
        match name {
        "xl/worksheets/sheet1.xml" => text.replace("</sheetData>", "<row r=\"9\"><c r=\"A9\"><f t=\"shared\" si=\"0\" ref=\"A1:XFD1048576\">1+1</f></c></row></sheetData>"),
        _ => text,
    }
    });
    assert!(tried(&wide).is_ok());
}

/// Two cells at the ends of the hidden sheet, or a number of strings that nobody wrote: what would be made room for is not in the file.
#[test]
fn a_workbook_makes_no_room_for_what_it_does_not_hold() {
    let good = roster(vec![person(GOOD.into(), "2023-06-01".into(), Cell::Empty)]);
    let far = repacked(&good, |name, text| match name {
        "xl/worksheets/sheet3.xml" => text.replace(
            "</sheetData>",
            "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row></sheetData>",
        ),
        _ => text,
    });
    assert_eq!(read_roster(&far).unwrap().1.len(), 1);
    for count in ["4000000000000", "99999999999999999999", "x"] {
        let strings = repacked(&good, |name, text| match name {
            "xl/sharedStrings.xml" => {
                let (before, after) = text.split_once(" uniqueCount=\"").unwrap();
                let (_, after) = after.split_once('"').unwrap();
                format!("{before} uniqueCount=\"{count}\"{after}")
            }
            _ => text,
        });
        let said = read_roster(&strings).map(|(filled, _)| filled.rows);
        assert_eq!(said.unwrap_err(), Unreadable::NotAWorkbook, "{count}");
    }
}

/// Texts and names that take a hundred times their packed bytes, a workbook that stands where another bound holds, and two parts of one name.
#[test]
fn what_is_read_whole_is_small() {
    let good = roster(vec![person(GOOD.into(), "2023-06-01".into(), Cell::Empty)]);
    let small = Limits {
        cells: 1_000,
        part: 1 << 16,
        ..Limits::default()
    };
    let tried = |file: &[u8]| {
        let read = read(Cursor::new(file), Template::Roster, &small, |_| Vec::new());
        read.map(|filled| filled.rows)
    };
    assert_eq!(tried(&good), Ok(1));
    let texts = repacked(&good, |name, text| match name {
        "xl/sharedStrings.xml" => text.replace(
            "</sst>",
            &format!("{}</sst>", "<si><t>a</t></si>".repeat(1_000)),
        ),
        _ => text,
    });
    assert_eq!(tried(&texts), Err(Unreadable::TooLarge));
    let names = repacked(&good, |name, text| match name {
        "xl/workbook.xml" => {
            let names = "<definedName name=\"a\">b</definedName>".repeat(2_000);
            text.replace(
                "</sheets>",
                &format!("</sheets><definedNames>{names}</definedNames>"),
            )
        }
        _ => text,
    });
    assert_eq!(tried(&names), Err(Unreadable::TooLarge));
    let elsewhere = repacked(&good, |name, text| match name {
        "_rels/.rels" => text.replace("xl/workbook.xml", "xl/worksheets/workbook.xml"),
        _ => text,
    });
    assert_eq!(tried(&elsewhere), Err(Unreadable::NotAWorkbook));
    let again = {
        let mut zip = zip::ZipArchive::new(Cursor::new(&good)).unwrap();
        let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for at in 0..zip.len() {
            out.raw_copy_file(zip.by_index_raw(at).unwrap()).unwrap();
        }
        let options = zip::write::SimpleFileOptions::default();
        out.start_file("XL\\Workbook.xml", options).unwrap();
        out.finish().unwrap().into_inner()
    };
    assert_eq!(tried(&again), Err(Unreadable::NotAWorkbook));
}

#[test]
fn a_formula_is_found_where_its_cell_names_no_place() {
    let file = by_hand(|sheet| {
        good_row(sheet, 2);
        sheet
            .write_formula(2, 2, "=\"11010519491231002\"&\"X\"")
            .unwrap()
            .set_formula_result(2, 2, GOOD);
    });
    let bare = repacked(&file, |name, text| match name {
        "xl/worksheets/sheet1.xml" => ["A3", "B3", "C3", "D3", "E3"]
            .iter()
            .fold(text, |text, place| {
                text.replace(&format!(" r=\"{place}\""), "")
            }),
        _ => text,
    });
    for file in [file, bare] {
        let told = wrong(&file);
        let (row, at, en) = &told[0];
        assert_eq!((*row, at.as_str()), (3, "C"), "{told:?}");
        assert!(en.contains("formula"), "{told:?}");
    }
}

#[test]
fn merged_areas_are_found_in_any_order_and_too_many_are_no_list() {
    let file = by_hand(|sheet| (2..6).for_each(|row| good_row(sheet, row)));
    let merged = |areas: &str| {
        repacked(&file, |name, text| match name {
            "xl/worksheets/sheet1.xml" => {
                let merged = format!("</sheetData><mergeCells>{areas}</mergeCells>");
                text.replace("</sheetData>", &merged)
            }
            _ => text,
        })
    };
    let area = |place: &str| format!("<mergeCell ref=\"{place}\"/>");
    let several = ["B6:C6", "A4:A5", "A1:XFD1", "B3:B4", "B4:B5"]
        .map(area)
        .concat();
    let told = wrong(&merged(&several));
    let places: Vec<String> = told
        .iter()
        .map(|(row, at, _)| format!("{at}{row}"))
        .collect();
    assert_eq!(places, ["B3", "A4", "B4", "A5", "B5", "B6", "C6"]);
    let many = merged(&area("AA1:AB2").repeat(10_001));
    assert_eq!(read_roster(&many).unwrap_err(), Unreadable::TooLarge);
}

#[test]
fn a_marked_copy_has_each_error_beside_its_cell_and_can_be_corrected_and_read() {
    let file = roster(vec![
        person(GOOD.into(), Cell::Day(day("2023-06-01")), Cell::Empty),
        person(
            "110105194912310021".into(),
            Cell::Day(day("2023-06-01")),
            Cell::Empty,
        ),
    ]);
    let (filled, _) = read_roster(&file).unwrap();
    let mut out = Cursor::new(Vec::new());
    let limits = Limits::default();
    mark(
        Cursor::new(&file),
        Template::Roster,
        "",
        &filled.faults,
        &limits,
        &mut out,
    )
    .unwrap();
    let copy = out.into_inner();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(&copy)).unwrap();
    let sheet = book.worksheet_range(Template::Roster.title()).unwrap();
    let text = |row, column| {
        sheet
            .get_value((row, column))
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    assert_eq!(text(0, 6), "错误说明");
    assert_eq!(text(3, 2), "110105194912310021", "as it was");
    assert_eq!(text(3, 3), "=cmd|' /C calc'!A0", "text, as it was");
    assert!(
        text(3, 6).contains("身份证号:") && text(3, 6).contains("校验码"),
        "{}",
        text(3, 6)
    );
    assert_eq!(text(2, 6), "");
    assert!(
        sheet.get_value((2, 4)).unwrap().is_datetime(),
        "a day is a day"
    );
    assert!(has_note(&copy, "C4"));
    // The copy reads as the sheet did, so it is corrected and imported.
    let (again, _) = read_roster(&copy).unwrap();
    assert_eq!(told(&again), told(&filled));
}

/// Longer than a cell can be: no spreadsheet wrote it, and what is wrong is told all the same.
#[test]
fn a_text_that_no_cell_holds_keeps_nobody_from_hearing_of_the_errors() {
    let file = roster(vec![person("0".into(), "2023-06-01".into(), Cell::Empty)]);
    let long = repacked(&file, |name, text| match name {
        "xl/sharedStrings.xml" => text.replace("张三", &"张".repeat(40_000)),
        _ => text,
    });
    let limits = Limits::default();
    let (filled, _) = read_roster(&long).unwrap();
    let mut out = Cursor::new(Vec::new());
    let (source, faults) = (Cursor::new(&long), &filled.faults);
    mark(source, Template::Roster, "", faults, &limits, &mut out).unwrap();
    assert!(has_note(&out.into_inner(), "B3"));
    let below = repacked(&file, |name, text| match name {
        "xl/worksheets/sheet1.xml" => text.replace(
            "</sheetData>",
            "<row r=\"1048577\"><c r=\"A1048577\"><v>0</v></c></row></sheetData>",
        ),
        _ => text,
    });
    assert_eq!(read_roster(&below).unwrap_err(), Unreadable::NotAWorkbook);
}

fn has_note(file: &[u8], cell: &str) -> bool {
    let mut zip = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let part = zip.by_name("xl/comments1.xml").unwrap();
    std::io::read_to_string(part)
        .unwrap()
        .contains(&format!("ref=\"{cell}\""))
}

#[test]
fn nothing_that_is_written_is_a_formula() {
    let cells = [
        "=1+1",
        "+86",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "张三",
        "440524188001010014",
    ];
    let rows = cells.map(|text| vec![Cell::from(text)]);
    let file = table("清单", &[("列", 20.0)], rows).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(&file)).unwrap();
    let sheet = std::io::read_to_string(zip.by_name("xl/worksheets/sheet1.xml").unwrap()).unwrap();
    assert!(!sheet.contains("<f>") && !sheet.contains("<f "), "{sheet}");
    let styles = std::io::read_to_string(zip.by_name("xl/styles.xml").unwrap()).unwrap();
    assert!(
        styles.contains("quotePrefix"),
        "a spreadsheet keeps it text when it is edited"
    );
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(&file)).unwrap();
    let sheet = book.worksheet_range("清单").unwrap();
    for (row, text) in (1..).zip(cells) {
        let value = sheet.get_value((row, 0)).unwrap();
        assert_eq!(
            value.get_string(),
            Some(text),
            "text, character by character"
        );
    }
}

#[test]
fn rows_in_which_only_the_system_wrote_are_none() {
    let prefilled = |lessons: Cell, method: Cell| {
        vec![
            1.into(),
            Cell::Day(day("2023-06-05")),
            "上午".into(),
            1.into(),
            "张*".into(),
            "11**************2X".into(),
            lessons,
            method,
        ]
    };
    let seat_two = {
        let mut row = prefilled(4.into(), "人脸".into());
        row[3] = 2.into();
        row
    };
    let rows = vec![prefilled(Cell::Empty, Cell::Empty), seat_two];
    let context = "regions/140725/classes/x".to_owned();
    let file = Template::Attendance
        .workbook(&Prefilled { context, rows })
        .unwrap();
    let mut seats = Vec::new();
    let filled = read(
        Cursor::new(&file),
        Template::Attendance,
        &Limits::default(),
        |row| {
            seats.push((
                row.number("slot"),
                row.number("seat"),
                row.number("lessons"),
                row.text("method").to_owned(),
            ));
            Vec::new()
        },
    );
    let filled = filled.unwrap();
    assert_eq!(filled.context, "regions/140725/classes/x");
    assert_eq!(seats, [(Some(1), Some(2), Some(4), "face".to_owned())]);
    assert_eq!(filled.rows, 1);
}
