//! What a stranger finds out about an export: that nothing is wrong with it, or what is, and at which event.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod made;

use std::fs;

use hefu_audit::verify::{Asked, Between, Check, Head, Keys, Older, no_heads, verify};
use hefu_audit::{Check as Event0, Dir};
use hefu_domain::event::*;
use hefu_domain::{Event, Fen, Region};
use hefu_log::NoteSigner;

use made::*;

/// An export of a county's 700 events: two full bundles and one of 188.
fn export(name: &str) -> (History, NoteSigner, std::path::PathBuf) {
    let (history, signer, dir) = (History::county(700), signer(COUNTY, 0, 1), folder(name));
    history.write(&dir.join(COUNTY), &signer);
    (history, signer, dir)
}

#[test]
fn an_untouched_export_of_any_size_holds() {
    let signer = signer(COUNTY, 0, 1);
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 70_000] {
        let (history, dir) = (History::county(size), folder("sizes"));
        history.write(&dir.join(COUNTY), &signer);
        let report = holds(&dir, &asked(&[&signer]));
        assert!(report.verified, "{size}");
        assert_eq!((report.regions, report.events), (1, size as u64));
        assert_eq!(
            (report.logs[0].size, report.logs[0].root),
            (size as u64, history.root())
        );
    }
}

#[test]
fn without_a_key_from_outside_nothing_is_verified() {
    let (_, signer, dir) = export("inside");
    let published = Keys::published(&signer.vkey().to_string()).unwrap();
    let report = holds(&dir, &Asked::all(published));
    assert!(!report.verified && !report.key_from_outside);
    let other = made::signer(COUNTY, 0, 2);
    expect(&failure(&dir, &asked(&[&other])), Check::Signature, 700);
    let elsewhere = made::signer(CITY, 0, 1);
    expect(&failure(&dir, &asked(&[&elsewhere])), Check::Key, 700);
}

#[test]
fn whichever_byte_of_an_event_is_flipped_that_event_is_named() {
    let (history, signer, dir) = export("flipped-entry");
    let asked = asked(&[&signer]);
    let before: usize = history.entries[256..300]
        .iter()
        .map(|entry| 2 + entry.len())
        .sum();
    let (county, bundle) = (dir.join(COUNTY), "tile/entries/001");
    for at in (0..2 + history.entries[300].len()).step_by(3) {
        flip(&county, bundle, before + at);
        assert_eq!(failure(&dir, &asked).index, 300, "byte {at}");
        flip(&county, bundle, before + at);
    }
    // A letter of the caller: the event still reads, and only its hash tells.
    let caller = String::from_utf8_lossy(&history.entries[300])
        .find("desk")
        .unwrap();
    flip(&county, bundle, before + 2 + caller);
    expect(&failure(&dir, &asked), Check::Leaf, 300);
}

#[test]
fn a_tile_that_was_changed_is_named_by_its_first_wrong_event() {
    let (_, signer, dir) = export("flipped-tile");
    let asked = asked(&[&signer]);
    let county = dir.join(COUNTY);
    for (tile, at, check, index) in [
        ("tile/0/000", 0, Check::Leaf, 0),
        ("tile/0/001", 44 * 32 + 31, Check::Leaf, 300),
        ("tile/0/002.p/188", 187 * 32, Check::Leaf, 699),
        ("tile/1/000.p/2", 5, Check::Tile, 0),
        ("tile/1/000.p/2", 32, Check::Tile, 256),
    ] {
        flip(&county, tile, at);
        expect(&failure(&dir, &asked), check, index);
        flip(&county, tile, at);
        let whole = fs::read(county.join(tile)).unwrap();
        put(&county, tile, &whole[..at / 32 * 32]);
        expect(&failure(&dir, &asked), Check::Tile, index);
        put(&county, tile, &[&whole[..], &[0; 32]].concat());
        assert_eq!(
            failure(&dir, &asked).check,
            Check::Tile,
            "{tile} is too long"
        );
        fs::remove_file(county.join(tile)).unwrap();
        assert_eq!(
            failure(&dir, &asked).check,
            Check::Tile,
            "{tile} is missing"
        );
        put(&county, tile, &whole);
    }
    holds(&dir, &asked);
}

#[test]
fn tiles_of_every_level_are_looked_at() {
    let (history, signer, dir) = (
        History::county(70_000),
        signer(COUNTY, 0, 1),
        folder("levels"),
    );
    let county = dir.join(COUNTY);
    history.write(&county, &signer);
    let asked = asked(&[&signer]);
    for (tile, at, index) in [
        ("tile/1/000", 200 * 32, 200 * 256),
        ("tile/1/001.p/17", 16 * 32, 272 * 256),
        ("tile/2/000.p/1", 0, 0),
    ] {
        flip(&county, tile, at);
        expect(&failure(&dir, &asked), Check::Tile, index);
        flip(&county, tile, at);
    }
}

#[test]
fn a_full_tile_may_stand_where_a_partial_one_was() {
    let (_, signer, dir) = export("wider");
    let longer = History::county(1_000);
    let (county, more) = (dir.join(COUNTY), folder("wider-more"));
    longer.write_files(&more);
    for (partial, full) in [
        ("tile/0/002.p/188", "tile/0/002"),
        ("tile/entries/002.p/188", "tile/entries/002"),
    ] {
        fs::remove_file(county.join(partial)).unwrap();
        put(&county, full, &fs::read(more.join(full)).unwrap());
    }
    assert_eq!(holds(&dir, &asked(&[&signer])).events, 700);
}

#[test]
fn a_checkpoint_that_was_changed_is_no_checkpoint_of_this_log() {
    let (history, signer, dir) = export("flipped-checkpoint");
    let asked = asked(&[&signer]);
    let county = dir.join(COUNTY);
    let note = history.note(700, &signer);
    let root = note.lines().nth(2).unwrap();
    let flipped = if root.starts_with('A') { "B" } else { "A" };
    for (changed, check, index) in [
        (note.replacen("/140725/", "/140726/", 2), Check::Origin, 700),
        (
            note.replacen("\n700\n", "\n699\n", 1),
            Check::Signature,
            699,
        ),
        (
            note.replacen(root, &format!("{flipped}{}", &root[1..]), 1),
            Check::Signature,
            700,
        ),
        (
            note.replacen("\n700\n", "\n0700\n", 1),
            Check::Checkpoint,
            0,
        ),
        (note.replacen("\u{2014} ", "- ", 1), Check::Checkpoint, 0),
        (String::new(), Check::Checkpoint, 0),
    ] {
        put(&county, "checkpoint", changed.as_bytes());
        expect(&failure(&dir, &asked), check, index);
    }
    for at in 0..note.len() {
        put(&county, "checkpoint", note.as_bytes());
        flip(&county, "checkpoint", at);
        failure(&dir, &asked);
    }
    fs::remove_file(county.join("checkpoint")).unwrap();
    expect(&failure(&dir, &asked), Check::Checkpoint, 0);
}

#[test]
fn an_event_that_is_gone_swapped_or_added_is_found_where_it_happened() {
    let (history, signer, dir) = export("moved");
    let asked = asked(&[&signer]);
    let county = dir.join(COUNTY);
    let note = fs::read(county.join("checkpoint")).unwrap();
    let mut cases: Vec<(History, Event0, u64)> = Vec::new();
    for at in [0_usize, 255, 300, 698] {
        let mut gone = history.clone();
        gone.entries.remove(at);
        cases.push((gone, Event0::Index, at as u64));
        let mut swapped = history.clone();
        swapped.entries.swap(at, at + 1);
        cases.push((swapped, Event0::Index, at as u64));
        let mut added = history.clone();
        added.entries.insert(at, history.entries[at].clone());
        cases.push((added, Event0::Index, at as u64 + 1));
    }
    for (changed, check, index) in cases {
        // The bundles alone, and then the tiles as well: the signed checkpoint stays.
        for tiles in [false, true] {
            history.write_files(&county);
            if tiles {
                changed.write_files(&county);
            }
            for (number, entries) in (0..3).zip(changed.entries.chunks(256)) {
                let width = if number == 2 { ".p/188" } else { "" };
                put(
                    &county,
                    &format!("tile/entries/00{number}{width}"),
                    &bundle(entries),
                );
            }
            put(&county, "checkpoint", &note);
            expect(&failure(&dir, &asked), check, index);
        }
    }
}

#[test]
fn a_tail_that_was_cut_is_missed() {
    let (history, signer, dir) = export("cut");
    let asked = asked(&[&signer]);
    let last = dir.join(COUNTY).join("tile/entries/002.p/188");
    fs::write(&last, bundle(&history.entries[512..690])).unwrap();
    expect(&failure(&dir, &asked), Check::Entries, 690);
    fs::write(
        &last,
        bundle(&[&history.entries[512..], &history.entries[..1]].concat()),
    )
    .unwrap();
    expect(&failure(&dir, &asked), Check::Entries, 700);
    fs::remove_file(&last).unwrap();
    expect(&failure(&dir, &asked), Check::Entries, 512);
    // A shorter log with everything in order needs a signature that only the key can make.
    let mut cut = history.clone();
    cut.entries.truncate(690);
    cut.write(&dir.join(COUNTY), &made::signer(COUNTY, 0, 9));
    expect(&failure(&dir, &asked), Check::Signature, 690);
}

#[test]
fn a_history_that_was_rewritten_whole_does_not_get_past_the_signature() {
    let (history, signer, dir) = export("rewritten");
    let (asked, county, other) = (asked(&[&signer]), dir.join(COUNTY), rewritten());
    assert_ne!(other.root(), history.root(), "something was rewritten");
    other.write_files(&county);
    expect(&failure(&dir, &asked), Check::Root, 700);
    other.write(&county, &made::signer(COUNTY, 0, 9));
    expect(&failure(&dir, &asked), Check::Signature, 700);
    let mut forged = other.note(700, &signer);
    let stolen = history.note(700, &signer);
    forged.truncate(forged.find("\n\n").unwrap());
    forged.push_str(&stolen[stolen.find("\n\n").unwrap()..]);
    put(&county, "checkpoint", forged.as_bytes());
    expect(&failure(&dir, &asked), Check::Signature, 700);
}

#[test]
fn two_histories_under_one_key_are_told_apart_by_a_checkpoint_from_before() {
    let (history, signer, dir) = export("two-histories");
    let other = rewritten();
    let since = |history: &History, size: usize, signer: &NoteSigner| Asked {
        since: vec![Older::parse(&history.note(size, signer)).unwrap()],
        ..asked(&[&self::signer(COUNTY, 0, 1)])
    };
    for size in [0, 1, 255, 256, 300, 512, 699, 700] {
        assert!(
            holds(&dir, &since(&history, size, &signer)).verified,
            "{size}"
        );
    }
    expect(
        &failure(&dir, &since(&other, 700, &signer)),
        Check::Since,
        700,
    );
    expect(
        &failure(&dir, &since(&other, 500, &signer)),
        Check::Since,
        500,
    );
    expect(
        &failure(&dir, &since(&History::county(710), 710, &signer)),
        Check::Since,
        710,
    );
    let stranger = made::signer(COUNTY, 0, 9);
    expect(
        &failure(&dir, &since(&history, 300, &stranger)),
        Check::Signature,
        300,
    );
    // A region that is hidden from whoever has a checkpoint of it.
    let hidden = Chain::default().log(CITY, 0, [opened(CITY)]);
    let failure = failure(&dir, &since(&hidden, 1, &made::signer(CITY, 0, 1)));
    assert_eq!(
        (failure.check, failure.region.as_str()),
        (Check::Since, CITY)
    );
}

#[test]
fn an_event_out_of_its_place_is_found_although_all_else_was_made_to_fit() {
    let signer = signer(COUNTY, 0, 1);
    let history = History::county(700);
    let edited = |from: &str, to: &str| {
        let mut history = history.clone();
        let text = String::from_utf8(history.entries[300].clone()).unwrap();
        assert!(text.contains(from), "{text}");
        history.entries[300] = text.replacen(from, to, 1).into_bytes();
        history
    };
    let text = String::from_utf8(history.entries[300].clone()).unwrap();
    let prev = text.split("\"prev\":\"").nth(1).unwrap()[..8].to_owned();
    for (what, history, check) in [
        ("spaces", edited("{\"at\":", "{ \"at\":"), Event0::Bytes),
        ("format", edited("\"v\":1", "\"v\":2"), Event0::Bytes),
        (
            "region",
            edited("\"region\":\"140725\"", "\"region\":\"140726\""),
            Event0::Region,
        ),
        (
            "index",
            edited("\"index\":300", "\"index\":301"),
            Event0::Index,
        ),
        (
            "time",
            edited("\"at\":\"2023-04-19", "\"at\":\"2023-04-18"),
            Event0::Time,
        ),
        (
            "version",
            edited("\"version\":6", "\"version\":7"),
            Event0::StreamVersion,
        ),
        ("chain", edited(&prev, "AAAAAAAA"), Event0::StreamChain),
    ] {
        let dir = folder(&format!("placed-{what}"));
        history.write(&dir.join(COUNTY), &signer);
        expect(&failure(&dir, &asked(&[&signer])), check, 300);
    }
    // Time that runs back across the border of two bundles.
    let mut chain = Chain::default();
    let mut late = history.clone();
    late.entries[255] = late_by_a_day(&history.entries[255]);
    let dir = folder("placed-border");
    late.write(&dir.join(COUNTY), &signer);
    expect(&failure(&dir, &asked(&[&signer])), Event0::Time, 256);
    let strange = chain.log(COUNTY, 0, county().skip(1).take(3));
    let dir = folder("placed-first");
    strange.write(&dir.join(COUNTY), &signer);
    expect(&failure(&dir, &asked(&[&signer])), Check::Origin, 0);
}

fn late_by_a_day(entry: &[u8]) -> Vec<u8> {
    String::from_utf8(entry.to_vec())
        .unwrap()
        .replacen("\"at\":\"2023-04-19", "\"at\":\"2023-04-20", 1)
        .into_bytes()
}

#[test]
fn what_the_city_recorded_of_a_county_is_what_the_county_has() {
    let county = History::county(700);
    let recorded = |tree: LogTree| RegionTree {
        region: code(COUNTY),
        epoch: tree.epoch,
        size: tree.size,
        root: tree.root,
    };
    let keys = [signer(CITY, 0, 1), signer(COUNTY, 0, 1)];
    let run_with = |tree: RegionTree| {
        let event = Event::CheckpointsRecorded(CheckpointsRecorded {
            checkpoints: vec![recorded(county.tree_at(300)), tree],
        });
        let city = Chain::default().log(CITY, 0, [opened(CITY), event]);
        let dir = folder("recorded");
        county.write(&dir.join(COUNTY), &keys[1]);
        city.write(&dir.join(CITY), &keys[0]);
        run(&dir, &asked(&[&keys[0], &keys[1]]))
    };
    let report = run_with(recorded(county.tree_at(256)));
    assert!(report.verified, "{:?}", report.failure);
    assert_eq!((report.regions, report.unseen), (2, 0));
    let elsewhere = RegionTree {
        region: code("140726"),
        ..recorded(county.tree_at(1))
    };
    assert_eq!(run_with(elsewhere).unseen, 1);
    let other = RegionTree {
        root: rewritten().tree_at(600).root,
        ..recorded(county.tree_at(600))
    };
    let ahead = RegionTree {
        size: 701,
        ..recorded(county.tree())
    };
    for lie in [other, ahead] {
        let failure = run_with(lie).failure.unwrap();
        expect(&failure, Check::Recorded, 1);
        assert_eq!(failure.region.as_str(), CITY);
    }
}

#[test]
fn a_head_row_is_what_the_log_gives_with_what_nobody_signed_yet() {
    let (history, signer, dir) = (History::county(700), signer(COUNTY, 0, 1), folder("heads"));
    let county = dir.join(COUNTY);
    history.write(&county, &signer);
    put(&county, "checkpoint", history.note(600, &signer).as_bytes());
    // As the store has it: tiles as far as they were signed, events to the last.
    History {
        entries: history.entries[..600].to_vec(),
        ..history.clone()
    }
    .write_files(&county);
    let head = |size: usize| Head {
        region: code(COUNTY),
        epoch: 0,
        size: size as u64,
        root: history.frontier_at(size).root(),
        frontier: Some(history.frontier_at(size)),
        stray: None,
    };
    let with = |head: Head| run_with_heads(&dir, &asked(&[&signer]), &[head]);
    let report = with(head(700));
    assert_eq!(
        (report.verified, report.events, report.logs[0].unsigned),
        (true, 700, 100)
    );
    for wrong in [
        Head {
            root: history.frontier_at(699).root(),
            ..head(700)
        },
        Head {
            frontier: Some(history.frontier_at(699)),
            ..head(700)
        },
        Head {
            frontier: None,
            ..head(700)
        },
        Head {
            epoch: 1,
            ..head(600)
        },
        head(599),
    ] {
        assert_eq!(with(wrong).failure.unwrap().check, Check::Head);
    }
    let stray = Head {
        stray: Some((0, 701)),
        ..head(700)
    };
    let failure = with(stray).failure.unwrap();
    assert_eq!((failure.check, failure.index), (Check::Beyond, 701));
    let hidden = Head {
        region: code(CITY),
        ..head(1)
    };
    assert_eq!(with(hidden).failure.unwrap().check, Check::Head);
}

#[test]
fn between_two_checkpoints_events_are_told_by_kind_and_money_by_what_moved() {
    let (history, signer, dir) = export("between");
    let older = |size| Older::parse(&history.note(size, &signer)).unwrap();
    // Forty people are issued a voucher between the two.
    let (earlier, later) = (older(3 + 3 * 40), older(3 + 4 * 40));
    let mut changes = Vec::new();
    let begin = |region: &Region| Between::new(region, earlier.checkpoint(), later.checkpoint());
    let mut asked = asked(&[&signer]);
    asked.since = vec![earlier.clone(), later.clone()];
    let report = verify(&Dir::new(&dir), &asked, &no_heads, begin, |_, between| {
        changes.push(between.end())
    });
    assert!(report.unwrap().verified);
    let [change] = &changes[..] else {
        panic!("one region")
    };
    assert_eq!(change.kinds.iter().collect::<Vec<_>>(), [(&"Issued", &40)]);
    assert_eq!(change.before.reserved, Fen(0));
    assert_eq!(change.after.reserved, Fen::yuan(40 * 1_500));
    assert_eq!(change.before.allocated, change.after.allocated);
    let times = change
        .times
        .map(|(first, last)| (first.to_string(), last.to_string()));
    assert_eq!(
        times,
        Some((
            "2023-04-19T00:02:03.000Z".to_owned(),
            "2023-04-19T00:02:42.000Z".to_owned()
        ))
    );
}

#[test]
fn whichever_byte_of_whichever_file_is_flipped_it_is_not_verified() {
    let flips = match std::env::var_os("HEFU_LONG") {
        Some(_) => 200_000,
        None => 400,
    };
    let (history, signer, dir) = (
        History::county(300),
        signer(COUNTY, 0, 1),
        folder("any-byte"),
    );
    let county = dir.join(COUNTY);
    history.write(&county, &signer);
    let asked = asked(&[&signer]);
    let files = [
        "checkpoint",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ];
    let mut dice = 1_u64;
    for _ in 0..flips {
        // Knuth's MMIX generator; its high bits are the good ones.
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let file = files[(dice >> 40) as usize % files.len()];
        let whole = fs::read(county.join(file)).unwrap();
        let at = (dice >> 20) as usize % whole.len();
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1 << (dice >> 61);
        put(&county, file, &spoilt);
        let report = run(&dir, &asked);
        assert!(report.failure.is_some(), "byte {at} of {file}");
        put(&county, file, &whole);
    }
    assert!(holds(&dir, &asked).verified);
}
