//! Supervision as an auditor reads it: what was done is decided again from the log, and whoever holds the log's key and draws another
//! sample, leaves somebody out of one, makes up a flag or drops one, is found out.

use std::collections::BTreeSet;

use hefu_audit::{Finding, Kind};
use hefu_domain::command::*;
use hefu_domain::event::{FlagClearanceProposed, LogTree};
use hefu_domain::state::*;
use hefu_domain::*;
use hefu_log::{Frontier, leaf_hash};

use crate::support::*;

/// Two classes that are taught in June; one of them has somebody in it.
const TAUGHT: &str = "
    voucher v1 general
    class   c1 general days=3 from=2023-06-05
    class   c2 general days=3 from=2023-06-05
    enrol   v1 c1";

fn after(script: &str) -> Town {
    let mut town = county();
    check_on(&mut town, script);
    town
}

fn class(town: &Town, name: &str) -> About {
    About::Class(ClassId(town.id(name)))
}

fn sample(town: &Town) -> SampleId {
    SampleId(town.id("sample"))
}

/// The signed tree of what was written so far.
fn signed(town: &Town) -> LogTree {
    let mut tree = Frontier::default();
    let leaves = town.stored.events.iter().map(|bytes| leaf_hash(bytes));
    leaves.for_each(|leaf| tree.push(leaf));
    LogTree {
        epoch: 0,
        size: tree.size(),
        root: Digest(tree.root().0),
    }
}

fn plan(town: &Town, classes: &[&str]) -> PlanSample {
    PlanSample {
        sample: sample(town),
        kind: SampleKind::Daily,
        frame: Frame::Classes {
            on: "2023-06-06".parse().unwrap(),
        },
        by: Strata::Whole,
        share: Share::Percent(50),
        members: classes.iter().map(|name| class(town, name)).collect(),
        commitment: None,
    }
}

/// Plans a sample of these classes; where the plan stands.
fn planned(town: &mut Town, classes: &[&str]) -> LogPlace {
    let act = plan(town, classes);
    let index = town.stored.events.len() as u64;
    town.submit("supervisor", act.into()).unwrap();
    LogPlace { epoch: 0, index }
}

fn drawn(town: &mut Town, planned: LogPlace, tree: LogTree) {
    let act = DrawSample {
        sample: sample(town),
        planned,
        tree,
        secret: None,
    };
    town.submit("supervisor", act.into()).unwrap();
}

fn findings(town: &Town) -> Vec<Finding> {
    town.stored.audited(&town.region).findings
}

/// What the rules make of the log so far.
fn made(town: &Town) -> Vec<Raised> {
    let mut watch = Watch::new();
    let mut made = Vec::new();
    for (index, (at, event)) in (0..).zip(&town.log) {
        made.extend(watch.see(LogPlace { epoch: 0, index }, *at, event));
    }
    made
}

#[test]
fn whatever_supervision_did_is_decided_again_from_the_log() {
    let mut town = after(TAUGHT);
    let place = planned(&mut town, &["c1", "c2"]);
    let tree = signed(&town);
    town.run("at 2023-06-05 10").unwrap();
    drawn(&mut town, place, tree);
    let inspection = InspectionId(town.id("inspection"));
    let inspect = Inspect {
        inspection,
        class: ClassId(town.id("c1")),
        slot: 0,
        present: BTreeSet::new(),
        evidence: digest("record"),
        sample: Some(sample(&town)),
    };
    town.submit("clerk", inspect.into()).unwrap();
    let finding = FindingId(town.id("finding"));
    let Some(Fact::Inspection(entered)) = town.facts.get(&Key::Inspection(inspection)) else {
        panic!("it was not entered")
    };
    let confirm = ConfirmInspection {
        inspection,
        proposal: entered.digest(),
        finding,
    };
    let said = town.submit("supervisor", confirm.into()).unwrap();
    assert_eq!(said.len(), 2, "{said:?}");
    check_on(&mut town, "teach c1");
    for raised in made(&town) {
        town.submit("operator", raised.act().into()).unwrap();
        let clear = ClearFlag {
            flag: raised.flag(),
            reason: "LOOKED_AT".parse().unwrap(),
            evidence: digest("photograph of the list"),
        };
        let said = town.submit("clerk", clear.into()).unwrap();
        if let [Event::FlagClearanceProposed(proposed)] = said.as_slice() {
            let proposed: &FlagClearanceProposed = proposed;
            let confirm = ConfirmClearFlag {
                flag: raised.flag(),
                proposal: proposed.digest(),
            };
            town.submit("supervisor", confirm.into()).unwrap();
        }
    }
    let rectify = Rectify {
        finding,
        evidence: digest("new door list"),
    };
    town.submit("school-a", rectify.into()).unwrap();
    let recheck = Recheck {
        report_to: None,
        finding,
        evidence: digest("seen"),
        due: None,
    };
    town.submit("reviewer", recheck.into()).unwrap();
    let points = CreditPoints {
        institution: institution("school-a"),
        code: "ATTENDANCE_GAP".parse().unwrap(),
        evidence: digest("record"),
        finding: Some(finding),
    };
    town.submit("supervisor", points.into()).unwrap();
    town.audit();
    town.replay();
    let flags = town.stored.audited(&town.region).flags;
    let rules: BTreeSet<&str> = flags.iter().map(|flag| flag.rule).collect();
    assert!(rules.contains("absent_recorded"), "{rules:?}");
    // Clearing one flag may let the next one of its rule come up; all that were there are on record.
    assert!(flags.iter().filter(|flag| flag.recorded).count() >= 2);
}

#[test]
fn a_draw_that_does_not_start_from_the_logs_own_root_is_found() {
    let honest = |town: &mut Town| {
        let place = planned(town, &["c1", "c2"]);
        let tree = signed(town);
        town.run("at 2023-06-05 10").unwrap();
        (place, tree)
    };
    let mut town = after(TAUGHT);
    let (place, tree) = honest(&mut town);
    drawn(&mut town, place, tree);
    assert_eq!(findings(&town), []);
    let lies = [
        // Another root, a tree that never was, a plan elsewhere.
        (
            place,
            LogTree {
                root: digest("my choice"),
                ..tree
            },
        ),
        (
            place,
            LogTree {
                size: tree.size + 9,
                ..tree
            },
        ),
        (
            LogPlace {
                index: place.index - 1,
                ..place
            },
            tree,
        ),
    ];
    for (place, tree) in lies {
        let mut town = after(TAUGHT);
        honest(&mut town);
        let at = town.stored.events.len() as u64;
        drawn(&mut town, place, tree);
        let [finding] = &findings(&town)[..] else {
            panic!("{:?}", findings(&town))
        };
        assert_eq!((finding.index, finding.kind), (at, Kind::Rule));
    }
}

#[test]
fn a_plan_that_leaves_something_out_is_found_and_so_is_one_whose_draw_never_comes() {
    let mut town = after(TAUGHT);
    town.run("at 2023-06-05 10").unwrap();
    let place = planned(&mut town, &["c1"]);
    let [finding] = &findings(&town)[..] else {
        panic!("{:?}", findings(&town))
    };
    assert_eq!(finding.index, place.index);
    assert!(
        finding.detail.contains("leaves out 1"),
        "{}",
        finding.detail
    );
    let mut town = after(TAUGHT);
    town.run("at 2023-06-05 10").unwrap();
    let place = planned(&mut town, &["c1", "c2"]);
    check_on(&mut town, "at 2023-07-05\n voucher v7 general");
    assert_eq!(findings(&town), [], "there is time yet");
    for line in ["at 2023-07-06", "voucher v8 general"] {
        town.run(line).unwrap();
    }
    let [finding] = &findings(&town)[..] else {
        panic!("{:?}", findings(&town))
    };
    assert_eq!((finding.index, finding.kind), (place.index, Kind::Deadline));
}

#[test]
fn a_flag_that_no_rule_makes_or_that_is_made_light_of_is_found() {
    let town = after(&format!("{TAUGHT}\n teach c1"));
    let made = made(&town);
    assert!(!made.is_empty(), "one photograph stands for all sessions");
    let mut honest = town.copy();
    for raised in &made {
        honest.submit("operator", raised.act().into()).unwrap();
    }
    assert_eq!(findings(&honest), []);
    let flags = honest.stored.audited(&honest.region).flags;
    assert!(flags.iter().all(|flag| flag.recorded) && flags.len() == made.len());
    // Made up.
    let mut lying = town.copy();
    let at = lying.stored.events.len() as u64;
    let mut act = made[0].act();
    act.about = class(&lying, "c2");
    lying.submit("operator", act.into()).unwrap();
    assert_eq!(findings(&lying)[0].index, at);
    // Made light of.
    let mut lying = town.copy();
    let mut act = made[0].act();
    act.severity = match act.severity {
        policy::Severity::Block => policy::Severity::Warning,
        policy::Severity::Warning => policy::Severity::Block,
    };
    lying.submit("operator", act.into()).unwrap();
    assert_eq!(findings(&lying)[0].index, at);
    // Nothing on record at all says nothing: the watch may be behind.
    assert_eq!(findings(&town), []);
}

#[test]
fn a_flag_that_was_left_out_while_later_ones_are_on_record_is_found() {
    let mut town = after(
        "
        voucher v1 general
        voucher v2 general
        class   c1 general days=3 from=2023-06-05
        class   c2 general days=3 from=2023-06-12
        enrol   v1 c1
        teach   c1
        enrol   v2 c2
        teach   c2",
    );
    let made = made(&town);
    let (first, last) = (&made[0], &made[made.len() - 1]);
    assert_ne!(first.flag(), last.flag());
    town.submit("operator", last.act().into()).unwrap();
    let found = findings(&town);
    assert_eq!(found.len(), made.len() - 1);
    let place = first.evidence[first.evidence.len() - 1];
    assert_eq!(found[0].index, place.index);
    assert!(found[0].detail.contains("left out"), "{}", found[0].detail);
}
