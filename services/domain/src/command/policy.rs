//! Regions, rules and calendars.

use super::Grant;
use crate::calendar::Calendar;
use crate::policy::Policy;
use crate::state::*;
use crate::time::Instant;

moves! {
    /// Opens a region's log: its event 0, and the operator's grant.
    OpenRegion {
        /// What event 0 says.
        state: RegionState,
        /// The operator's grant; its credential is the caller's.
        operator: Grant,
        /// Whether the caller is the deployment's own operator, as the server found: a region that is not open has granted nobody anything.
        of_deployment: bool,
    }
    /// Adopts a policy for a plan year.
    AdoptPolicy {
        /// The rules, whole.
        policy: Policy,
        /// From when they decide; not before now.
        effective: Instant,
    }
    /// Adopts a working-day calendar.
    AdoptCalendar {
        /// The calendar.
        calendar: Calendar,
    }
}
