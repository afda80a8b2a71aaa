//! Which facts a move is known to read, so that a whole batch's facts come in one or two round trips.
//! It may miss one (deciding then stops and asks), but never decides anything.

use crate::command::Act;
use crate::world::{Need, World};

/// The needs of one move, as far as the facts at hand show.
pub(crate) fn of(_world: &World, _act: &Act) -> Vec<Need> {
    Vec::new()
}
