//! What a region's status lists say, read from the rows that carry it.

use hefu_domain::{Fact, Key, LIST_PLACES, Place, Region, TokenStatus};
use hefu_store::StoreError;
use hefu_token::StatusList;

use crate::{Engine, rows};

impl Engine {
    /// Whether a region has that status list: the first one from its opening on, another once the one before is full. Nobody learns
    /// from it whether a single token was issued.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_status_list(&self, region: &Region, list: u64) -> Result<bool, StoreError> {
        let next = self.next_place(region).await?;
        Ok(next.is_some_and(|next| list <= next.list()))
    }

    /// What the list says; `None` where there is none. It is at least as new as every head that was read before.
    ///
    /// # Errors
    /// The store's; `Corrupt` for a row that says what no list can.
    pub async fn status_list(
        &self,
        region: &Region,
        list: u64,
    ) -> Result<Option<StatusList>, StoreError> {
        // Before the entries: whatever was issued since is among them, so no living token is taken for a dead one.
        let next = self.next_place(region).await?;
        let Some(next) = next.filter(|next| list <= next.list()) else {
            return Ok(None);
        };
        let mut said = said_of(next, list);
        for entry in self.store().status_entries(region.as_str(), list).await? {
            let (place, status) = rows::read_status_entry(region, &entry)?;
            said[usize::from(place)] = status;
        }
        let entries = self.people().secrets().status_entries(region, list);
        let mut made = StatusList::new(LIST_PLACES);
        for (entry, status) in entries.into_iter().zip(said) {
            made.set(entry, status);
        }
        Ok(Some(made))
    }

    /// The place that a region's next token gets; `None` for a region that is not open.
    async fn next_place(&self, region: &Region) -> Result<Option<Place>, StoreError> {
        let key = rows::fact_key(region.as_str(), &Key::Region);
        let row = self.store().load(&[key]).await?.into_iter().next();
        let fact = row.map(|row| rows::fact(&row)).transpose()?;
        Ok(fact.and_then(|fact| match fact {
            Fact::Region(state) => Some(state.next_place),
            _ => None,
        }))
    }
}

/// What is said of a list's places as long as no voucher says otherwise: dead where a token was, and nothing of where none was yet.
fn said_of(next: Place, list: u64) -> Vec<TokenStatus> {
    let places = LIST_PLACES as usize;
    let taken = match list == next.list() {
        true => usize::from(next.within()),
        false => places,
    };
    let mut said = vec![TokenStatus::Invalid; taken];
    said.resize(places, TokenStatus::Valid);
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_nobody_has_is_dead_once_it_was_taken_and_says_nothing_before() {
        let dead = |next: u64, list: u64| {
            let said = said_of(Place(next), list);
            assert_eq!(said.len(), 1 << 16);
            let dead = said.iter().filter(|s| **s == TokenStatus::Invalid).count();
            assert!(said[dead..].iter().all(|s| *s == TokenStatus::Valid));
            dead
        };
        assert_eq!(dead(0, 0), 0);
        assert_eq!(dead(3, 0), 3);
        assert_eq!(dead(65_535, 0), 65_535);
        assert_eq!((dead(65_536, 0), dead(65_536, 1)), (65_536, 0));
        assert_eq!((dead(65_540, 0), dead(65_540, 1)), (65_536, 4));
    }
}
