//! `hefu access`: callers. Keys are made here; only their hash is sent, and each is shown once.

use anyhow::{Context, bail};
use clap::Subcommand;
use comfy_table::{Table, presets};
use hefu_engine::Source;
use hefu_server::caller::{api_key, credential};
use hefu_wire::v1;
use v1::access_service_client::AccessServiceClient;

use crate::connect::{Remote, explain};

#[derive(Subcommand)]
pub(crate) enum AccessCommand {
    /// Make a key and grant it.
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
        /// The subject, if it is not the person's code: stable while keys change.
        #[arg(long)]
        subject: Option<String>,
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
}

fn role(name: &str) -> anyhow::Result<v1::Role> {
    match v1::Role::from_str_name(&format!("ROLE_{}", name.to_uppercase())) {
        Some(role) if role != v1::Role::Unspecified => Ok(role),
        _ => bail!(
            "no such role: {name:?}; there are holder, institution, assessor, clerk, reviewer, finance, supervisor, auditor, operator"
        ),
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
            subject,
        } => {
            let key = api_key(Source::System.draw(&[]));
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
                holder: String::new(),
                expires: None,
            };
            let request = v1::GrantCallerRequest {
                parent,
                credential: credential(&key).to_string(),
                grant: Some(grant),
                request_id: request_id("grant"),
                validate_only: false,
            };
            AccessServiceClient::new(remote.channel().await?)
                .grant_caller(remote.request(request)?)
                .await
                .map_err(explain)?;
            println!("{key}");
            eprintln!("Granted. The key above is shown this once; the server knows only its hash.");
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
    }
    Ok(())
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
            table.add_row([
                last(&caller.name),
                grant.subject.clone(),
                grant.person.clone(),
                roles.join(", "),
                last(&grant.institution),
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
