//! The reports, one file each: which counters they show, side by side with what the plan asks for.

pub(crate) mod certificates;
pub(crate) mod funds;
pub(crate) mod indicators;
pub(crate) mod institution;
pub(crate) mod progress;
pub(crate) mod ranking;
pub(crate) mod shares;
pub(crate) mod two_week;

pub(crate) use two_week::before_fortnight;

use hefu_domain::Programme;

/// The programmes that train, in the notice's order.
pub(crate) const TRAINING: [Programme; 5] = [
    Programme::OrderProject,
    Programme::EnterpriseStaff,
    Programme::General,
    Programme::Apprenticeship,
    Programme::Entrepreneurship,
];

/// All of them, assessment at the end.
pub(crate) const ALL: [Programme; 6] = Programme::ALL;
