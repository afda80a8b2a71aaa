//! `hefu voucher qr`: a voucher's token as a QR code for its holder's phone, or on a sheet of paper for whoever has none.

mod qr;
mod sheet;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand, ValueEnum};
use hefu_domain::Instant;
use hefu_token::{Claims, private_file};
use hefu_wire::v1;
use sha2::{Digest as _, Sha256};
use v1::application_service_client::ApplicationServiceClient;
use v1::issuance_service_client::IssuanceServiceClient;
use v1::people_service_client::PeopleServiceClient;

use crate::access::request_id;
use crate::connect::{Remote, explain};
use qr::Code;
use sheet::Sheet;

#[derive(Subcommand)]
pub(crate) enum VoucherCommand {
    /// Draw a voucher's token as a QR code; with --reissue, print a new one on a sheet.
    Qr(Qr),
}

#[derive(Args)]
pub(crate) struct Qr {
    #[command(flatten)]
    remote: Remote,
    /// The voucher, regions/…/vouchers/{uuid}.
    voucher: String,
    /// The holder for whom the bureau's portal asks, regions/…/people/{uuid}.
    #[arg(long, value_name = "PERSON", conflicts_with = "reissue")]
    holder: Option<String>,
    /// Have a new token made, which kills the old one, and print it on a sheet for somebody without a phone. For clerks.
    #[arg(long, requires = "card_seen")]
    reissue: bool,
    /// The record that the holder's card was seen (a scan, a signed note): only its SHA-256 is sent, and enters the log.
    #[arg(long, value_name = "FILE", requires = "reissue")]
    card_seen: Option<PathBuf>,
    /// A new file, which only its owner can read; without it standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What it is drawn as; without it what the file's name ends in, or SVG.
    #[arg(long)]
    format: Option<Format>,
    /// The request's id, to ask again after an answer was lost: the same id gives the same token.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Svg,
    Png,
}

pub(crate) async fn run(command: VoucherCommand) -> anyhow::Result<()> {
    match command {
        VoucherCommand::Qr(qr) => qr.run().await,
    }
}

impl Qr {
    async fn run(&self) -> anyhow::Result<()> {
        // Before anything is asked for: a token that was made and not printed is of no use to anybody.
        let format = format(self.format, self.out.as_deref())?;
        if self.reissue && format == Format::Png {
            bail!("a sheet has text on it and is printed as SVG: leave PNG to the code alone");
        }
        match &self.out {
            Some(out) if out.exists() => bail!("{} is there already", out.display()),
            Some(out) if !has_folder(out) => bail!("there is no folder for {}", out.display()),
            None if format == Format::Png && std::io::stdout().is_terminal() => {
                bail!("a PNG is nothing for a terminal: name a file with --out")
            }
            _ => {}
        }
        let request = self.request_id.clone();
        let request = request.unwrap_or_else(|| request_id("qr"));
        let drawn = match &self.card_seen {
            Some(record) => self.sheet(record, &request).await?.into_bytes(),
            None => {
                let (token, claims) = self.fetched(&request).await?;
                let code = Code::of(&token)?;
                match format {
                    Format::Svg => code.svg(&claims.jti.to_string()).into_bytes(),
                    Format::Png => code.png()?,
                }
            }
        };
        let written = self.write(&drawn);
        let again = "the token was made but not written; ask again with --request-id";
        written.with_context(|| format!("{again} {request}"))
    }

    /// The token in force, as the server hands it to this caller.
    async fn fetched(&self, request: &str) -> anyhow::Result<(String, Claims)> {
        let message = v1::FetchTokenRequest {
            name: self.voucher.clone(),
            holder: self.holder.clone().unwrap_or_default(),
            request_id: request.to_owned(),
            validate_only: false,
        };
        let answer = IssuanceServiceClient::new(self.remote.channel().await?)
            .fetch_token(self.remote.request(message)?)
            .await
            .map_err(explain)?;
        let token = answer.into_inner().token;
        let claims = claims(&token, &self.voucher)?;
        Ok((token, claims))
    }

    /// A new token on a sheet. Everything else on it is read first.
    async fn sheet(&self, record: &Path, request: &str) -> anyhow::Result<String> {
        let record =
            std::fs::read(record).with_context(|| format!("cannot read {}", record.display()))?;
        let channel = self.remote.channel().await?;
        let reissue = v1::ReissueTokenRequest {
            name: self.voucher.clone(),
            card_seen: Sha256::digest(&record).to_vec(),
            request_id: request.to_owned(),
            validate_only: false,
        };
        let mut issuance = IssuanceServiceClient::new(channel.clone());
        // Whether it would be done: what else is asked for only serves whoever may print.
        let dry = v1::ReissueTokenRequest {
            request_id: request_id("qr"),
            validate_only: true,
            ..reissue.clone()
        };
        let dry = issuance.reissue_token(self.remote.request(dry)?).await;
        dry.map_err(explain)?;
        let asked = v1::GetVoucherRequest {
            name: self.voucher.clone(),
        };
        let voucher = ApplicationServiceClient::new(channel.clone())
            .get_voucher(self.remote.request(asked)?)
            .await
            .map_err(explain)?
            .into_inner();
        let asked = v1::GetPersonRequest {
            name: voucher.person,
        };
        let person = PeopleServiceClient::new(channel)
            .get_person(self.remote.request(asked)?)
            .await
            .map_err(explain)?
            .into_inner();
        let made = issuance.reissue_token(self.remote.request(reissue)?).await;
        let token = made.map_err(explain)?.into_inner().token;
        let claims = claims(&token, &self.voucher)?;
        let due = voucher.due.map(|due| Instant(due.seconds * 1_000));
        let sheet = Sheet {
            voucher: &self.voucher,
            claims: &claims,
            masked_holder: &person.masked_name,
            due,
        };
        Ok(sheet.svg(&Code::of(&token)?))
    }

    fn write(&self, drawn: &[u8]) -> anyhow::Result<()> {
        match &self.out {
            Some(out) => private_file::create(out, drawn)?,
            None => std::io::stdout().write_all(drawn)?,
        }
        Ok(())
    }
}

/// Whether a file of that name has a place to be.
fn has_folder(file: &Path) -> bool {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.is_none_or(Path::is_dir)
}

/// As said, or as the file's name says.
fn format(said: Option<Format>, out: Option<&Path>) -> anyhow::Result<Format> {
    let ending = out
        .and_then(Path::extension)
        .map(|e| e.to_string_lossy().to_lowercase());
    let named = match ending.as_deref() {
        Some("svg") => Some(Format::Svg),
        Some("png") => Some(Format::Png),
        Some(_) | None => None,
    };
    match (said, named, ending) {
        (Some(said), Some(named), Some(ending)) if said != named => {
            bail!("the file's name ends in .{ending}, which is not what --format says")
        }
        (Some(format), ..) | (None, Some(format), _) => Ok(format),
        (None, None, None) => Ok(Format::Svg),
        (None, None, Some(ending)) => {
            bail!("a code is drawn as .svg or .png, not .{ending}; or say --format")
        }
    }
}

/// What a token says. The server that it comes from is trusted with it; only that it is this voucher's is looked at.
fn claims(token: &str, voucher: &str) -> anyhow::Result<Claims> {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload = URL_SAFE_NO_PAD.decode(payload)?;
    let claims: Claims = serde_json::from_slice(&payload)
        .context("the server gave a token that this version does not know")?;
    if !voucher.ends_with(&format!("/{}", claims.jti)) {
        bail!(
            "the server gave the token of another voucher: {}",
            claims.jti
        );
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_says_what_is_drawn_and_is_never_contradicted() {
        let of = |said, out: Option<&str>| format(said, out.map(Path::new)).ok();
        assert_eq!(of(None, None), Some(Format::Svg));
        assert_eq!(of(None, Some("a.svg")), Some(Format::Svg));
        assert_eq!(of(None, Some("a.PNG")), Some(Format::Png));
        assert_eq!(of(Some(Format::Png), None), Some(Format::Png));
        assert_eq!(of(Some(Format::Png), Some("a.bin")), Some(Format::Png));
        assert_eq!(of(Some(Format::Png), Some("a")), Some(Format::Png));
        assert_eq!(of(None, Some("a")), Some(Format::Svg));
        assert_eq!(of(Some(Format::Png), Some("a.svg")), None);
        assert_eq!(of(None, Some("a.pdf")), None);
    }
}
