//! The county that the tests live in: its bureau of a few people, two training schools, an enterprise, an assessment body, and money.

use std::collections::{BTreeMap, BTreeSet};

use hefu_domain::calendar::Calendar;
use hefu_domain::command::*;
use hefu_domain::policy::Capacity;
use hefu_domain::state::*;
use hefu_domain::*;

use super::{Reply, Town, credential, digest, tag};

/// The occupation that everybody here learns, unless a test says otherwise.
pub(crate) const OCCUPATION: &str = "4-10-01-06";
/// Another one.
pub(crate) const OTHER_OCCUPATION: &str = "6-18-01-07";

/// The bureau's staff and their roles; the portal speaks for holders.
const STAFF: [(&str, &[Role]); 9] = [
    ("clerk", &[Role::Clerk]),
    ("clerk-2", &[Role::Clerk]),
    ("reviewer", &[Role::Reviewer]),
    ("reviewer-2", &[Role::Reviewer]),
    ("reviewer-3", &[Role::Reviewer]),
    ("finance", &[Role::Finance]),
    ("supervisor", &[Role::Supervisor]),
    ("portal", &[Role::Holder]),
    // A small office: one person reviews, pays and keeps the books.
    (
        "everybody",
        &[Role::Clerk, Role::Reviewer, Role::Finance, Role::Supervisor],
    ),
];

/// The institutions and what they are.
const INSTITUTIONS: [(&str, &[Capacity]); 5] = [
    ("school-a", &[Capacity::TrainingBody, Capacity::School]),
    ("school-b", &[Capacity::TrainingBody]),
    ("plant", &[Capacity::Enterprise]),
    ("body", &[Capacity::AssessmentBody]),
    ("mill", &[Capacity::Enterprise]),
];

/// The classified unit of [`classified_county`], which teaches and is paid.
const UNIT: &str = "unit";

/// What it is.
pub(crate) const UNIT_CAPACITIES: [Capacity; 3] = [
    Capacity::TrainingBody,
    Capacity::Enterprise,
    Capacity::AssessmentBody,
];

/// An occupation as the classified unit was listed with it.
pub(crate) fn sealed_occupation(code: &str) -> Occupation {
    Occupation::sealed(digest(&format!("{UNIT}/{code}")))
}

/// An institution's credit code, with its check character; the classified unit's seal.
pub(crate) fn institution(name: &str) -> InstitutionId {
    if name == UNIT {
        return InstitutionId::sealed(digest(UNIT));
    }
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let number = INSTITUTIONS
        .iter()
        .position(|(other, _)| *other == name)
        .unwrap_or(99);
    let body = format!("91140725MA0{number:06}");
    let value = |b: u8| ALPHABET.iter().position(|&a| a == b).unwrap();
    let (sum, _) = body.bytes().fold((0, 1), |(sum, weight), b| {
        (sum + value(b) * weight, weight * 3 % 31)
    });
    let check = char::from(ALPHABET[(31 - sum % 31) % 31]);
    format!("{body}{check}").parse().unwrap()
}

/// The name of an institution by its credit code.
pub(crate) fn institution_name(id: &InstitutionId) -> &'static str {
    INSTITUTIONS
        .iter()
        .map(|(name, _)| *name)
        .chain([UNIT])
        .find(|name| institution(name) == *id)
        .unwrap_or("nobody")
}

/// The plan year of nearly all tests.
pub(crate) fn year(number: u16) -> PlanYear {
    PlanYear::try_from(number).unwrap()
}

/// The policy that ships, in force unchanged.
pub(crate) fn policy() -> Policy {
    Policy::from_toml(include_str!("../../../../../policy/jinzhong-2023.toml")).unwrap()
}

/// A county whose own policy differs from the one that ships.
pub(crate) fn county_with(own: impl FnOnce(&mut Policy)) -> Town {
    let mut town = county();
    let mut policy = policy();
    own(&mut policy);
    let effective = town.now.plus_hours(1);
    let adopt = AdoptPolicy { policy, effective };
    town.submit("operator", Act::AdoptPolicy(adopt)).unwrap();
    town.now = effective;
    town
}

fn calendar(text: &str) -> Calendar {
    toml::from_str(text).unwrap()
}

/// The county of Shouyang (140725) on a morning of May 2023, ready to take applications, with 100,000 yuan of each source.
pub(crate) fn county() -> Town {
    let mut town = region("140725", Some("140700"));
    for source in ["city", "county"] {
        town.run(&format!("appropriate {source} 2023 100000.00"))
            .unwrap();
    }
    town
}

/// A region with its policy, callers and institutions, and no money yet.
pub(crate) fn region(code: &str, parent: Option<&str>) -> Town {
    let mut town = Town::empty(
        code,
        Instant::start_of("2023-05-04".parse().unwrap()).plus_hours(9),
    );
    open(&mut town, parent).unwrap();
    for (name, capacities) in INSTITUTIONS {
        register(&mut town, name, capacities).unwrap();
    }
    town
}

fn grant(name: &str, roles: &[Role], institution: Option<InstitutionId>) -> Grant {
    Grant {
        credential: credential(name),
        subject: name.parse().unwrap(),
        person: name.parse().unwrap(),
        roles: roles.iter().copied().collect(),
        institution,
        holder: None,
        expires: None,
    }
}

fn open(town: &mut Town, parent: Option<&str>) -> Reply {
    let state = RegionState {
        parent: parent.map(|code| code.parse().unwrap()),
        name: "寿阳县".to_owned(),
        name_en: "Shouyang".to_owned(),
        deployment: "test.example".to_owned(),
        simulated: true,
        recorded: Default::default(),
        next_place: Default::default(),
    };
    town.submit(
        "operator",
        Act::OpenRegion(OpenRegion {
            of_deployment: true,
            state,
            operator: grant("operator", &[Role::Operator], None),
        }),
    )?;
    let effective = town.now;
    town.submit(
        "operator",
        Act::AdoptPolicy(AdoptPolicy {
            policy: policy(),
            effective,
        }),
    )?;
    for text in [
        include_str!("../../../../../policy/calendar-2023.toml"),
        include_str!("../../../../../policy/calendar-2024.toml"),
    ] {
        town.submit(
            "operator",
            Act::AdoptCalendar(AdoptCalendar {
                calendar: calendar(text),
            }),
        )?;
    }
    town.submit(
        "operator",
        Act::OpenPlanYear(OpenPlanYear { year: year(2023) }),
    )?;
    for (name, roles) in STAFF {
        town.submit(
            "operator",
            Act::GrantCaller(GrantCaller {
                grant: grant(name, roles, None),
            }),
        )?;
    }
    Ok(Vec::new())
}

/// Registers an institution with its caller, its corporate account and its catalogue lines.
fn register(town: &mut Town, name: &str, capacities: &[Capacity]) -> Reply {
    let id = institution(name);
    let licence: BTreeSet<Occupation> = [OCCUPATION, OTHER_OCCUPATION]
        .map(|code| code.parse().unwrap())
        .into();
    town.submit(
        "clerk",
        Act::RegisterInstitution(RegisterInstitution {
            affiliation: None,
            institution: id,
            name: name.to_owned(),
            capacities: capacities.iter().copied().collect(),
            licence: licence.clone(),
            related: BTreeSet::new(),
        }),
    )?;
    equip(town, name, capacities, &licence)
}

/// A county in which the city has listed a unit as classified.
pub(crate) fn classified_county() -> Town {
    let mut town = county();
    town.run("list unit").unwrap();
    let licence = [OCCUPATION, OTHER_OCCUPATION].map(sealed_occupation).into();
    equip(&mut town, UNIT, &UNIT_CAPACITIES, &licence).unwrap();
    town
}

/// A registered institution's caller, corporate account and catalogue lines.
fn equip(
    town: &mut Town,
    name: &str,
    capacities: &[Capacity],
    licence: &BTreeSet<Occupation>,
) -> Reply {
    let id = institution(name);
    let assesses = capacities.contains(&Capacity::AssessmentBody);
    let roles: &[Role] = match (assesses, capacities.len()) {
        (true, 1) => &[Role::Assessor],
        (true, _) => &[Role::Institution, Role::Assessor],
        (false, _) => &[Role::Institution],
    };
    town.submit(
        "operator",
        Act::GrantCaller(GrantCaller {
            grant: grant(name, roles, Some(id.clone())),
        }),
    )?;
    let commitment = digest(&format!("account of {name}"));
    town.submit(
        "clerk",
        Act::RegisterAccount(RegisterAccount {
            institution: id.clone(),
            commitment,
            tag: tag(&format!("account of {name}")),
        }),
    )?;
    town.run(&format!("confirm-account {name}"))?;
    for capacity in [Capacity::TrainingBody, Capacity::AssessmentBody] {
        if !capacities.contains(&capacity) {
            continue;
        }
        for occupation in licence {
            let entry = CatalogueEntryId {
                institution: id.clone(),
                capacity,
                occupation: occupation.clone(),
                year: year(2023),
            };
            town.submit(
                "clerk",
                Act::FileCatalogueEntry(FileCatalogueEntry {
                    entry: entry.clone(),
                    details: None,
                }),
            )?;
            town.submit(
                "reviewer",
                Act::ApproveCatalogueEntry(ApproveCatalogueEntry {
                    entry,
                    proposal: None,
                }),
            )?;
        }
    }
    Ok(Vec::new())
}

/// The answers that the policy wants of somebody of that category, whatever they apply for.
pub(crate) fn good_answers(category: &Category) -> Vec<CheckAnswer> {
    let policy = policy();
    let mut wanted: BTreeMap<Check, Vec<Answer>> = policy.everyone.clone();
    for rules in policy.programmes.values() {
        wanted.extend(rules.requires.clone());
    }
    wanted.extend(
        policy
            .categories
            .get(category)
            .map(|rules| rules.requires.clone())
            .unwrap_or_default(),
    );
    let valid_until = "2024-12-31".parse().unwrap();
    wanted
        .into_iter()
        .map(|(check, answers)| CheckAnswer {
            check,
            answer: answers[0].clone(),
            valid_until,
            reference: None,
            employer: None,
        })
        .collect()
}

/// As what people apply for a programme, unless a test says otherwise.
pub(crate) fn usual_category(programme: Programme) -> &'static str {
    match programme {
        Programme::General => "rural_transfer",
        Programme::OrderProject => "unemployed",
        Programme::EnterpriseStaff | Programme::Apprenticeship => "enterprise_employee",
        Programme::Entrepreneurship => "other_worker",
        Programme::Assessment => "flexible",
    }
}
