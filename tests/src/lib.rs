//! Shared harness of the end-to-end tests.

pub mod canaries;
pub mod cli;
pub mod cpu;
pub mod engines;
pub mod large_year;
pub mod office;
pub mod postgres;
pub mod published;
