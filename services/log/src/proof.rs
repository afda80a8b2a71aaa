//! Proofs that an event is in a tree, and that a later tree extends an earlier one (RFC 6962, 2.1.1 and 2.1.2).
//!
//! The invariant: making a proof asks only for complete subtrees inside the tree, and which ones depends on sizes
//! and indexes alone, never on hashes; so the nodes can be listed first and fetched in one go. Checking one needs
//! nothing but what the caller passes in (RFC 9162, 2.1.3.2 and 2.1.4.2).

use crate::merkle::left_size;
use crate::{Frontier, Hash, LogError, node_hash};

/// A complete subtree: the 2^level leaves from index · 2^level on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Node {
    /// Height above the leaves.
    pub level: u8,
    /// Number among the subtrees of its level, from the left.
    pub index: u64,
}

/// Whatever knows the hashes of complete subtrees: tiles, or a closure.
pub trait Nodes {
    /// The root of one complete subtree.
    ///
    /// # Errors
    /// `Missing` if the reader does not have it.
    fn node(&self, node: Node) -> Result<Hash, LogError>;
}

impl<F: Fn(Node) -> Result<Hash, LogError>> Nodes for F {
    fn node(&self, node: Node) -> Result<Hash, LogError> {
        self(node)
    }
}

/// The root of the first `size` leaves.
///
/// # Errors
/// Those of the reader.
pub fn root_at(size: u64, nodes: &dyn Nodes) -> Result<Hash, LogError> {
    if size == 0 {
        Ok(Hash::EMPTY)
    } else {
        range_root(0, size, nodes)
    }
}

/// The right edge of the first `size` leaves.
///
/// # Errors
/// Those of the reader; `Frontier` for a size beyond 2^53 - 1.
pub fn frontier_at(size: u64, nodes: &dyn Nodes) -> Result<Frontier, LogError> {
    let mut start = 0;
    let mut hashes = Vec::new();
    for level in (0..64).rev().filter(|level| size >> level & 1 == 1) {
        hashes.push(nodes.node(Node {
            level,
            index: start >> level,
        })?);
        start += 1 << level;
    }
    Frontier::from_parts(size, hashes)
}

/// The proof that leaf `index` is in the tree of `size` leaves: sibling roots, from the leaf up.
///
/// # Errors
/// `Range` unless `index < size`; those of the reader.
pub fn inclusion_proof(index: u64, size: u64, nodes: &dyn Nodes) -> Result<Vec<Hash>, LogError> {
    if index >= size {
        return Err(LogError::Range { at: index, size });
    }
    let (mut from, mut to) = (0, size);
    let mut proof = Vec::new();
    while to - from > 1 {
        let middle = from + left_size(to - from);
        if index < middle {
            proof.push(range_root(middle, to, nodes)?);
            to = middle;
        } else {
            proof.push(range_root(from, middle, nodes)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `new` leaves extends that of `old`; empty if they are equal or `old` is 0.
///
/// # Errors
/// `Range` unless `old <= new`; those of the reader.
pub fn consistency_proof(old: u64, new: u64, nodes: &dyn Nodes) -> Result<Vec<Hash>, LogError> {
    if old > new {
        return Err(LogError::Range { at: old, size: new });
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    let (mut from, mut to) = (0, new);
    let mut proof = Vec::new();
    // Walk down to the subtree that ends where the old tree ended.
    while to > old {
        let middle = from + left_size(to - from);
        if old <= middle {
            proof.push(range_root(middle, to, nodes)?);
            to = middle;
        } else {
            proof.push(range_root(from, middle, nodes)?);
            from = middle;
        }
    }
    // From 0 on it is the whole old tree, whose root the verifier already has.
    if from > 0 {
        proof.push(range_root(from, to, nodes)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root over the leaves `from..to`, at least one, where `from` is a boundary of RFC 6962's splits.
fn range_root(from: u64, to: u64, nodes: &dyn Nodes) -> Result<Hash, LogError> {
    let size = to - from;
    if size.is_power_of_two() {
        let level = size.trailing_zeros();
        return nodes.node(Node {
            level: level as u8,
            index: from >> level,
        });
    }
    let middle = from + left_size(size);
    Ok(node_hash(
        &range_root(from, middle, nodes)?,
        &range_root(middle, to, nodes)?,
    ))
}

/// Checks that `leaf` is number `index` in the tree of `size` leaves with this root.
///
/// # Errors
/// `Range` unless `index < size`; `Proof` if it does not hold.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), LogError> {
    if index >= size {
        return Err(LogError::Range { at: index, size });
    }
    let mut walk = Walk {
        node: index,
        last: size - 1,
    };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match walk.up()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    if walk.last == 0 && hash == *root {
        Ok(())
    } else {
        Err(LogError::Proof)
    }
}

/// Checks that the tree of `new` leaves with `new_root` extends the tree of `old` leaves with `old_root`.
///
/// # Errors
/// `Range` unless `old <= new`; `Proof` if it does not hold.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), LogError> {
    if old > new {
        return Err(LogError::Range { at: old, size: new });
    }
    if old == 0 || old == new {
        let holds = (old > 0 || *old_root == Hash::EMPTY) && (old < new || *old_root == *new_root);
        return if holds && proof.is_empty() {
            Ok(())
        } else {
            Err(LogError::Proof)
        };
    }
    let (start, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(LogError::Proof)?;
        (*first, rest)
    };
    let complete = (old - 1).trailing_ones();
    let mut walk = Walk {
        node: (old - 1) >> complete,
        last: (new - 1) >> complete,
    };
    let (mut old_hash, mut new_hash) = (start, start);
    for sibling in rest {
        match walk.up()? {
            Side::Left => {
                old_hash = node_hash(sibling, &old_hash);
                new_hash = node_hash(sibling, &new_hash);
            }
            Side::Right => new_hash = node_hash(&new_hash, sibling),
        }
    }
    if walk.last == 0 && old_hash == *old_root && new_hash == *new_root {
        Ok(())
    } else {
        Err(LogError::Proof)
    }
}

/// On which side of the path the next sibling stands.
enum Side {
    Left,
    Right,
}

/// A climb from a node to the root: its number on the present level, and that of the level's last node.
struct Walk {
    node: u64,
    last: u64,
}

impl Walk {
    fn up(&mut self) -> Result<Side, LogError> {
        if self.last == 0 {
            return Err(LogError::Proof);
        }
        let side = if self.node & 1 == 1 || self.node == self.last {
            // A last node without a right sibling rises unchanged to the level where it is a right child.
            self.shift(self.node.trailing_zeros());
            Side::Left
        } else {
            Side::Right
        };
        self.shift(1);
        Ok(side)
    }

    fn shift(&mut self, levels: u32) {
        self.node >>= levels;
        self.last >>= levels;
    }
}

#[cfg(test)]
mod tests;
