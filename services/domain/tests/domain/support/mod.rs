//! A county made up for the tests: its facts come from decided and applied commands only, and after each of them the books must balance.

mod audit;
mod claims;
mod county;
mod export;
mod logbook;
mod moves;
mod papers;
mod script;
mod town;

pub(crate) use county::*;
pub(crate) use export::*;
pub(crate) use script::*;
pub(crate) use town::*;
