//! One event after the other is changed in every way that somebody with the database in hand can change it.

use super::*;

/// Bytes with the leaf that stands beside them.
type Row = (u64, Hash, Vec<u8>);

fn row(index: u64, text: &str) -> Row {
    (index, leaf_hash(text.as_bytes()), text.as_bytes().to_vec())
}

fn log(events: u64) -> Vec<Row> {
    (0..events).map(|n| row(n, &format!("event {n}"))).collect()
}

fn tree(rows: &[Row]) -> Frontier {
    let mut frontier = Frontier::new();
    for (_, _, bytes) in rows {
        frontier.push(leaf_hash(bytes));
    }
    frontier
}

/// What the signer finds who signed so many events of `before` and now meets `rows` under a head that says `head`.
fn found(before: &[Row], signed: usize, rows: &[Row], head: &Frontier) -> Result<Frontier, Doubt> {
    let mut builder = TileBuilder::new();
    for (_, leaf, _) in &before[..signed] {
        builder.push(*leaf, |_| {});
    }
    let frontier = head.to_bytes();
    let claim = Claim {
        size: head.size(),
        root: head.root(),
        frontier: &frontier,
    };
    let last = builder.frontier().unwrap();
    if !has_grown(&last, &claim)? {
        return Ok(last);
    }
    let mut growth = Growth::from(builder);
    for (index, leaf, bytes) in rows.iter().filter(|(index, ..)| *index >= signed as u64) {
        growth.feed(Stored {
            index: *index,
            leaf: *leaf,
            bytes,
        })?;
    }
    growth.end(&claim)
}

#[test]
fn a_log_that_only_grew_is_signed() {
    let rows = log(300);
    let whole = tree(&rows);
    assert_eq!(found(&rows, 0, &rows, &whole), Ok(whole.clone()));
    assert_eq!(found(&rows, 255, &rows, &whole), Ok(whole.clone()));
    assert_eq!(found(&rows, 300, &rows, &whole), Ok(whole));
}

#[test]
fn an_event_whose_bytes_changed_is_named() {
    let rows = log(9);
    let mut changed = rows.clone();
    changed[7].2[0] ^= 1;
    let head = tree(&rows);
    assert_eq!(
        found(&rows, 5, &changed, &head),
        Err(Doubt::Leaf { index: 7 })
    );
}

#[test]
fn an_event_that_is_missing_is_named() {
    let rows = log(9);
    let head = tree(&rows);
    let mut holed = rows.clone();
    holed.remove(6);
    assert_eq!(found(&rows, 5, &holed, &head), Err(Doubt::Gap { index: 6 }));
    let short = &rows[..8];
    assert_eq!(found(&rows, 5, short, &head), Err(Doubt::Gap { index: 8 }));
}

#[test]
fn events_that_changed_places_have_another_root() {
    let rows = log(9);
    let head = tree(&rows);
    let mut swapped = rows.clone();
    swapped.swap(6, 7);
    (swapped[6].0, swapped[7].0) = (6, 7);
    assert_eq!(
        found(&rows, 5, &swapped, &head),
        Err(Doubt::Root { index: 5 })
    );
}

#[test]
fn a_log_that_was_hashed_anew_after_an_edit_has_another_root() {
    let rows = log(9);
    let mut forged = rows.clone();
    forged[2] = row(2, "another event 2");
    let head = tree(&forged);
    assert_eq!(
        found(&rows, 5, &forged, &head),
        Err(Doubt::Root { index: 5 })
    );
    assert_eq!(
        found(&rows, 9, &forged, &head),
        Err(Doubt::Root { index: 0 })
    );
}

#[test]
fn a_log_that_is_shorter_than_what_was_signed_is_cut() {
    let rows = log(9);
    let cut = Doubt::Cut { size: 4, signed: 9 };
    assert_eq!(found(&rows, 9, &rows[..4], &tree(&rows[..4])), Err(cut));
}

#[test]
fn a_head_whose_edge_is_another_trees_is_not_signed() {
    let rows = log(9);
    let mut growth = Growth::from(TileBuilder::new());
    for (index, leaf, bytes) in &rows {
        let (index, leaf) = (*index, *leaf);
        growth.feed(Stored { index, leaf, bytes }).unwrap();
    }
    let claim = Claim {
        size: 9,
        root: tree(&rows).root(),
        frontier: &tree(&rows[..8]).to_bytes(),
    };
    assert_eq!(growth.end(&claim), Err(Doubt::Edge { index: 9 }));
    assert_eq!(
        has_grown(&tree(&rows), &claim),
        Err(Doubt::Edge { index: 9 })
    );
}

#[test]
fn a_doubt_says_its_check_and_the_event() {
    let cut = Doubt::Cut { size: 4, signed: 9 };
    assert_eq!(
        cut.to_string(),
        "check \"length\" failed at event 4: 4 events are left of 9 that were signed"
    );
}
