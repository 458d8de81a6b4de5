//! Merkle trees as in RFC 6962 section 2.1: roots, inclusion proofs, consistency proofs.
//!
//! Owns the tree over the receipts' hashes. Must never mix leaf and node hashes: each has its own
//! prefix. No IO.

use super::digest::Digest;

/// The hash of a leaf holding `data`.
pub fn leaf(data: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], data])
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// The right edge of a growing tree: enough to add leaves and to state the root, in at most 64
/// hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the full subtrees, the largest first: one per bit that is set in `size`.
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The frontier with these peaks; `None` where their number does not fit the size.
    pub fn from_peaks(size: u64, peaks: Vec<Digest>) -> Option<Self> {
        (u32::try_from(peaks.len()) == Ok(size.count_ones())).then_some(Self { size, peaks })
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the full subtrees, the largest first.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Adds a leaf's hash at the right.
    pub fn push(&mut self, leaf: Digest) {
        let mut root = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                root = node(&left, &root);
            }
        }
        self.peaks.push(root);
        self.size += 1;
    }

    /// The tree's root; SHA-256 of nothing where it has no leaves.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return Digest::of(b"");
        };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}

/// The root over leaf hashes.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The largest power of two below `size`, for sizes above one.
fn split(size: usize) -> usize {
    1 << (usize::BITS - 1 - (size - 1).leading_zeros())
}

/// The audit path of the leaf at `index`; `None` where there is no such leaf.
pub fn inclusion_proof(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut leaves, mut index, mut path) = (leaves, index, Vec::new());
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        let other = if index < left.len() {
            leaves = left;
            right
        } else {
            index -= left.len();
            leaves = right;
            left
        };
        path.push(root(other));
    }
    path.reverse();
    Some(path)
}

/// The proof that the tree over the first `old` leaves is a prefix of the whole; `None` where
/// `old` is zero or more than there are.
pub fn consistency_proof(leaves: &[Digest], old: usize) -> Option<Vec<Digest>> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    let (mut leaves, mut old, mut known, mut path) = (leaves, old, true, Vec::new());
    while old != leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        let other = if old <= left.len() {
            leaves = left;
            right
        } else {
            old -= left.len();
            leaves = right;
            known = false;
            left
        };
        path.push(root(other));
    }
    if !known {
        path.push(root(leaves));
    }
    path.reverse();
    Some(path)
}

/// True where `path` leads from the leaf hash at `index` to the root of a tree of `size` leaves.
pub fn verify_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for other in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(other, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, other);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// A tree's size and root, as two checkpoints state them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of leaves.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// True where `path` proves that the log of `new` begins with the whole log of `old`. A log that
/// was empty proves nothing and is never accepted.
pub fn verify_consistency(old: &Head, new: &Head, path: &[Digest]) -> bool {
    if old.size == 0 || old.size > new.size {
        return false;
    }
    if old.size == new.size {
        return path.is_empty() && old.root == new.root;
    }
    // A full old tree is itself the first subtree, and its root is not repeated in the path.
    let mut path = path.iter();
    let start = if old.size.is_power_of_two() { Some(&old.root) } else { path.next() };
    let Some(start) = start else { return false };
    let shift = (old.size - 1).trailing_ones();
    let (mut at, mut last) = ((old.size - 1) >> shift, (new.size - 1) >> shift);
    let (mut before, mut after) = (*start, *start);
    for other in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            before = node(other, &before);
            after = node(other, &after);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            after = node(&after, other);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && before == old.root && after == new.root
}
