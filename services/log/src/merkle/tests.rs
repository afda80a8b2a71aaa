use proptest::prelude::*;

use super::*;

/// The leaves of the reference tests of Certificate Transparency, and the roots of the trees of 1 to 8 of them.
pub(crate) const CT_LEAVES: [&[u8]; 8] = [
    b"",
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    b"PQRSTUVW",
    b"`abcdefghijklmno",
];
pub(crate) const CT_ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

pub(crate) fn hex(hash: &Hash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 6962, 2.1, word for word: the tree as its definition has it.
pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash(Sha256::digest(b"").into()),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while 2 * k < leaves.len() {
                k *= 2;
            }
            node_hash(&naive_root(&leaves[..k]), &naive_root(&leaves[k..]))
        }
    }
}

pub(crate) fn leaves(count: usize) -> Vec<Hash> {
    (0..count as u64)
        .map(|n| leaf_hash(&n.to_be_bytes()))
        .collect()
}

#[test]
fn roots_are_those_of_the_reference_tests() {
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), Hash(Sha256::digest(b"").into()));
    for (leaf, root) in CT_LEAVES.iter().zip(CT_ROOTS) {
        frontier.push(leaf_hash(leaf));
        assert_eq!(hex(&frontier.root()), root);
    }
}

#[test]
fn leaves_and_nodes_hash_as_another_implementation_does() {
    let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
    assert_eq!(left.0, tlog_tiles::record_hash(b"left").0);
    let theirs = tlog_tiles::node_hash(tlog_tiles::Hash(left.0), tlog_tiles::Hash(right.0));
    assert_eq!(node_hash(&left, &right).0, theirs.0);
}

#[test]
fn a_hash_has_one_text() {
    let hash = leaf_hash(b"tally");
    let text = hash.to_string();
    assert_eq!(text.len(), 43);
    assert_eq!(text.parse(), Ok(hash));
    assert_eq!(serde_json::to_string(&hash).unwrap(), format!("\"{text}\""));
    assert_eq!(
        serde_json::from_str::<Hash>(&format!("\"{text}\"")).unwrap(),
        hash
    );
    // Empty, cut, padded, the other alphabet, stray bits in the last character, not base64 at all.
    let zero = Hash([0; 32]).to_string();
    let stray = format!("{}B", &zero[..42]);
    for wrong in [
        "",
        &text[1..],
        &format!("{text}="),
        &zero.replacen('A', "+", 1),
        &stray,
        &"é".repeat(22),
    ] {
        assert_eq!(wrong.parse::<Hash>(), Err(LogError::Hash), "{wrong}");
    }
}

#[test]
fn an_edge_of_the_wrong_shape_is_refused() {
    let mut frontier = Frontier::new();
    leaves(7).into_iter().for_each(|leaf| frontier.push(leaf));
    let bytes = frontier.to_bytes();
    assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier.clone()));
    assert_eq!(
        Frontier::from_bytes(&Frontier::new().to_bytes()),
        Ok(Frontier::new())
    );
    assert!(Frontier::from_bytes(&[]).is_err());
    assert!(Frontier::from_bytes(&bytes[..7]).is_err());
    assert!(Frontier::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Frontier::from_bytes(&bytes[..bytes.len() - 32]).is_err());
    let mut other_size = bytes.clone();
    other_size[7] = 8;
    assert!(Frontier::from_bytes(&other_size).is_err());
    assert!(Frontier::from_parts(1 << 53, vec![Hash::EMPTY]).is_err());
}

#[test]
fn every_size_has_the_root_that_the_definition_gives() {
    let leaves = leaves(300);
    let mut frontier = Frontier::new();
    for (size, leaf) in leaves.iter().enumerate() {
        assert_eq!(frontier.root(), naive_root(&leaves[..size]), "{size}");
        assert_eq!(frontier.size(), size as u64);
        frontier.push(*leaf);
    }
}

proptest! {
    #[test]
    fn an_edge_survives_being_stored_at_any_point(size in 0_usize..400, more in 0_usize..100) {
        let leaves = leaves(size + more);
        let mut frontier = Frontier::new();
        leaves[..size].iter().for_each(|leaf| frontier.push(*leaf));
        let mut stored = Frontier::from_bytes(&frontier.to_bytes()).unwrap();
        leaves[size..].iter().for_each(|leaf| stored.push(*leaf));
        prop_assert_eq!(stored.root(), naive_root(&leaves));
    }

    #[test]
    fn no_bytes_make_reading_an_edge_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Frontier::from_bytes(&bytes);
    }
}
