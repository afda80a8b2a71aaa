//! The clock and the source of randomness: injected, so that a demo's year and a test's crash are the same run twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant as Monotonic;

use hefu_domain::Instant;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// How far the wall clock may drift from the monotonic or the database's clock before writing stops.
pub const TOLERANCE_MS: i64 = 5_000;

/// Where instants come from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's, watched by its monotonic clock from the moment of making.
    System(Watch),
    /// A made-up one, moved by whoever holds it. Its regions' event 0 says so.
    Simulated(Arc<AtomicI64>),
}

/// The wall clock at a known moment of the monotonic clock.
#[derive(Debug, Clone)]
pub struct Watch {
    wall_ms: i64,
    since: Monotonic,
    /// What a test sets the wall clock wrong by; 0 otherwise.
    offset_ms: Arc<AtomicI64>,
}

impl Watch {
    fn wall_ms(&self) -> i64 {
        wall_ms().saturating_add(self.offset_ms.load(Ordering::SeqCst))
    }
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock::adjustable(0).0
    }

    /// The machine's clock, wrong by so many milliseconds from now on; whoever holds the hand sets it wrong later. For tests.
    pub fn adjustable(offset_ms: i64) -> (Clock, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(offset_ms));
        let mut watch = Watch {
            wall_ms: 0,
            since: Monotonic::now(),
            offset_ms: hand.clone(),
        };
        watch.wall_ms = watch.wall_ms();
        (Clock::System(watch), hand)
    }

    /// A made-up clock that stands at that instant.
    pub fn simulated(at: Instant) -> (Clock, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(at.0));
        (Clock::Simulated(hand.clone()), hand)
    }

    /// Now.
    pub fn now(&self) -> Instant {
        match self {
            Clock::System(watch) => Instant(watch.wall_ms()),
            Clock::Simulated(hand) => Instant(hand.load(Ordering::SeqCst)),
        }
    }

    /// Whether the clock is made up.
    pub fn is_simulated(&self) -> bool {
        matches!(self, Clock::Simulated(_))
    }

    /// How far the wall clock has jumped against the monotonic one, in milliseconds; 0 for a made-up clock.
    pub fn jump_ms(&self) -> i64 {
        match self {
            Clock::System(watch) => {
                let passed = i64::try_from(watch.since.elapsed().as_millis()).unwrap_or(i64::MAX);
                watch.wall_ms() - watch.wall_ms.saturating_add(passed)
            }
            Clock::Simulated(_) => 0,
        }
    }
}

#[allow(clippy::disallowed_methods)] // the edge: the one place where the machine's clock is read
fn wall_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Where ids, salts and keys come from.
#[derive(Clone)]
pub enum Source {
    /// The operating system.
    System,
    /// HMAC of a seed and a label, for demos and tests only.
    Seeded([u8; 32]),
}

impl Source {
    /// Fills 32 bytes. `label` names what for: under a seed the same label gives the same bytes, so it must name one thing only.
    #[allow(clippy::disallowed_methods)] // the edge: the one place where randomness is drawn
    pub fn draw(&self, label: &[&str]) -> [u8; 32] {
        match self {
            Source::System => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).expect("the operating system's random source must work: without it no key or id is safe");
                bytes
            }
            Source::Seeded(seed) => {
                let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(seed)
                    .expect("HMAC takes keys of any length");
                for part in label {
                    mac.update(&(part.len() as u64).to_be_bytes());
                    mac.update(part.as_bytes());
                }
                mac.finalize().into_bytes().into()
            }
        }
    }

    /// A UUIDv7 (RFC 9562) of that instant: ids that follow time keep the indexes' right edge warm.
    pub fn uuid(&self, at: Instant, label: &[&str]) -> Uuid {
        let random = self.draw(label);
        let mut tail = [0; 10];
        tail.copy_from_slice(&random[..10]);
        uuid::Builder::from_unix_timestamp_millis(at.0.max(0).unsigned_abs(), &tail).into_uuid()
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Source::System => "Source::System",
            Source::Seeded(_) => "Source::Seeded(…)",
        })
    }
}
