//! How much may wait. Whoever asks for more is told at once and nothing of the request is kept, so memory has a bound whatever is
//! offered; a region that is full turns nobody away elsewhere, and one caller never fills a region alone.

use std::collections::HashMap;

use hefu_domain::{CredentialId, Region};

use crate::Job;

/// How many moves may wait or be under way, an ATOMIC group's each counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queues {
    /// In one region.
    pub region: usize,
    /// In one region, of one caller.
    pub caller: usize,
    /// In all regions together.
    pub all: usize,
    /// What all of them together were long as they came in, in bytes.
    pub bytes: usize,
}

impl Default for Queues {
    fn default() -> Queues {
        Queues {
            region: 8_192,
            caller: 4_096,
            all: 65_536,
            bytes: 256 << 20,
        }
    }
}

/// Which queue took no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The region's.
    #[error("too many moves of this region are waiting")]
    Region,
    /// The caller's share of it.
    #[error("too many moves of this caller are waiting")]
    Caller,
    /// That of all regions.
    #[error("too many moves are waiting")]
    All,
}

/// What a job counts for, from when it was taken in until it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) regions: Vec<Region>,
    by: Option<CredentialId>,
    moves: usize,
    bytes: usize,
}

impl Ticket {
    pub(crate) fn of(job: &Job) -> Ticket {
        Ticket {
            regions: job.regions().cloned().collect(),
            by: job.commands.first().map(|command| command.by.clone()),
            moves: job.commands.len(),
            bytes: job.bytes,
        }
    }
}

#[derive(Default)]
struct Waiting {
    moves: usize,
    callers: HashMap<CredentialId, usize>,
}

/// What is waiting or under way, counted.
pub(crate) struct Queue {
    most: Queues,
    regions: HashMap<Region, Waiting>,
    jobs: usize,
    moves: usize,
    bytes: usize,
}

/// What finds nobody before it always fits, however large: it could never be sent otherwise.
fn fits(there: usize, more: usize, most: usize) -> bool {
    there == 0 || there + more <= most
}

impl Queue {
    pub(crate) fn new(most: Queues) -> Queue {
        Queue {
            most,
            regions: HashMap::new(),
            jobs: 0,
            moves: 0,
            bytes: 0,
        }
    }

    /// Takes a job in, or changes nothing.
    pub(crate) fn enter(&mut self, ticket: &Ticket) -> Result<(), Full> {
        let Ticket { moves, bytes, .. } = *ticket;
        if !fits(self.moves, moves, self.most.all) || !fits(self.bytes, bytes, self.most.bytes) {
            return Err(Full::All);
        }
        for waiting in ticket.regions.iter().filter_map(|r| self.regions.get(r)) {
            let of_caller = ticket.by.as_ref().and_then(|by| waiting.callers.get(by));
            if !fits(of_caller.copied().unwrap_or(0), moves, self.most.caller) {
                return Err(Full::Caller);
            }
            if !fits(waiting.moves, moves, self.most.region) {
                return Err(Full::Region);
            }
        }
        for region in &ticket.regions {
            let waiting = match self.regions.get_mut(region) {
                Some(waiting) => waiting,
                None => self.regions.entry(region.clone()).or_default(),
            };
            waiting.moves += moves;
            if let Some(by) = &ticket.by {
                match waiting.callers.get_mut(by) {
                    Some(theirs) => *theirs += moves,
                    None => drop(waiting.callers.insert(by.clone(), moves)),
                }
            }
        }
        self.jobs += 1;
        self.moves += moves;
        self.bytes += bytes;
        Ok(())
    }

    /// An answered job goes.
    pub(crate) fn leave(&mut self, ticket: &Ticket) {
        for region in &ticket.regions {
            let Some(waiting) = self.regions.get_mut(region) else {
                continue;
            };
            waiting.moves -= ticket.moves;
            if let Some(by) = &ticket.by
                && let Some(theirs) = waiting.callers.get_mut(by)
            {
                *theirs -= ticket.moves;
                if *theirs == 0 {
                    waiting.callers.remove(by);
                }
            }
            // Anybody can ask for any code: what is over leaves nothing behind.
            if waiting.moves == 0 {
                self.regions.remove(region);
            }
        }
        self.jobs -= 1;
        self.moves -= ticket.moves;
        self.bytes -= ticket.bytes;
    }

    /// How many jobs are here.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs
    }

    /// How many moves are here.
    pub(crate) fn moves(&self) -> usize {
        self.moves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Queues = Queues {
        region: 4,
        caller: 3,
        all: 6,
        bytes: 1_000,
    };

    fn ticket(regions: &[&str], by: char, moves: usize) -> Ticket {
        Ticket {
            regions: regions.iter().map(|code| code.parse().unwrap()).collect(),
            by: Some(by.to_string().repeat(43).parse().unwrap()),
            moves,
            bytes: 10 * moves,
        }
    }

    #[test]
    fn each_bound_holds_and_what_is_refused_is_not_counted() {
        let mut queue = Queue::new(MOST);
        let [a, b] = ["140725", "140727"];
        queue.enter(&ticket(&[a], 'A', 3)).unwrap();
        assert_eq!(queue.enter(&ticket(&[a], 'A', 1)), Err(Full::Caller));
        assert_eq!(queue.enter(&ticket(&[a], 'B', 2)), Err(Full::Region));
        queue.enter(&ticket(&[a], 'B', 1)).unwrap();
        assert_eq!(queue.enter(&ticket(&[a], 'C', 1)), Err(Full::Region));
        // Other regions do not feel it, until all together are too much.
        queue.enter(&ticket(&[b], 'A', 2)).unwrap();
        assert_eq!(queue.enter(&ticket(&[b], 'C', 1)), Err(Full::All));
        assert_eq!(queue.moves(), 6);
        queue.leave(&ticket(&[a], 'A', 3));
        queue.enter(&ticket(&[a], 'C', 3)).unwrap();
    }

    #[test]
    fn a_job_over_two_regions_needs_room_in_both() {
        let mut queue = Queue::new(MOST);
        let [a, b] = ["140700", "140725"];
        queue.enter(&ticket(&[b], 'B', 4)).unwrap();
        let both = ticket(&[a, b], 'A', 1);
        assert_eq!(queue.enter(&both), Err(Full::Region));
        queue.leave(&ticket(&[b], 'B', 4));
        queue.enter(&both).unwrap();
        queue.leave(&both);
        assert!(queue.regions.is_empty());
    }

    #[test]
    fn bytes_are_bounded_however_few_the_moves() {
        let mut queue = Queue::new(MOST);
        let large = |bytes| Ticket {
            bytes,
            ..ticket(&["140725"], 'A', 1)
        };
        queue.enter(&large(600)).unwrap();
        assert_eq!(queue.enter(&large(401)), Err(Full::All));
        queue.enter(&large(400)).unwrap();
        queue.leave(&large(600));
        queue.leave(&large(400));
        assert_eq!((queue.jobs, queue.moves, queue.bytes), (0, 0, 0));
    }

    #[test]
    fn what_is_larger_than_its_bound_goes_alone() {
        let mut queue = Queue::new(MOST);
        let group = ticket(&["140725"], 'A', 100);
        queue.enter(&group).unwrap();
        assert_eq!(queue.enter(&ticket(&["140725"], 'B', 1)), Err(Full::All));
        queue.leave(&group);
        assert!(queue.regions.is_empty());
    }
}
