use crate::support::check as _;
