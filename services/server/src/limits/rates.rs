//! Who may ask how often. A caller whom a region let in before has a bucket of their own; whoever was not let in yet takes from that of
//! their address, before anything is looked up: many bad credentials are one stranger.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use hefu_domain::CredentialId;
use tokio::time::Instant;

use super::bucket::{Bucket, Dry, Rate};
use super::recent::Recent;
use super::{Limits, metrics};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// Of each kind. An entry is 40 bytes or so.
const MOST_BUCKETS: usize = 65_536;

/// What somebody showed, as it came: a header, or a certificate where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Proof {
    Header(HeaderValue),
    Certificate(CredentialId),
}

impl Proof {
    pub(super) fn of(headers: &HeaderMap, certificate: Option<&CredentialId>) -> Option<Proof> {
        match headers.get(header::AUTHORIZATION) {
            Some(header) => Some(Proof::Header(header.clone())),
            None => certificate.cloned().map(Proof::Certificate),
        }
    }
}

/// Whose bucket is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// That of callers nobody knows yet, by their address.
    Address,
    /// The caller's.
    Caller,
    /// The caller's for dry runs and refused applications.
    Probes,
    /// That of an address for public files.
    Public,
}

impl Of {
    /// As details and metrics name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Of::Address => "address",
            Of::Caller => "caller",
            Of::Probes => "probes",
            Of::Public => "public",
        }
    }
}

/// Too often: whose bucket is empty, and when there is a token again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited {
    pub(crate) of: Of,
    pub(crate) wait: Duration,
}

/// All buckets.
pub(super) struct Rates {
    began: Instant,
    per_address: Rate,
    per_caller: Rate,
    public: Rate,
    probing: Rate,
    addresses: Recent<Bucket>,
    readers: Recent<Bucket>,
    callers: Recent<Bucket>,
    probers: Recent<Bucket>,
    proofs: Recent<()>,
}

/// An address as limits count it: whoever has one address of IPv6 has a /64 of them.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = u128::from(v6) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(bits))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Rates {
        Rates {
            began: Instant::now(),
            per_address: Rate::new(limits.address_per_second, SECOND, limits.address_burst),
            per_caller: Rate::new(limits.caller_per_second, SECOND, limits.caller_burst),
            public: Rate::new(limits.public_per_second, SECOND, limits.public_burst),
            probing: Rate::new(limits.probes_per_minute, MINUTE, limits.probes_burst),
            addresses: Recent::new(MOST_BUCKETS),
            readers: Recent::new(MOST_BUCKETS),
            callers: Recent::new(MOST_BUCKETS),
            probers: Recent::new(MOST_BUCKETS),
            proofs: Recent::new(MOST_BUCKETS),
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether somebody was let in with this lately.
    pub(super) fn knows(&self, proof: &Proof) -> bool {
        self.proofs.has(proof)
    }

    /// A region let them in with this. From now on they have a bucket of their own.
    pub(super) fn let_in(&self, by: &CredentialId, proof: &Proof) {
        self.proofs.with(proof, |entry| *entry = Some(()));
        self.callers.with(by, |entry| {
            entry.get_or_insert_default();
        });
    }

    /// A call by whom nobody knows.
    pub(super) fn stranger(&self, address: IpAddr, calls: usize) -> Result<(), Limited> {
        let taken = self.addresses.with(neighbourhood(address), |entry| {
            let bucket = entry.get_or_insert_default();
            bucket.take(self.per_address, self.now(), calls)
        });
        taken.map_err(|dry| told(Of::Address, dry, None))
    }

    /// Calls or moves of a caller who was let in before.
    pub(super) fn caller(&self, by: &CredentialId, moves: usize) -> Result<(), Limited> {
        let taken = self.callers.with(by, |entry| {
            let bucket = entry.get_or_insert_default();
            bucket.take(self.per_caller, self.now(), moves)
        });
        taken.map_err(|dry| told(Of::Caller, dry, Some(by)))
    }

    /// Whether a caller was let in lately.
    pub(super) fn is_known(&self, by: &CredentialId) -> bool {
        self.callers.has(by)
    }

    /// A public file.
    pub(super) fn reader(&self, address: IpAddr) -> Result<(), Limited> {
        let taken = self.readers.with(neighbourhood(address), |entry| {
            let bucket = entry.get_or_insert_default();
            bucket.take(self.public, self.now(), 1)
        });
        taken.map_err(|dry| told(Of::Public, dry, None))
    }

    /// A move that may turn out to be a question about somebody: it needs a token, and takes none yet.
    pub(super) fn may_probe(&self, by: &CredentialId) -> Result<(), Limited> {
        let looked = self.probers.with(by, |entry| match entry {
            Some(bucket) => bucket.look(self.probing, self.now()),
            None => Ok(()),
        });
        looked.map_err(|dry| told(Of::Probes, dry, Some(by)))
    }

    /// It was one.
    pub(super) fn probed(&self, by: &CredentialId) {
        self.probers.with(by, |entry| {
            let bucket = entry.get_or_insert_default();
            bucket.charge(self.probing, self.now(), 1);
        });
    }
}

/// Counts it, and says in the log whose credential it is, once until they have a token again. A credential is a hash, which the log of
/// the region shows to everybody; an address may be somebody's home, and stays out.
fn told(of: Of, dry: Dry, by: Option<&CredentialId>) -> Limited {
    let Dry { wait, first } = dry;
    metrics::limited(of.as_str());
    if let Some(credential) = by.filter(|_| first) {
        tracing::warn!(%credential, limit = of.as_str(), "a caller asks too often and is turned away");
    }
    Limited { of, wait }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(letter: char) -> CredentialId {
        letter.to_string().repeat(43).parse().unwrap()
    }

    fn small() -> Rates {
        Rates::new(&Limits {
            address_per_second: 1,
            address_burst: 3,
            caller_per_second: 1,
            caller_burst: 2,
            probes_per_minute: 1,
            probes_burst: 2,
            ..Limits::default()
        })
    }

    #[test]
    fn many_addresses_of_one_network_are_one() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_pays_from_the_address_and_whoever_was_let_in_from_their_own() {
        let rates = small();
        let (here, there) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        rates.stranger(here, 1).unwrap();
        rates.stranger(here, 2).unwrap();
        let limited = rates.stranger(here, 1).unwrap_err();
        assert_eq!((limited.of, limited.wait), (Of::Address, SECOND));
        rates.stranger(there, 1).unwrap();
        let proof = Proof::Certificate(credential('A'));
        assert!(!rates.knows(&proof) && !rates.is_known(&credential('A')));
        rates.let_in(&credential('A'), &proof);
        assert!(rates.knows(&proof) && rates.is_known(&credential('A')));
        rates.caller(&credential('A'), 1).unwrap();
        rates.caller(&credential('A'), 1).unwrap();
        let limited = rates.caller(&credential('A'), 1).unwrap_err();
        assert_eq!((limited.of, limited.wait), (Of::Caller, SECOND));
        // What one took is nothing to the other.
        rates.let_in(&credential('B'), &Proof::Certificate(credential('B')));
        rates.caller(&credential('B'), 1).unwrap();
        tokio::time::advance(SECOND).await;
        rates.caller(&credential('A'), 1).unwrap();
        rates.stranger(here, 1).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_turned_out_to_be_a_probe_is_paid_for() {
        let rates = small();
        let prober = credential('A');
        for _ in 0..100 {
            rates.may_probe(&prober).unwrap();
        }
        rates.probed(&prober);
        rates.may_probe(&prober).unwrap();
        rates.probed(&prober);
        let limited = rates.may_probe(&prober).unwrap_err();
        assert_eq!((limited.of, limited.wait), (Of::Probes, MINUTE));
        rates.may_probe(&credential('B')).unwrap();
        tokio::time::advance(MINUTE).await;
        rates.may_probe(&prober).unwrap();
    }
}
