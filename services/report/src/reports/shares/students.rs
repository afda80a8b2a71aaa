//! First certificates of students.

use std::collections::BTreeSet;

use hefu_domain::policy::Capacity;

use super::{affiliated, line, of_these};
use crate::build::{RegionFigures, Scene, certified};
use crate::fold::{FIRST, STUDENT};
use crate::table::{Cell, Mark, Row, percent};

/// First certificates of people in their graduating year, and of them those of county-run schools' students.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Students {
    all: i64,
    named: i64,
    county_run: i64,
    schools: usize,
}

impl Students {
    pub(super) fn of(scene: &Scene, region: &RegionFigures) -> Students {
        let schools = match region.region.is_county() {
            true => affiliated(scene, region, Capacity::School),
            false => BTreeSet::new(),
        };
        let named = region.shares().parts();
        let named = named.filter(|(parts, _)| parts.get(1) == Some(&STUDENT));
        Students {
            all: graduating(scene, region),
            named: named.map(|(_, value)| value).sum(),
            county_run: of_these(scene, region, STUDENT, &schools),
            schools: schools.len(),
        }
    }

    pub(super) fn add(&mut self, other: Students) {
        self.all += other.all;
        self.named += other.named;
        self.county_run += other.county_run;
        self.schools += other.schools;
    }

    pub(super) fn rows(self, scene: &Scene, region: &str, counties: bool, mark: Mark) -> Vec<Row> {
        let lang = scene.lang;
        let unnamed = self.all - self.named;
        let schools = self.schools;
        let mut rows = vec![line(
            region.to_owned(),
            lang.of(
                "毕业年度学生初次取证",
                "first certificates of graduating students",
            )
            .to_owned(),
            [
                Cell::Empty,
                Cell::Number(self.all),
                Cell::Empty,
                Cell::Empty,
            ],
            lang.of(
                format!("含各级各类院校;未载明学校{unnamed}人"),
                format!("schools of every kind; {unnamed} name none"),
            ),
            mark,
        )];
        if counties {
            rows.push(line(
                region.to_owned(),
                lang.of(
                    "其中:县(区、市)属中等职业学校学生",
                    "of them: students of county-run secondary vocational schools",
                )
                .to_owned(),
                [
                    Cell::Empty,
                    Cell::Number(self.county_run),
                    Cell::Empty,
                    percent(self.county_run, self.all),
                ],
                lang.of(
                    format!("计入新增技能人才计划;县属学校{schools}所"),
                    format!("count in the plan of newly skilled; {schools} county-run"),
                ),
                mark,
            ));
        }
        rows
    }
}

/// First certificates of people in a category that the region's policy calls graduating.
fn graduating(scene: &Scene, region: &RegionFigures) -> i64 {
    let Some(policy) = scene.policy(region) else {
        return 0;
    };
    certified(region.certificates(), FIRST, |parts| {
        policy
            .graduating
            .keys()
            .any(|category| category.as_str() == parts[3])
    })
}
