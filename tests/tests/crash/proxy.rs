//! Stands between a server and its PostgreSQL cluster, and cuts the connection of one COMMIT when told to.

use std::net::SocketAddr;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex};

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// COMMIT as the store sends it: a simple query, alone, for its answer is waited for.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Where a COMMIT's connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The cluster never sees it.
    Before,
    /// It is on its way: the cluster may still be at it, holding its locks, when the server asks what became of it.
    Under,
    /// It is done; only the answer is lost.
    After,
}

/// A proxy for as long as the test runs.
pub(crate) struct Proxy {
    url: String,
    next: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    /// Stands before the database of this URL.
    pub(crate) async fn start(database: &str) -> Proxy {
        let behind = PgConnectOptions::from_str(database).unwrap();
        let cluster = format!("{}:{}", behind.get_host(), behind.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let next = Arc::new(Mutex::new(None));
        // Under TLS no proxy would see a COMMIT.
        let front = behind
            .host("127.0.0.1")
            .port(address.port())
            .ssl_mode(PgSslMode::Disable);
        let orders = next.clone();
        tokio::spawn(async move {
            loop {
                let (server, _) = listener.accept().await.unwrap();
                let cluster = TcpStream::connect(&cluster).await.unwrap();
                let orders = orders.clone();
                // An end that breaks off ends the connection, as it would without us.
                tokio::spawn(async move { carry(server, cluster, &orders).await.ok() });
            }
        });
        Proxy {
            url: front.to_url_lossy().to_string(),
            next,
        }
    }

    /// What the server is told to connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The next COMMIT is cut so.
    pub(crate) fn arm(&self, cut: Cut) {
        *self.next.lock().unwrap() = Some(cut);
    }

    /// No COMMIT came since.
    pub(crate) fn is_armed(&self) -> bool {
        self.next.lock().unwrap().is_some()
    }
}

/// One connection, until an end closes it or it is cut.
async fn carry(
    mut server: TcpStream,
    mut cluster: TcpStream,
    orders: &Mutex<Option<Cut>>,
) -> std::io::Result<()> {
    server.set_nodelay(true)?;
    cluster.set_nodelay(true)?;
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = server.read(&mut asked) => {
                let chunk = &asked[..read?];
                let cut = match chunk.ends_with(COMMIT) {
                    true => orders.lock().unwrap().take(),
                    false => None,
                };
                if chunk.is_empty() || cut == Some(Cut::Before) {
                    return Ok(());
                }
                cluster.write_all(chunk).await?;
                match cut {
                    None => {}
                    Some(Cut::Before | Cut::Under) => return Ok(()),
                    Some(Cut::After) => return cluster.read(&mut answered).await.map(|_| ()),
                }
            }
            read = cluster.read(&mut answered) => match read? {
                0 => return Ok(()),
                read => server.write_all(&answered[..read]).await?,
            },
        }
    }
}
