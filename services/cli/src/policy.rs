//! `hefu policy show`, `hefu policy adopt` and `hefu quote`: the rules, from a server, a file, or as shipped.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use hefu_domain::policy::Formula;
use hefu_domain::subsidy::{Entitlement, quote as worth};
use hefu_domain::{Days, Fen, Policy, Programme, SkillLevel, Stop};
use hefu_wire::v1;
use v1::policy_service_client::PolicyServiceClient;
use v1::redemption_service_client::RedemptionServiceClient;

use crate::connect::{Remote, explain};

/// Jinzhong's policy for 2023, shipped.
pub(crate) const JINZHONG_2023: &str = include_str!("../../../policy/jinzhong-2023.toml");
/// A refused case ends with this code.
const REFUSED: u8 = 3;

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show a region's rules beside the notice's phrases.
    Show {
        #[command(flatten)]
        remote: OptionalRemote,
        /// The region's code.
        #[arg(long)]
        region: Option<String>,
        /// A policy file instead of a server's.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// The plan year.
        #[arg(long, default_value_t = 2023)]
        year: u16,
    },
    /// Put rules into force in a region: they enter its log whole, as the next version.
    Adopt {
        #[command(flatten)]
        remote: Remote,
        /// The region's code.
        #[arg(long)]
        region: String,
        /// A policy file instead of the shipped one.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// A file with the region's own figures over the policy's, field by field.
        #[arg(long, value_name = "FILE")]
        over: Option<PathBuf>,
    },
}

/// A server, if one is named.
#[derive(Args)]
pub(crate) struct OptionalRemote {
    /// The server, http://HOST:PORT; without one the shipped policy is read.
    #[arg(long, env = "HEFU_SERVER", value_name = "URL")]
    server: Option<String>,
    /// The API key, or a file that holds it.
    #[arg(
        long,
        env = "HEFU_KEY",
        hide_env_values = true,
        value_name = "KEY|FILE"
    )]
    key: Option<String>,
}

impl OptionalRemote {
    fn remote(&self) -> Option<Remote> {
        self.server
            .clone()
            .map(|server| Remote::new(server, self.key.clone()))
    }

    /// Whose rules are asked for. A server answers for a region; it is never passed over in silence.
    fn rules<'a>(
        &self,
        region: Option<&'a str>,
        file: Option<&'a PathBuf>,
    ) -> anyhow::Result<Rules<'a>> {
        match (self.remote(), region, file) {
            (_, _, Some(file)) => Ok(Rules::File(file)),
            (Some(remote), Some(region), None) => Ok(Rules::Server(remote, region)),
            (Some(_), None, None) => bail!(
                "a server's rules are those of a region: name it with --region, or leave --server and HEFU_SERVER out for the shipped policy"
            ),
            (None, region, None) => Ok(Rules::Shipped(region)),
        }
    }
}

/// Whose rules decide.
enum Rules<'a> {
    /// A server's, in a region.
    Server(Remote, &'a str),
    /// A file's.
    File(&'a PathBuf),
    /// As shipped, with a region's own figures over them.
    Shipped(Option<&'a str>),
}

#[derive(Args)]
pub(crate) struct Quote {
    #[command(flatten)]
    remote: OptionalRemote,
    /// order_project, enterprise_staff, general, apprenticeship, entrepreneurship or assessment.
    #[arg(long)]
    programme: String,
    /// Days that count.
    #[arg(long, default_value_t = 0)]
    days: u16,
    /// People trained, for the employment gate.
    #[arg(long, requires = "employed")]
    trained: Option<u32>,
    /// People employed, for the employment gate.
    #[arg(long, requires = "trained")]
    employed: Option<u32>,
    /// The skill level, 1 to 8, for an assessment.
    #[arg(long)]
    level: Option<u8>,
    /// The region's code.
    #[arg(long)]
    region: Option<String>,
    /// The plan year whose rules decide; without it, the shipped policy's or the FILE's.
    #[arg(long, value_name = "YEAR")]
    plan_year: Option<u16>,
    /// A policy file instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The text of a policy file.
fn text(path: &PathBuf) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The policy of a file, or as shipped with the region's own figures over it.
fn local(file: Option<&PathBuf>, region: Option<&str>) -> anyhow::Result<Policy> {
    match (file, region) {
        (Some(path), _) => {
            Policy::from_toml(&text(path)?).map_err(|bad| anyhow!("{}: {bad}", path.display()))
        }
        (None, Some(region)) => shipped(region),
        (None, None) => {
            Policy::from_toml(JINZHONG_2023).map_err(|bad| anyhow!("the shipped policy: {bad}"))
        }
    }
}

pub(crate) async fn run(command: PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Show {
            remote,
            region,
            policy,
            year,
        } => show(&remote, region, policy, year).await,
        PolicyCommand::Adopt {
            remote,
            region,
            policy,
            over,
        } => adopt(&remote, &region, policy, over).await,
    }
}

async fn show(
    remote: &OptionalRemote,
    region: Option<String>,
    policy: Option<PathBuf>,
    year: u16,
) -> anyhow::Result<ExitCode> {
    let (policy, version) = match remote.rules(region.as_deref(), policy.as_ref())? {
        Rules::Server(remote, region) => {
            let request = v1::GetPolicyRequest {
                name: format!("regions/{region}/policies/{year}"),
            };
            let mut client = PolicyServiceClient::new(remote.channel().await?);
            let shown = client
                .get_policy(remote.request(request)?)
                .await
                .map_err(explain)?
                .into_inner();
            (
                serde_json::from_str(&shown.policy_json)
                    .context("the server's policy is of a newer version")?,
                Some(shown.version),
            )
        }
        Rules::File(file) => (local(Some(file), None)?, None),
        Rules::Shipped(region) => (local(None, region)?, None),
    };
    of_year(&policy, year)?;
    print!("{}", page(&policy, version));
    Ok(ExitCode::SUCCESS)
}

/// A policy decides for its own year only.
fn of_year(policy: &Policy, year: u16) -> anyhow::Result<()> {
    if policy.year.number() == year {
        return Ok(());
    }
    bail!(
        "this policy is of {}, not of {year}; for another year name a FILE with --policy, or a server and a region",
        policy.year
    )
}

/// Adopts the shipped policy or a file's; a region's own figures stand over it, field by field.
async fn adopt(
    remote: &Remote,
    region: &str,
    policy: Option<PathBuf>,
    over: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let policy = match &over {
        None => local(policy.as_ref(), Some(region))?,
        Some(over) => {
            let base = policy
                .as_ref()
                .map_or_else(|| Ok(JINZHONG_2023.to_owned()), text)?;
            Policy::merged(&base, &text(over)?)
                .map_err(|bad| anyhow!("{}: {bad}", over.display()))?
        }
    };
    let request = v1::AdoptPolicyRequest {
        parent: format!("regions/{region}"),
        policy_json: serde_json::to_string(&policy)?,
        effective: None,
        request_id: crate::access::request_id("policy"),
        validate_only: false,
    };
    let adopted = PolicyServiceClient::new(remote.channel().await?)
        .adopt_policy(remote.request(request)?)
        .await
        .map_err(explain)?
        .into_inner();
    println!(
        "Version {} of {} is in force in {region} from now on.",
        adopted.version, policy.year
    );
    Ok(ExitCode::SUCCESS)
}

/// A policy as an official reads it: each programme's figures beside the notice's phrase.
fn page(policy: &Policy, version: Option<u32>) -> String {
    let mut out = format!("{} ({})\n", policy.title, policy.year);
    if let Some(version) = version {
        out += &format!("version {version}\n");
    }
    let dates = &policy.dates;
    out += &format!(
        "\ntraining ends {}, vouchers are used by {}, claimed by {}, the year closes {}\n",
        dates.training_ends, dates.use_by, dates.claim_by, dates.closes
    );
    out += &format!("  “{}”\n", dates.phrase);
    for (programme, rules) in &policy.programmes {
        out += &format!("\n{}\n  “{}”\n", programme.as_str(), rules.phrase);
        match &rules.formula {
            Formula::Daily { tiers } => {
                for tier in tiers {
                    match tier.days {
                        Some(days) => {
                            out += &format!(
                                "  {} yuan a day for the first {} days\n",
                                tier.fen, days.0
                            )
                        }
                        None => out += &format!("  {} yuan a day\n", tier.fen),
                    }
                }
            }
            Formula::Flat { fen } => out += &format!("  {fen} yuan each\n"),
            Formula::PerLevel { fen } => {
                for (level, fen) in fen {
                    out += &format!("  level {level}: {fen} yuan\n");
                }
            }
        }
        if let Some(days) = rules.max_days {
            out += &format!("  at most {} days\n", days.0);
        }
        if let Some(fen) = rules.max_fen {
            out += &format!("  at most {fen} yuan a person\n");
        }
        if let Some(percent) = rules.employment_percent {
            out += &format!("  employment share of the class at least {percent}%\n");
        }
    }
    out += "\nsamples, which the notice does not give: ";
    out += &policy.samples.join(", ");
    out.push('\n');
    out
}

pub(crate) async fn quote(asked: Quote) -> anyhow::Result<ExitCode> {
    let programme: Programme = asked
        .programme
        .parse()
        .map_err(|bad: hefu_domain::BadCode| anyhow!("--programme: {bad}"))?;
    let level = asked
        .level
        .map(SkillLevel::try_from)
        .transpose()
        .map_err(|bad| anyhow!("--level: {bad}"))?;
    let answer = match asked
        .remote
        .rules(asked.region.as_deref(), asked.policy.as_ref())?
    {
        Rules::Server(remote, region) => remote_quote(&remote, region, programme, &asked).await?,
        Rules::File(file) => local_quote(&local(Some(file), None)?, programme, level, &asked)?,
        Rules::Shipped(region) => local_quote(&local(None, region)?, programme, level, &asked)?,
    };
    match answer {
        Ok(entitlement) => {
            print_quote(&entitlement, asked.json)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(codes) => {
            if asked.json {
                println!("{}", serde_json::json!({ "refused": codes }));
            } else {
                println!("refused: {}", codes.join(", "));
            }
            Ok(ExitCode::from(REFUSED))
        }
    }
}

/// What a case comes to, or the codes of the rules that say no.
type Answer = Result<Entitlement, Vec<String>>;

fn local_quote(
    policy: &Policy,
    programme: Programme,
    level: Option<SkillLevel>,
    asked: &Quote,
) -> anyhow::Result<Answer> {
    if let Some(year) = asked.plan_year {
        of_year(policy, year)?;
    }
    let employment = asked.employed.zip(asked.trained);
    match worth(policy, programme, level, Days(asked.days), employment) {
        Ok(entitlement) => Ok(Ok(entitlement)),
        Err(Stop::Refused(refusals)) => {
            let code = |reason: &hefu_domain::Refusal| reason.code.as_str().to_owned();
            Ok(Err(refusals.reasons().iter().map(code).collect()))
        }
        Err(Stop::Missing(need)) => bail!("the rules ask for {need:?}, which no policy says"),
    }
}

/// The shipped policy, with the region's own figures over it where it has some.
fn shipped(region: &str) -> anyhow::Result<Policy> {
    let own = match region {
        "140727" => include_str!("../../../policy/overrides/140727.toml"),
        _ => "",
    };
    Policy::merged(JINZHONG_2023, own)
        .map_err(|bad| anyhow!("the shipped policy of {region}: {bad}"))
}

async fn remote_quote(
    remote: &Remote,
    region: &str,
    programme: Programme,
    asked: &Quote,
) -> anyhow::Result<Answer> {
    let year = match asked.plan_year {
        Some(year) => year,
        None => shipped(region)?.year.number(),
    };
    let request = v1::QuoteRequest {
        parent: format!("regions/{region}"),
        voucher: String::new(),
        plan_year: u32::from(year),
        programme: hefu_wire::show::programme(programme).into(),
        days: u32::from(asked.days),
        skill_level: u32::from(asked.level.unwrap_or(0)),
        trained: asked.trained.unwrap_or(0),
        employed: asked.employed.unwrap_or(0),
    };
    let mut client = RedemptionServiceClient::new(remote.channel().await?);
    match client.quote(remote.request(request)?).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let line = |line: v1::TrailLine| hefu_domain::subsidy::TrailLine {
                rule: line.rule,
                days: line
                    .days
                    .map(|days| Days(u16::try_from(days).unwrap_or(u16::MAX))),
                rate: line.rate_fen.map(Fen),
                amount: Fen(line.amount_fen),
            };
            Ok(Ok(Entitlement {
                amount: Fen(answer.amount_fen),
                trail: answer.trail.into_iter().map(line).collect(),
            }))
        }
        Err(status) => match ruled(&status) {
            Some(codes) => Ok(Err(codes)),
            None => Err(explain(status)),
        },
    }
}

/// The rules that said no to a case. That the caller or the region is unknown says nothing about the case, and is an error.
fn ruled(status: &tonic::Status) -> Option<Vec<String>> {
    use tonic_types::StatusExt as _;
    let by_rules = matches!(
        status.code(),
        tonic::Code::FailedPrecondition
            | tonic::Code::ResourceExhausted
            | tonic::Code::InvalidArgument
    );
    let failure = status
        .get_details_precondition_failure()
        .filter(|_| by_rules)?;
    let codes = failure.violations.into_iter().map(|v| v.r#type);
    Some(codes.collect())
}

fn print_quote(entitlement: &Entitlement, json: bool) -> anyhow::Result<()> {
    if json {
        println!(
            "{}",
            serde_json::to_string(
                &serde_json::json!({ "amount_fen": entitlement.amount, "trail": entitlement.trail })
            )?
        );
        return Ok(());
    }
    println!("{} yuan", entitlement.amount);
    for line in &entitlement.trail {
        let days = line
            .days
            .map(|days| format!(" {} days", days.0))
            .unwrap_or_default();
        let rate = line
            .rate
            .map(|rate| format!(" at {rate}"))
            .unwrap_or_default();
        println!("  {}{days}{rate}: {}", line.rule, line.amount);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hefu_domain::{Code, Stop};

    fn remote(server: Option<&str>) -> OptionalRemote {
        OptionalRemote {
            server: server.map(str::to_owned),
            key: None,
        }
    }

    #[test]
    fn a_server_without_a_region_is_never_passed_over_for_the_shipped_policy() {
        let named = remote(Some("http://127.0.0.1:8080"));
        let Err(error) = named.rules(None, None) else {
            panic!("the shipped policy would answer for the server")
        };
        assert!(error.to_string().contains("--region"), "{error}");
        assert!(matches!(
            named.rules(Some("140727"), None),
            Ok(Rules::Server(_, "140727"))
        ));
        let none = remote(None);
        assert!(matches!(none.rules(None, None), Ok(Rules::Shipped(None))));
    }

    #[test]
    fn only_rules_refuse_a_case_and_an_unknown_caller_is_an_error() {
        let status = |code: Code| match Stop::from(code) {
            Stop::Refused(refusals) => hefu_wire::errors::refused("Quote", &refusals),
            Stop::Missing(_) => panic!("a code refuses"),
        };
        for code in [
            Code::EmploymentShort,
            Code::NothingEarned,
            Code::LevelNeeded,
        ] {
            let codes = ruled(&status(code));
            assert_eq!(codes, Some(vec![code.as_str().to_owned()]));
        }
        for code in [
            Code::CallerUnknown,
            Code::CallerRevoked,
            Code::RegionNotFound,
            Code::VoucherNotFound,
        ] {
            assert_eq!(ruled(&status(code)), None, "{}", code.as_str());
        }
        assert_eq!(ruled(&tonic::Status::unavailable("busy")), None);
    }

    #[test]
    fn a_policy_answers_for_its_own_year_only() {
        let policy = shipped("140727").unwrap();
        assert!(of_year(&policy, 2023).is_ok());
        let error = of_year(&policy, 2024).unwrap_err().to_string();
        assert!(error.contains("of 2023, not of 2024"), "{error}");
    }
}
