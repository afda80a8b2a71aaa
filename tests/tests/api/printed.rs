//! `hefu voucher qr` against a server: what is drawn is read by a reader of another house, and what is refused leaves nothing behind.

use std::path::{Path, PathBuf};
use std::process::Output;

use hefu_scenario::made_up;
use hefu_tests::cli::hefu;

use crate::status::{INVALID, VALID, status};
use crate::*;

/// `hefu voucher qr` with that caller's key.
async fn qr(api: &Api, key: &str, arguments: &[&str]) -> Output {
    let mut command = hefu();
    command
        .args(["voucher", "qr"])
        .args(["--server", &api.running.url(), "--key", key])
        .args(arguments);
    let run = tokio::task::spawn_blocking(move || command.output());
    run.await.unwrap().unwrap()
}

/// What went wrong, in the words of the command.
fn said(output: &Output) -> String {
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "something was drawn");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What a phone reads in a picture of so many pixels a side.
fn scanned(side: usize, dark: impl Fn(usize, usize) -> bool) -> String {
    let mut picture =
        rqrr::PreparedImage::prepare_from_greyscale(
            side,
            side,
            |x, y| {
                if dark(x, y) { 0 } else { 255 }
            },
        );
    let grids = picture.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

fn scanned_png(file: &Path) -> String {
    let file = std::io::BufReader::new(std::fs::File::open(file).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bits = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bits).unwrap();
    assert_eq!(frame.bit_depth, png::BitDepth::One);
    scanned(frame.width as usize, |x, y| {
        bits[y * frame.line_size + x / 8] >> (7 - x % 8) & 1 == 0
    })
}

/// The drawing of an SVG: its one path is made of runs of dark modules, on a light ground as wide as the quiet zone has it.
fn scanned_svg(svg: &str) -> String {
    let path = svg.split("<path d=\"").nth(1).unwrap();
    let path = path.split('"').next().unwrap();
    let runs: Vec<Vec<usize>> = path
        .split('M')
        .skip(1)
        .map(|run| {
            let numbers = run.split(|c: char| !c.is_ascii_digit());
            numbers.filter_map(|number| number.parse().ok()).collect()
        })
        .collect();
    let side = runs.iter().map(|run| run[0] + run[2]).max().unwrap() + 4;
    let mut dark = vec![false; side * side];
    for run in runs {
        dark[run[1] * side + run[0]..][..run[2]].fill(true);
    }
    scanned(side * 4, |x, y| dark[y / 4 * side + x / 4])
}

/// Whether the published keys verify a token.
fn genuine(api: &Api, token: &str) -> hefu_token::Claims {
    let keys = api.running.engine.people().tokens();
    keys.verify(token, NOW).unwrap()
}

fn file(api: &Api, name: &str) -> PathBuf {
    api.state.path().join(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_drawn_for_a_holder_is_their_token() {
    let api = Api::start().await;
    let (person, voucher, token) = api.issued(1).await;
    let portal = &api.office.portal;
    let png = file(&api, "code.png");
    let arguments = [
        &voucher,
        "--holder",
        &person,
        "--out",
        png.to_str().unwrap(),
    ];
    let drawn = qr(&api, portal, &arguments).await;
    assert!(drawn.status.success(), "{drawn:?}");
    let read = scanned_png(&png);
    assert_eq!(read, token);
    assert!(voucher.ends_with(&genuine(&api, &read).jti.to_string()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&png).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may read it");
    }

    let drawn = qr(&api, portal, &[&voucher, "--holder", &person]).await;
    assert!(drawn.status.success(), "{drawn:?}");
    let svg = String::from_utf8(drawn.stdout).unwrap();
    assert!(svg.starts_with("<?xml"), "{svg}");
    assert_eq!(scanned_svg(&svg), token);
    assert!(!svg.contains("<text"), "nothing stands beside the code");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sheet_bears_a_new_token_and_the_old_one_is_worth_nothing() {
    let api = Api::start().await;
    let (person, voucher, old) = api.issued(1).await;
    let card = file(&api, "card-seen.txt");
    std::fs::write(&card, "seen at window 3").unwrap();
    let card = card.to_str().unwrap();
    let arguments = [
        &voucher,
        "--reissue",
        "--card-seen",
        card,
        "--request-id",
        "print-0001",
    ];
    let printed = qr(&api, api.clerk(), &arguments).await;
    assert!(printed.status.success(), "{printed:?}");
    let sheet = String::from_utf8(printed.stdout).unwrap();
    let new = scanned_svg(&sheet);
    assert_ne!(new, old);
    assert_eq!(genuine(&api, &new).serial, 2);
    let made_up = made_up::person(1, "140702", 1);
    let masked: v1::Person = must(
        &api.client,
        api.clerk(),
        "PeopleService/GetPerson",
        v1::GetPersonRequest {
            name: person.clone(),
        },
    )
    .await;
    assert!(sheet.contains(&masked.masked_name));
    for personal in [&made_up.name, &made_up.identity, &made_up.phone, &person] {
        assert!(!sheet.contains(personal.as_str()), "{personal}");
    }
    for text in ["职业技能培训电子券", "广大劳动者普惠制培训", "1000.00 元"] {
        assert!(sheet.contains(text), "{text} is not on the sheet");
    }
    // The answer was lost: asked again, it is the same.
    let size = api.head().await.size;
    let again = qr(&api, api.clerk(), &arguments).await;
    assert_eq!(
        scanned_svg(std::str::from_utf8(&again.stdout).unwrap()),
        new
    );
    assert_eq!(api.head().await.size, size);

    let fetched = qr(&api, &api.office.portal, &[&voucher, "--holder", &person]).await;
    let fetched = String::from_utf8(fetched.stdout).unwrap();
    assert_eq!(scanned_svg(&fetched), new, "the token in force");
    assert_eq!(status(&api, &old).await, INVALID);
    assert_eq!(status(&api, &new).await, VALID);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_refused_says_why_and_leaves_nothing_behind() {
    let api = Api::start().await;
    let (person, voucher, token) = api.issued(1).await;
    let (other, _, _) = api.issued(2).await;
    let portal = api.office.portal.clone();
    let card = file(&api, "card-seen.txt");
    std::fs::write(&card, "seen at window 3").unwrap();
    let card = card.to_str().unwrap();
    let there = file(&api, "there.svg");
    std::fs::write(&there, "mine").unwrap();
    let there = there.to_str().unwrap();
    let new = file(&api, "new.png");
    let new_png = new.to_str().unwrap();
    let nobodys = format!(
        "{}/vouchers/0190a5e0-0000-7000-8000-000000000001",
        api.office.parent()
    );
    let before = api.head().await;
    let reissue = ["--reissue", "--card-seen", card];
    let [reissued, seen, record] = reissue;
    for (key, arguments, why) in [
        (
            &portal,
            vec![nobodys.as_str(), "--holder", &person],
            "VOUCHER_NOT_FOUND",
        ),
        (&portal, vec![&voucher, "--holder", &other], "NOT_YOURS"),
        (&portal, vec![&voucher], "NOT_YOURS"),
        (&portal, vec!["voucher-1"], "name"),
        (
            &portal,
            vec![&voucher, reissued, seen, record],
            "ROLE_MISSING",
        ),
        (
            &api.office.reviewer,
            vec![&voucher, reissued, seen, record],
            "ROLE_MISSING",
        ),
        (&api.office.clerks[0], vec![&voucher], "ROLE_MISSING"),
        (
            &api.office.clerks[0],
            vec![&voucher, reissued, seen, record, "--out", there],
            "is there already",
        ),
        (
            &api.office.clerks[0],
            vec![&voucher, reissued, seen, record, "--out", new_png],
            "printed as SVG",
        ),
        (
            &api.office.clerks[0],
            vec![&voucher, reissued, seen, "no-such-record"],
            "no-such-record",
        ),
        (&api.office.clerks[0], vec![&voucher, reissued], "card-seen"),
        (
            &api.office.clerks[0],
            vec![
                &voucher,
                reissued,
                seen,
                record,
                "--out",
                "no-such-folder/sheet.svg",
            ],
            "no folder",
        ),
        (
            &portal,
            vec![&voucher, "--holder", &person, "--out", "code.pdf"],
            "not .pdf",
        ),
    ] {
        let said = said(&qr(&api, key, &arguments).await);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    assert_eq!(api.head().await, before, "nothing was recorded");
    assert!(!new.exists());
    assert_eq!(std::fs::read_to_string(there).unwrap(), "mine");
    assert_eq!(status(&api, &token).await, VALID);

    let revoke = v1::RevokeRequest {
        name: voucher.clone(),
        reason: "MISTAKE".to_owned(),
        request_id: api.office.fresh("revoke"),
        validate_only: false,
    };
    let reviewer = &api.office.reviewer;
    let _: v1::RevokeResponse = must(&api.client, reviewer, "IssuanceService/Revoke", revoke).await;
    let dead = said(&qr(&api, &portal, &[&voucher, "--holder", &person]).await);
    assert!(dead.contains("TOKEN_DEAD"), "{dead}");
    let over = [&voucher, "--reissue", "--card-seen", card];
    let over = said(&qr(&api, api.clerk(), &over).await);
    assert!(over.contains("VOUCHER_NOT_ISSUED"), "{over}");
}
