//! Folders and servers that lie about sizes, numbers and names: whoever reads them never panics, hangs or fills the memory, and says
//! which file it was.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod made;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use hefu_audit::verify::{Asked, Between, Check, Older, Witnesses, no_heads, verify};
use hefu_audit::{Check as Event0, Dir, Files, Historian, audit_region, audit_regions};
use hefu_domain::event::*;
use hefu_domain::{Digest, Event, Region};
use hefu_log::{Checkpoint, Cosigner, MAX_INTEGER, NoteSigner, Origin};

use made::*;

fn region() -> Region {
    code(COUNTY)
}

/// A checkpoint over nothing that is there.
fn claimed(origin: Origin, size: u64, signer: &NoteSigner) -> String {
    let root = History::county(1).root();
    let claimed = Checkpoint { origin, size, root };
    claimed.sign(signer).unwrap().to_string()
}

/// What the folder is not read for, and why.
fn unread(dir: &Path, asked: &Asked) -> String {
    let read = verify(&Dir::new(dir), asked, &no_heads, |_| (), |_, ()| {});
    read.unwrap_err().to_string()
}

#[test]
fn a_size_that_nobody_can_have_ends_where_the_events_do() {
    let (history, signer, dir) = (History::county(700), signer(COUNTY, 0, 1), folder("huge"));
    let county = dir.join(COUNTY);
    history.write(&county, &signer);
    for size in [701, 1 << 40, MAX_INTEGER] {
        let note = claimed(origin(COUNTY, 0), size, &signer);
        put(&county, "checkpoint", note.as_bytes());
        expect(&failure(&dir, &asked(&[&signer])), Check::Entries, 512);
        assert!(audit_region(&Dir::new(&dir), &region(), true).is_err());
    }
    for size in [
        "9007199254740992",
        "18446744073709551616",
        "-1",
        "+700",
        "7e2",
    ] {
        let note = history
            .note(700, &signer)
            .replacen("\n700\n", &format!("\n{size}\n"), 1);
        put(&county, "checkpoint", note.as_bytes());
        expect(&failure(&dir, &asked(&[&signer])), Check::Checkpoint, 0);
    }
}

#[test]
fn an_epoch_of_any_number_is_reached_in_one_step() {
    let (mut chain, dir) = (Chain::default(), folder("far-epoch"));
    let kept = chain.log(COUNTY, 0, county().take(10));
    let fork = Event::ForkAccepted(ForkAccepted {
        reason: code("RESTORED_BACKUP"),
        signed: None,
        kept: kept.tree(),
    });
    let after = chain.log(COUNTY, MAX_INTEGER, [fork]);
    let key = signer(COUNTY, MAX_INTEGER, 1);
    kept.write_files(&dir.join(COUNTY).join("epoch/0"));
    after.write(&dir.join(COUNTY), &key);
    let (files, asked) = (Dir::new(&dir), asked(&[&key]));
    assert!(holds(&dir, &asked).verified);
    assert!(audit_region(&files, &region(), false).unwrap().log.is_ok());
    let mark = Older::parse(&after.note(1, &key)).unwrap();
    let between = |region: &Region| Between::new(region, mark.checkpoint(), mark.checkpoint());
    assert!(
        verify(&files, &asked, &no_heads, between, |_, _| ())
            .unwrap()
            .verified
    );
    let historian = |region: &Region| {
        Historian::new(region.clone(), code("0190f3a4-5b1c-7cc1-8e55-000000000000"))
    };
    assert!(
        verify(&files, &asked, &no_heads, historian, |_, _| ())
            .unwrap()
            .verified
    );
}

#[test]
fn thousands_of_epochs_that_claim_every_event_there_can_be_are_a_missing_file() {
    let dir = folder("endless-epochs");
    let epochs = 2_100;
    for epoch in 1..=epochs {
        let fork = Event::ForkAccepted(ForkAccepted {
            reason: code("RESTORED_BACKUP"),
            signed: None,
            kept: LogTree {
                epoch: epoch - 1,
                size: MAX_INTEGER,
                root: Digest([7; 32]),
            },
        });
        let log = Chain::default().log(COUNTY, epoch, [fork]);
        let place = match epoch {
            _ if epoch == epochs => dir.join(COUNTY),
            _ => dir.join(COUNTY).join(format!("epoch/{epoch}")),
        };
        // Its first bundle claims to be full.
        put(
            &place,
            "tile/entries/000",
            &bundle(&vec![log.entries[0].clone(); 256]),
        );
        if epoch == epochs {
            let key = signer(COUNTY, epoch, 1);
            put(
                &place,
                "checkpoint",
                claimed(origin(COUNTY, epoch), MAX_INTEGER, &key).as_bytes(),
            );
        }
    }
    let key = signer(COUNTY, epochs, 1);
    let found = failure(&dir, &asked(&[&key]));
    expect(&found, Check::Entries, 0);
    assert_eq!(found.epoch, 0);
    let error = audit_regions(&Dir::new(&dir), false, 1, |_, _| ()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("140725/epoch/0/tile/entries/000 is missing"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn what_is_no_plain_file_is_named_and_not_waited_for() {
    let (history, signer, dir) = (History::county(10), signer(COUNTY, 0, 1), folder("pipes"));
    let county = dir.join(COUNTY);
    history.write(&county, &signer);
    let bundle = county.join("tile/entries/000.p/10");
    let bytes = fs::read(&bundle).unwrap();
    fs::remove_file(&bundle).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(&bundle).status();
    assert!(pipe.unwrap().success());
    let name = "140725/tile/entries/000.p/10";
    let said = unread(&dir, &asked(&[&signer]));
    assert_eq!(said, format!("{name}: is no plain file; export again"));
    for elsewhere in ["/dev/zero", "/"] {
        fs::remove_file(&bundle).unwrap();
        std::os::unix::fs::symlink(elsewhere, &bundle).unwrap();
        let said = unread(&dir, &asked(&[&signer]));
        assert!(
            said.starts_with(&format!("{name}: is no plain file")),
            "{said}"
        );
    }
    fs::remove_file(&bundle).unwrap();
    // A file of more than any log's, of which nothing is on the disk.
    fs::File::create(&bundle).unwrap().set_len(1 << 40).unwrap();
    let said = unread(&dir, &asked(&[&signer]));
    assert!(
        said.contains(name) && said.contains("longer than any file of a log"),
        "{said}"
    );
    put(&county, "tile/entries/000.p/10", &bytes);
    assert!(holds(&dir, &asked(&[&signer])).verified);
}

#[test]
fn an_event_that_is_not_what_this_software_writes_is_no_event() {
    let (history, signer) = (History::county(700), signer(COUNTY, 0, 1));
    let good = String::from_utf8(history.entries[300].clone()).unwrap();
    let body = |body: &str| {
        let (head, rest) = good.split_once("\"body\":").unwrap();
        let tail = &rest[rest.find(",\"caller\"").unwrap()..];
        format!("{head}\"body\":{body}{tail}")
    };
    let deep = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
    for (what, text) in [
        ("deep", body(&format!("{{\"a\":{deep}}}")).into_bytes()),
        (
            "twice",
            good.replacen("\"at\"", "\"at\":\"x\",\"at\"", 1)
                .into_bytes(),
        ),
        ("key-twice", body("{\"a\":1,\"a\":1}").into_bytes()),
        ("order", body("{\"b\":1,\"a\":1}").into_bytes()),
        ("float", body("{\"a\":1.5}").into_bytes()),
        ("null", body("{\"a\":null}").into_bytes()),
        ("beyond", body("{\"a\":9007199254740992}").into_bytes()),
        ("minus-zero", body("{\"a\":-0}").into_bytes()),
        ("latin", [good.as_bytes(), &[0xe9]].concat()),
        ("surrogate", body("{\"a\":\"\\ud800\"}").into_bytes()),
        ("empty", Vec::new()),
    ] {
        let mut history = history.clone();
        history.entries[300] = text;
        let dir = folder(&format!("no-event-{what}"));
        history.write(&dir.join(COUNTY), &signer);
        expect(&failure(&dir, &asked(&[&signer])), Event0::Bytes, 300);
        assert!(
            audit_region(&Dir::new(&dir), &region(), true)
                .unwrap()
                .log
                .is_err()
        );
    }
}

/// A server that shows one more log of a region whenever it is asked for the one before.
struct Forks(NoteSigner);

impl Files for Forks {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let epoch = match path.strip_prefix("140725/epoch/") {
            Some(rest) => rest.split('/').next().unwrap().parse().unwrap(),
            None => MAX_INTEGER,
        };
        if path.ends_with("checkpoint") {
            let note = claimed(origin(COUNTY, MAX_INTEGER), 1, &self.0);
            return Ok((epoch == MAX_INTEGER).then(|| note.into_bytes()));
        }
        let fork = Event::ForkAccepted(ForkAccepted {
            reason: code("RESTORED_BACKUP"),
            signed: None,
            kept: LogTree {
                epoch: epoch - 1,
                size: 1,
                root: Digest([7; 32]),
            },
        });
        Ok(Some(bundle(
            &Chain::default().log(COUNTY, epoch, [fork]).entries,
        )))
    }

    fn regions(&self) -> io::Result<Vec<Region>> {
        Ok(vec![region()])
    }
}

#[test]
fn forks_without_end_are_followed_as_far_as_anybody_could_have_accepted_them() {
    let server = Forks(signer(COUNTY, MAX_INTEGER, 1));
    let asked = asked(&[&server.0]);
    let report = verify(&server, &asked, &no_heads, |_| (), |_, ()| {}).unwrap();
    expect(&report.failure.unwrap(), Check::Fork, 0);
    let error = audit_regions(&server, false, 1, |_, _| ()).unwrap_err();
    assert!(
        error.to_string().ends_with("is one log of too many"),
        "{error}"
    );
}

/// A server that lists a region twice, and shows checkpoints of every size there is.
struct Endless<'a> {
    dir: Dir,
    signer: &'a NoteSigner,
    pages: AtomicU64,
}

impl Files for Endless<'_> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match path.strip_prefix("140725/checkpoints/") {
            None => self.dir.read(path),
            Some(from) => {
                self.pages.fetch_add(1, Ordering::Relaxed);
                let note = claimed(origin(COUNTY, 0), from.parse().unwrap(), self.signer);
                Ok(Some(note.into_bytes()))
            }
        }
    }

    fn regions(&self) -> io::Result<Vec<Region>> {
        Ok(vec![region(); 2])
    }
}

#[test]
fn checkpoints_without_end_are_read_as_far_as_the_log_goes() {
    let (history, signer, dir) = (History::county(40), signer(COUNTY, 0, 1), folder("series"));
    history.write(&dir.join(COUNTY), &signer);
    let server = Endless {
        dir: Dir::new(&dir),
        signer: &signer,
        pages: AtomicU64::new(0),
    };
    let witness = Cosigner::new("w.example", &[9; 32]).unwrap();
    let asked = Asked {
        witnesses: Witnesses::new(vec![witness.public().clone()], 0).unwrap(),
        ..asked(&[&signer])
    };
    let report = verify(&server, &asked, &no_heads, |_| (), |_, ()| {}).unwrap();
    assert!(report.verified, "{:?}", report.failure);
    assert_eq!(
        (report.regions, report.events),
        (1, 40),
        "a region counts once"
    );
    assert_eq!(server.pages.load(Ordering::Relaxed), 41);
}

#[test]
fn an_older_checkpoint_is_of_this_log_or_it_fails() {
    let (history, signer, dir) = (History::county(300), signer(COUNTY, 0, 1), folder("since"));
    history.write(&dir.join(COUNTY), &signer);
    let since = |note: String| Asked {
        since: vec![Older::parse(&note).unwrap()],
        ..asked(&[&signer])
    };
    let ahead = claimed(origin(COUNTY, 0), MAX_INTEGER, &signer);
    expect(&failure(&dir, &since(ahead)), Check::Since, MAX_INTEGER);
    let later = made::signer(COUNTY, 7, 1);
    let later = claimed(origin(COUNTY, 7), 5, &later);
    expect(&failure(&dir, &since(later)), Check::Since, 5);
    let elsewhere: Origin = format!("other.example/{COUNTY}/0").parse().unwrap();
    let key = NoteSigner::new(&elsewhere.to_string(), &[1; 32]).unwrap();
    let elsewhere = claimed(elsewhere, 200, &key);
    expect(&failure(&dir, &since(elsewhere)), Check::Origin, 200);
    // Of a region that was left out it says nothing.
    let city = made::signer(CITY, 0, 1);
    let mut some = since(claimed(origin(CITY, 0), 5, &city));
    some.regions = vec![region()];
    assert!(unread(&dir, &some).contains("is of no region that is asked for"));
}
