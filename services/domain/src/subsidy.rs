//! What a voucher is worth: computed from the policy, never supplied. Each step leaves a line of the trail that an official can follow.

use serde::{Deserialize, Serialize};

use crate::ids::SkillLevel;
use crate::money::{Days, Fen};
use crate::policy::{Formula, Policy, Programme, ProgrammeRules, Tier};
use crate::refusal::{Code, Stop};

/// One step of a computation: `days` at `rate` make `amount`; a cap has no rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailLine {
    /// Which rule: `DAILY`, `DAYS_CAPPED`, `FLAT`, `PER_LEVEL`, `CAPPED`, `OVERRIDE`, `RESERVE`.
    pub rule: String,
    /// Days that it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Days>,
    /// Fen a day, or a head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Fen>,
    /// The step's amount.
    pub amount: Fen,
}

/// An amount, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// In fen, more than zero.
    pub amount: Fen,
    /// The steps.
    pub trail: Vec<TrailLine>,
}

fn line(rule: &str, days: Option<Days>, rate: Option<Fen>, amount: Fen) -> TrailLine {
    TrailLine {
        rule: rule.to_owned(),
        days,
        rate,
        amount,
    }
}

/// Days in tiers: "前10天每人每天150元、之后每人每天100元" (2023 notice, part 3, item 1). The last tier takes the rest.
fn daily(tiers: &[Tier], days: Days, trail: &mut Vec<TrailLine>) -> Fen {
    let mut left = days;
    let mut sum = Fen::ZERO;
    for tier in tiers {
        let here = tier.days.map_or(left, |most| left.min(most));
        if here.0 > 0 {
            let amount = here * tier.fen;
            trail.push(line("DAILY", Some(here), Some(tier.fen), amount));
            sum += amount;
        }
        left = left - here;
    }
    sum
}

/// What that many days, at that level, are worth. A cap that was lifted by an override replaces the programme's.
///
/// # Errors
/// `PROGRAMME_WITHOUT_RATE`, `LEVEL_NEEDED`, `LEVEL_WITHOUT_RATE`, `NOTHING_EARNED`.
pub fn entitlement(
    rules: &ProgrammeRules,
    level: Option<SkillLevel>,
    days: Days,
    lifted: Option<Fen>,
) -> Result<Entitlement, Stop> {
    limited(rules)?;
    let mut trail = Vec::new();
    let counted = rules.max_days.map_or(days, |most| days.min(most));
    let earned = match &rules.formula {
        Formula::Daily { tiers } => {
            let sum = daily(tiers, counted, &mut trail);
            if counted < days {
                trail.push(line("DAYS_CAPPED", Some(counted), None, sum));
            }
            sum
        }
        Formula::Flat { fen } => {
            trail.push(line("FLAT", None, Some(*fen), *fen));
            *fen
        }
        Formula::PerLevel { fen } => {
            let level = level.ok_or(Code::LevelNeeded)?;
            let rate = *fen
                .get(&level.ordinal().to_string())
                .ok_or_else(|| Code::LevelWithoutRate.about(level.ordinal()))?;
            trail.push(line("PER_LEVEL", None, Some(rate), rate));
            rate
        }
    };
    let amount = match (lifted.or(rules.max_fen), rules.max_fen) {
        (Some(cap), Some(usual)) if earned > usual && cap > usual => {
            trail.push(line("OVERRIDE", None, None, earned.min(cap)));
            earned.min(cap)
        }
        (Some(cap), _) if earned > cap => {
            trail.push(line("CAPPED", None, None, cap));
            cap
        }
        (Some(_) | None, _) => earned,
    };
    if amount <= Fen::ZERO {
        return Err(Code::NothingEarned.into());
    }
    Ok(Entitlement { amount, trail })
}

/// The most that one voucher can cost: what Issue reserves.
///
/// # Errors
/// As [`entitlement`].
pub fn maximum(rules: &ProgrammeRules, level: Option<SkillLevel>) -> Result<Fen, Stop> {
    lifted_maximum(rules, level, None)
}

/// The same under a cap that an override lifts: what its confirmation reserves.
pub(crate) fn lifted_maximum(
    rules: &ProgrammeRules,
    level: Option<SkillLevel>,
    lifted: Option<Fen>,
) -> Result<Fen, Stop> {
    // No class has more days than this, nor do the days of several that are carried along.
    let days = rules.max_days.unwrap_or(Days(u16::MAX));
    Ok(entitlement(rules, level, days, lifted)?.amount)
}

/// What a supposed case is worth: days that count, a level, and employed of trained where the programme has an employment gate.
///
/// # Errors
/// As [`entitlement`], and `EMPLOYMENT_SHARE_SHORT`.
pub fn quote(
    policy: &Policy,
    programme: Programme,
    level: Option<SkillLevel>,
    days: Days,
    employment: Option<(u32, u32)>,
) -> Result<Entitlement, Stop> {
    let missing = || Code::ProgrammeWithoutRate.about(programme.as_str());
    let rules = policy.programmes.get(&programme).ok_or_else(missing)?;
    if let (Some(percent), Some((employed, trained))) = (rules.employment_percent, employment)
        && (trained == 0 || u64::from(employed) * 100 < u64::from(trained) * u64::from(percent))
    {
        return Err(Code::EmploymentShort.about(format!("{employed} of {trained}")));
    }
    entitlement(rules, level, days, None)
}

/// "Every programme has max_days or max_fen; without it, or without a rate, nothing is issued." A flat amount and a rate per level are limits of their own.
fn limited(rules: &ProgrammeRules) -> Result<(), Stop> {
    let bounded = match &rules.formula {
        Formula::Daily { tiers } => {
            !tiers.is_empty() && (rules.max_days.is_some() || rules.max_fen.is_some())
        }
        Formula::Flat { .. } | Formula::PerLevel { .. } => true,
    };
    if bounded {
        Ok(())
    } else {
        Err(Code::ProgrammeWithoutRate.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy::from_toml(include_str!("../../../policy/jinzhong-2023.toml")).unwrap()
    }

    fn amount(programme: Programme, days: u16) -> Fen {
        entitlement(&policy().programmes[&programme], None, Days(days), None)
            .unwrap()
            .amount
    }

    #[test]
    fn the_cases_of_the_notice() {
        assert_eq!(amount(Programme::OrderProject, 10), Fen::yuan(1_500));
        assert_eq!(amount(Programme::OrderProject, 11), Fen::yuan(1_600));
        assert_eq!(amount(Programme::OrderProject, 15), Fen::yuan(2_000));
        assert_eq!(amount(Programme::General, 9), Fen::yuan(900));
        assert_eq!(amount(Programme::General, 10), Fen::yuan(1_000));
        assert_eq!(amount(Programme::General, 12), Fen::yuan(1_000));
        assert_eq!(amount(Programme::EnterpriseStaff, 1), Fen::yuan(300));
        assert_eq!(amount(Programme::EnterpriseStaff, 30), Fen::yuan(300));
    }

    #[test]
    fn no_days_earn_nothing_and_say_so() {
        let refused = entitlement(
            &policy().programmes[&Programme::General],
            None,
            Days(0),
            None,
        );
        assert!(matches!(refused, Err(Stop::Refused(r)) if r.has(Code::NothingEarned)));
    }

    #[test]
    fn more_days_never_earn_less_and_never_more_than_the_maximum() {
        for (programme, rules) in &policy().programmes {
            let level = SkillLevel::try_from(3).ok();
            let most = maximum(rules, level).unwrap();
            let mut before = Fen::ZERO;
            for days in 1..400 {
                let now = entitlement(rules, level, Days(days), None).unwrap().amount;
                assert!(now >= before && now <= most, "{programme:?} {days}");
                before = now;
            }
        }
    }
}
