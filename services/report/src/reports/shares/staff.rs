//! Staff of enterprises that belong to their county.

use hefu_domain::Programme;
use hefu_domain::policy::Capacity;

use super::{affiliated, line, number, of_these};
use crate::build::{RegionFigures, Scene};
use crate::fold::STAFF;
use crate::table::{Cell, Mark, Row, percent};

/// Staff of county-affiliated enterprises ("应不少于年度计划数的三分之一").
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Staff {
    planned: i64,
    required: Option<i64>,
    trained: i64,
    own: i64,
    enterprises: usize,
}

impl Staff {
    pub(super) fn of(scene: &Scene, region: &RegionFigures) -> Staff {
        let planned = region.target(scene.year, Programme::EnterpriseStaff.as_str());
        let required = scene.rules().map(|rules| {
            let one_in = i64::from(rules.own_enterprises_one_in);
            (planned + one_in - 1).div_euclid(one_in)
        });
        let enterprises = affiliated(scene, region, Capacity::Enterprise);
        Staff {
            planned,
            required,
            trained: region.plan(scene.year, Programme::EnterpriseStaff, "completed"),
            own: of_these(scene, region, STAFF, &enterprises),
            enterprises: enterprises.len(),
        }
    }

    pub(super) fn add(&mut self, other: Staff) {
        self.planned += other.planned;
        self.required = match (self.required, other.required) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self.trained += other.trained;
        self.own += other.own;
        self.enterprises += other.enterprises;
    }

    pub(super) fn row(self, scene: &Scene, region: String, mark: Mark) -> Row {
        let lang = scene.lang;
        let Staff {
            planned,
            trained,
            enterprises,
            ..
        } = self;
        let one_in = scene.rules().map(|rules| rules.own_enterprises_one_in);
        let required_share = one_in.map_or(Cell::Empty, |one_in| percent(1, one_in.into()));
        line(
            region,
            lang.of("县(区、市)属企业职工培训", "staff of county-affiliated enterprises").to_owned(),
            [
                number(self.required),
                Cell::Number(self.own),
                required_share,
                percent(self.own, planned),
            ],
            lang.of(
                format!("企业职工计划{planned}人,全部企业已培训{trained}人;县属企业{enterprises}家"),
                format!("plan of {planned}; {trained} trained in all enterprises; {enterprises} county-affiliated"),
            ),
            mark,
        )
    }
}
