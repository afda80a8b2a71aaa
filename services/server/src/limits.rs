//! What one caller, one connection or one flood may take, so that the others are served and memory stays bounded.
//!
//! The invariant: whatever somebody can make grow has a bound here, and the cheapest check that can turn them away comes first:
//! connection, TLS, HTTP/2, rate of the address, credential, rate of the caller, the queue's time, size, grant, queue of the region.

mod answer;
mod bucket;
mod budget;
mod count;
pub(crate) mod descriptors;
mod gate;
mod line;
pub(crate) mod metrics;
mod rates;
mod recent;

use std::ops::RangeInclusive;
use std::time::Duration;

use hefu_engine::Queues;
use serde::Deserialize;

pub(crate) use answer::{Answers, Use};
pub(crate) use count::{Count, Counted, Enough};
pub(crate) use gate::{Gate, LetIn, Proof, public, strangers};
pub(crate) use line::{PlaceInLine, Turn};
pub(crate) use rates::{Limited, Of, neighbourhood};

/// `[limits]` of the configuration. `deploy/hefu.toml` says what each is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest message, in bytes.
    pub message_bytes: usize,
    /// The most items of a batch.
    pub batch_items: usize,
    /// The headers of one request, in bytes.
    pub header_bytes: usize,
    /// Messages that are being read and answers that are being taken, all together, in bytes.
    pub bytes_under_way: usize,
    /// Connections on which HTTP is spoken.
    pub connections: usize,
    /// Connections from one address (of IPv6, from one /64).
    pub connections_per_address: usize,
    /// Handshakes under way at once.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub handshake_seconds: u64,
    /// How long a new connection has for its first request, and any HTTP/1 request for its headers.
    pub first_request_seconds: u64,
    /// How long a connection may be open with nothing under way.
    pub idle_seconds: u64,
    /// Requests under way on one connection.
    pub calls_per_connection: u32,
    /// The longest call, from its headers to its answer.
    pub deadline_seconds: u64,
    /// Streams that one caller, or one address without a key, may have open.
    pub streams_per_caller: usize,
    /// How long an answer may wait for its reader to take the next part.
    pub slow_reader_seconds: u64,
    /// Moves and reads a second of one caller whom a region knows.
    pub caller_per_second: u64,
    /// How many of them may come at once.
    pub caller_burst: u64,
    /// Calls a second from one address that nobody was let in with yet.
    pub address_per_second: u64,
    /// How many of them may come at once.
    pub address_burst: u64,
    /// Public files a second that one address may read.
    pub public_per_second: u64,
    /// How many of them may come at once.
    pub public_burst: u64,
    /// Dry runs and refused applications a minute of one caller.
    pub probes_per_minute: u64,
    /// How many of them may come at once.
    pub probes_burst: u64,
    /// Moves of one region that may wait or be under way.
    pub region_queue: usize,
    /// Those of one caller in one region.
    pub region_queue_per_caller: usize,
    /// Those of all regions.
    pub queue: usize,
    /// What all of them were long as they came in, in bytes.
    pub queue_bytes: usize,
    /// How long a single move that is let in may take, in milliseconds, by how fast moves were answered lately.
    pub queue_wait_ms: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        let queues = Queues::default();
        Limits {
            message_bytes: 1 << 20,
            batch_items: MOST_ITEMS,
            header_bytes: 16 << 10,
            bytes_under_way: 256 << 20,
            connections: 4_096,
            connections_per_address: 1_024,
            handshakes: 1_024,
            handshake_seconds: 10,
            first_request_seconds: 30,
            idle_seconds: 300,
            calls_per_connection: 256,
            deadline_seconds: 60,
            streams_per_caller: 16,
            slow_reader_seconds: 30,
            caller_per_second: 20_000,
            caller_burst: 40_000,
            address_per_second: 500,
            address_burst: 2_000,
            public_per_second: 1_000,
            public_burst: 4_000,
            probes_per_minute: 600,
            probes_burst: 2_000,
            region_queue: queues.region,
            region_queue_per_caller: queues.caller,
            queue: queues.all,
            queue_bytes: queues.bytes,
            queue_wait_ms: millis(queues.wait),
        }
    }
}

/// The most items that a batch is answered for within one message.
const MOST_ITEMS: usize = 1_000;
/// A day is longer than anybody waits.
const LONGEST: u64 = 86_400;
/// Finer than any clock tells.
const FASTEST: u64 = 10_000_000;

/// A limit that would serve nobody, or bound nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[limits] {key} = {value}: {rule}")]
pub struct LimitError {
    key: &'static str,
    value: u64,
    rule: String,
}

impl Limits {
    /// Refuses what would serve nobody, or bound nothing.
    ///
    /// # Errors
    /// The first key that is out of its range, with the range.
    pub fn check(&self) -> Result<(), LimitError> {
        let ranges: [(&str, u64, RangeInclusive<u64>); 27] = [
            (
                "message_bytes",
                wide(self.message_bytes),
                64 << 10..=64 << 20,
            ),
            ("batch_items", wide(self.batch_items), 1..=wide(MOST_ITEMS)),
            // A provider's token alone may be 8 KiB long.
            ("header_bytes", wide(self.header_bytes), 12 << 10..=1 << 20),
            (
                "bytes_under_way",
                wide(self.bytes_under_way),
                32 << 20..=1 << 40,
            ),
            ("connections", wide(self.connections), 1..=1_000_000),
            (
                "connections_per_address",
                wide(self.connections_per_address),
                1..=1_000_000,
            ),
            ("handshakes", wide(self.handshakes), 1..=1_000_000),
            ("handshake_seconds", self.handshake_seconds, 1..=LONGEST),
            (
                "first_request_seconds",
                self.first_request_seconds,
                1..=LONGEST,
            ),
            ("idle_seconds", self.idle_seconds, 1..=LONGEST),
            (
                "calls_per_connection",
                self.calls_per_connection.into(),
                1..=100_000,
            ),
            ("deadline_seconds", self.deadline_seconds, 1..=LONGEST),
            (
                "streams_per_caller",
                wide(self.streams_per_caller),
                1..=100_000,
            ),
            ("slow_reader_seconds", self.slow_reader_seconds, 1..=LONGEST),
            ("caller_per_second", self.caller_per_second, 1..=FASTEST),
            ("caller_burst", self.caller_burst, 1..=FASTEST),
            ("address_per_second", self.address_per_second, 1..=FASTEST),
            ("address_burst", self.address_burst, 1..=FASTEST),
            ("public_per_second", self.public_per_second, 1..=FASTEST),
            ("public_burst", self.public_burst, 1..=FASTEST),
            ("probes_per_minute", self.probes_per_minute, 1..=FASTEST),
            ("probes_burst", self.probes_burst, 1..=FASTEST),
            ("region_queue", wide(self.region_queue), 1..=1 << 24),
            (
                "region_queue_per_caller",
                wide(self.region_queue_per_caller),
                1..=1 << 24,
            ),
            ("queue", wide(self.queue), 1..=1 << 24),
            ("queue_bytes", wide(self.queue_bytes), 1 << 20..=1 << 40),
            ("queue_wait_ms", self.queue_wait_ms, 10..=60_000),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                let rule = format!("must be {} to {}", range.start(), range.end());
                return Err(LimitError { key, value, rule });
            }
        }
        let within = [
            (
                "message_bytes",
                self.message_bytes,
                "bytes_under_way",
                self.bytes_under_way,
            ),
            (
                "message_bytes",
                self.message_bytes,
                "queue_bytes",
                self.queue_bytes,
            ),
            (
                "connections_per_address",
                self.connections_per_address,
                "connections",
                self.connections,
            ),
            (
                "region_queue_per_caller",
                self.region_queue_per_caller,
                "region_queue",
                self.region_queue,
            ),
            ("region_queue", self.region_queue, "queue", self.queue),
        ];
        for (key, value, other, most) in within {
            if value > most {
                let rule = format!("must be no more than {other}, which is {most}");
                let value = wide(value);
                return Err(LimitError { key, value, rule });
            }
        }
        Ok(())
    }

    /// What may wait for the writers.
    pub(crate) fn queues(&self) -> Queues {
        Queues {
            region: self.region_queue,
            caller: self.region_queue_per_caller,
            all: self.queue,
            bytes: self.queue_bytes,
            wait: Duration::from_millis(self.queue_wait_ms),
        }
    }

    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Limits {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_defaults_are_in_their_ranges() {
        Limits::default().check().unwrap();
    }

    #[test]
    fn what_would_serve_nobody_or_bound_nothing_is_refused_by_name() {
        for (text, told) in [
            ("deadline_seconds = 0", "deadline_seconds = 0: must be 1 to"),
            (
                "caller_per_second = 0",
                "caller_per_second = 0: must be 1 to",
            ),
            ("message_bytes = 10", "message_bytes = 10: must be 65536 to"),
            (
                "batch_items = 1001",
                "batch_items = 1001: must be 1 to 1000",
            ),
            (
                "idle_seconds = 1000000",
                "idle_seconds = 1000000: must be 1 to 86400",
            ),
            (
                "header_bytes = 4096",
                "header_bytes = 4096: must be 12288 to",
            ),
            (
                "connections = 10",
                "connections_per_address = 1024: must be no more than connections, which is 10",
            ),
            ("queue_wait_ms = 0", "queue_wait_ms = 0: must be 10 to"),
            (
                "region_queue = 100",
                "region_queue_per_caller = 4096: must be no more than region_queue, which is 100",
            ),
        ] {
            let error = read(text).check().unwrap_err().to_string();
            assert!(
                error.starts_with("[limits] ") && error.contains(told),
                "{error}"
            );
        }
        assert!(toml::from_str::<Limits>("deadline_seconds = -1").is_err());
        assert!(toml::from_str::<Limits>("deadline = 1").is_err());
    }
}
