//! Which of a sample's population are drawn: a pure function of the plan and of the first signed tree that covers it. Nobody, the
//! operator included, knows that tree's root when the plan is written, and nobody chooses it.
//!
//! In Python, for a stranger who has the plan's event and the checkpoint (docs/SUPERVISION.md):
//!
//! ```python
//! seed = root if secret is None else hashlib.sha256(root + secret).digest()
//! rank = lambda member: hashlib.sha256(seed + f"{sample}\n{member}".encode()).digest()
//! drawn = [m for stratum in plan["strata"].values() for m in sorted(sorted(stratum["members"], key=rank)[:stratum["quota"]])]
//! ```

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::ids::{Digest, SampleId};
use crate::state::{About, Stratum};

/// What a draw starts from: the root of the first signed tree that covers the plan, and the planner's secret, if there is one.
pub fn seed(root: Digest, secret: Option<Digest>) -> Digest {
    match secret {
        None => root,
        Some(secret) => {
            let mut hash = Sha256::new();
            hash.update(root.0);
            hash.update(secret.0);
            Digest(hash.finalize().into())
        }
    }
}

/// What a plan commits to: the SHA-256 of the planner's secret.
pub(super) fn commitment(secret: Digest) -> Digest {
    Digest(Sha256::digest(secret.0).into())
}

/// Where a member stands in the draw: the smallest of each stratum are drawn. No two members have one name, so no two tie.
fn rank(seed: Digest, sample: SampleId, member: &About) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.0);
    hash.update(format!("{sample}\n{member}"));
    hash.finalize().into()
}

/// What is drawn: of each stratum its quota, strata by name, each stratum's in order of names.
pub fn draw(seed: Digest, sample: SampleId, strata: &BTreeMap<String, Stratum>) -> Vec<About> {
    let mut drawn = Vec::new();
    for stratum in strata.values() {
        let members = stratum.members.iter();
        let mut ranked: Vec<_> = members.map(|m| (rank(seed, sample, m), m)).collect();
        ranked.sort_unstable();
        let mut chosen: Vec<About> = ranked
            .into_iter()
            .take(usize::from(stratum.quota))
            .map(|(_, member)| member.clone())
            .collect();
        chosen.sort_unstable();
        drawn.append(&mut chosen);
    }
    drawn
}

/// A share in percent of so many, rounded up: at least one of whatever there is, if the share is above zero.
pub fn quota(members: usize, percent: u16) -> u16 {
    let share = (members as u64 * u64::from(percent)).div_ceil(100);
    u16::try_from(share).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::ids::ClassId;

    fn class(n: u128) -> About {
        About::Class(ClassId(Uuid::from_u128(n)))
    }

    fn sample(n: u128) -> SampleId {
        SampleId(Uuid::from_u128(n))
    }

    fn strata(sizes: &[usize], percent: u16) -> BTreeMap<String, Stratum> {
        let mut next = 0;
        let mut of = |size: usize| {
            let members = (next..next + size as u128).map(class).collect();
            next += size as u128;
            Stratum {
                quota: quota(size, percent),
                members,
            }
        };
        let named = sizes.iter().enumerate();
        named
            .map(|(n, size)| (format!("s{n}"), of(*size)))
            .collect()
    }

    /// The figures that a Python script makes of it (docs/SUPERVISION.md): the same on every machine, in every release.
    #[test]
    fn a_draw_is_the_one_that_was_worked_out_by_hand() {
        let plan = strata(&[5, 3], 40);
        let drawn = draw(Digest([7; 32]), sample(1), &plan);
        let names: Vec<String> = drawn.iter().map(ToString::to_string).collect();
        assert_eq!(names, BY_HAND);
        let secret = seed(Digest([7; 32]), Some(Digest([9; 32])));
        let names: Vec<String> = draw(secret, sample(1), &plan)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, BY_HAND_WITH_SECRET);
    }

    const BY_HAND: [&str; 4] = [
        "classes/00000000-0000-0000-0000-000000000000",
        "classes/00000000-0000-0000-0000-000000000003",
        "classes/00000000-0000-0000-0000-000000000005",
        "classes/00000000-0000-0000-0000-000000000007",
    ];
    const BY_HAND_WITH_SECRET: [&str; 4] = [
        "classes/00000000-0000-0000-0000-000000000001",
        "classes/00000000-0000-0000-0000-000000000002",
        "classes/00000000-0000-0000-0000-000000000005",
        "classes/00000000-0000-0000-0000-000000000007",
    ];

    proptest! {
        #[test]
        fn each_stratum_gives_its_quota_and_whoever_lists_it_otherwise_draws_the_same(
            sizes in prop::collection::vec(0usize..60, 1..6),
            percent in 1u16..=100,
            root in any::<[u8; 32]>(),
            turn in any::<prop::sample::Index>(),
        ) {
            let plan = strata(&sizes, percent);
            let drawn = draw(Digest(root), sample(3), &plan);
            for stratum in plan.values() {
                let of_it = drawn.iter().filter(|m| stratum.members.contains(m)).count();
                prop_assert_eq!(of_it, usize::from(stratum.quota));
                prop_assert!(of_it <= stratum.members.len());
                prop_assert_eq!(of_it > 0, !stratum.members.is_empty());
            }
            let mut turned = plan.clone();
            for stratum in turned.values_mut().filter(|stratum| !stratum.members.is_empty()) {
                let by = turn.index(stratum.members.len());
                stratum.members.rotate_left(by);
            }
            prop_assert_eq!(draw(Digest(root), sample(3), &turned), drawn);
        }

        #[test]
        fn a_larger_share_draws_the_smaller_ones_draw_and_more(
            size in 1usize..100,
            small in 1u16..=50,
            root in any::<[u8; 32]>(),
        ) {
            let few = draw(Digest(root), sample(4), &strata(&[size], small));
            let many = draw(Digest(root), sample(4), &strata(&[size], small * 2));
            prop_assert!(few.iter().all(|member| many.contains(member)));
        }

        #[test]
        fn another_root_another_sample_or_a_secret_draws_anew(root in any::<[u8; 32]>()) {
            let plan = strata(&[200], 10);
            let drawn = draw(Digest(root), sample(1), &plan);
            let mut other = root;
            other[31] ^= 1;
            prop_assert_ne!(&drawn, &draw(Digest(other), sample(1), &plan));
            prop_assert_ne!(&drawn, &draw(Digest(root), sample(2), &plan));
            let secret = seed(Digest(root), Some(Digest([0; 32])));
            prop_assert_ne!(&drawn, &draw(secret, sample(1), &plan));
        }
    }

    #[test]
    fn a_share_is_rounded_up_and_nothing_of_nothing_is_drawn() {
        assert_eq!(quota(0, 50), 0);
        assert_eq!(quota(1, 1), 1);
        assert_eq!(quota(10, 10), 1);
        assert_eq!(quota(11, 10), 2);
        assert_eq!(quota(7, 100), 7);
        assert_eq!(quota(7, 0), 0);
    }
}
