//! A made-up clock that goes on at the real pace and is set forward by lines of standard input, for a server that somebody else measures:
//! the bench's people are taught on the day after they applied, and nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use hefu_domain::Instant;
use hefu_engine::Clock;
use tokio::sync::mpsc;

/// How finely it goes.
const TICK: Duration = Duration::from_millis(5);

/// What moves the clock.
pub(crate) type Hand = Arc<AtomicI64>;

/// A clock that stands at that instant, in milliseconds since 1970.
pub(crate) fn begin(at: i64) -> (Clock, Option<Hand>) {
    let (clock, hand) = Clock::simulated(Instant(at));
    (clock, Some(hand))
}

/// Moves the clock until standard input ends: with whoever sets it goes the server. Each line is an instant, and is answered once the
/// clock stands there. Without a hand this never ends.
pub(crate) async fn drive(hand: Option<Hand>) {
    let Some(hand) = hand else {
        return std::future::pending().await;
    };
    let mut lines = lines();
    let (mut set, mut since) = (hand.load(Ordering::SeqCst), Stopwatch::now());
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(at) => {
                    (set, since) = (at, Stopwatch::now());
                    // It goes forward only.
                    hand.fetch_max(at, Ordering::SeqCst);
                    println!("clock {at}");
                }
                None => return,
            },
            _ = tick.tick() => {
                let passed = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
                hand.fetch_max(set.saturating_add(passed), Ordering::SeqCst);
            }
        }
    }
}

/// The instants that come in; a line that is none is said to be so, and changes nothing.
fn lines() -> mpsc::UnboundedReceiver<i64> {
    let (sender, receiver) = mpsc::unbounded_channel();
    // Waiting for a line cannot be interrupted, so it has a thread, which ends with the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            match line.trim().parse() {
                Ok(at) if sender.send(at).is_err() => return,
                Ok(_) => {}
                Err(_) => eprintln!("not an instant in milliseconds: {line}"),
            }
        }
    });
    receiver
}
