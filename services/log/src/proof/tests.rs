use proptest::prelude::*;

use super::*;
use crate::leaf_hash;
use crate::merkle::tests::{CT_LEAVES, CT_ROOTS, hex, leaves, naive_root};

fn reader(leaves: &[Hash]) -> impl Nodes {
    |node: Node| {
        let from = (node.index << node.level) as usize;
        leaves
            .get(from..from + (1 << node.level))
            .map(naive_root)
            .ok_or(LogError::Missing(node))
    }
}

fn ct() -> Vec<Hash> {
    CT_LEAVES.iter().map(|leaf| leaf_hash(leaf)).collect()
}

fn hexes(proof: &[Hash]) -> Vec<String> {
    proof.iter().map(hex).collect()
}

const E96: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const E5F: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const E6B: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const EBC: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const ECA: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const E0E: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

#[test]
fn inclusion_proofs_are_those_of_the_reference_tests() {
    let leaves = ct();
    let cases: [(u64, u64, &[&str]); 5] = [
        (0, 1, &[]),
        (0, 8, &[E96, E5F, E6B]),
        (5, 8, &[EBC, ECA, CT_ROOTS[3]]),
        (2, 3, &[CT_ROOTS[1]]),
        (1, 5, &[CT_ROOTS[0], E5F, EBC]),
    ];
    for (index, size, expected) in cases {
        let proof = inclusion_proof(index, size, &reader(&leaves)).unwrap();
        assert_eq!(hexes(&proof), expected, "{index} in {size}");
    }
}

#[test]
fn consistency_proofs_are_those_of_the_reference_tests() {
    let leaves = ct();
    let cases: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (1, 8, &[E96, E5F, E6B]),
        (6, 8, &[E0E, ECA, CT_ROOTS[3]]),
        (2, 5, &[E5F, EBC]),
    ];
    for (old, new, expected) in cases {
        let proof = consistency_proof(old, new, &reader(&leaves)).unwrap();
        assert_eq!(hexes(&proof), expected, "{old} to {new}");
    }
}

#[test]
fn every_inclusion_proof_holds_and_only_for_its_own_leaf_place_and_root() {
    let leaves = leaves(40);
    for size in 1..=40_u64 {
        let root = naive_root(&leaves[..size as usize]);
        for index in 0..size {
            let leaf = &leaves[index as usize];
            let mut proof = inclusion_proof(index, size, &reader(&leaves)).unwrap();
            verify_inclusion(leaf, index, size, &proof, &root).unwrap();
            assert!(verify_inclusion(&root, index, size, &proof, &leaf_hash(b"")).is_err());
            for other in (0..size).filter(|other| *other != index) {
                assert!(
                    verify_inclusion(leaf, other, size, &proof, &root).is_err(),
                    "{index} as {other}"
                );
            }
            proof.push(root);
            assert_eq!(
                verify_inclusion(leaf, index, size, &proof, &root),
                Err(LogError::Proof)
            );
        }
        assert!(verify_inclusion(&leaves[0], size, size, &[], &root).is_err());
    }
}

#[test]
fn every_consistency_proof_holds_and_none_hides_a_change() {
    let leaves = leaves(40);
    for new in 0..=40_u64 {
        let new_root = naive_root(&leaves[..new as usize]);
        for old in 0..=new {
            let old_root = naive_root(&leaves[..old as usize]);
            let proof = consistency_proof(old, new, &reader(&leaves)).unwrap();
            verify_consistency(old, &old_root, new, &new_root, &proof).unwrap();
            let other = leaf_hash(b"another history");
            assert!(
                verify_consistency(old, &other, new, &new_root, &proof).is_err(),
                "{old} to {new}"
            );
            // From the empty tree anything follows, so that there is nothing to hide.
            assert!(
                old == 0 && new > 0
                    || verify_consistency(old, &old_root, new, &other, &proof).is_err()
            );
            let longer = [proof.as_slice(), &[other]].concat();
            assert!(verify_consistency(old, &old_root, new, &new_root, &longer).is_err());
            if let Some((_, shorter)) = proof.split_last() {
                assert!(verify_consistency(old, &old_root, new, &new_root, shorter).is_err());
            }
        }
    }
    assert!(verify_consistency(2, &Hash::EMPTY, 1, &Hash::EMPTY, &[]).is_err());
}

#[test]
fn what_lies_outside_the_tree_is_refused() {
    let leaves = leaves(4);
    assert_eq!(
        inclusion_proof(4, 4, &reader(&leaves)),
        Err(LogError::Range { at: 4, size: 4 })
    );
    assert_eq!(
        consistency_proof(5, 4, &reader(&leaves)),
        Err(LogError::Range { at: 5, size: 4 })
    );
    assert!(matches!(
        inclusion_proof(0, 8, &reader(&leaves)),
        Err(LogError::Missing(_))
    ));
}

struct Theirs(Vec<tlog_tiles::Hash>);

impl tlog_tiles::HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes
            .iter()
            .map(|index| self.0[*index as usize])
            .collect())
    }
}

#[test]
fn another_implementation_accepts_our_proofs() {
    let events: Vec<_> = (0..70_u64).map(u64::to_be_bytes).collect();
    let mut theirs = Theirs(Vec::new());
    for (n, event) in (0..).zip(&events) {
        let stored = tlog_tiles::stored_hashes(n, event, &theirs).unwrap();
        theirs.0.extend(stored);
    }
    let leaves = leaves(70);
    let root = |size: u64| tlog_tiles::Hash(naive_root(&leaves[..size as usize]).0);
    let list = |proof: Vec<Hash>| {
        proof
            .into_iter()
            .map(|hash| tlog_tiles::Hash(hash.0))
            .collect::<Vec<_>>()
    };
    for size in [1, 2, 33, 64, 69, 70] {
        assert_eq!(tlog_tiles::tree_hash(size, &theirs).unwrap(), root(size));
        for index in 0..size {
            let proof = list(inclusion_proof(index, size, &reader(&leaves)).unwrap());
            let leaf = tlog_tiles::Hash(leaves[index as usize].0);
            tlog_tiles::check_record(&proof, size, root(size), index, leaf).unwrap();
            let proof = list(consistency_proof(index + 1, size, &reader(&leaves)).unwrap());
            tlog_tiles::check_tree(&proof, size, root(size), index + 1, root(index + 1)).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn a_changed_leaf_anywhere_before_breaks_consistency(old in 1_usize..200, more in 1_usize..200, at in 0_usize..200) {
        let honest = leaves(old + more);
        let mut forged = honest.clone();
        forged[at % old] = leaf_hash(b"edited");
        let (old, new) = (old as u64, (old + more) as u64);
        let proof = consistency_proof(old, new, &reader(&forged)).unwrap();
        let old_root = naive_root(&honest[..old as usize]);
        prop_assert!(verify_consistency(old, &old_root, new, &naive_root(&forged), &proof).is_err());
    }

    #[test]
    fn roots_and_edges_read_from_nodes_are_those_of_appending(size in 0_usize..300) {
        let leaves = leaves(size);
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        prop_assert_eq!(root_at(size as u64, &reader(&leaves)).unwrap(), frontier.root());
        prop_assert_eq!(frontier_at(size as u64, &reader(&leaves)).unwrap(), frontier);
    }

    #[test]
    fn no_proof_makes_verifying_panic(
        a: u64, b: u64, words in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let proof: Vec<_> = words.into_iter().map(|word| Hash([word; 32])).collect();
        let _ = verify_inclusion(&Hash::EMPTY, a, b, &proof, &Hash::EMPTY);
        let _ = verify_consistency(a, &Hash::EMPTY, b, &Hash::EMPTY, &proof);
    }
}
