//! The two catalogues: filing, changing, approving and ending a line, and what a class must keep to.

use super::*;
use crate::policy::Programme;
use crate::sample::*;
use crate::training;

type Played = Result<Vec<&'static str>, Vec<Code>>;

const OTHER: &str = "6-18-01-07";

/// A line that nobody filed yet, of an occupation that the school's licence covers.
fn entry() -> CatalogueEntryId {
    CatalogueEntryId {
        institution: institution(SCHOOL),
        capacity: Capacity::TrainingBody,
        occupation: code(OTHER),
        year: year(),
    }
}

fn county() -> County {
    let mut county = County::new();
    let school = county.world.edit_institution(&institution(SCHOOL)).unwrap();
    school.licence.insert(code(OTHER));
    county
}

fn details(seats: u16) -> CatalogueDetails {
    CatalogueDetails {
        levels: Some(LevelRange {
            lowest: level(2),
            highest: level(3),
        }),
        sites: [(
            code("room-1"),
            Site {
                address: "寿阳县朝阳街1号".to_owned(),
                seats,
            },
        )]
        .into(),
        yearly_seats: Some(200),
        trainers: [code("trainer-1"), code("trainer-2")].into(),
        ..CatalogueDetails::default()
    }
}

fn file(county: &mut County, by: &crate::decide::Caller, said: Option<CatalogueDetails>) -> Played {
    let act = FileCatalogueEntry {
        entry: entry(),
        details: said,
    };
    county.play(by, at("06-01"), |ask| file_catalogue_entry(ask, &act))
}

fn change(county: &mut County, by: &crate::decide::Caller, said: CatalogueDetails) -> Played {
    let act = ChangeCatalogueEntry {
        entry: entry(),
        details: said,
    };
    county.play(by, at("06-02"), |ask| change_catalogue_entry(ask, &act))
}

fn approve(county: &mut County, by: &crate::decide::Caller, seen: Option<Digest>) -> Played {
    let act = ApproveCatalogueEntry {
        entry: entry(),
        proposal: seen,
    };
    county.play(by, at("06-03"), |ask| approve_catalogue_entry(ask, &act))
}

fn refuse(county: &mut County) -> Played {
    let act = RefuseCatalogueEntry {
        entry: entry(),
        reason: code("SITE_UNFIT"),
    };
    county.play(&reviewer(), at("06-03"), |ask| {
        refuse_catalogue_entry(ask, &act)
    })
}

fn suspend(county: &mut County, suspended: bool) -> Played {
    let act = SuspendCatalogueEntry {
        entry: entry(),
        suspended,
        reason: code("SPOT_CHECK"),
    };
    county.play(&supervisor(), at("06-04"), |ask| {
        suspend_catalogue_entry(ask, &act)
    })
}

fn strike_off(county: &mut County) -> Played {
    let act = StrikeOffCatalogueEntry {
        entry: entry(),
        reason: code("NO_CLASSES_HELD"),
    };
    county.play(&supervisor(), at("06-05"), |ask| {
        strike_off_catalogue_entry(ask, &act)
    })
}

fn reviewer() -> crate::decide::Caller {
    staff("reviewer", Role::Reviewer)
}

fn supervisor() -> crate::decide::Caller {
    staff("supervisor", Role::Supervisor)
}

fn line(county: &County) -> &CatalogueEntry {
    county.world.catalogue_entry(&entry()).unwrap()
}

/// Files a line with these details and has it approved.
fn listed(seats: u16) -> County {
    let mut county = county();
    file(&mut county, &of(SCHOOL), Some(details(seats))).unwrap();
    let seen = line(&county).proposal();
    approve(&mut county, &reviewer(), seen).unwrap();
    county
}

#[test]
fn a_line_is_in_force_when_another_person_approved_just_what_stands_in_it() {
    let mut county = county();
    assert_eq!(
        file(&mut county, &of(ENTERPRISE), Some(details(50))),
        Err(vec![Code::NotYours])
    );
    let clerk = staff("zhang", Role::Clerk);
    assert_eq!(
        file(&mut county, &clerk, Some(details(50))),
        Ok(vec!["CatalogueEntryFiled"])
    );
    let seen = line(&county).proposal();
    // Filed anew by the school before it was approved.
    change(&mut county, &of(SCHOOL), details(500)).unwrap();
    assert_eq!(line(&county).standing, Standing::Filed);
    for wrong in [seen, None] {
        assert_eq!(
            approve(&mut county, &reviewer(), wrong),
            Err(vec![Code::ProposalChanged])
        );
    }
    let seen = line(&county).proposal();
    assert_eq!(
        approve(&mut county, &of(SCHOOL), seen),
        Err(vec![Code::SamePerson])
    );
    assert_eq!(
        approve(&mut county, &reviewer(), seen),
        Ok(vec!["CatalogueEntryApproved"])
    );
    assert_eq!(line(&county).standing, Standing::Good);
    assert_eq!(line(&county).proposal(), None);
    assert_eq!(
        approve(&mut county, &reviewer(), None),
        Err(vec![Code::CatalogueEntryNotFiled])
    );
}

#[test]
fn a_line_that_says_nothing_of_itself_is_approved_as_before() {
    let mut county = county();
    file(&mut county, &of(SCHOOL), None).unwrap();
    let made_up = Some(Digest([1; 32]));
    assert_eq!(
        approve(&mut county, &reviewer(), made_up),
        Err(vec![Code::ProposalChanged])
    );
    assert_eq!(
        approve(&mut county, &reviewer(), None),
        Ok(vec!["CatalogueEntryApproved"])
    );
}

#[test]
fn a_change_waits_while_what_is_in_force_goes_on() {
    let mut county = listed(50);
    change(&mut county, &of(SCHOOL), details(80)).unwrap();
    let seats = |county: &County| {
        let details = line(county).details.clone().unwrap();
        details.sites[&code("room-1")].seats
    };
    assert_eq!(
        (line(&county).standing, seats(&county)),
        (Standing::Good, 50)
    );
    refuse(&mut county).unwrap();
    assert_eq!(
        (line(&county).standing, seats(&county)),
        (Standing::Good, 50)
    );
    assert_eq!(refuse(&mut county), Err(vec![Code::CatalogueEntryNotFiled]));
    change(&mut county, &of(SCHOOL), details(80)).unwrap();
    let seen = line(&county).proposal();
    approve(&mut county, &reviewer(), seen).unwrap();
    assert_eq!(
        (line(&county).standing, seats(&county)),
        (Standing::Good, 80)
    );
}

#[test]
fn a_refused_line_is_filed_again_and_one_that_is_struck_off_is_not() {
    let mut county = county();
    file(&mut county, &of(SCHOOL), Some(details(50))).unwrap();
    assert_eq!(
        file(&mut county, &of(SCHOOL), Some(details(50))),
        Err(vec![Code::CatalogueEntryExists])
    );
    assert_eq!(refuse(&mut county), Ok(vec!["CatalogueEntryRefused"]));
    assert!(!line(&county).standing.is_published());
    assert_eq!(
        change(&mut county, &of(SCHOOL), details(40)),
        Err(vec![Code::CatalogueEntryNotInForce])
    );
    file(&mut county, &of(SCHOOL), Some(details(40))).unwrap();
    let seen = line(&county).proposal();
    approve(&mut county, &reviewer(), seen).unwrap();
    assert_eq!(
        suspend(&mut county, false),
        Err(vec![Code::CatalogueEntryNotInForce])
    );
    assert_eq!(
        suspend(&mut county, true),
        Ok(vec!["CatalogueEntrySuspended"])
    );
    assert_eq!(strike_off(&mut county), Ok(vec!["CatalogueEntryStruckOff"]));
    assert_eq!(
        (line(&county).standing, line(&county).reason.clone()),
        (Standing::StruckOff, Some(code("NO_CLASSES_HELD")))
    );
    for again in [
        suspend(&mut county, false),
        strike_off(&mut county),
        change(&mut county, &of(SCHOOL), details(40)),
    ] {
        assert_eq!(again, Err(vec![Code::CatalogueEntryNotInForce]));
    }
    assert_eq!(
        file(&mut county, &of(SCHOOL), Some(details(40))),
        Err(vec![Code::CatalogueEntryExists])
    );
}

#[test]
fn a_line_says_only_what_an_event_can_hold() {
    let mut county = county();
    let nowhere = Site {
        address: String::new(),
        seats: 10,
    };
    let standing_only = Site {
        address: "1".to_owned(),
        seats: 0,
    };
    for (about, wrong) in [
        (
            "project",
            CatalogueDetails {
                project: Some("长".repeat(201)),
                ..details(10)
            },
        ),
        (
            "levels",
            CatalogueDetails {
                levels: Some(LevelRange {
                    lowest: level(4),
                    highest: level(3),
                }),
                ..details(10)
            },
        ),
        (
            "address",
            CatalogueDetails {
                sites: [(code("room-1"), nowhere)].into(),
                ..details(10)
            },
        ),
        (
            "seats",
            CatalogueDetails {
                sites: [(code("room-1"), standing_only)].into(),
                ..details(10)
            },
        ),
        (
            "a year",
            CatalogueDetails {
                yearly_seats: Some(0),
                ..details(10)
            },
        ),
    ] {
        let refused = file(&mut county, &of(SCHOOL), Some(wrong));
        assert_eq!(refused, Err(vec![Code::BadDetails]), "{about}");
    }
}

fn class(change: impl FnOnce(&mut ClassFiling)) -> FileClass {
    let mut filing = filing(Programme::General, &["06-12", "06-13"]);
    filing.occupation = code(OTHER);
    filing.site = code("room-1");
    filing.trainers = vec![code("trainer-1")];
    filing.level = level(2);
    filing.capacity = 30;
    change(&mut filing);
    FileClass {
        class: class_id(7),
        filing,
    }
}

fn files(county: &mut County, act: &FileClass) -> Played {
    county.play(&of(SCHOOL), at("06-05"), |ask| {
        training::file_class(ask, act)
    })
}

#[test]
fn a_class_keeps_to_the_site_the_seats_the_levels_and_the_trainers_of_its_line() {
    let mut county = listed(30);
    for (wrong, code) in [
        (class(|f| f.site = code("room-2")), Code::SiteNotListed),
        (class(|f| f.capacity = 31), Code::SeatsAboveSite),
        (class(|f| f.level = level(4)), Code::LevelNotListed),
        (
            class(|f| f.trainers.push(code("trainer-3"))),
            Code::TrainerNotListed,
        ),
    ] {
        assert_eq!(files(&mut county, &wrong), Err(vec![code]));
    }
    assert_eq!(files(&mut county, &class(|_| ())), Ok(vec!["ClassFiled"]));
}

#[test]
fn a_suspended_line_opens_no_class_and_its_lifting_does() {
    let mut county = listed(30);
    suspend(&mut county, true).unwrap();
    let as_filed = class(|_| ());
    let refused = files(&mut county, &as_filed);
    assert_eq!(refused, Err(vec![Code::NotInCatalogue]));
    suspend(&mut county, false).unwrap();
    assert_eq!(files(&mut county, &as_filed), Ok(vec!["ClassFiled"]));
}

#[test]
fn where_a_line_says_nothing_a_class_is_free() {
    let mut county = county();
    file(&mut county, &of(SCHOOL), None).unwrap();
    approve(&mut county, &reviewer(), None).unwrap();
    let elsewhere = class(|f| f.site = code("hall-9"));
    assert_eq!(files(&mut county, &elsewhere), Ok(vec!["ClassFiled"]));
}

/// A line that takes forty people a year, and three classes of fifteen on days of their own.
fn forty_a_year() -> (County, Vec<FileClass>) {
    let mut county = county();
    let forty = CatalogueDetails {
        yearly_seats: Some(40),
        ..details(30)
    };
    file(&mut county, &of(SCHOOL), Some(forty)).unwrap();
    let seen = line(&county).proposal();
    approve(&mut county, &reviewer(), seen).unwrap();
    let class = |n: u8, day: &str| {
        let mut filing = filing(Programme::General, &[day]);
        filing.occupation = code(OTHER);
        filing.capacity = 15;
        FileClass {
            class: class_id(u128::from(n)),
            filing,
        }
    };
    let classes = vec![class(1, "06-12"), class(2, "06-13"), class(3, "06-14")];
    for class in &classes {
        files(&mut county, class).unwrap();
    }
    (county, classes)
}

fn approves(county: &mut County, class: &FileClass) -> Result<Vec<&'static str>, Vec<Code>> {
    let act = ApproveClass { class: class.class };
    county.play(&reviewer(), at("06-06"), |ask| {
        training::approve_class(ask, &act)
    })
}

fn changes(county: &mut County, class: &FileClass, seats: u16) -> Played {
    let mut filing = class.filing.clone();
    filing.capacity = seats;
    let act = ChangeClass {
        class: class.class,
        filing,
    };
    county.play(&of(SCHOOL), at("06-06"), |ask| {
        training::change_class(ask, &act)
    })
}

fn cancels(county: &mut County, class: &FileClass) -> Played {
    let act = CancelClass {
        class: class.class,
        reason: code("FLOOD"),
    };
    county.play(&of(SCHOOL), at("06-06"), |ask| {
        training::cancel_class(ask, &act)
    })
}

#[test]
fn no_more_seats_are_approved_than_a_line_can_take_in_the_year() {
    let (mut county, classes) = forty_a_year();
    assert_eq!(line(&county).seats_taken, 0, "filed is not taken");
    approves(&mut county, &classes[0]).unwrap();
    approves(&mut county, &classes[1]).unwrap();
    assert_eq!(line(&county).seats_taken, 30);
    let ask = crate::decide::Ask {
        world: &county.world,
        caller: reviewer(),
        at: at("06-06"),
    };
    let act = ApproveClass { class: class_id(3) };
    let Err(crate::Stop::Refused(refusals)) = training::approve_class(&ask, &act) else {
        panic!("forty take no forty-five");
    };
    let said = refusals.to_string();
    assert_eq!(said, "YEARLY_SEATS_TAKEN (40 a year, 30 taken, 15 more)");
    // A class in running may not grow beyond it either; a smaller one makes room.
    assert_eq!(
        changes(&mut county, &classes[1], 26),
        Err(vec![Code::YearlySeats])
    );
    changes(&mut county, &classes[1], 10).unwrap();
    assert_eq!(line(&county).seats_taken, 25);
    approves(&mut county, &classes[2]).unwrap();
    assert_eq!(line(&county).seats_taken, 40);
    // What is cancelled is given back, in whole and once.
    cancels(&mut county, &classes[1]).unwrap();
    assert_eq!(line(&county).seats_taken, 30);
    assert_eq!(
        cancels(&mut county, &classes[1]),
        Err(vec![Code::ClassOver])
    );
}

#[test]
fn seats_are_given_back_to_a_line_that_is_suspended_by_then() {
    let (mut county, classes) = forty_a_year();
    approves(&mut county, &classes[0]).unwrap();
    suspend(&mut county, true).unwrap();
    cancels(&mut county, &classes[0]).unwrap();
    assert_eq!(line(&county).seats_taken, 0);
}

proptest::proptest! {
    /// Whatever is approved, changed or cancelled in whatever order: the line knows just the seats of what was approved and stands, and never
    /// more than it can take.
    #[test]
    fn a_line_s_seats_are_those_of_its_classes(moves in proptest::collection::vec((0..3u8, 0..3usize, 1..30u16), 1..24)) {
        let (mut county, classes) = forty_a_year();
        for (what, which, seats) in moves {
            let _ = match what {
                0 => approves(&mut county, &classes[which]),
                1 => changes(&mut county, &classes[which], seats),
                _ => cancels(&mut county, &classes[which]),
            };
            let stand = classes.iter().map(|class| county.world.class(&class.class).unwrap());
            let stand = stand.filter(|class| class.state == ClassState::Approved);
            let seats: u32 = stand.map(|class| u32::from(class.filing.capacity)).sum();
            proptest::prop_assert_eq!(line(&county).seats_taken, seats);
            proptest::prop_assert!(seats <= 40);
        }
    }
}
