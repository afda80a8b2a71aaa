//! Other people's programs read what is written here, and what they save is read again: openpyxl always, LibreOffice in the long tests.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hefu_spreadsheet::{Cell, Limits, Prefilled, Template, mark, read};
use serde_json::Value;

const IDENTITY: &str = "11010519491231002X";

fn roster(identity: &str) -> Vec<u8> {
    let row = |identity: &str| {
        vec![
            "农业农村局".into(),
            "欧阳娜娜".into(),
            identity.into(),
            "=1+1".into(),
            Cell::Day("2023-06-01".parse().unwrap()),
        ]
    };
    let prefilled = Prefilled {
        context: String::new(),
        rows: vec![row(IDENTITY), row(identity)],
    };
    Template::Roster.workbook(&prefilled).unwrap()
}

/// Row numbers and identity numbers of a roster that somebody saved.
fn read_back(file: &[u8]) -> Vec<(u32, String)> {
    let mut rows = Vec::new();
    let filled = read(
        Cursor::new(file),
        Template::Roster,
        &Limits::default(),
        |row| {
            assert_eq!(row.day("first_day").unwrap().to_string(), "2023-06-01");
            rows.push((row.number, row.text("identity").to_owned()));
            Vec::new()
        },
    );
    assert_eq!(filled.unwrap().faults, []);
    rows
}

#[test]
fn openpyxl_finds_what_was_written_and_what_it_saves_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (file, saved) = (
        folder.path().join("名单.xlsx"),
        folder.path().join("另存.xlsx"),
    );
    fs::write(&file, roster("440524188001010014")).unwrap();
    let said = openpyxl(&[&file, &saved]);
    let sheets = serde_json::json!([
        ["其他部门培训花名册", "visible"],
        ["填表说明", "visible"],
        ["_hefu", "veryHidden"]
    ]);
    assert_eq!(said["sheets"], sheets);
    assert_eq!(said["rows"][0][2], serde_json::json!(["s", "身份证号*"]));
    assert_eq!(said["rows"][2][1], serde_json::json!(["s", "欧阳娜娜"]));
    assert_eq!(said["rows"][2][2], serde_json::json!(["s", IDENTITY]));
    assert_eq!(
        said["rows"][2][3],
        serde_json::json!(["s", "=1+1"]),
        "text, not a formula"
    );
    assert_eq!(
        said["rows"][2][4],
        serde_json::json!(["d", "2023-06-01 00:00:00"])
    );
    assert_eq!(said["frozen"], "A3");
    assert_eq!(said["lists"], serde_json::json!(["A3:A5002"]));
    assert_eq!(
        (&said["formats"]["C"], &said["formats"]["E"]),
        (&"@".into(), &"yyyy-mm-dd".into())
    );
    let numbers = [(3, IDENTITY), (4, "440524188001010014")];
    let numbers = numbers.map(|(row, number)| (row, number.to_owned()));
    assert_eq!(read_back(&fs::read(&saved).unwrap()), numbers);
}

#[test]
fn openpyxl_finds_the_notes_of_a_marked_copy() {
    let folder = tempfile::tempdir().unwrap();
    let file = roster("110105194912310021");
    let filled = read(
        Cursor::new(&file),
        Template::Roster,
        &Limits::default(),
        |_| Vec::new(),
    )
    .unwrap();
    let mut copy = Cursor::new(Vec::new());
    let (faults, limits) = (&filled.faults, Limits::default());
    mark(
        Cursor::new(&file),
        Template::Roster,
        "",
        faults,
        &limits,
        &mut copy,
    )
    .unwrap();
    let at = folder.path().join("错误.xlsx");
    fs::write(&at, copy.into_inner()).unwrap();
    let said = openpyxl(&[&at]);
    let note = said["notes"]["C4"].as_str().unwrap();
    assert!(note.contains("校验码"), "{note}");
    assert_eq!(said["notes"].as_object().unwrap().len(), 1);
    assert_eq!(
        said["rows"][3][2],
        serde_json::json!(["s", "110105194912310021"])
    );
}

/// LibreOffice opens every template, makes a PDF of it with the Chinese in it, and saves a workbook that is read again.
#[test]
fn libreoffice_opens_prints_and_saves_every_template() {
    if std::env::var_os("HEFU_LONG").is_none() {
        return; // it belongs to tests/long, which fails without LibreOffice
    }
    let folder = tempfile::tempdir().unwrap();
    for template in Template::ALL {
        let file = folder.path().join(format!("{}.xlsx", template.name()));
        fs::write(&file, template.workbook(&Prefilled::default()).unwrap()).unwrap();
        libreoffice(folder.path(), &file, "pdf");
        let pdf = file.with_extension("pdf");
        let text = folder.path().join("text");
        let needed = "this test needs pdftotext: apt-get install poppler-utils";
        succeeds(
            Command::new("pdftotext")
                .arg("-layout")
                .arg(&pdf)
                .arg(&text),
            needed,
        );
        let text = fs::read_to_string(&text).unwrap();
        let squeezed: String = text.split_whitespace().collect();
        for column in template.columns() {
            assert!(
                squeezed.contains(column.zh),
                "{} of {}:\n{text}",
                column.zh,
                template.name()
            );
        }
    }
    let file = folder.path().join("filled.xlsx");
    fs::write(&file, roster("440524188001010014")).unwrap();
    let out = folder.path().join("saved");
    libreoffice(&out, &file, "xlsx");
    let numbers = [(3, IDENTITY), (4, "440524188001010014")];
    let saved = fs::read(out.join("filled.xlsx")).unwrap();
    assert_eq!(
        read_back(&saved),
        numbers.map(|(row, number)| (row, number.to_owned()))
    );
}

fn libreoffice(out: &Path, file: &Path, to: &str) {
    let profile = format!("-env:UserInstallation=file://{}/profile", out.display());
    let needed = "this test needs LibreOffice and Chinese fonts: apt-get install libreoffice-calc-nogui fonts-noto-cjk";
    let mut convert = Command::new("soffice");
    convert
        .arg(profile)
        .args(["--headless", "--convert-to", to, "--outdir"]);
    succeeds(convert.arg(out).arg(file), needed);
}

fn openpyxl(arguments: &[&Path]) -> Value {
    let output = Command::new(python())
        .arg(foreign("workbook.py"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn foreign(file: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../tests/foreign").join(file)
}

/// The Python of the virtual environment that the other foreign tests use; made when it is not there. Tests run as processes of their own
/// too, so a lock lets one of them make it.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-python");
        let ready = venv.join("ready");
        let wanted = fs::read_to_string(foreign("requirements.txt")).unwrap();
        let python = venv.join("bin/python");
        let lock = fs::File::create(venv.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if fs::read_to_string(&ready).is_ok_and(|had| had == wanted) {
            return python;
        }
        let _ = fs::remove_dir_all(&venv);
        const NEEDED: &str = "this test needs python3 (3.11 or newer) with venv and pip, and a package registry: \
                              apt-get install python3 python3-venv";
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv), NEEDED);
        let install = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r"];
        succeeds(Command::new(&python).args(install).arg(foreign("requirements.txt")), NEEDED);
        fs::write(&ready, wanted).unwrap();
        python
    })
}

fn succeeds(command: &mut Command, needed: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{needed}\n{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{needed}\n{error}"),
    }
}
