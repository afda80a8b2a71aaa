//! Findings.

use super::*;

#[test]
fn a_finding_is_put_right_by_its_institution_and_closed_by_another_officer() {
    let mut county = County::new();
    class(&mut county, 1, 0);
    let found = record(About::Class(class_id(1)), true);
    let said = county.play(&supervisor(), at("06-05"), |ask| {
        record_finding(ask, &found)
    });
    assert_eq!(said, Ok(vec!["FindingRecorded"]));
    let said = county.play(&supervisor(), at("06-05"), |ask| {
        record_finding(ask, &found)
    });
    assert_eq!(said, Err(vec![Code::DuplicateEntry]));
    let school = county.world.institution(&institution(SCHOOL)).unwrap();
    assert!(school.findings.contains(&finding_id(1)));
    let holds = |county: &County| county.world.class(&class_id(1)).unwrap().holds.clone();
    assert!(holds(&county).is_some());
    let look = |county: &mut County, by: &Caller, due: Option<&str>| {
        let act = Recheck {
            report_to: None,
            finding: finding_id(1),
            evidence: digest(2),
            due: due.map(date),
        };
        county.play(by, at("06-10"), |ask| recheck(ask, &act))
    };
    assert_eq!(
        look(&mut county, &reviewer(), None),
        Err(vec![Code::FindingNotRectified])
    );
    assert_eq!(
        look(&mut county, &reviewer(), Some("06-09")),
        Err(vec![Code::BadDates])
    );
    let rectified = Rectify {
        finding: finding_id(1),
        evidence: digest(3),
    };
    let said = county.play(&of(BODY), at("06-10"), |ask| rectify(ask, &rectified));
    assert_eq!(said, Err(vec![Code::NotYours]));
    let by_school = |ask: &Ask| rectify(ask, &rectified);
    let said = county.play(&of(SCHOOL), at("06-10"), by_school);
    assert_eq!(said, Ok(vec!["FindingRectified"]));
    assert_eq!(
        look(&mut county, &supervisor(), None),
        Err(vec![Code::SamePerson])
    );
    assert_eq!(
        look(&mut county, &reviewer(), Some("07-10")),
        Ok(vec!["FindingRechecked"])
    );
    assert!(holds(&county).is_some(), "it stands");
    county.play(&of(SCHOOL), at("06-11"), by_school).unwrap();
    let closed = look(&mut county, &reviewer(), None);
    assert_eq!(closed, Ok(vec!["FindingRechecked"]));
    assert_eq!(holds(&county), None);
    let school = county.world.institution(&institution(SCHOOL)).unwrap();
    assert!(school.findings.is_empty());
    assert_eq!(
        look(&mut county, &reviewer(), None),
        Err(vec![Code::FindingClosed])
    );
}

#[test]
fn a_grave_finding_stands_in_the_citys_log_too() {
    let mut county = County::new();
    class(&mut county, 1, 0);
    let mut city = World::new(code("140700"));
    let state = RegionState {
        parent: None,
        ..county.world.state_of_region().unwrap().clone()
    };
    city.bring(Key::Region, Some(Fact::Region(state)));
    city.bring(Key::Finding(finding_id(1)), None);
    county.world.bring(Key::Finding(finding_id(1)), None);
    let act = RecordFinding {
        grave: true,
        report_to: Some(code("140700")),
        ..record(About::Class(class_id(1)), true)
    };
    let ask = Ask {
        world: &county.world,
        caller: supervisor(),
        at: at("06-05"),
    };
    let (own, others) = report_finding(&ask, &city, &act).unwrap();
    let [Event::FindingRecorded(recorded)] = own.as_slice() else {
        panic!("{own:?}")
    };
    let [Event::FindingReported(reported)] = others.as_slice() else {
        panic!("{others:?}")
    };
    assert_eq!(reported.record.county, Some(code("140725")));
    assert_eq!(reported.record.state, FindingState::Reported);
    assert_eq!(reported.record.code, recorded.record.code);
    // Alone it is not recorded, and a city that is none of the county's hears nothing.
    let alone = RecordFinding {
        report_to: None,
        ..act.clone()
    };
    let said = county.play(&supervisor(), at("06-05"), |ask| {
        record_finding(ask, &alone)
    });
    assert_eq!(said, Err(vec![Code::NotBelow]));
    city.apply(&others, at("06-05")).unwrap();
    let rectified = Rectify {
        finding: finding_id(1),
        evidence: digest(3),
    };
    let ask = Ask {
        world: &city,
        caller: of(SCHOOL),
        at: at("06-06"),
    };
    let said = rectify(&ask, &rectified);
    assert_eq!(said, Err(Code::FindingElsewhere.into()));
    // The county closes it, and the city hears of that as well.
    county.world.apply(&own, at("06-05")).unwrap();
    county
        .play(&of(SCHOOL), at("06-06"), |ask| rectify(ask, &rectified))
        .unwrap();
    let closing = Recheck {
        finding: finding_id(1),
        evidence: digest(4),
        due: None,
        report_to: Some(code("140700")),
    };
    let said = county.play(&reviewer(), at("06-07"), |ask| recheck(ask, &closing));
    assert_eq!(said, Err(vec![Code::NotBelow]), "alone it is not closed");
    let ask = Ask {
        world: &county.world,
        caller: reviewer(),
        at: at("06-07"),
    };
    let later = Recheck {
        due: Some(date("07-01")),
        ..closing.clone()
    };
    let said = report_closing(&ask, &city, &later);
    assert_eq!(
        said,
        Err(Code::SameRegion.into()),
        "what stands is no closing"
    );
    let (own, others) = report_closing(&ask, &city, &closing).unwrap();
    assert_eq!(
        own.iter().map(Event::kind).collect::<Vec<_>>(),
        ["FindingRechecked"]
    );
    city.apply(&others, at("06-07")).unwrap();
    let heard = city.finding(&finding_id(1)).unwrap();
    assert!(matches!(heard.state, FindingState::Closed { .. }));
    assert_eq!(heard.county, Some(code("140725")));
    // Once.
    let again = report_closing(&ask, &city, &closing);
    assert_eq!(again, Err(Code::DuplicateEntry.about(finding_id(1))));
}
