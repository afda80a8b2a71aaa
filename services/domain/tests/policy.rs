//! The shipped policy against the notice that it comes from: every phrase is the notice's own, every figure gives the notice's cases,
//! and a county's own figures stand over the city's field by field.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

use hefu_domain::policy::{Formula, ProgrammeRules, Tier};
use hefu_domain::subsidy::{entitlement, maximum};
use hefu_domain::{Code, Days, Fen, Policy, Programme, SkillLevel, Stop};
use proptest::prelude::*;

const NOTICE: &str = include_str!("../../../policy/notices/jinzhong-2023.txt");
const CITY: &str = include_str!("../../../policy/jinzhong-2023.toml");
const QI_COUNTY: &str = include_str!("../../../policy/overrides/140727.toml");

fn city() -> Policy {
    Policy::from_toml(CITY).unwrap()
}

/// The city's policy with one stretch of its text replaced, read without its contradictions being refused.
fn contradictions(from: &str, to: &str) -> Vec<String> {
    assert_eq!(
        CITY.matches(from).count(),
        1,
        "{from} stands once in the policy"
    );
    match Policy::from_toml(&CITY.replace(from, to)) {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.0.split("; ").map(str::to_owned).collect(),
    }
}

fn earned(programme: Programme, days: u16) -> Fen {
    let rules = &city().programmes[&programme];
    entitlement(rules, None, Days(days), None).unwrap().amount
}

#[test]
fn the_shipped_policy_reads_and_contradicts_itself_nowhere() {
    assert_eq!(city().contradictions(), Vec::<String>::new());
}

#[test]
fn every_phrase_occurs_in_the_notice() {
    let policy = city();
    let phrases = [&policy.dates.phrase, &policy.classes.phrase]
        .into_iter()
        .chain(policy.programmes.values().map(|rules| &rules.phrase))
        .chain(policy.categories.values().map(|rules| &rules.phrase))
        .chain(policy.reports.iter().map(|rules| &rules.phrase));
    let mut count = 0;
    for phrase in phrases.chain([&policy.title]) {
        assert!(
            !phrase.is_empty() && NOTICE.contains(phrase.as_str()),
            "not in the notice: {phrase}"
        );
        count += 1;
    }
    assert_eq!(count, 4 + policy.programmes.len() + policy.categories.len());
}

#[test]
fn the_notices_dates_are_the_policys() {
    let dates = city().dates;
    assert!(
        NOTICE.contains("在11月底前全面完成") && dates.training_ends.to_string() == "2023-11-30"
    );
    assert!(NOTICE.contains("最晚于次年3月底完成") && dates.closes.to_string() == "2024-03-31");
}

#[test]
fn the_notices_rates_give_its_cases() {
    for (programme, days, yuan) in [
        (Programme::OrderProject, 10, 1_500),
        (Programme::OrderProject, 11, 1_600),
        (Programme::OrderProject, 15, 2_000),
        (Programme::General, 9, 900),
        (Programme::General, 10, 1_000),
        (Programme::General, 12, 1_000),
        (Programme::EnterpriseStaff, 1, 300),
        (Programme::EnterpriseStaff, 30, 300),
    ] {
        assert_eq!(
            earned(programme, days),
            Fen::yuan(yuan),
            "{programme:?} of {days} days"
        );
    }
    assert_eq!(
        city().programmes[&Programme::OrderProject].employment_percent,
        Some(80)
    );
}

#[test]
fn a_programme_for_which_the_notice_has_no_rate_issues_nothing() {
    let policy = city();
    for programme in [Programme::Apprenticeship, Programme::Entrepreneurship] {
        assert!(!policy.programmes.contains_key(&programme), "{programme:?}");
        assert!(
            policy
                .categories
                .values()
                .all(|rules| !rules.programmes.contains(&programme))
        );
    }
}

#[test]
fn whoever_can_claim_the_insurances_skill_subsidy_is_asked_about_it_for_an_assessment_only() {
    let policy = city();
    for (programme, rules) in &policy.programmes {
        let asked = rules
            .requires
            .iter()
            .any(|(check, _)| check.as_str() == "skill_subsidy_right");
        assert_eq!(asked, *programme == Programme::Assessment, "{programme:?}");
    }
}

#[test]
fn a_countys_own_figures_stand_over_the_citys_field_by_field() {
    let (base, county) = (city(), Policy::merged(CITY, QI_COUNTY).unwrap());
    let rates = |policy: &Policy| match &policy.programmes[&Programme::Assessment].formula {
        Formula::PerLevel { fen } => fen.clone(),
        Formula::Daily { .. } | Formula::Flat { .. } => panic!("assessment is paid per level"),
    };
    let (of_city, of_county) = (rates(&base), rates(&county));
    assert_eq!(of_county["4"], Fen(35_000), "its own");
    assert_ne!(of_city["4"], of_county["4"]);
    assert_eq!(of_city["3"], of_county["3"], "the city's");
    assert_eq!(county.classes.filed_working_days, 5);

    let mut undone = county;
    undone.classes.filed_working_days = base.classes.filed_working_days;
    undone.programmes.insert(
        Programme::Assessment,
        base.programmes[&Programme::Assessment].clone(),
    );
    assert_eq!(undone, base, "nothing else differs");
}

#[test]
fn a_county_may_replace_a_formula_by_one_of_another_kind() {
    let own = "[programmes.assessment.formula]\nkind = \"flat\"\nfen = 20000";
    let county = Policy::merged(CITY, own).unwrap();
    assert_eq!(
        county.programmes[&Programme::Assessment].formula,
        Formula::Flat { fen: Fen(20_000) }
    );
}

#[test]
fn a_policy_that_contradicts_itself_is_not_read() {
    for (from, to, said) in [
        (
            "use_by = \"2023-11-30\"",
            "use_by = \"2023-12-01\"",
            "follow each other",
        ),
        (
            "closes = \"2024-03-31\"",
            "closes = \"2024-03-01\"",
            "follow each other",
        ),
        (
            "employment_percent = 80",
            "employment_percent = 180",
            "above 100 percent",
        ),
        (
            "{ days = 10, fen = 15000 }, { fen = 10000 }",
            "{ days = 10, fen = 15000 }",
            "last tier",
        ),
        ("fen = 30000 }", "fen = 0 }", "more than zero"),
        (
            "max_fen = 100000\nday_lessons = 8",
            "day_lessons = 8",
            "max_days or max_fen",
        ),
        (
            "override_max_fen = 150000",
            "override_max_fen = 90000",
            "must lift the cap",
        ),
        (
            "paid_to = [\"training_body\", \"school\"]",
            "paid_to = []",
            "nobody is paid",
        ),
        (
            "by_undertaking = true",
            "by_undertaking = false",
            "roster is matched",
        ),
        (
            "contract = [\"signed\"]",
            "contract = []",
            "no answer would do",
        ),
        (
            "requires = { poverty = [\"lifted\"] }",
            "requires = { poverty = [] }",
            "no answer would do",
        ),
        ("attempts = 3", "attempts = 0", "nobody could"),
        (
            "minimum_living_fen = 70000",
            "minimum_living_fen = 0",
            "nobody lives on nothing",
        ),
        (
            "counts_towards = \"general\"\n# “超",
            "# “超",
            "beyond_plan needs counts_towards",
        ),
        (
            "# “原则上”",
            "override_gate = true\n# “原则上”",
            "needs an employment share",
        ),
        (
            "\"claims\", \"limits\"",
            "\"claims\", \"limit\"",
            "limit is nowhere",
        ),
        (
            "programmes = [\"enterprise_staff\", \"assessment\"]",
            "programmes = [\"apprenticeship\"]",
            "has no rules",
        ),
        (
            "slot_lessons = 4",
            "slot_lessons = 2",
            "no day has so many lessons",
        ),
    ] {
        let found = contradictions(from, to);
        assert!(
            found.iter().any(|what| what.contains(said)),
            "{to}: {found:?}"
        );
    }
}

#[test]
fn an_unknown_programme_or_key_is_an_error_and_not_ignored() {
    for (from, to) in [
        ("[limits]", "[limitations]"),
        (
            "[\"order_project\", \"general\", \"assessment\"]\nrequires = { poverty",
            "[\"generall\"]\nrequires = { poverty",
        ),
    ] {
        assert!(!contradictions(from, to).is_empty(), "{to}");
    }
}

fn daily(first: (u16, i64), rest: i64, max_days: Option<u16>, max_fen: i64) -> ProgrammeRules {
    let tiers = vec![
        Tier {
            days: Some(Days(first.0)),
            fen: Fen(first.1),
        },
        Tier {
            days: None,
            fen: Fen(rest),
        },
    ];
    ProgrammeRules {
        formula: Formula::Daily { tiers },
        max_days: max_days.map(Days),
        max_fen: Some(Fen(max_fen)),
        ..city().programmes[&Programme::OrderProject].clone()
    }
}

#[test]
fn without_a_limit_nothing_can_be_issued() {
    let endless = ProgrammeRules {
        max_fen: None,
        ..daily((10, 15_000), 10_000, None, 1)
    };
    assert_eq!(
        maximum(&endless, None),
        Err(Stop::from(Code::ProgrammeWithoutRate))
    );
    assert_eq!(
        entitlement(&endless, None, Days(3), None),
        Err(Stop::from(Code::ProgrammeWithoutRate))
    );
}

#[test]
fn an_assessment_is_paid_by_level_and_a_level_without_a_rate_not_at_all() {
    let rules = &city().programmes[&Programme::Assessment];
    let level = |ordinal: u8| Some(SkillLevel::try_from(ordinal).unwrap());
    assert!(maximum(rules, level(4)).unwrap() > maximum(rules, level(3)).unwrap());
    assert_eq!(maximum(rules, None), Err(Stop::from(Code::LevelNeeded)));
    assert_eq!(
        maximum(rules, level(8)),
        Err(Code::LevelWithoutRate.about(8))
    );
}

proptest! {
    #[test]
    fn more_days_never_earn_less_and_never_more_than_the_maximum(
        first in (1u16..30, 1i64..50_000),
        rest in 1i64..50_000,
        max_days in proptest::option::of(1u16..40),
        max_fen in 1i64..300_000,
        days in 1u16..400,
    ) {
        let rules = daily(first, rest, max_days, max_fen);
        let less = entitlement(&rules, None, Days(days), None).unwrap().amount;
        let more = entitlement(&rules, None, Days(days + 1), None).unwrap().amount;
        prop_assert!(Fen::ZERO < less && less <= more);
        prop_assert!(more <= maximum(&rules, None).unwrap());
    }
}
