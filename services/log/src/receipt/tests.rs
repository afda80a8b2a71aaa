use super::*;
use crate::{Frontier, NoteSigner, Origin, inclusion_proof, proof::Node};

fn entry(index: u64) -> Vec<u8> {
    format!("{{\"index\":{index}}}").into_bytes()
}

fn key(seed: u8) -> NoteSigner {
    NoteSigner::new("test.hefu.local/140725/0", &[seed; 32]).unwrap()
}

/// A receipt of one event of a log of `size`.
fn receipt(index: u64, size: u64) -> Receipt {
    let leaves: Vec<Hash> = (0..size).map(|i| leaf_hash(&entry(i))).collect();
    let root = |leaves: &[Hash]| {
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        frontier.root()
    };
    let nodes = |node: Node| {
        let width = 1 << node.level;
        let first = node.index as usize * width;
        Ok(root(&leaves[first..first + width]))
    };
    let checkpoint = Checkpoint {
        origin: Origin::new("test.hefu.local", "140725", 0).unwrap(),
        size,
        root: root(&leaves),
    };
    Receipt {
        entry: entry(index),
        index,
        proof: inclusion_proof(index, size, &nodes).unwrap(),
        note: checkpoint.sign(&key(1)).unwrap().to_string(),
    }
}

#[test]
fn a_receipt_is_read_back_and_holds_with_nothing_but_the_logs_key() {
    let known = [key(1).vkey().clone()];
    for size in [1, 2, 3, 7, 8, 300] {
        for index in [0, size / 2, size - 1] {
            let receipt = receipt(index, size);
            let read: Receipt = receipt.to_string().parse().unwrap();
            assert_eq!(read, receipt);
            assert_eq!(read.verify(&known).unwrap().size, size);
        }
    }
}

#[test]
fn another_event_index_proof_or_key_does_not_hold() {
    let known = [key(1).vkey().clone()];
    let good = receipt(3, 7);
    let spoilt = |spoil: &dyn Fn(&mut Receipt)| {
        let mut receipt = good.clone();
        spoil(&mut receipt);
        receipt.verify(&known).unwrap_err()
    };
    assert_eq!(spoilt(&|r| r.entry[0] ^= 1), LogError::Proof);
    assert_eq!(spoilt(&|r| r.index = 4), LogError::Proof);
    assert_eq!(spoilt(&|r| r.index = 7), LogError::Range { at: 7, size: 7 });
    assert_eq!(spoilt(&|r| r.proof.truncate(1)), LogError::Proof);
    assert_eq!(spoilt(&|r| r.proof[0].0[0] ^= 1), LogError::Proof);
    let other = [key(2).vkey().clone()];
    assert_eq!(good.verify(&other), Err(LogError::Unsigned));
}

#[test]
fn a_proof_holds_in_the_tree_that_it_was_made_for_and_in_no_other() {
    let known = [key(1).vkey().clone()];
    for (size, other) in [(7, 8), (8, 7), (4, 5), (300, 256), (256, 300)] {
        let mut mixed = receipt(3, size);
        mixed.proof = receipt(3, other).proof;
        assert_eq!(
            mixed.verify(&known),
            Err(LogError::Proof),
            "{size} by {other}"
        );
        let mut mixed = receipt(3, size);
        mixed.note = receipt(3, other).note;
        assert_eq!(
            mixed.verify(&known),
            Err(LogError::Proof),
            "{size} in {other}"
        );
    }
}

#[test]
fn a_receipt_spelt_otherwise_is_none() {
    let good = receipt(3, 7).to_string();
    assert!(good.parse::<Receipt>().is_ok());
    for bad in [
        String::new(),
        good.replacen("v1", "v2", 1),
        good.replacen("index 3", "index 03", 1),
        good.replacen("index 3", "index +3", 1),
        good.replacen("index 3", "index 9007199254740992", 1),
        good.replacen("entry ", "entry  ", 1),
        good.replacen("entry ", "event ", 1),
        good.replacen("tlog-proof@v1", "tlog-proof@v2", 1),
        good.replacen("index 3\n", "index 3\nAAAA\n", 1),
        good.split_once("\n\n").unwrap().0.to_owned(),
    ] {
        assert!(bad.parse::<Receipt>().is_err(), "{bad}");
    }
}
