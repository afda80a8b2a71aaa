//! Figures by name, one of each round: their medians are what is told, and ratios to the yardstick of the same round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::load::Measured;
use super::profile::Counts;

/// One engine's figures.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    rounds: BTreeMap<String, Vec<f64>>,
    /// What was measured, in the order in which it was.
    pub(crate) loads: Vec<String>,
    /// Where the time of one move went, by load, over all rounds.
    #[serde(skip)]
    pub(crate) profiles: Vec<(String, Counts)>,
}

impl Figures {
    /// Notes a round's figure.
    pub(crate) fn note(&mut self, name: &str, value: f64) {
        self.rounds.entry(name.to_owned()).or_default().push(value);
    }

    /// Notes a load: what it did a second, and how long its calls took.
    pub(crate) fn load(&mut self, name: &str, measured: &Measured) {
        self.throughput(name, measured.per_second());
        self.note(&format!("{name}_p50_ms"), measured.millis(0.5));
        self.note(&format!("{name}_p99_ms"), measured.millis(0.99));
    }

    /// Notes what a load did a second, where there are no calls to time.
    pub(crate) fn throughput(&mut self, name: &str, per_second: f64) {
        self.note(&format!("{name}_per_second"), per_second);
        if !self.loads.iter().any(|load| load == name) {
            self.loads.push(name.to_owned());
        }
    }

    /// Notes what a load does a second in relation to the yardstick of its round.
    pub(crate) fn ratio(&mut self, name: &str, measured: &Measured, yardstick: Option<f64>) {
        if let Some(yardstick) = yardstick {
            self.note(&format!("ratio_{name}"), measured.per_second() / yardstick);
        }
    }

    /// Notes of each load how its throughput stands to that of other figures.
    pub(crate) fn compare(&mut self, to: &Figures) {
        for load in self.loads.clone() {
            let name = format!("{load}_per_second");
            if let Some((own, other)) = self.median(&name).zip(to.median(&name))
                && other > 0.0
            {
                self.note(&format!("{load}_to_smallest"), own / other);
            }
        }
    }

    /// Notes where the time of a load's moves went.
    pub(crate) fn profile(&mut self, name: &str, counts: &Counts) {
        match self.profiles.iter_mut().find(|(load, _)| load == name) {
            Some((_, all)) => all.add(counts),
            None => self.profiles.push((name.to_owned(), counts.clone())),
        }
    }

    /// The median over the rounds.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        median(self.rounds.get(name)?)
    }

    /// All medians, and the profile if there is one.
    pub(crate) fn json(&self) -> Value {
        let medians = self.rounds.iter().filter_map(|(name, values)| {
            let median = median(values)?;
            Some((name.clone(), json!(rounded(median))))
        });
        let mut figures: Map<String, Value> = medians.collect();
        if !self.profiles.is_empty() {
            let profiles = self.profiles.iter();
            let profiles = profiles.map(|(load, counts)| (load.clone(), counts.json()));
            let profiles = Value::Object(profiles.collect());
            figures.insert("profile".to_owned(), profiles);
        }
        Value::Object(figures)
    }
}

/// The middle of some values; of an even number, the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len().is_multiple_of(2) {
        return Some((values[values.len() / 2 - 1] + upper) / 2.0);
    }
    Some(upper)
}

/// Three digits behind the point say all that a measurement can.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_median_is_the_middle_whatever_the_order() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 9.0, 2.0]), Some(3.0));
    }

    #[test]
    fn a_ratio_is_to_the_yardstick_of_its_own_round() {
        let mut figures = Figures::default();
        // The machine is twice as fast in the second round, and the ratio the same.
        for speed in [1.0, 2.0] {
            let mut measured = Measured::new();
            (measured.ops, measured.seconds) = (5_000, 1.0 / speed);
            measured.note(&Ok(()), Duration::from_millis(2), 0, true);
            figures.load("single_64", &measured);
            figures.ratio("single_64", &measured, Some(1_000.0 * speed));
        }
        assert_eq!(figures.median("ratio_single_64"), Some(5.0));
        assert_eq!(figures.json()["single_64_per_second"], 7_500.0);
        assert!((figures.median("single_64_p99_ms").unwrap() - 2.0).abs() < 0.01);
    }

    #[test]
    fn a_load_is_compared_with_the_same_load_of_other_figures() {
        let (mut small, mut large) = (Figures::default(), Figures::default());
        small.throughput("reads", 2_000.0);
        large.throughput("reads", 1_800.0);
        large.throughput("bulk", 9_000.0);
        large.compare(&small);
        assert_eq!(large.median("reads_to_smallest"), Some(0.9));
        assert_eq!(large.median("bulk_to_smallest"), None);
    }

    #[test]
    fn without_a_yardstick_there_is_no_ratio() {
        let mut figures = Figures::default();
        figures.ratio("bulk", &Measured::new(), None);
        assert_eq!(figures.median("ratio_bulk"), None);
    }
}
