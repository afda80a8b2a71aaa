//! Whatever a stranger sends, no parser of ours panics; what it takes has one text, and a proof that was tampered with
//! does not hold. Good files are cut, spliced and overwritten at random, from a fixed seed: a failure can be had again.
//! `tests/long` tries a hundred times as much.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

use std::fmt::{Debug, Display};
use std::str::FromStr;

use hefu_log::tile::{decode_entries, encode_entries};
use hefu_log::{
    Checkpoint, Cosigner, Envelope, Frontier, Hash, Note, NoteSigner, Opened, Origin, Receipt,
    SecondKey, Tile, TileBuilder, TileKind, TilePath, TileSet, VerifierKeys, View, Vkey,
    consistency_proof, inclusion_proof, is_canonical, leaf_hash, series, verify_consistency,
    verify_inclusion,
};

/// Bytes that mean something to one parser or another.
const TELLING: &[u8] = b" \n\0\"\\{}[]:,+-./x0159AZ=\xe2\xff";

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `limit`; 0 if that is 0.
    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }

    /// One to four changes to some bytes.
    fn spoil(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let to = at + self.below((bytes.len() - at).min(40) + 1);
            let piece = bytes[at..to].to_vec();
            match self.below(7) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..to)),
                2 => drop(bytes.splice(at..at, piece)),
                3 => bytes.insert(at, self.roll() as u8),
                4 => bytes.insert(at, TELLING[self.below(TELLING.len())]),
                5 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ => {
                    let from = self.below(good.len() + 1);
                    let piece = good[from..(from + 40).min(good.len())].to_vec();
                    drop(bytes.splice(at..to, piece));
                }
            }
        }
        bytes
    }
}

fn rounds() -> usize {
    match std::env::var_os("HEFU_LONG") {
        Some(_) => 2_000_000,
        None => 20_000,
    }
}

/// Spoils good inputs and hands each on.
fn spoilt(seed: u64, good: &[Vec<u8>], mut try_it: impl FnMut(&[u8])) {
    let mut dice = Dice(seed);
    for sample in good {
        try_it(sample);
    }
    for _ in 0..rounds() {
        let sample = &good[dice.below(good.len())];
        try_it(&dice.spoil(sample));
    }
}

/// Whatever parses has one text.
fn one_text<T: FromStr + Display>(bytes: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?;
    let parsed: T = text.parse().ok()?;
    assert_eq!(parsed.to_string(), text);
    Some(parsed)
}

fn signer() -> NoteSigner {
    NoteSigner::new(&origin().to_string(), &[7; 32]).unwrap()
}

fn origin() -> Origin {
    "hefu.example/140725/0".parse().unwrap()
}

fn entry(index: u64) -> Vec<u8> {
    let prev = (index > 0).then(|| leaf_hash(&[index as u8]));
    let event = Envelope {
        region: "140725",
        index,
        at: "2026-03-02T08:30:00.125Z",
        kind: "Redeemed",
        stream: "voucher/0190f3a4-5b1c-7cc1-8e55-1f6f0c9d2a11",
        version: if index > 0 { 4 } else { 1 },
        prev,
        caller: "desk \"one\"\n",
        request: "0190f3a4-5b1c-7cc1-8e55-1f6f0c9d2a12",
        digest: "q0Zk-_8",
        policy: Some(3),
        body: serde_json::json!({"amount": 1_000, "list": [1, -2, true, "寿阳"], "é": {}}),
    };
    event.encode().unwrap().bytes
}

/// A log of so many events: its leaves, tiles and signed checkpoint.
fn log(size: u64) -> (Vec<Hash>, TileSet, Note) {
    let (mut builder, mut tiles) = (TileBuilder::new(), TileSet::new());
    let leaves: Vec<Hash> = (0..size).map(|index| leaf_hash(&entry(index))).collect();
    leaves
        .iter()
        .for_each(|leaf| builder.push(*leaf, |tile| tiles.insert(tile)));
    builder
        .partial()
        .into_iter()
        .for_each(|tile| tiles.insert(tile));
    let root = builder.frontier().unwrap().root();
    let note = Checkpoint {
        origin: origin(),
        size,
        root,
    }
    .sign(&signer())
    .unwrap();
    (leaves, tiles, note)
}

fn receipt(index: u64, size: u64) -> Receipt {
    let (_, tiles, note) = log(size);
    let proof = inclusion_proof(index, size, &tiles).unwrap();
    Receipt {
        entry: entry(index),
        index,
        proof,
        note: note.to_string(),
    }
}

#[test]
fn notes_and_checkpoints() {
    let (_, _, mut note) = log(300);
    let plain = note.to_string();
    note.add(
        Cosigner::new("witness.example", &[8; 32])
            .unwrap()
            .cosign(&note, 1_700_000_000)
            .unwrap(),
    );
    let known = [signer().vkey().clone()];
    let signed: Checkpoint = note.text().parse().unwrap();
    let mut row = plain.clone();
    series::append(&mut row, &note).unwrap();
    let samples = [plain, note.to_string(), row].map(String::into_bytes);
    spoilt(1, &samples, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        if let Ok(note) = Note::parse(text) {
            assert_eq!(Note::parse(&note.to_string()).as_ref(), Ok(&note));
        }
        // Nobody but the key makes a checkpoint that opens under it.
        if let Ok(opened) = Checkpoint::open(text, &known) {
            assert_eq!(opened, signed);
        }
        let _ = series::read(text);
    });
    let text = signed.to_string().into_bytes();
    spoilt(2, &[text, origin().to_string().into_bytes()], |bytes| {
        one_text::<Checkpoint>(bytes);
        one_text::<Origin>(bytes);
    });
}

#[test]
fn keys_and_hashes() {
    let vkey = signer().vkey().to_string().into_bytes();
    let hash = leaf_hash(b"leaf").to_string().into_bytes();
    // OpenSSL's, of the key in GB/T 32918.5 annex A.
    let second = b"hefu.example/140725/0+deeb669e+/zEuMi4xNTYuMTAxOTcuMS41MDEECfnfMR5UIaFQ3X0WHkvFxnIXn60YM/wHa7CP81bzUCDM6kkM4md1pS3G6nGMwapgCu0F+/NeCEpmMvYHLamtEw==";
    spoilt(3, &[vkey, hash, second.to_vec()], |bytes| {
        one_text::<Vkey>(bytes);
        one_text::<Hash>(bytes);
        one_text::<SecondKey>(bytes);
        let read = std::str::from_utf8(bytes).map(VerifierKeys::parse);
        if let Ok(Ok(read)) = read {
            let known = read.keys.len() + read.second.len();
            assert_eq!(read.warning().is_some(), !read.skipped.is_empty());
            assert!(known + read.skipped.len() <= bytes.split(|byte| *byte == b'\n').count());
        }
    });
}

#[test]
fn tile_paths_tiles_and_bundles() {
    let paths = [
        "tile/0/000",
        "tile/63/x001/x234/067",
        "tile/1/999.p/255",
        "tile/entries/x001/x234/067.p/8",
    ];
    let samples = paths.map(|path| path.as_bytes().to_vec());
    let (leaves, _, _) = log(9);
    let tile = leaves.iter().flat_map(|leaf| leaf.0).collect::<Vec<u8>>();
    spoilt(4, &samples, |bytes| {
        if let Some(path) = one_text::<TilePath>(bytes) {
            let _ = Tile::from_bytes(&path, &tile);
            let _ = TilePath::in_log(path.kind(), path.index(), u64::from(path.width()));
        }
    });
    let bundle = encode_entries(&(0..9).map(entry).collect::<Vec<_>>()).unwrap();
    spoilt(5, &[bundle, tile], |bytes| {
        for width in [1, 9, 256] {
            if let Ok(entries) = decode_entries(bytes, width) {
                assert_eq!(encode_entries(&entries).as_deref(), Ok(bytes));
            }
            let path = TilePath::new(TileKind::Hashes(0), 0, width).unwrap();
            if let Ok(tile) = Tile::from_bytes(&path, bytes) {
                assert_eq!(tile.to_bytes(), bytes);
            }
        }
        if let Ok(frontier) = Frontier::from_bytes(bytes) {
            assert_eq!(frontier.to_bytes(), bytes);
        }
    });
}

#[test]
fn events() {
    spoilt(6, &[entry(0), entry(41)], |bytes| {
        let view = View::read(bytes);
        let opened: Result<Opened, _> = Opened::decode(bytes);
        assert_eq!(view.is_ok(), opened.is_ok() && is_canonical(bytes));
    });
}

#[test]
fn receipts() {
    let known = [signer().vkey().clone()];
    let receipts = [receipt(0, 1), receipt(41, 300)];
    let samples: Vec<Vec<u8>> = receipts
        .iter()
        .map(|receipt| receipt.to_string().into_bytes())
        .collect();
    spoilt(7, &samples, |bytes| {
        let Some(receipt) = one_text::<Receipt>(bytes) else {
            return;
        };
        if receipt.verify(&known).is_ok() {
            let same = |good: &&Receipt| good.entry == receipt.entry && good.index == receipt.index;
            assert!(receipts.iter().any(|good| same(&good)), "{receipt}");
        }
    });
}

#[test]
fn proofs() {
    let sizes = [1_u64, 2, 7, 255, 256, 257, 300];
    let (leaves, tiles, _) = log(300);
    let root = |size: u64| hefu_log::root_at(size, &tiles).unwrap();
    let mut dice = Dice(8);
    // Each makes two proofs and hashes its way up four times.
    for _ in 0..rounds() / 20 {
        let (old, new) = (sizes[dice.below(7)], sizes[dice.below(7)]);
        let index = dice.below(new as usize) as u64;
        let inclusion = inclusion_proof(index, new, &tiles).unwrap();
        let leaf = &leaves[index as usize];
        spoilt_proof(&mut dice, &inclusion, |proof| {
            verify_inclusion(leaf, index, new, proof, &root(new))
        });
        let _ = verify_inclusion(leaf, dice.roll(), dice.roll(), &inclusion, &root(new));
        if old <= new {
            let consistency = consistency_proof(old, new, &tiles).unwrap();
            spoilt_proof(&mut dice, &consistency, |proof| {
                verify_consistency(old, &root(old), new, &root(new), proof)
            });
        }
    }
}

/// A proof holds, and with a hash changed, left out or added it does not.
fn spoilt_proof<E: Debug>(
    dice: &mut Dice,
    good: &[Hash],
    holds: impl Fn(&[Hash]) -> Result<(), E>,
) {
    holds(good).unwrap();
    let mut bad = good.to_vec();
    let at = dice.below(bad.len());
    match dice.below(3) {
        0 => bad.insert(at, leaf_hash(b"added")),
        1 if !bad.is_empty() => drop(bad.remove(at)),
        _ if !bad.is_empty() => bad[at].0[dice.below(32)] ^= 1 << dice.below(8),
        _ => bad.push(Hash::EMPTY),
    }
    assert!(holds(&bad).is_err());
}
