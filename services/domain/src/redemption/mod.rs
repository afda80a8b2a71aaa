//! Redeem (兑现): the institution's half of the tally, the voucher's token plus what the class recorded, on the class's claim sheet.
//! The amount is computed, never supplied, and never over what was reserved; the reserve stays whole until approval.

mod objection;
mod review;
mod sheet;

pub(crate) use objection::*;
pub(crate) use review::*;
pub(crate) use sheet::*;

use crate::command::*;
use crate::decide::Ask;
use crate::eligibility;
use crate::event::{self, Event};
use crate::ids::*;
use crate::money::{Days, Fen};
use crate::policy::{Policy, Programme};
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::subsidy::{self, Entitlement, TrailLine};
use crate::time::{Instant, plus_days};
use crate::training;
use crate::voucher;
use crate::world::World;

/// The most lines of one sheet: as many as a class has seats, so that refusing it whole is one move of at most 1,000 events.
const MAX_LINES: usize = 500;

/// A class or an assessment session, as far as claims are concerned.
pub(crate) struct Place<'a> {
    pub(crate) payee: &'a InstitutionId,
    pub(crate) programme: Programme,
    pub(crate) level: SkillLevel,
    pub(crate) state: ClassState,
    pub(crate) sheets: &'a [SheetId],
    /// A classified unit's: no public notice, and nobody outside knows of it.
    pub(crate) classified: bool,
}

impl Place<'_> {
    pub(crate) fn of(world: &World, occasion: Occasion) -> Result<Place<'_>, Stop> {
        Ok(match occasion {
            Occasion::Class(id) => {
                let class = world.class(&id)?;
                let filing = &class.filing;
                Place {
                    payee: &filing.payee,
                    programme: filing.programme,
                    level: filing.level,
                    state: class.state,
                    sheets: &class.sheets,
                    classified: filing.is_classified(),
                }
            }
            Occasion::Session(id) => {
                let session = world.session(&id)?;
                let filing = &session.filing;
                Place {
                    payee: &filing.payee,
                    programme: Programme::Assessment,
                    level: filing.level,
                    state: session.state,
                    sheets: &session.sheets,
                    classified: filing.is_classified(),
                }
            }
        })
    }
}

/// Where a voucher that may be claimed was completed.
fn completed(voucher: &Voucher) -> Result<(Occasion, u16), Stop> {
    match &voucher.state {
        VoucherState::Completed { occasion, seat } => Ok((*occasion, *seat)),
        VoucherState::Applied | VoucherState::Issued | VoucherState::Enrolled { .. } => {
            Err(Code::VoucherNotCompleted.into())
        }
        VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. } => Err(Code::VoucherAlreadyRedeemed.into()),
        VoucherState::Ended { .. } => Err(Code::VoucherEnded.into()),
    }
}

/// What Redeem would claim for a completed voucher at that instant, with the rules that lead to it; nothing is written.
/// Refused with NOTHING_EARNED when it comes to nothing, with the state's code when the voucher is not completed.
pub fn quote(world: &World, id: VoucherId, at: Instant) -> Result<Entitlement, Stop> {
    let voucher = world.voucher(&id)?;
    let (occasion, seat) = completed(voucher)?;
    let (_, rules) = world.rules(voucher.year, voucher.programme, at)?;
    let place = Place::of(world, occasion)?;
    let days = match occasion {
        Occasion::Class(class) => {
            training::days_earned(world, &class, seat, rules)? + voucher.carried_days
        }
        // An assessment is paid by level, whatever the day.
        Occasion::Session(_) => Days(0),
    };
    let cap = voucher.lifted.cap;
    let entitlement = subsidy::entitlement(rules, Some(place.level), days, cap)?;
    let reserve = voucher
        .money
        .as_ref()
        .map_or(Fen::ZERO, |money| money.amount);
    within(entitlement, reserve)
}

/// Never more than what stands behind the voucher; the trail says where the reserve was the limit.
fn within(mut entitlement: Entitlement, reserve: Fen) -> Result<Entitlement, Stop> {
    if entitlement.amount > reserve {
        entitlement.amount = reserve;
        entitlement.trail.push(TrailLine {
            rule: "RESERVE".to_owned(),
            days: None,
            rate: None,
            amount: reserve,
        });
    }
    if entitlement.amount == Fen::ZERO {
        Err(Code::NothingEarned.into())
    } else {
        Ok(entitlement)
    }
}

/// Completed → Claimed: onto the occasion's open sheet, or onto the next numbered one.
pub(crate) fn redeem(ask: &Ask, act: &Redeem) -> Result<Vec<Event>, Stop> {
    let voucher = ask.world.voucher(&act.voucher)?;
    let (occasion, seat) = completed(voucher)?;
    let place = Place::of(ask.world, occasion)?;
    let (policy, rules) = ask.world.rules(voucher.year, voucher.programme, ask.at)?;
    let mut checks = Checks::new();
    checks.require(ask.acts_for(place.payee), Code::NotYours);
    checks.require(voucher.frozen.is_none(), Code::VoucherFrozen);
    checks.require(
        voucher.due.is_none_or(|due| ask.at < due),
        Code::VoucherExpired,
    );
    checks.require(claims_run(policy, ask.at), Code::SheetOverdue);
    checks.take(ask.year_open(voucher.year))?;
    checks.take(token_matches(voucher, &act.token))?;
    checks.require(act.undertaking != NO_DIGEST, Code::UndertakingMissing);
    checks.take(eligibility::matched_with_employer(ask, rules, voucher))?;
    checks.require(
        act.confirmation.evidence != NO_DIGEST,
        Code::ConfirmationMissing,
    );
    checks.require(
        !rules.pass_required || voucher.pass.is_some(),
        Code::PassMissing,
    );
    checks.require(!register_denies(voucher), Code::CertificateDenied);
    let entitlement = checks.take(quote(ask.world, act.voucher, ask.at))?;
    let (sheet, opened) = sheet_for(ask.world, &place, act.new_sheet)?;
    checks.done()?;
    let entitlement = entitlement.ok_or(Code::NothingEarned)?;
    Ok(vec![Event::Redeemed(event::Redeemed {
        voucher: act.voucher,
        sheet,
        opened,
        occasion,
        seat,
        amount: entitlement.amount,
        trail: entitlement.trail,
        undertaking: act.undertaking,
        confirmation: act.confirmation.clone(),
    })])
}

/// Claims are made and approved until the year's last day ("补贴申领发放最晚于次年3月底完成", 2023 notice, part 3), whether or not its
/// closing run has begun.
fn claims_run(policy: &Policy, at: Instant) -> bool {
    at < Instant::after(policy.dates.closes)
}

/// The digest of nothing: what stands where a paper should have been hashed.
pub(crate) const NO_DIGEST: Digest = Digest([0; 32]);

/// The register was asked about the voucher's certificate and does not know it.
fn register_denies(voucher: &Voucher) -> bool {
    voucher
        .pass
        .as_ref()
        .is_some_and(|pass| pass.confirmed == Some(false))
}

/// The token presented is the one in force: its hash says so, and is stronger than the signature.
fn token_matches(voucher: &Voucher, presented: &PresentedToken) -> Result<(), Stop> {
    let token = voucher.token.as_ref().ok_or(Code::TokenDead)?;
    let difference = token
        .hash
        .0
        .iter()
        .zip(presented.hash.0)
        .fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
    if difference == 0 {
        Ok(())
    } else {
        Err(Code::TokenBad.into())
    }
}

/// The occasion's latest sheet that is open, a returned or reopened one too; else a new one with the next number.
fn sheet_for(world: &World, place: &Place, new: SheetId) -> Result<(SheetId, Option<u16>), Stop> {
    for id in place.sheets.iter().rev() {
        let sheet = world.sheet(id)?;
        if matches!(sheet.state, SheetState::Open) && sheet.lines.len() < MAX_LINES {
            return Ok((*id, None));
        }
    }
    if world.get(&Key::Sheet(new))?.is_some() {
        return Err(Code::DuplicateEntry.about(new));
    }
    let number = u16::try_from(place.sheets.len() + 1).map_err(|_| Code::TooMany)?;
    Ok((new, Some(number)))
}

pub(crate) fn apply_redeemed(world: &mut World, e: &event::Redeemed) -> Result<(), Stop> {
    if let Some(number) = e.opened {
        open_sheet(world, e, number)?;
    }
    world.edit_sheet(&e.sheet)?.lines.push(Line {
        voucher: e.voucher,
        amount: e.amount,
        struck: None,
    });
    voucher::move_to(
        world,
        e.voucher,
        VoucherState::Claimed {
            occasion: e.occasion,
            seat: e.seat,
            sheet: e.sheet,
        },
    )
}

fn open_sheet(world: &mut World, e: &event::Redeemed, number: u16) -> Result<(), Stop> {
    let year = world.voucher(&e.voucher)?.year;
    let place = Place::of(world, e.occasion)?;
    let sheet = Sheet {
        year,
        occasion: e.occasion,
        number,
        payee: place.payee.clone(),
        programme: place.programme,
        state: SheetState::Open,
        lines: Vec::new(),
        approved_by: None,
        reopened: false,
        objections: Default::default(),
        to_write_off: 0,
        holds: None,
    };
    *world
        .edit_year(&year)?
        .sheets
        .entry(sheet.state.code().to_owned())
        .or_default() += 1;
    let (sheets, open) = match e.occasion {
        Occasion::Class(id) => {
            let class = world.edit_class(&id)?;
            (&mut class.sheets, &mut class.open_sheets)
        }
        Occasion::Session(id) => {
            let session = world.edit_session(&id)?;
            (&mut session.sheets, &mut session.open_sheets)
        }
    };
    sheets.push(e.sheet);
    *open += 1;
    world.add(Key::Sheet(e.sheet), Fact::Sheet(sheet));
    Ok(())
}

/// Until when a completed voucher is claimed: the year's `claim_by`, and for an assessment voucher the days after its pass, whichever is first.
pub(crate) fn claim_due(policy: &Policy, voucher: &Voucher, occasion: Occasion) -> Instant {
    let year = Instant::after(policy.dates.claim_by);
    match (occasion, &voucher.pass) {
        (Occasion::Session(_), Some(pass)) => year.min(Instant::after(plus_days(
            pass.on,
            policy.claims.assessment_claim_days,
        ))),
        (Occasion::Session(_), None) | (Occasion::Class(_), _) => year,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_never_exceeds_what_was_reserved_for_it() {
        let earned = |amount| Entitlement {
            amount,
            trail: Vec::new(),
        };
        assert_eq!(
            within(earned(Fen(900)), Fen(1_000)).map(|e| (e.amount, e.trail.len())),
            Ok((Fen(900), 0))
        );
        assert_eq!(
            within(earned(Fen(1_100)), Fen(1_000)).map(|e| (e.amount, e.trail.len())),
            Ok((Fen(1_000), 1))
        );
        assert_eq!(
            within(earned(Fen(1_100)), Fen::ZERO).err(),
            Some(Code::NothingEarned.into())
        );
    }
}
