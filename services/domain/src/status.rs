//! The token status list (draft-ietf-oauth-status-list): where a token stands in its region's lists, and what they say of it.
//!
//! A region's tokens take places in the order of issue, each place once: a reissued token gets a new one. Where a place stands within
//! its list is told by a secret (`hefu-vault`), so that neighbours in a list are strangers. A place below the region's next one that no
//! voucher has any more is a dead token's.

use serde::{Deserialize, Serialize};

use crate::audit::{ForkAccepted, LogTree};
use crate::refusal::Stop;
use crate::state::{End, Voucher, VoucherState};
use crate::world::World;

/// How many places a list has. Every list has all of them from its first day, taken or not.
pub const LIST_PLACES: u32 = 1 << 16;

/// A place in a region's status lists, counted through all of them from 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Place(pub u64);

impl Place {
    /// Which list it is in: `{n}` of `/status/{region}/{n}`.
    pub fn list(self) -> u64 {
        self.0 / u64::from(LIST_PLACES)
    }

    /// Which of its list's places it is, in the order of issue.
    pub fn within(self) -> u16 {
        (self.0 % u64::from(LIST_PLACES)) as u16
    }

    /// The place after it.
    pub(crate) fn next(self) -> Place {
        Place(self.0.saturating_add(1))
    }

    /// Whether it is the first, as a region is opened with.
    pub(crate) fn is_first(&self) -> bool {
        self.0 == 0
    }
}

/// What a list says of a token, as the draft's status types number it (section 7.1 of draft 17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenStatus {
    /// It can be used.
    Valid = 0,
    /// It cannot be used, and never will be.
    Invalid = 1,
    /// It cannot be used as long as its voucher is frozen.
    Suspended = 2,
    /// It was used: an institution claimed on it. `APPLICATION_SPECIFIC`.
    Used = 3,
}

impl TokenStatus {
    /// All of them, by their values.
    pub const ALL: [TokenStatus; 4] = [
        TokenStatus::Valid,
        TokenStatus::Invalid,
        TokenStatus::Suspended,
        TokenStatus::Used,
    ];

    /// Its value in the list: two bits.
    pub fn value(self) -> u8 {
        self as u8
    }
}

/// What the list says of a voucher's last token.
///
/// A claim uses the token up, whatever becomes of the claim: that it was refused, or the money claimed back, is nobody's to read who
/// only has the token. A freeze is told while the token could be used; a correction of identity kills the token and not the voucher.
pub fn token_status(voucher: &Voucher) -> TokenStatus {
    match &voucher.state {
        VoucherState::Issued | VoucherState::Enrolled { .. } | VoucherState::Completed { .. } => {
            match (&voucher.token, &voucher.frozen) {
                (None, _) => TokenStatus::Invalid,
                (Some(_), Some(_)) => TokenStatus::Suspended,
                (Some(_), None) => TokenStatus::Valid,
            }
        }
        VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. } => TokenStatus::Used,
        VoucherState::Ended { how, .. } => match how {
            End::Refused | End::ClawedBack => TokenStatus::Used,
            End::Rejected | End::Withdrawn | End::Revoked | End::Expired => TokenStatus::Invalid,
        },
        // No token is out.
        VoucherState::Applied => TokenStatus::Invalid,
    }
}

/// A token took this place: the next one gets the place after it.
pub(crate) fn taken(world: &mut World, place: Place) -> Result<(), Stop> {
    world.edit_region()?.next_place = place.next();
    Ok(())
}

/// Tokens may be out whose issue was lost with the old log: their places are nobody's for ever. As many are left free as events were
/// lost, and a whole list for those that nobody signed; the next token is the first of a list of its own.
pub(crate) fn after_fork(world: &mut World, e: &ForkAccepted) -> Result<(), Stop> {
    let LogTree { epoch, size, .. } = e.kept;
    let signed = e.signed.filter(|signed| signed.epoch == epoch);
    let lost = signed.map_or(0, |signed| signed.size.saturating_sub(size));
    let places = u64::from(LIST_PLACES);
    let region = world.edit_region()?;
    let beyond = region.next_place.0.saturating_add(lost);
    let list = beyond.div_ceil(places).saturating_add(1);
    region.next_place = Place(list.saturating_mul(places));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Digest, SheetId};
    use crate::policy::Programme;
    use crate::sample::*;
    use crate::state::Occasion;
    use crate::time::Instant;

    fn fork(signed: Option<(u64, u64)>, kept: u64) -> ForkAccepted {
        let tree = |epoch, size| LogTree {
            epoch,
            size,
            root: Digest([1; 32]),
        };
        ForkAccepted {
            reason: code("RESTORED"),
            signed: signed.map(|(epoch, size)| tree(epoch, size)),
            kept: tree(0, kept),
        }
    }

    #[test]
    fn after_a_fork_no_place_is_given_twice_that_a_lost_token_may_have() {
        let after = |next: u64, fork: ForkAccepted| {
            let mut county = County::new();
            taken(&mut county.world, Place(next)).unwrap();
            after_fork(&mut county.world, &fork).unwrap();
            county.world.state_of_region().unwrap().next_place
        };
        let list = |n: u64| Place(n * u64::from(LIST_PLACES));
        assert_eq!(after(7, fork(Some((0, 120)), 100)), list(2));
        assert_eq!(after(7, fork(Some((0, 70_000)), 100)), list(3));
        assert_eq!(after(7, fork(None, 100)), list(2));
        // A tree of another epoch says nothing of what this one lost.
        assert_eq!(after(7, fork(Some((1, 1 << 50)), 100)), list(2));
        let end = after(7, fork(Some((0, u64::MAX)), 0));
        assert!(end > list(1 << 40), "{end:?}");
    }

    /// A voucher of one person, as it is after that change.
    fn told(change: impl FnOnce(&mut Voucher)) -> TokenStatus {
        let mut county = County::new();
        let id = county.issued(1, 1, Programme::General);
        county.edit(id, change);
        token_status(county.voucher(id))
    }

    /// The states that a voucher goes through, in their order, and those that it ends in.
    fn states() -> Vec<(VoucherState, TokenStatus)> {
        let (class, seat) = (class_id(1), 0);
        let occasion = Occasion::Class(class);
        let sheet = SheetId(uuid::Uuid::from_u128(1));
        let ended = |how| VoucherState::Ended {
            how,
            at: Instant(0),
            by: None,
            claim: None,
        };
        let claimed = VoucherState::Claimed {
            occasion,
            seat,
            sheet,
        };
        let approved = VoucherState::Approved {
            occasion,
            seat,
            sheet,
        };
        let paid = VoucherState::Paid {
            occasion,
            seat,
            sheet,
        };
        use TokenStatus::*;
        vec![
            (VoucherState::Applied, Invalid),
            (VoucherState::Issued, Valid),
            (VoucherState::Enrolled { class, seat }, Valid),
            (VoucherState::Completed { occasion, seat }, Valid),
            (claimed, Used),
            (approved, Used),
            (paid, Used),
            (VoucherState::WrittenOff { sheet }, Used),
            (ended(End::Rejected), Invalid),
            (ended(End::Withdrawn), Invalid),
            (ended(End::Revoked), Invalid),
            (ended(End::Expired), Invalid),
            (ended(End::Refused), Used),
            (ended(End::ClawedBack), Used),
        ]
    }

    #[test]
    fn a_token_is_valid_until_it_is_used_or_cannot_be() {
        for (state, status) in states() {
            assert_eq!(told(|v| v.state = state.clone()), status, "{state:?}");
        }
    }

    #[test]
    fn a_freeze_is_told_only_while_the_token_could_be_used() {
        for (state, status) in states() {
            let frozen = told(|v| {
                v.state = state.clone();
                v.frozen = Some(code("SPOT_CHECK"));
            });
            let expected = match status {
                TokenStatus::Valid => TokenStatus::Suspended,
                TokenStatus::Invalid | TokenStatus::Suspended | TokenStatus::Used => status,
            };
            assert_eq!(frozen, expected, "{state:?}");
        }
    }

    #[test]
    fn a_token_that_a_correction_killed_is_invalid_and_one_that_was_paid_on_stays_used() {
        for (state, status) in states() {
            let dead = told(|v| {
                v.state = state.clone();
                v.token = None;
                v.frozen = Some(code("SPOT_CHECK"));
            });
            let expected = match status {
                TokenStatus::Used => TokenStatus::Used,
                TokenStatus::Valid | TokenStatus::Invalid | TokenStatus::Suspended => {
                    TokenStatus::Invalid
                }
            };
            assert_eq!(dead, expected, "{state:?}");
        }
    }

    #[test]
    fn the_values_are_the_drafts() {
        let values = TokenStatus::ALL.map(TokenStatus::value);
        assert_eq!(values, [0, 1, 2, 3]);
    }

    #[test]
    fn a_place_says_its_list_and_where_it_is_in_it() {
        let last = u64::from(LIST_PLACES) - 1;
        assert_eq!((Place(last).list(), Place(last).within()), (0, u16::MAX));
        assert_eq!(
            (Place(last).next().list(), Place(last).next().within()),
            (1, 0)
        );
    }
}
