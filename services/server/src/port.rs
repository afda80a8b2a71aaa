//! The port: connections in clear, or over TLS where there is a certificate.
//!
//! The invariant: nobody waits for another's handshake. Each has its time; when too many are under way, the oldest makes room. And a
//! connection has its place, among all and among those of its address, before HTTP is spoken on it.

mod serving;

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use hefu_domain::CredentialId;
use hefu_engine::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::caller;
use crate::limits::{Count, Counted, Enough, Limits, descriptors, metrics, neighbourhood};
use crate::oidc::{ProviderAt, Providers};
use crate::services::Services;
use crate::start::StartError;
use crate::tls::{self, Seen, Served, TlsFiles};

pub(crate) use serving::serve;

/// Where to listen, with what certificate, whose word for callers is taken, and what is served there.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Without it: in clear.
    pub tls: Option<TlsFiles>,
    /// Who vouches for callers by JWT.
    pub oidc: Vec<ProviderAt>,
    /// Which services.
    pub services: Services,
}

impl From<SocketAddr> for Listen {
    fn from(listen: SocketAddr) -> Listen {
        Listen {
            listen,
            tls: None,
            oidc: Vec::new(),
            services: Services::default(),
        }
    }
}

impl From<([u8; 4], u16)> for Listen {
    fn from(listen: ([u8; 4], u16)) -> Listen {
        SocketAddr::from(listen).into()
    }
}

/// What a door is made of, read.
pub(crate) struct Ready {
    tls: Option<(Arc<Served>, Seen)>,
    providers: Providers,
}

impl Listen {
    /// Reads the files, before anything else is done.
    ///
    /// # Errors
    /// `Tls`, `Oidc`.
    pub(crate) fn ready(&self, clock: Clock) -> Result<Ready, StartError> {
        Ok(Ready {
            tls: self.tls.clone().map(Served::read).transpose()?,
            providers: Providers::new(&self.oidc, clock)?,
        })
    }
}

/// A port that is listened on.
pub(crate) struct Port {
    listener: TcpListener,
    tls: Option<Handshakes>,
    places: Count<IpAddr>,
    providers: Providers,
    _fetching: JoinSet<()>,
}

/// A connection's place among all, given back when dropped.
type Place = Counted<IpAddr>;

/// A connection that is ready for HTTP, whose it is, and its place.
struct Accepted {
    io: Connection,
    peer: Peer,
    _place: Place,
}

/// A connection that is ready for HTTP.
pub(crate) type Connection = Either<TcpStream, TlsStream<TcpStream>>;

type Shaken = (TlsStream<TcpStream>, SocketAddr);

/// Handshakes under way. Dropped, they end.
struct Handshakes {
    served: Arc<Served>,
    most: usize,
    longest: Duration,
    under_way: JoinSet<Option<Shaken>>,
    /// In the order in which they began.
    oldest_first: VecDeque<AbortHandle>,
    _reading: JoinSet<()>,
}

impl Port {
    pub(crate) async fn open(
        listen: SocketAddr,
        ready: Ready,
        limits: &Limits,
    ) -> io::Result<Port> {
        let listener = TcpListener::bind(listen).await?;
        let mut fetching = JoinSet::new();
        fetching.spawn(ready.providers.clone().keep_fetching());
        let tls = ready.tls.map(|(served, seen)| {
            let mut reading = JoinSet::new();
            reading.spawn(tls::keep_reading(Arc::clone(&served), seen));
            Handshakes {
                served,
                most: limits.handshakes,
                longest: Duration::from_secs(limits.handshake_seconds),
                under_way: JoinSet::new(),
                oldest_first: VecDeque::new(),
                _reading: reading,
            }
        });
        Ok(Port {
            listener,
            tls,
            places: Count::new(
                descriptors::room_for(limits.connections, limits.handshakes),
                limits.connections_per_address,
            ),
            providers: ready.providers,
            _fetching: fetching,
        })
    }

    pub(crate) fn providers(&self) -> Providers {
        self.providers.clone()
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection that is ready and has a place. Dropped while it waits, it loses none.
    async fn accept(&mut self) -> Accepted {
        loop {
            let (io, from) = self.ready().await;
            let chain = match &io {
                Either::Left(_) => None,
                Either::Right(tls) => tls.get_ref().1.peer_certificates(),
            };
            let certificate = chain.and_then(<[_]>::first);
            let peer = Peer {
                address: from.ip(),
                certificate: certificate.map(|der| caller::of_certificate(der)),
            };
            if let Some(_place) = place(&self.places, from) {
                return Accepted { io, peer, _place };
            }
        }
    }

    async fn ready(&mut self) -> (Connection, SocketAddr) {
        let Some(handshakes) = &mut self.tls else {
            let (stream, from) = Listener::accept(&mut self.listener).await;
            return (Either::Left(prompt(stream)), from);
        };
        loop {
            tokio::select! {
                (stream, from) = Listener::accept(&mut self.listener) => handshakes.begin(stream, from),
                Some(ended) = handshakes.under_way.join_next() => {
                    // One that failed, was too slow or made room is nobody's.
                    if let Ok(Some((stream, from))) = ended {
                        return (Either::Right(stream), from);
                    }
                }
            }
        }
    }
}

/// A place for a connection. Where there is none it is closed, unread.
fn place(places: &Count<IpAddr>, from: SocketAddr) -> Option<Place> {
    let whose = match places.enter(neighbourhood(from.ip())) {
        Ok(place) => return Some(place),
        Err(Enough::All) => "all",
        Err(Enough::OfOne) => "address",
    };
    metrics::turned_away(whose);
    tracing::debug!(limit = whose, "a connection was turned away");
    None
}

impl Handshakes {
    fn begin(&mut self, stream: TcpStream, from: SocketAddr) {
        if self.oldest_first.len() >= self.most {
            self.oldest_first.retain(|one| !one.is_finished());
        }
        if self.oldest_first.len() >= self.most
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            tracing::debug!("a handshake made room for a newer one");
            oldest.abort();
        }
        let acceptor = TlsAcceptor::from(self.served.config());
        let longest = self.longest;
        let handshake = self.under_way.spawn(async move {
            let shaken = acceptor.accept(prompt(stream));
            match tokio::time::timeout(longest, shaken).await {
                Ok(Ok(stream)) => Some((stream, from)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a handshake failed");
                    None
                }
                Err(_) => {
                    tracing::debug!("a handshake took too long");
                    None
                }
            }
        });
        self.oldest_first.push_back(handshake);
    }
}

/// The other end of a connection: where it is, and what it proved when the connection was made.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// As the connection has it: behind a proxy, the proxy's.
    pub(crate) address: IpAddr,
    /// Of its certificate, if it showed one that a CA of callers vouches for.
    pub(crate) certificate: Option<CredentialId>,
}

/// Small answers must not wait for the reader's delayed acknowledgement.
fn prompt(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection without TCP_NODELAY");
    }
    stream
}
