//! How much may wait, in moves, in bytes and in time. Whoever asks for more is told at once and nothing of the request is kept, so memory
//! has a bound whatever is offered, and what was let in is answered in time.
//!
//! Single moves and those of batches have rooms of their own: a person waits for the one, a program for the other, and a hundred large
//! batches leave the single moves' room as it was.
//!
//! The invariant: nobody takes all of a room. A caller, or a region, with moves in it gets more in only while it has no more than four
//! times what is still free; so whoever has none there finds room beside any flood but one of thousands of callers.

use std::collections::HashMap;
use std::time::Duration;

use hefu_domain::{CredentialId, Region};

use crate::Job;
use crate::pace::Pace;

/// So many times what is free may be one caller's, or one region's.
const SHARE: usize = 4;
/// Nobody is told to come back sooner.
const SOONEST: Duration = Duration::from_millis(20);

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
    /// How long a single move that is let in may take, by how fast moves were answered lately.
    pub wait: Duration,
}

impl Default for Queues {
    fn default() -> Queues {
        Queues {
            region: 8_192,
            caller: 4_096,
            all: 65_536,
            bytes: 256 << 20,
            wait: Duration::from_millis(100),
        }
    }
}

/// Too much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{whose}")]
pub struct Full {
    /// Which queue took no more.
    pub whose: Whose,
    /// When there will be room, as far as can be told.
    pub wait: Duration,
}

/// Whose queue it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Whose {
    /// The region's.
    #[error("too many moves of this region are waiting")]
    Region,
    /// The caller's share.
    #[error("too many moves of this caller are waiting")]
    Caller,
    /// That of all regions, in moves or bytes.
    #[error("too many moves are waiting")]
    All,
    /// What waits would be answered too late.
    #[error("more moves are waiting than are written in time")]
    Time,
}

impl Whose {
    /// As metrics name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Whose::Region => "region",
            Whose::Caller => "caller",
            Whose::All => "all",
            Whose::Time => "time",
        }
    }
}

/// What a job counts for, from when it was taken in until it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) regions: Vec<Region>,
    by: Option<CredentialId>,
    moves: usize,
    bytes: usize,
    /// How long it will wait counts no more.
    let_in: bool,
}

impl Ticket {
    pub(crate) fn of(job: &Job) -> Ticket {
        Ticket {
            regions: job.regions().cloned().collect(),
            by: job.commands.first().map(|command| command.by.clone()),
            moves: job.commands.len(),
            bytes: job.bytes,
            let_in: job.let_in,
        }
    }
}

/// Moves that are waiting or under way in one of the two rooms.
#[derive(Default)]
struct Room {
    moves: usize,
    callers: HashMap<CredentialId, usize>,
    regions: HashMap<Region, usize>,
}

impl Room {
    fn add(&mut self, ticket: &Ticket) {
        self.moves += ticket.moves;
        for region in &ticket.regions {
            add(&mut self.regions, region, ticket.moves);
        }
        if let Some(by) = &ticket.by {
            add(&mut self.callers, by, ticket.moves);
        }
    }

    fn take(&mut self, ticket: &Ticket) {
        self.moves -= ticket.moves;
        for region in &ticket.regions {
            take(&mut self.regions, region, ticket.moves);
        }
        if let Some(by) = &ticket.by {
            take(&mut self.callers, by, ticket.moves);
        }
    }

    /// Who has too much here for more, where so many may be.
    fn late(&self, by: Option<&CredentialId>, regions: &[Region], bound: usize) -> Option<Whose> {
        let free = bound.saturating_sub(self.moves);
        if free == 0 {
            return Some(Whose::Time);
        }
        let too_many = |theirs: Option<&usize>| theirs.is_some_and(|n| *n >= SHARE * free);
        if too_many(by.and_then(|by| self.callers.get(by))) {
            return Some(Whose::Caller);
        }
        let mut regions = regions.iter();
        let full = regions.any(|region| too_many(self.regions.get(region)));
        full.then_some(Whose::Region)
    }
}

#[derive(Default)]
struct Waiting {
    moves: usize,
    callers: HashMap<CredentialId, usize>,
}

/// What is waiting or under way, counted. Instants are since some beginning.
pub(crate) struct Queue {
    most: Queues,
    pace: Pace,
    regions: HashMap<Region, Waiting>,
    singles: Room,
    batches: Room,
    jobs: usize,
    moves: usize,
    bytes: usize,
    /// How many were turned away: each is told another instant to come back.
    refused: u32,
}

/// What finds nobody before it always fits, however large: it could never be sent otherwise.
fn fits(there: usize, more: usize, most: usize) -> bool {
    there == 0 || there + more <= most
}

/// More of somebody's.
fn add<K: std::hash::Hash + Eq + Clone>(to: &mut HashMap<K, usize>, of: &K, moves: usize) {
    match to.get_mut(of) {
        Some(theirs) => *theirs += moves,
        None => drop(to.insert(of.clone(), moves)),
    }
}

/// Less of somebody's. Anybody can show any key: what is over leaves nothing behind.
fn take<K: std::hash::Hash + Eq>(from: &mut HashMap<K, usize>, of: &K, moves: usize) {
    if let Some(theirs) = from.get_mut(of) {
        *theirs -= moves;
        if *theirs == 0 {
            from.remove(of);
        }
    }
}

impl Queue {
    pub(crate) fn new(most: Queues) -> Queue {
        Queue {
            most,
            pace: Pace::new(most.wait),
            regions: HashMap::new(),
            singles: Room::default(),
            batches: Room::default(),
            jobs: 0,
            moves: 0,
            bytes: 0,
            refused: 0,
        }
    }

    /// Whether a caller's next move will be answered in time, before anything is done for it.
    pub(crate) fn room(&mut self, by: &CredentialId, now: Duration) -> Result<(), Full> {
        let late = self.singles.late(Some(by), &[], self.pace.bound());
        late.map_or(Ok(()), |whose| Err(self.full(whose, now)))
    }

    /// Whether a call with many moves of a region may begin. What other batches have in front counts, and not how much is behind it.
    pub(crate) fn room_for_many(&self, by: &CredentialId, region: &Region) -> bool {
        let regions = std::slice::from_ref(region);
        let late = self.batches.late(Some(by), regions, self.pace.many());
        late.is_none()
    }

    /// Takes a job in, or changes nothing.
    pub(crate) fn enter(&mut self, ticket: &Ticket, now: Duration) -> Result<(), Full> {
        let by = ticket.by.as_ref();
        let late = match ticket.let_in {
            true => None,
            false => (self.singles).late(by, &ticket.regions, self.pace.bound()),
        };
        if let Some(whose) = self.over(ticket).or(late) {
            return Err(self.full(whose, now));
        }
        let Ticket { moves, bytes, .. } = *ticket;
        for region in &ticket.regions {
            let waiting = match self.regions.get_mut(region) {
                Some(waiting) => waiting,
                None => self.regions.entry(region.clone()).or_default(),
            };
            waiting.moves += moves;
            if let Some(by) = by {
                add(&mut waiting.callers, by, moves);
            }
        }
        match ticket.let_in {
            true => self.batches.add(ticket),
            false => self.singles.add(ticket),
        }
        self.jobs += 1;
        self.moves += moves;
        self.bytes += bytes;
        self.pace.entered(self.moves - moves, self.moves, now);
        Ok(())
    }

    /// Which bound in moves and bytes a job would break.
    fn over(&self, ticket: &Ticket) -> Option<Whose> {
        let Ticket { moves, bytes, .. } = *ticket;
        if !fits(self.moves, moves, self.most.all) || !fits(self.bytes, bytes, self.most.bytes) {
            return Some(Whose::All);
        }
        for waiting in ticket.regions.iter().filter_map(|r| self.regions.get(r)) {
            let of_caller = ticket.by.as_ref().and_then(|by| waiting.callers.get(by));
            if !fits(of_caller.copied().unwrap_or(0), moves, self.most.caller) {
                return Some(Whose::Caller);
            }
            if !fits(waiting.moves, moves, self.most.region) {
                return Some(Whose::Region);
            }
        }
        None
    }

    /// Turns somebody away, and says when to come back: all of them at once would be the next flood.
    pub(crate) fn full(&mut self, whose: Whose, now: Duration) -> Full {
        // Multiples of the golden ratio lie evenly between 0 and 1, however many there are.
        self.refused = self.refused.wrapping_add(1);
        let spread = self.refused.wrapping_mul(0x9E37_79B9);
        let spread = f64::from(spread) / f64::from(u32::MAX);
        let wait = self.pace.drained(self.moves, now).max(SOONEST);
        let wait = wait.mul_f64(1.0 + spread / 2.0);
        Full { whose, wait }
    }

    /// Answered jobs go.
    pub(crate) fn leave(&mut self, answered: &[Ticket], now: Duration) {
        let mut moves = 0;
        for ticket in answered {
            self.forget(ticket);
            moves += ticket.moves;
        }
        self.pace.answered(moves, self.moves, now);
    }

    fn forget(&mut self, ticket: &Ticket) {
        for region in &ticket.regions {
            let Some(waiting) = self.regions.get_mut(region) else {
                continue;
            };
            waiting.moves -= ticket.moves;
            if let Some(by) = &ticket.by {
                take(&mut waiting.callers, by, ticket.moves);
            }
            if waiting.moves == 0 {
                self.regions.remove(region);
            }
        }
        match ticket.let_in {
            true => self.batches.take(ticket),
            false => self.singles.take(ticket),
        }
        self.jobs -= 1;
        self.moves -= ticket.moves;
        self.bytes -= ticket.bytes;
    }

    /// How many single moves may be here for the next one to be answered in time.
    pub(crate) fn bound(&self) -> usize {
        self.pace.bound().min(self.most.all)
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
        wait: Duration::from_millis(200),
    };
    const NOW: Duration = Duration::ZERO;

    fn ticket(regions: &[&str], by: char, moves: usize) -> Ticket {
        Ticket {
            regions: regions.iter().map(|code| code.parse().unwrap()).collect(),
            by: Some(by.to_string().repeat(43).parse().unwrap()),
            moves,
            bytes: 10 * moves,
            let_in: false,
        }
    }

    /// Takes it in, or says whose queue is full.
    fn enter(queue: &mut Queue, ticket: &Ticket) -> Result<(), Whose> {
        queue.enter(ticket, NOW).map_err(|full| full.whose)
    }

    fn leave(queue: &mut Queue, ticket: &Ticket) {
        queue.leave(std::slice::from_ref(ticket), NOW);
    }

    #[test]
    fn each_bound_holds_and_what_is_refused_is_not_counted() {
        let mut queue = Queue::new(MOST);
        let [a, b] = ["140725", "140727"];
        enter(&mut queue, &ticket(&[a], 'A', 3)).unwrap();
        assert_eq!(enter(&mut queue, &ticket(&[a], 'A', 1)), Err(Whose::Caller));
        assert_eq!(enter(&mut queue, &ticket(&[a], 'B', 2)), Err(Whose::Region));
        enter(&mut queue, &ticket(&[a], 'B', 1)).unwrap();
        assert_eq!(enter(&mut queue, &ticket(&[a], 'C', 1)), Err(Whose::Region));
        // Other regions do not feel it, until all together are too much.
        enter(&mut queue, &ticket(&[b], 'A', 2)).unwrap();
        assert_eq!(enter(&mut queue, &ticket(&[b], 'C', 1)), Err(Whose::All));
        assert_eq!(queue.moves(), 6);
        leave(&mut queue, &ticket(&[a], 'A', 3));
        enter(&mut queue, &ticket(&[a], 'C', 3)).unwrap();
    }

    #[test]
    fn a_job_over_two_regions_needs_room_in_both() {
        let mut queue = Queue::new(MOST);
        let [a, b] = ["140700", "140725"];
        enter(&mut queue, &ticket(&[b], 'B', 4)).unwrap();
        let both = ticket(&[a, b], 'A', 1);
        assert_eq!(enter(&mut queue, &both), Err(Whose::Region));
        leave(&mut queue, &ticket(&[b], 'B', 4));
        enter(&mut queue, &both).unwrap();
        leave(&mut queue, &both);
        assert!(queue.regions.is_empty());
    }

    #[test]
    fn bytes_are_bounded_however_few_the_moves() {
        let mut queue = Queue::new(MOST);
        let large = |bytes| Ticket {
            bytes,
            ..ticket(&["140725"], 'A', 1)
        };
        enter(&mut queue, &large(600)).unwrap();
        assert_eq!(enter(&mut queue, &large(401)), Err(Whose::All));
        enter(&mut queue, &large(400)).unwrap();
        leave(&mut queue, &large(600));
        leave(&mut queue, &large(400));
        assert_eq!((queue.jobs, queue.moves, queue.bytes), (0, 0, 0));
    }

    #[test]
    fn what_is_larger_than_its_bound_goes_alone() {
        let mut queue = Queue::new(MOST);
        let group = ticket(&["140725"], 'A', 100);
        enter(&mut queue, &group).unwrap();
        assert_eq!(
            enter(&mut queue, &ticket(&["140725"], 'B', 1)),
            Err(Whose::All)
        );
        leave(&mut queue, &group);
        assert!(queue.regions.is_empty());
    }

    /// A queue whose moves are answered at that rate, with nothing in it.
    fn at_rate(per_second: usize) -> (Queue, Duration) {
        let mut queue = Queue::new(Queues {
            wait: Duration::from_millis(200),
            ..Queues::default()
        });
        let tenth = ticket(&["140725"], 'Z', per_second / 10);
        let mut now = NOW;
        for _ in 0..50 {
            queue.enter(&tenth, now).unwrap();
            now += Duration::from_millis(100);
            queue.leave(std::slice::from_ref(&tenth), now);
        }
        (queue, now)
    }

    /// So many calls of a caller come in one after the other; how many are let in.
    fn flood(queue: &mut Queue, now: Duration, (region, by): (&str, char), calls: usize) -> usize {
        let call = ticket(&[region], by, 1);
        (0..calls)
            .filter(|_| queue.enter(&call, now).is_ok())
            .count()
    }

    #[test]
    fn no_more_is_let_in_than_is_answered_in_time() {
        let (mut queue, now) = at_rate(10_000);
        let bound = queue.bound();
        assert!((1_990..=2_000).contains(&bound), "{bound}");
        // Many callers in several regions, each of whom would have more.
        let mut let_in = 0;
        for by in 'A'..='Y' {
            let region = ["140725", "140727", "140781"][by as usize % 3];
            let_in += flood(&mut queue, now, (region, by), 1_000);
        }
        assert_eq!(queue.moves(), let_in);
        assert!((1_900..=bound).contains(&let_in), "{let_in}");
        let full = queue.room(&ticket(&[], 'A', 1).by.unwrap(), now);
        assert_eq!(full.unwrap_err().whose, Whose::Caller);
        let wait = full.unwrap_err().wait.as_secs_f64();
        assert!(
            (0.19..=0.31).contains(&wait),
            "until it has drained: {wait}"
        );
    }

    #[test]
    fn beside_a_flood_there_is_room_for_others() {
        let (mut queue, now) = at_rate(10_000);
        let flooding = flood(&mut queue, now, ("140725", 'A'), 100_000);
        assert!((1_550..1_650).contains(&flooding), "{flooding}");
        // The same caller elsewhere is the same caller; the same region is the same region.
        assert_eq!(flood(&mut queue, now, ("140727", 'A'), 1), 0);
        let refused = enter(&mut queue, &ticket(&["140725"], 'B', 1));
        assert_eq!(refused, Err(Whose::Region));
        assert_eq!(flood(&mut queue, now, ("140727", 'B'), 50), 50);
        // However long it goes on.
        flood(&mut queue, now, ("140727", 'A'), 1_000);
        assert_eq!(flood(&mut queue, now, ("140727", 'C'), 50), 50);
    }

    #[test]
    fn a_large_call_is_let_in_by_what_is_in_front_of_it_and_all_of_its_items_with_it() {
        let (mut queue, now) = at_rate(10_000);
        let region = "140725".parse().unwrap();
        let of = |by: char| ticket(&[], by, 1).by.unwrap();
        let item = |by: char| Ticket {
            let_in: true,
            ..ticket(&["140725"], by, 1)
        };
        let elsewhere = "140727".parse().unwrap();
        assert!(queue.room_for_many(&of('A'), &region));
        // Half a second's worth are let in, but one caller or one region does not take the last of it.
        (0..4_050).for_each(|_| queue.enter(&item('A'), now).unwrap());
        assert!(!queue.room_for_many(&of('A'), &elsewhere));
        assert!(!queue.room_for_many(&of('B'), &region));
        assert!(queue.room_for_many(&of('B'), &elsewhere));
        // Single moves have the room that they had.
        assert_eq!(flood(&mut queue, now, ("140725", 'D'), 100), 100);
        // What is let in as a whole goes in whole, and then nobody's more.
        (0..1_000).for_each(|_| queue.enter(&item('C'), now).unwrap());
        assert!(!queue.room_for_many(&of('B'), &elsewhere));
        queue.leave(&vec![item('A'); 4_050], now);
        queue.leave(&vec![item('C'); 1_000], now);
        assert!(queue.room_for_many(&of('A'), &region));
    }

    #[test]
    fn the_refused_are_sent_to_different_instants() {
        let (mut queue, now) = at_rate(10_000);
        flood(&mut queue, now, ("140725", 'A'), 10_000);
        let by = ticket(&[], 'A', 1).by.unwrap();
        let mut waits: Vec<Duration> = (0..100)
            .map(|_| queue.room(&by, now).unwrap_err().wait)
            .collect();
        waits.sort();
        let gaps = waits.windows(2).map(|pair| pair[1] - pair[0]);
        let (least, most) = (gaps.clone().min().unwrap(), gaps.max().unwrap());
        assert!(least > Duration::ZERO && most < Duration::from_millis(3));
    }
}
