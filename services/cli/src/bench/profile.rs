//! Where the time of one move goes: the server's own histograms, as they grew during a load.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use hefu_engine::stages::Stage;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Gauge, HistogramDataPoint};
use serde_json::{Map, Value, json};

use super::figures::rounded;

/// What a server counted: all since its start, or what a load added.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Times of moves, by stage, in seconds.
    stages: BTreeMap<String, Distribution>,
    /// Requests of one transaction.
    batch: Distribution,
    /// Facts, by where they were found.
    facts: BTreeMap<String, u64>,
    /// The most moves that waited since it was told last, and the most beyond which calls were refused.
    pub(crate) queue: (u64, u64),
}

/// How values lie, as far as buckets tell.
#[derive(Debug, Clone, Default)]
struct Distribution {
    count: u64,
    sum: f64,
    /// The buckets' upper bounds; the last bucket has none.
    bounds: Vec<f64>,
    buckets: Vec<u64>,
}

impl Counts {
    /// What a server sent.
    pub(crate) fn of(sent: &ExportMetricsServiceRequest) -> Counts {
        let mut counts = Counts::default();
        let resources = sent.resource_metrics.iter();
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        for metric in scopes.flat_map(|scope| &scope.metrics) {
            match (metric.name.as_str(), &metric.data) {
                ("hefu.move.stage.duration", Some(Data::Histogram(histogram))) => {
                    for point in &histogram.data_points {
                        let stage = label(&point.attributes, "stage");
                        counts.stages.insert(stage, Distribution::of(point));
                    }
                }
                ("hefu.batch.size", Some(Data::Histogram(histogram))) => {
                    for point in &histogram.data_points {
                        counts.batch = Distribution::of(point);
                    }
                }
                ("hefu.facts", Some(Data::Sum(sum))) => {
                    for point in &sum.data_points {
                        if let Some(Number::AsInt(facts)) = point.value {
                            let found = label(&point.attributes, "found");
                            let facts = u64::try_from(facts).unwrap_or_default();
                            counts.facts.insert(found, facts);
                        }
                    }
                }
                ("hefu.queue.depth", Some(Data::Gauge(gauge))) => counts.queue.0 = highest(gauge),
                ("hefu.queue.bound", Some(Data::Gauge(gauge))) => counts.queue.1 = highest(gauge),
                _ => {}
            }
        }
        counts
    }

    /// What was added since.
    pub(crate) fn since(mut self, before: &Counts) -> Counts {
        for (stage, distribution) in &mut self.stages {
            if let Some(before) = before.stages.get(stage) {
                distribution.change(before, u64::saturating_sub, |all, some| all - some);
            }
        }
        self.batch
            .change(&before.batch, u64::saturating_sub, |all, some| all - some);
        for (found, facts) in &mut self.facts {
            let before = before.facts.get(found).copied();
            *facts = facts.saturating_sub(before.unwrap_or_default());
        }
        self
    }

    /// Adds another round's.
    pub(crate) fn add(&mut self, more: &Counts) {
        for (stage, distribution) in &more.stages {
            let of = self.stages.entry(stage.clone()).or_default();
            of.change(distribution, u64::saturating_add, |one, other| one + other);
        }
        self.batch
            .change(&more.batch, u64::saturating_add, |one, other| one + other);
        for (found, facts) in &more.facts {
            *self.facts.entry(found.clone()).or_default() += facts;
        }
    }

    /// One move by stage, in order.
    fn breakdown(&self) -> Vec<Told> {
        let of = |stage: Stage| self.stages.get(stage.name());
        let moves = of(Stage::Decide).map_or(0, |decided| decided.count).max(1) as f64;
        let sum = |stage: Stage| of(stage).map_or(0.0, |distribution| distribution.sum);
        let worked = Stage::ALL.into_iter().filter(|stage| !stage.waits());
        let worked: f64 = worked.map(sum).sum();
        let told = |stage: Stage| Told {
            stage,
            mean: sum(stage) / moves,
            share: (!stage.waits() && worked > 0.0).then(|| sum(stage) / worked),
            p50: of(stage).map_or(0.0, |distribution| distribution.quantile(0.5)),
            p99: of(stage).map_or(0.0, |distribution| distribution.quantile(0.99)),
        };
        Stage::ALL.map(told).into()
    }

    /// The part of the facts that were found in memory.
    fn found(&self) -> Option<f64> {
        let all: u64 = self.facts.values().sum();
        let found = self.facts.get("memory").copied().unwrap_or_default();
        (all > 0).then(|| found as f64 / all as f64)
    }

    /// For programs: times in microseconds.
    pub(crate) fn json(&self) -> Value {
        let stages = self.breakdown().into_iter().map(|told| {
            let mut figures = json!({
                "mean_us": micros(told.mean),
                "p50_us": micros(told.p50),
                "p99_us": micros(told.p99),
            });
            if let Some(share) = told.share {
                figures["share"] = json!(share);
            }
            (told.stage.name().to_owned(), figures)
        });
        json!({
            "stages": Value::Object(stages.collect::<Map<_, _>>()),
            "batch": rounded(self.batch.mean()),
            "facts_found": self.found(),
        })
    }

    /// For a person: what the batches were like, and one move by stage.
    pub(crate) fn told(&self) -> (String, Table) {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["stage", "mean, us", "share", "p50, us", "p99, us"]);
        for told in self.breakdown() {
            let share = told.share.map(|share| format!("{:.1} %", share * 100.0));
            table.add_row([
                told.stage.name().to_owned(),
                format!("{:.1}", told.mean * 1e6),
                share.unwrap_or("waits".to_owned()),
                format!("{:.1}", told.p50 * 1e6),
                format!("{:.1}", told.p99 * 1e6),
            ]);
        }
        for column in 1..5 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let found = self.found().map_or(String::new(), |found| {
            format!(", {:.1} % of their facts found in memory", found * 100.0)
        });
        let batches = format!("batches of {:.1} moves{found}", self.batch.mean());
        (batches, table)
    }
}

/// A stage of one move, in seconds. What is waited has no share in the work.
struct Told {
    stage: Stage,
    mean: f64,
    share: Option<f64>,
    p50: f64,
    p99: f64,
}

impl Distribution {
    fn of(point: &HistogramDataPoint) -> Distribution {
        Distribution {
            count: point.count,
            sum: point.sum.unwrap_or_default(),
            bounds: point.explicit_bounds.clone(),
            buckets: point.bucket_counts.clone(),
        }
    }

    /// Every number becomes what it makes with another's.
    fn change(
        &mut self,
        other: &Distribution,
        count: impl Fn(u64, u64) -> u64,
        sum: impl Fn(f64, f64) -> f64,
    ) {
        if self.buckets.len() < other.buckets.len() {
            self.bounds.clone_from(&other.bounds);
            self.buckets.resize(other.buckets.len(), 0);
        }
        self.count = count(self.count, other.count);
        self.sum = sum(self.sum, other.sum);
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine = count(*mine, *theirs);
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }

    /// A quantile, between the bounds of its bucket by how many lie below it there. Beyond the last bound, the last bound.
    fn quantile(&self, quantile: f64) -> f64 {
        let all: u64 = self.buckets.iter().sum();
        let rank = quantile * all as f64;
        let (mut below, mut lower) = (0.0, 0.0);
        for (bucket, upper) in self.buckets.iter().zip(&self.bounds) {
            let within = *bucket as f64;
            if within > 0.0 && below + within >= rank {
                return lower + (upper - lower) * (rank - below) / within;
            }
            below += within;
            lower = *upper;
        }
        lower
    }
}

/// The highest number of a gauge.
fn highest(gauge: &Gauge) -> u64 {
    let numbers = gauge.data_points.iter().filter_map(|point| point.value);
    let numbers = numbers.map(|number| match number {
        Number::AsInt(number) => u64::try_from(number).unwrap_or_default(),
        Number::AsDouble(number) => number as u64,
    });
    numbers.max().unwrap_or_default()
}

/// A label's text.
fn label(labels: &[KeyValue], key: &str) -> String {
    let label = labels.iter().find(|label| label.key == key);
    let value = label.and_then(|label| label.value.as_ref()?.value.as_ref());
    match value {
        Some(Attribute::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}

fn micros(seconds: f64) -> f64 {
    rounded(seconds * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many moves, each of which took so long, by buckets of 1, 2 and 4 seconds.
    fn took(moves: u64, seconds: f64) -> Distribution {
        let bounds = vec![1.0, 2.0, 4.0];
        let mut buckets = vec![0; 4];
        buckets[bounds.partition_point(|bound| *bound < seconds)] = moves;
        Distribution {
            count: moves,
            sum: moves as f64 * seconds,
            bounds,
            buckets,
        }
    }

    fn counts(stages: &[(Stage, u64, f64)], facts: [u64; 2]) -> Counts {
        let of = |(stage, moves, seconds): &(Stage, u64, f64)| {
            (stage.name().to_owned(), took(*moves, *seconds))
        };
        Counts {
            stages: stages.iter().map(of).collect(),
            batch: took(10, 3.0),
            facts: [
                ("memory".to_owned(), facts[0]),
                ("store".to_owned(), facts[1]),
            ]
            .into(),
            queue: (0, 0),
        }
    }

    #[test]
    fn shares_are_of_the_work_that_a_load_added_and_waiting_has_none() {
        let before = counts(&[(Stage::Decide, 5, 1.5)], [10, 10]);
        let mut after = before.clone();
        let load = [
            (Stage::Queue, 8, 3.0),
            (Stage::Decide, 8, 1.5),
            (Stage::Sql, 8, 0.5),
        ];
        after.add(&counts(&load, [90, 10]));
        let added = after.since(&before);
        let told = added.json();
        assert_eq!(told["stages"]["decide"]["share"], 0.75);
        assert_eq!(told["stages"]["sql"]["share"], 0.25);
        assert_eq!(told["stages"]["decide"]["mean_us"], 1_500_000.0);
        assert_eq!(told["stages"]["queue"]["mean_us"], 3_000_000.0);
        assert_eq!(told["stages"]["queue"].get("share"), None);
        assert_eq!(
            (&told["facts_found"], &told["batch"]),
            (&json!(0.9), &json!(3.0))
        );
        let (batches, table) = added.told();
        assert_eq!(
            batches,
            "batches of 3.0 moves, 90.0 % of their facts found in memory"
        );
        assert!(table.to_string().contains("75.0 %"), "{table}");
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let mut distribution = took(50, 0.5);
        distribution.change(&took(50, 3.0), u64::saturating_add, |one, other| {
            one + other
        });
        assert_eq!(distribution.quantile(0.25), 0.5);
        assert_eq!(distribution.quantile(0.75), 3.0);
        assert_eq!(took(9, 100.0).quantile(0.5), 4.0, "no bucket tells more");
        assert_eq!(Distribution::default().quantile(0.5), 0.0);
    }
}
