//! What `hefu serve` is told: a TOML file, overridden by flags. Every key has a default that is safe on one's own machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::limits::{LimitError, Limits};
use crate::oidc::ProviderAt;
use crate::registers::{self, RegisterAt, RegisterError};
use crate::services::Services;
use crate::tls::TlsFiles;
use crate::witnesses::{self, WitnessAt};

/// The configuration file. See `deploy/hefu.toml`, which comments every key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `sqlite://PATH` (made if missing) or `postgres://…`.
    pub database: String,
    /// Keys, wrapped keys of personal data, signer state: what must never stand in a backup of the database.
    pub state: PathBuf,
    /// Where gRPC and HTTP are served, on one port.
    pub listen: SocketAddr,
    /// Serve without TLS on an address that is not loopback.
    pub plaintext: bool,
    /// Serve over TLS, with this certificate.
    pub tls: Option<TlsFiles>,
    /// Who vouches for callers by JWT.
    pub oidc: Vec<ProviderAt>,
    /// Which services this process mounts; all, unless named.
    pub services: Services,
    /// The deployment's name: the tokens' issuer and the first part of every log's origin.
    pub deployment: String,
    /// The region tree that a first start opens.
    pub region_tree: Option<PathBuf>,
    /// Log filter, as `RUST_LOG` would say it.
    pub log: String,
    /// Writers; two are enough for a small machine.
    pub writers: usize,
    /// How often the counties' checkpoints are put on record in their city's log, in minutes; 0 for never.
    pub city_log_minutes: u64,
    /// How often it is looked for vouchers whose time is over, in seconds, besides at the instants that are known; 0 for never.
    pub deadline_seconds: u64,
    /// Which outside registers are asked about people and certificates.
    pub register: Vec<RegisterAt>,
    /// How often the fraud rules look at what was written since the last time, in seconds; 0 for never.
    pub watch_seconds: u64,
    /// What one caller, one connection or one flood may take.
    pub limits: Limits,
    /// Traces and metrics.
    pub telemetry: Telemetry,
    /// Who is asked to cosign every checkpoint.
    pub witness: Vec<WitnessAt>,
    /// How many of them must, before a checkpoint is published.
    pub witnesses_required: usize,
}

/// Where traces and metrics go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// OTLP over gRPC; off without it.
    pub otlp_endpoint: Option<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            database: "sqlite://hefu-data/hefu.db".to_owned(),
            state: PathBuf::from("hefu-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            plaintext: false,
            tls: None,
            oidc: Vec::new(),
            services: Services::default(),
            deployment: "hefu.local".to_owned(),
            region_tree: None,
            log: "info".to_owned(),
            writers: 2,
            city_log_minutes: 10,
            deadline_seconds: 10,
            register: Vec::new(),
            watch_seconds: 5,
            limits: Limits::default(),
            telemetry: Telemetry::default(),
            witness: Vec::new(),
            witnesses_required: 0,
        }
    }
}

/// Why a configuration cannot be used: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {message}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Line, column and what is wrong.
        message: String,
    },
    /// Credentials would cross the network in clear.
    #[error(
        "{listen} is not a loopback address and there is no TLS: callers' keys would cross the network in clear. Name a certificate and its key in [tls], listen on 127.0.0.1 behind a proxy that ends TLS, or say `plaintext = true` (--plaintext) if the network is your own"
    )]
    Plaintext {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// One port cannot be both.
    #[error(
        "[tls] and `plaintext = true` (--plaintext) exclude each other: with a certificate nothing is served in clear. Take one of them out"
    )]
    Both,
    /// The deployment's name would not fit a log's origin.
    #[error("deployment {0:?} must be 1 to 100 characters a-z, 0-9, '.' and '-'")]
    Deployment(String),
    /// A limit that would serve nobody, or bound nothing.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A register that cannot be asked.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// A witness that cannot be asked, or not so many.
    #[error("witness {witness:?}: {why}")]
    Witness {
        /// Which, or the key that is wrong.
        witness: String,
        /// What is wrong.
        why: String,
    },
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// `Read` or `Parse`, naming file, line and key.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }

    /// Refuses what would be unsafe.
    ///
    /// # Errors
    /// `Plaintext`, `Both`, `Deployment`, `Limit`, `Witness`, `Register`.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.tls.is_some() && self.plaintext {
            return Err(ConfigError::Both);
        }
        if !self.listen.ip().is_loopback() && !self.plaintext && self.tls.is_none() {
            return Err(ConfigError::Plaintext {
                listen: self.listen,
            });
        }
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
        if !(1..=100).contains(&self.deployment.len()) || !self.deployment.chars().all(fits) {
            return Err(ConfigError::Deployment(self.deployment.clone()));
        }
        self.limits.check()?;
        witnesses::check(&self.witness, self.witnesses_required)?;
        registers::check(&self.register)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_example_is_read_and_safe() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/hefu.toml");
        let config = Config::read(&path).unwrap();
        config.check().unwrap();
        // It shows every limit with its default.
        assert_eq!(config.limits, Limits::default());
        let shown: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        assert_eq!(shown["limits"].as_table().unwrap().len(), 27);
    }

    #[test]
    fn services_are_named_as_on_the_command_line() {
        let config: Config = toml::from_str("services = ['redemption', 'audit']").unwrap();
        assert!(!config.services.are_all());
        for wrong in ["services = ['redeeming']", "services = []"] {
            assert!(toml::from_str::<Config>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = toml::from_str::<Config>("databsae = \"sqlite://x\"")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("databsae") && error.contains("line 1"),
            "{error}"
        );
    }

    #[test]
    fn a_witness_that_cannot_be_asked_is_refused_before_anything_is_served() {
        const ONE: &str = "w1.example+c244f014+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";
        let two = ONE.replace("w1.", "w2.");
        let at = |url: &str, vkey: &str| format!("[[witness]]\nurl = {url:?}\nvkey = {vkey:?}\n");
        let check = |text: String| toml::from_str::<Config>(&text).unwrap().check();
        let url = "https://w1.example";
        check(format!("witnesses_required = 1\n{}", at(url, ONE))).unwrap();
        for (why, wrong) in [
            (
                "two of one",
                format!("witnesses_required = 2\n{}", at(url, ONE)),
            ),
            ("none there", "witnesses_required = 1".to_owned()),
            ("no URL", at("w1.example", ONE)),
            ("another protocol", at("ftp://w1.example", ONE)),
            ("no key", at(url, "w1.example")),
            (
                "one twice",
                format!("{}{}", at(url, ONE), at("http://other.example", ONE)),
            ),
            ("another's key id", at(url, &two)),
        ] {
            let error = check(wrong).unwrap_err();
            assert!(matches!(error, ConfigError::Witness { .. }), "{why}");
        }
    }

    #[test]
    fn the_world_is_not_served_in_clear_unless_told_so() {
        let open = Config {
            listen: SocketAddr::from(([0, 0, 0, 0], 8080)),
            ..Config::default()
        };
        assert!(matches!(open.check(), Err(ConfigError::Plaintext { .. })));
        let told = Config {
            plaintext: true,
            ..open.clone()
        };
        assert!(told.check().is_ok());
        let tls = "certificate = 'a.pem'\nkey = 'a.key'";
        let tls: Option<TlsFiles> = Some(toml::from_str(tls).unwrap());
        let secure = Config {
            tls: tls.clone(),
            ..open
        };
        assert!(secure.check().is_ok());
        let both = Config { tls, ..told };
        assert!(matches!(both.check(), Err(ConfigError::Both)));
    }
}
