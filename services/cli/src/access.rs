//! `hefu access`: callers. Keys are made here; only their hash is sent, and each is shown once. Of a certificate, too, the hash is sent.

use std::path::{Path, PathBuf};

mod matrix;

use anyhow::{Context, bail};
use clap::Subcommand;
use comfy_table::{Table, presets};
use hefu_domain::{CredentialId, Date, Instant};
use hefu_engine::Source;
use hefu_server::caller::{api_key, credential, of_certificate_pem, of_subject};
use hefu_wire::show::timestamp;
use hefu_wire::v1;
use v1::access_service_client::AccessServiceClient;

use crate::connect::{Remote, explain};

#[derive(Subcommand)]
pub(crate) enum AccessCommand {
    /// Make a key and grant it, or grant what a caller has already.
    Grant {
        #[command(flatten)]
        remote: Remote,
        /// The region's code.
        #[arg(long)]
        region: String,
        /// The member of staff, by code, never by name: incompatible duties are kept apart by it.
        #[arg(long)]
        person: String,
        /// What they may do: holder, institution, assessor, clerk, reviewer, finance, supervisor, auditor, operator. May be repeated.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        /// The institution that they act for, by unified social credit code.
        #[arg(long)]
        institution: Option<String>,
        /// The one holder that they are, by the id of regions/…/people/{id}; without it a holder's key is the portal's.
        #[arg(long, value_name = "ID")]
        holder: Option<String>,
        /// When it runs out: the last day, YYYY-MM-DD (Asia/Shanghai), or an instant, 2023-12-31T16:00:00Z. Without it: never.
        #[arg(long, value_name = "WHEN", value_parser = expiry)]
        expires: Option<Instant>,
        /// The subject, if it is not the person's code: stable while keys change.
        #[arg(long)]
        subject: Option<String>,
        /// The caller's client certificate, a PEM file: no key is made.
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
        /// Whom an OpenID Connect provider vouches for: the issuer, exactly as in its tokens. No key is made.
        #[arg(
            long,
            value_name = "URL",
            requires = "oidc_subject",
            conflicts_with = "certificate"
        )]
        oidc_issuer: Option<String>,
        /// The subject, `sub`, of that issuer's tokens.
        #[arg(long, value_name = "SUB", requires = "oidc_issuer")]
        oidc_subject: Option<String>,
    },
    /// Revoke a caller at once.
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// The region's code.
        #[arg(long)]
        region: String,
        /// The credential, as `hefu access list` shows it.
        credential: String,
    },
    /// List a region's callers.
    List {
        #[command(flatten)]
        remote: Remote,
        /// The region's code.
        #[arg(long)]
        region: String,
    },
    /// Show who may call what, and how far they reach: the table by which every server of this build decides.
    Matrix {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// As the tables of docs/ACCESS.md.
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
    },
}

fn role(name: &str) -> anyhow::Result<v1::Role> {
    match v1::Role::from_str_name(&format!("ROLE_{}", name.to_uppercase())) {
        Some(role) if role != v1::Role::Unspecified => Ok(role),
        _ => bail!(
            "no such role: {name:?}; there are holder, institution, assessor, clerk, reviewer, finance, supervisor, auditor, operator"
        ),
    }
}

/// Reads when a grant runs out: with the end of a day, or at an instant.
fn expiry(text: &str) -> Result<Instant, String> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Instant(at.as_millisecond()));
    }
    let day = text.parse::<Date>().ok();
    day.filter(|day| day.to_string() == text)
        .map(Instant::after)
        .ok_or_else(|| {
            "neither a day YYYY-MM-DD nor an instant such as 2023-12-31T16:00:00Z".to_owned()
        })
}

/// What a caller will show, and the key if one is made.
struct Proof {
    credential: CredentialId,
    key: Option<String>,
}

impl Proof {
    fn known(credential: CredentialId) -> Proof {
        Proof {
            credential,
            key: None,
        }
    }

    fn new(certificate: Option<&Path>) -> anyhow::Result<Proof> {
        if let Some(file) = certificate {
            let pem =
                std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let credential = of_certificate_pem(&pem)
                .with_context(|| format!("{} holds no certificate in PEM", file.display()))?;
            return Ok(Proof::known(credential));
        }
        let key = api_key(Source::System.draw(&[]));
        Ok(Proof {
            credential: credential(&key),
            key: Some(key),
        })
    }
}

/// A request id that no other request has.
pub(crate) fn request_id(what: &str) -> String {
    let random: String = Source::System
        .draw(&[])
        .iter()
        .take(12)
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("{what}-{random}")
}

pub(crate) async fn run(command: AccessCommand) -> anyhow::Result<()> {
    match command {
        AccessCommand::Grant {
            remote,
            region,
            person,
            roles,
            institution,
            holder,
            expires,
            subject,
            certificate,
            oidc_issuer,
            oidc_subject,
        } => {
            let proof = match oidc_issuer.zip(oidc_subject) {
                Some((issuer, subject)) => Proof::known(of_subject(&issuer, &subject)),
                None => Proof::new(certificate.as_deref())?,
            };
            let parent = format!("regions/{region}");
            let grant = v1::Grant {
                subject: subject.unwrap_or_else(|| person.clone()),
                person,
                roles: roles
                    .iter()
                    .map(|name| role(name).map(Into::into))
                    .collect::<Result<_, _>>()?,
                institution: institution
                    .map(|code| format!("{parent}/institutions/{code}"))
                    .unwrap_or_default(),
                holder: holder
                    .map(|id| format!("{parent}/people/{id}"))
                    .unwrap_or_default(),
                expires: expires.map(timestamp),
            };
            let request = v1::GrantCallerRequest {
                parent,
                credential: proof.credential.to_string(),
                grant: Some(grant),
                request_id: request_id("grant"),
                validate_only: false,
            };
            AccessServiceClient::new(remote.channel().await?)
                .grant_caller(remote.request(request)?)
                .await
                .map_err(explain)?;
            if let Some(key) = proof.key {
                println!("{key}");
                eprintln!(
                    "Granted. The key above is shown this once; the server knows only its hash."
                );
            } else {
                println!("Granted to {}.", proof.credential);
            }
        }
        AccessCommand::Revoke {
            remote,
            region,
            credential,
        } => {
            let name = format!("regions/{region}/credentials/{credential}");
            let request = v1::RevokeCallerRequest {
                name,
                request_id: request_id("revoke"),
                validate_only: false,
            };
            AccessServiceClient::new(remote.channel().await?)
                .revoke_caller(remote.request(request)?)
                .await
                .map_err(explain)?;
            println!("Revoked from now on.");
        }
        AccessCommand::List { remote, region } => list(&remote, &region).await?,
        AccessCommand::Matrix { json, markdown } => matrix::print(match (json, markdown) {
            (true, _) => matrix::Form::Json,
            (_, true) => matrix::Form::Markdown,
            (false, false) => matrix::Form::Text,
        })?,
    }
    Ok(())
}

/// A timestamp as a person reads it, in UTC.
fn when(seconds: i64, nanos: i32) -> String {
    let at = jiff::Timestamp::new(seconds, nanos);
    at.map(|at| at.to_string()).unwrap_or_default()
}

async fn list(remote: &Remote, region: &str) -> anyhow::Result<()> {
    let mut client = AccessServiceClient::new(remote.channel().await?);
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "credential",
        "subject",
        "person",
        "roles",
        "institution",
        "holder",
        "expires",
        "revoked",
    ]);
    let mut page_token = String::new();
    loop {
        let request = v1::ListCallersRequest {
            parent: format!("regions/{region}"),
            page_size: 500,
            page_token,
        };
        let page = client
            .list_callers(remote.request(request)?)
            .await
            .map_err(explain)?
            .into_inner();
        for caller in page.callers {
            let grant = caller.grant.context("a caller without a grant")?;
            let roles: Vec<String> = grant
                .roles()
                .map(|role| {
                    role.as_str_name()
                        .trim_start_matches("ROLE_")
                        .to_lowercase()
                })
                .collect();
            let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
            let revoked = if caller.revoked.is_some() { "yes" } else { "" };
            let expires = grant.expires.map(|at| when(at.seconds, at.nanos));
            table.add_row([
                last(&caller.name),
                grant.subject.clone(),
                grant.person.clone(),
                roles.join(", "),
                last(&grant.institution),
                last(&grant.holder),
                expires.unwrap_or_default(),
                revoked.to_owned(),
            ]);
        }
        if page.next_page_token.is_empty() {
            println!("{table}");
            return Ok(());
        }
        page_token = page.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_runs_out_with_the_end_of_a_day_or_at_an_instant() {
        let end = expiry("2023-12-31T16:00:00Z").unwrap();
        assert_eq!(expiry("2023-12-31"), Ok(end), "midnight in Asia/Shanghai");
        assert_eq!(expiry("2024-01-01T00:00:00+08:00"), Ok(end));
        for wrong in [
            "",
            "2023-12-32",
            "2023-12-31T16:00",
            "tomorrow",
            "31.12.2023",
        ] {
            assert!(expiry(wrong).is_err(), "{wrong}");
        }
    }
}
