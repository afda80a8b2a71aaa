//! Walking over one log from its first event to its last. The invariant: bundles are read and checked by several
//! threads, but taken in their order by one, and no thread is more than two bundles ahead of it; so the first failure
//! is the first in the log, and memory does not grow with it.

use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;

use super::bundle::{At, Bundle, Held, Told};
use super::check::{Check, Stop};
use super::follow::Follow;
use super::log::Log;
use super::streams::Streams;
use super::tree::Tree;
use crate::replay;

/// How many bundles a thread may be ahead.
const AHEAD: usize = 32;

/// Logs of fewer bundles are not worth starting a thread.
const FEW: u64 = 4;

/// A thread's bundles as they come, and the way back for the events that were taken: memory is freed cheapest by whoever asked for it.
struct Turns<R> {
    taken: Receiver<Bundle<R>>,
    back: Sender<Vec<Held<R>>>,
}

/// What is carried from bundle to bundle, and from epoch to epoch.
pub(super) struct Walk<F> {
    streams: Streams,
    last: Option<At>,
    pub(super) follower: F,
}

/// Hears what an event tells of logs: its index, and that. It hears of event 0 even if that tells nothing.
pub(super) type Hear<'h> = dyn FnMut(u64, Option<&Told>) -> Result<(), Stop> + 'h;

impl<F: Follow> Walk<F> {
    pub(super) fn new(follower: F, streams: usize) -> Self {
        Self {
            streams: Streams::new(streams),
            last: None,
            follower,
        }
    }

    /// When the last event happened, as it is spelt.
    pub(super) fn last(&self) -> Option<String> {
        self.last
            .map(|at| String::from_utf8_lossy(&at).into_owned())
    }

    /// Walks over a log and returns its tree.
    pub(super) fn over(
        &mut self,
        log: &Log<'_>,
        threads: usize,
        hear: &mut Hear<'_>,
    ) -> Result<Tree, Stop> {
        let mut tree = Tree::default();
        self.streams.expect(log.size);
        let walked = match threads < 2 || log.bundles() < FEW {
            true => self.alone(log, &mut tree, hear),
            false => self.together(log, threads, &mut tree, hear),
        };
        let walked = match (walked, self.streams.broken()?) {
            // At one event its place in its stream is looked at first.
            (Err(Stop::Failed(index, _)), Some((broken, check))) if broken <= index => {
                Err(Stop::Failed(broken, check.into()))
            }
            (Ok(()), Some((broken, check))) => Err(Stop::Failed(broken, check.into())),
            (walked, _) => walked,
        };
        match (walked, tree.unlike) {
            // What broke the chain is the event that is not what was signed.
            (Err(Stop::Failed(index, _)), Some(unlike)) if unlike < index => {
                Err(Stop::Failed(unlike, Check::Leaf))
            }
            (walked, _) => walked,
        }?;
        tree.check_edge(log)?;
        self.follower.over(tree.frontier_at(tree.size(), log)?);
        Ok(tree)
    }

    fn alone(&mut self, log: &Log<'_>, tree: &mut Tree, hear: &mut Hear<'_>) -> Result<(), Stop> {
        for number in 0..log.bundles() {
            self.take(Bundle::read::<F>(log, number), log, tree, hear)?;
        }
        Ok(())
    }

    /// Each thread checks every so-manieth bundle and hands it over; here they are taken in turn.
    fn together(
        &mut self,
        log: &Log<'_>,
        threads: usize,
        tree: &mut Tree,
        hear: &mut Hear<'_>,
    ) -> Result<(), Stop> {
        thread::scope(|scope| {
            let turns: Vec<Turns<F::Ready>> = (0..threads)
                .map(|thread| {
                    let (hand, taken) = sync_channel(AHEAD);
                    let (back, spent) = channel();
                    scope.spawn(move || {
                        for number in (thread as u64..log.bundles()).step_by(threads) {
                            // Nobody takes it any more: the walk ended at an earlier one.
                            if hand.send(Bundle::read::<F>(log, number)).is_err() {
                                return;
                            }
                            spent.try_iter().for_each(drop);
                        }
                    });
                    Turns { taken, back }
                })
                .collect();
            for (number, turns) in (0..log.bundles()).zip(turns.iter().cycle()) {
                // A thread that is gone before its turn has panicked; the scope says so when it ends.
                let Ok(bundle) = turns.taken.recv() else {
                    return Err(Stop::Failed(number * 256, Check::Entries));
                };
                let events = self.take(bundle, log, tree, hear)?;
                // A thread that has read its last is gone.
                let _ = turns.back.send(events);
            }
            Ok(())
        })
    }

    /// Takes the next bundle: what its events say of those before them. Its events are spent then.
    fn take(
        &mut self,
        bundle: Bundle<F::Ready>,
        log: &Log<'_>,
        tree: &mut Tree,
        hear: &mut Hear<'_>,
    ) -> Result<Vec<Held<F::Ready>>, Stop> {
        tree.unlike = tree.unlike.or(bundle.unlike);
        if let (Some((first, _)), Some(last)) = (bundle.times, self.last)
            && first < last
        {
            return Err(Stop::Failed(tree.size(), replay::Check::Time.into()));
        }
        self.last = bundle.times.map_or(self.last, |(_, last)| Some(last));
        for held in &bundle.events {
            self.event(held, log.epoch, hear)?;
        }
        match bundle.stop {
            Some(stop) => return Err(stop),
            None => tree.append(bundle.events.iter().map(|held| held.leaf), bundle.root, log)?,
        }
        Ok(bundle.events)
    }

    fn event(
        &mut self,
        held: &Held<F::Ready>,
        epoch: u64,
        hear: &mut Hear<'_>,
    ) -> Result<(), Stop> {
        let index = held.index;
        self.streams.follow(&held.link, held.leaf, index)?;
        if index == 0 || held.told.is_some() {
            hear(index, held.told.as_deref())?;
        }
        let followed = self.follower.follow(epoch, &held.ready);
        followed.map_err(|check| Stop::Failed(index, check.into()))
    }
}
