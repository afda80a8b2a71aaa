//! Training: the class's life, who sits in it, what was attended, and what became of its people.

mod attendance;
mod class;
mod enrolment;
mod filing;
mod sealed;
#[cfg(test)]
mod tests;

pub(crate) use attendance::*;
pub(crate) use class::*;
pub(crate) use enrolment::*;
pub(crate) use filing::*;
pub(crate) use sealed::*;
