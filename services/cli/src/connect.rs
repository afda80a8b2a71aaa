//! Talking to a server: where it is, with which key, and what its refusals say.

use std::path::PathBuf;

use anyhow::{Context, bail};
use hefu_server::outbound::{self, Failed};
use hefu_token::private_file;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

/// Options of every command that talks to a server.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Remote {
    /// The server, http://HOST:PORT or https://HOST.
    #[arg(
        long,
        env = "HEFU_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    server: String,
    /// The API key, or a file that holds it. A token of a provider that the server trusts will do, too.
    #[arg(
        long,
        env = "HEFU_KEY",
        hide_env_values = true,
        value_name = "KEY|FILE"
    )]
    key: Option<String>,
    /// The certificate to come with instead of a key: a PEM file, with those that lead to its CA.
    #[arg(
        long,
        env = "HEFU_CLIENT_CERTIFICATE",
        value_name = "FILE",
        requires = "client_key"
    )]
    client_certificate: Option<PathBuf>,
    /// Its private key, a PEM file that nobody else may read.
    #[arg(
        long,
        env = "HEFU_CLIENT_KEY",
        value_name = "FILE",
        requires = "client_certificate"
    )]
    client_key: Option<PathBuf>,
}

impl Remote {
    /// A server that was named elsewhere.
    pub(crate) fn new(server: String, key: Option<String>) -> Remote {
        Remote {
            server,
            key,
            client_certificate: None,
            client_key: None,
        }
    }

    /// A connection to the server.
    pub(crate) async fn channel(&self) -> anyhow::Result<Channel> {
        let address = outbound::below(&self.server, "")?;
        let mut endpoint = Endpoint::from(address.clone());
        if outbound::is_secure(&address) {
            let mut tls = ClientTlsConfig::new().trust_anchors(outbound::trusted()?.roots);
            if let (Some(certificate), Some(key)) = (&self.client_certificate, &self.client_key) {
                let chain = std::fs::read(certificate)
                    .with_context(|| format!("cannot read {}", certificate.display()))?;
                let key = private_file::read(key)?;
                tls = tls.identity(Identity::from_pem(chain, key.as_bytes()));
            }
            endpoint = endpoint.tls_config(tls)?;
        } else if self.client_certificate.is_some() {
            bail!(
                "{}: a client certificate is shown over https only",
                self.server
            );
        }
        let connected = endpoint.connect().await;
        connected.map_err(|error| no_answer(&self.server, &outbound::failed(&error)))
    }

    /// A message with this caller's key.
    pub(crate) fn request<T>(&self, message: T) -> anyhow::Result<Request<T>> {
        let mut request = Request::new(message);
        if let Some(key) = self.key()? {
            let value = MetadataValue::try_from(format!("Bearer {key}"))
                .context("the key has characters that no key has")?;
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }

    /// The API key itself: as given, or from its file.
    pub(crate) fn key(&self) -> anyhow::Result<Option<String>> {
        let Some(given) = &self.key else {
            return Ok(None);
        };
        let is_key = |text: &str| text.starts_with("hefu_") || text.starts_with("eyJ");
        if is_key(given) {
            return Ok(Some(given.clone()));
        }
        let path = PathBuf::from(given);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("--key is neither a key (hefu_…) nor a file that can be read: {given}")
        })?;
        let key = text.lines().map(str::trim).find(|line| is_key(line));
        key.map(|key| Some(key.to_owned()))
            .with_context(|| format!("{given} holds no key (hefu_…)"))
    }
}

/// What is said when there is no connection to a server.
pub(crate) fn no_answer(server: &str, why: &Failed) -> anyhow::Error {
    match why {
        Failed::NoRoots(_) | Failed::Untrusted(_) | Failed::Long(_) => {
            anyhow::anyhow!("{server}: {why}")
        }
        Failed::Broken(_) => anyhow::anyhow!(
            "no server answers at {server}; start one with `hefu serve`, or name it with --server: {why}"
        ),
    }
}

/// A status as a person wants to read it: the code, the message, and every rule that said no.
pub(crate) fn explain(status: Status) -> anyhow::Error {
    let details = status.get_error_details();
    let mut lines = vec![format!("{:?}: {}", status.code(), status.message())];
    if let Some(failures) = details.precondition_failure() {
        lines.extend(failures.violations.iter().map(|v| {
            let about = if v.subject.is_empty() {
                String::new()
            } else {
                format!(" ({})", v.subject)
            };
            format!("  {}{about}: {}", v.r#type, v.description)
        }));
    }
    if let Some(bad) = details.bad_request() {
        lines.extend(
            bad.field_violations
                .iter()
                .map(|v| format!("  {}: {}", v.field, v.description)),
        );
    }
    if let Some(quota) = details.quota_failure() {
        lines.extend(
            quota
                .violations
                .iter()
                .map(|v| format!("  {}: {}", v.subject, v.description)),
        );
    }
    anyhow::anyhow!(lines.join("\n"))
}
