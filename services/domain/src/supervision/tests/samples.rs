//! Samples.

use super::*;

fn plan(frame: Frame, by: Strata, share: Share, members: Vec<About>) -> PlanSample {
    PlanSample {
        sample: sample_id(1),
        kind: SampleKind::Daily,
        frame,
        by,
        share,
        members,
        commitment: None,
    }
}

fn planned(county: &mut County, act: &PlanSample) -> Said {
    county.play(&supervisor(), at("06-05 7"), |ask| plan_sample(ask, act))
}

#[test]
fn a_plan_takes_only_what_it_is_a_sample_of_and_more_of_whoever_has_less_credit() {
    let mut county = County::new();
    for n in 1..=3 {
        class(&mut county, n, 0);
    }
    let on = |day| Frame::Classes { on: date(day) };
    let classes: Vec<About> = (1..=3).map(|n| About::Class(class_id(n))).collect();
    let whole = |frame, members| plan(frame, Strata::Whole, Share::Percent(50), members);
    let said = planned(&mut county, &whole(on("06-05"), Vec::new()));
    assert_eq!(said, Err(vec![Code::SampleEmpty]));
    let said = planned(&mut county, &whole(on("06-08"), classes.clone()));
    assert_eq!(said, Err(vec![Code::NotInFrame; 3]));
    let twice = vec![classes[0].clone(), classes[0].clone()];
    let said = planned(&mut county, &whole(on("06-05"), twice));
    assert_eq!(said, Err(vec![Code::DuplicateEntry]));
    for (by, share) in [
        (Strata::Whole, Share::Percent(0)),
        (Strata::Whole, Share::Percent(101)),
        (Strata::Whole, Share::Count(0)),
        (Strata::Deliverer, Share::ByCredit),
    ] {
        let bad = plan(on("06-05"), by, share, classes.clone());
        assert_eq!(planned(&mut county, &bad), Err(vec![Code::BadSample]));
    }
    // Names of one's own choosing are for special checks.
    let named = whole(Frame::Named, classes.clone());
    assert_eq!(planned(&mut county, &named), Err(vec![Code::BadSample]));
    let by_credit = plan(
        on("06-05"),
        Strata::Credit,
        Share::ByCredit,
        classes.clone(),
    );
    let quotas = |county: &mut County| {
        assert_eq!(planned(county, &by_credit), Ok(vec!["SamplePlanned"]));
        let strata = &county.world.sample(&sample_id(1)).unwrap().plan.strata;
        let quotas: Vec<_> = strata.iter().map(|(n, s)| (n.clone(), s.quota)).collect();
        quotas
    };
    assert_eq!(quotas(&mut county), [("A".to_owned(), 1)]);
    let mut county = County::new();
    for n in 1..=3 {
        class(&mut county, n, 0);
    }
    points(&mut county, "ATTENDANCE_FORGED", at("06-02")).unwrap();
    assert_eq!(quotas(&mut county), [("D".to_owned(), 2)]);
}

#[test]
fn a_draw_follows_from_the_first_tree_that_covers_its_plan_and_from_the_secret_it_commits_to() {
    let mut county = County::new();
    for n in 1..=3 {
        class(&mut county, n, 0);
    }
    let classes: Vec<About> = (1..=3).map(|n| About::Class(class_id(n))).collect();
    let frame = Frame::Classes { on: date("06-05") };
    let secret = digest(5);
    let act = PlanSample {
        commitment: Some(super::draw::commitment(secret)),
        ..plan(frame, Strata::Whole, Share::Count(2), classes)
    };
    planned(&mut county, &act).unwrap();
    let draw = |size, secret| DrawSample {
        sample: sample_id(1),
        planned: LogPlace {
            epoch: 0,
            index: 40,
        },
        tree: LogTree {
            epoch: 0,
            size,
            root: digest(8),
        },
        secret,
    };
    let mut play =
        |act: &DrawSample| county.play(&supervisor(), at("06-05 8"), |ask| draw_sample(ask, act));
    let uncovered = play(&draw(40, Some(secret)));
    assert_eq!(uncovered, Err(vec![Code::SampleNotSigned]));
    for wrong in [None, Some(digest(6))] {
        let said = play(&draw(41, wrong));
        assert_eq!(said, Err(vec![Code::SampleSecret]));
    }
    assert_eq!(play(&draw(41, Some(secret))), Ok(vec!["SampleDrawn"]));
    assert_eq!(
        play(&draw(41, Some(secret))),
        Err(vec![Code::SampleAlreadyDrawn])
    );
    let sample = county.world.sample(&sample_id(1)).unwrap();
    let drawn = &sample.draw.as_ref().unwrap().drawn;
    let seed = seed(digest(8), Some(secret));
    assert_eq!(*drawn, super::draw(seed, sample_id(1), &sample.plan.strata));
    assert_eq!(drawn.len(), 2);
}

#[test]
fn what_supervision_names_must_exist() {
    let mut county = County::new();
    let voucher = county.issued(1, 1, Programme::General);
    let freeze = Freeze {
        voucher,
        reason: code("SUSPECTED_FRAUD"),
        finding: Some(finding_id(1)),
    };
    let act = |ask: &Ask| super::freeze(ask, &freeze);
    let said = county.play(&supervisor(), at("06-01"), act);
    assert_eq!(said, Err(vec![Code::FindingNotFound]));
    let mut county = County::new();
    county.issued(1, 1, Programme::General);
    let found = record(About::Voucher(voucher), false);
    county
        .play(&supervisor(), at("06-01"), |ask| {
            record_finding(ask, &found)
        })
        .unwrap();
    let said = county.play(&supervisor(), at("06-01"), act);
    assert_eq!(said, Ok(vec!["Frozen"]));
    let nobody = record(About::Class(class_id(9)), false);
    let nobody = RecordFinding {
        finding: finding_id(2),
        ..nobody
    };
    let said = county.play(&supervisor(), at("06-01"), |ask| {
        record_finding(ask, &nobody)
    });
    assert_eq!(said, Err(vec![Code::ClassNotFound]));
}

#[test]
fn the_largest_plan_fits_into_an_event_even_of_strata_of_one() {
    let sealed = |n: u16| {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        InstitutionId::sealed(Digest(bytes)).to_string()
    };
    let most = u16::try_from(MOST_MEMBERS).unwrap();
    let stratum = |n: u16| Stratum {
        quota: 1,
        members: vec![About::Voucher(voucher_id(n.into()))],
    };
    let planned = SamplePlanned {
        sample: sample_id(1),
        by: code("supervisor"),
        plan: SamplePlan {
            kind: SampleKind::Proportional,
            frame: Frame::Paid {
                epoch: 9,
                from: 1 << 40,
                until: 1 << 41,
            },
            by: Strata::Deliverer,
            share: Share::Percent(100),
            strata: (0..most).map(|n| (sealed(n), stratum(n))).collect(),
            commitment: Some(digest(1)),
        },
    };
    let bytes = serde_json::to_vec(&planned).unwrap().len();
    // What the envelope adds is a few hundred.
    assert!(bytes < 65_535 - 1_000, "{bytes}");
}
