//! Where a token stands within its status list: a keyed permutation of the places, in the order of issue, of one list.
//!
//! Nothing is drawn and nothing is remembered: place, region and list give the entry again after a restart, from a backup and in a
//! replay, and no two places share one. Whoever lacks the key learns from two entries neither which token came first nor whether their
//! holders stood in one queue.
//!
//! A balanced Feistel network over the place's two bytes, with ten rounds as NIST SP 800-38G has for FF1; round functions are bytes of
//! HMAC-SHA-256. It is under the key of holder bindings, which tokens depend on in any case and which never rotates.

use hefu_domain::{LIST_PLACES, Place, Region};

use crate::mac::mac;
use crate::secrets::Secrets;

const ROUNDS: u8 = 10;
/// Round outputs that one HMAC gives.
const BLOCK: u8 = 32;

// A place within a list is two bytes, one for each half of the network.
const _: () = assert!(LIST_PLACES == 1 << 16);

impl Secrets {
    /// The entry of a token with that place, in the list that the place is in.
    pub fn status_entry(&self, region: &Region, place: Place) -> u32 {
        let list = place.list();
        permute(place.within(), |round, half| {
            self.status_block(region, list, round, half / BLOCK)[usize::from(half % BLOCK)]
        })
    }

    /// The entries of all places of one list, by [`Place::within`].
    pub fn status_entries(&self, region: &Region, list: u64) -> Vec<u32> {
        let rounds: Vec<Vec<u8>> = (0..ROUNDS)
            .map(|round| {
                let blocks = 0..=u8::MAX / BLOCK;
                blocks
                    .flat_map(|block| self.status_block(region, list, round, block))
                    .collect()
            })
            .collect();
        let places = 0..=u16::MAX;
        places
            .map(|place| {
                permute(place, |round, half| {
                    rounds[usize::from(round)][usize::from(half)]
                })
            })
            .collect()
    }

    fn status_block(&self, region: &Region, list: u64, round: u8, block: u8) -> [u8; 32] {
        let (list, at) = (list.to_be_bytes(), [round, block]);
        let fields = [region.as_str().as_bytes(), &list, &at];
        mac(&self.binding, "hefu/status/v1", &fields)
    }
}

/// The network: whatever the rounds say, no two places come out as one.
fn permute(place: u16, mut round: impl FnMut(u8, u8) -> u8) -> u32 {
    let [mut left, mut right] = place.to_be_bytes();
    for number in 0..ROUNDS {
        (left, right) = (right, left ^ round(number, right));
    }
    u16::from_be_bytes([left, right]).into()
}
