//! The state codes that lists filter by: one that is not here is a wrong field, not an empty list.

use hefu_domain::state::{ClassState, Standing};

/// A voucher's.
pub const VOUCHER: &[&str] = &[
    "applied",
    "issued",
    "enrolled",
    "completed",
    "claimed",
    "approved",
    "paid",
    "written_off",
    "rejected",
    "withdrawn",
    "revoked",
    "expired",
    "refused",
    "clawed_back",
];

/// A claim sheet's.
pub const SHEET: &[&str] = &[
    "open",
    "submitted",
    "approved",
    "paying",
    "paid",
    "closed",
    "refused",
];

/// A class's.
pub const CLASS: &[&str] = &[
    class(ClassState::Filed),
    class(ClassState::Approved),
    class(ClassState::Running),
    class(ClassState::Finished),
    class(ClassState::Closed),
    class(ClassState::Rejected),
    class(ClassState::Cancelled),
];

/// An assessment session's, which is never running.
pub const SESSION: &[&str] = &[
    class(ClassState::Filed),
    class(ClassState::Approved),
    class(ClassState::Finished),
    class(ClassState::Closed),
    class(ClassState::Rejected),
    class(ClassState::Cancelled),
];

/// A catalogue line's.
pub const CATALOGUE_ENTRY: &[&str] = &[
    standing(Standing::Filed),
    standing(Standing::Good),
    standing(Standing::Suspended),
    standing(Standing::StruckOff),
    standing(Standing::Refused),
];

/// A top-up request's.
pub const TOP_UP: &[&str] = &["requested", "granted", "refused"];

/// Those in which a voucher's time can run out.
pub const EXPIRING: &[&str] = &["applied", "issued", "enrolled", "completed", "claimed"];

/// What can run out of a class, a session, a sheet or an objection.
pub const DEADLINE: &[&str] = &[
    "approve",
    "enrol",
    "record",
    "assess",
    "claim",
    "submit",
    "review",
    "notice",
    "pay",
    "write_off",
    "reopen",
    "objection",
];

/// A finding's.
pub const FINDING: &[&str] = &["open", "rectified", "closed", "reported"];

/// A flag's.
pub const FLAG: &[&str] = &["open", "proposed", "cleared"];

/// A credit class.
pub const CREDIT: &[&str] = &["A", "B", "C", "D"];

/// A class's or a session's code.
pub const fn class(state: ClassState) -> &'static str {
    match state {
        ClassState::Filed => "filed",
        ClassState::Approved => "approved",
        ClassState::Running => "running",
        ClassState::Finished => "finished",
        ClassState::Closed => "closed",
        ClassState::Rejected => "rejected",
        ClassState::Cancelled => "cancelled",
    }
}

/// An institution's or a catalogue line's code.
pub(crate) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Filed => "filed",
        Standing::Good => "good",
        Standing::Suspended => "suspended",
        Standing::StruckOff => "struck_off",
        Standing::Refused => "refused",
    }
}
