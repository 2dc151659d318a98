//! Features that lie too far from 0 for the digits of f32.

use super::preprocess::for_each_floats;
use super::{Examples, Features, Preprocess, Preprocessing, Store};
use crate::random::{self, Stream};

/// A feature of floats that lies so far from 0, for how little it varies, that f32 loses what varies: in the features
/// themselves, and in scores, which are sums of weights times the features as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distant {
    /// Its number, from 0.
    pub feature: usize,
    /// Its mean.
    pub mean: f32,
    /// Its deviation.
    pub deviation: f32,
    /// How many features are so.
    pub count: usize,
}

impl Distant {
    /// |mean| over deviation from which on a feature is distant: neighbours in f32 are then a hundredth of a deviation
    /// apart, and so are scores.
    const FROM: f32 = 1e5;
    /// Examples of a sample.
    const SAMPLE: usize = 1000;

    /// The most distant of the features that `map` standardises, which was learned from `rows`.
    ///
    /// # Errors
    /// When rows that are not held cannot be read.
    pub fn among<S: Store>(map: &Preprocessing, store: &S, rows: &[u32]) -> Result<Option<Self>, S::Error> {
        if matches!(store.like().features, Features::Bytes(_)) {
            return Ok(None);
        }
        let distance = |feature: usize| map.mean[feature].abs() * map.scale[feature];
        let mut distant: Vec<usize> =
            (0..map.mean.len()).filter(|&feature| distance(feature) >= Self::FROM).collect();
        // What never varies has scale 1, and gets no weight: nothing is lost.
        let still = distant.iter().copied().filter(|&feature| map.scale[feature] == 1.0).collect();
        let still = never_varying(still, store, rows)?;
        distant.retain(|feature| !still.contains(feature));
        let worst = distant.iter().copied().max_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        Ok(worst.map(|feature| {
            let (mean, deviation) = (map.mean[feature], 1.0 / map.scale[feature]);
            Self { feature, mean, deviation, count: distant.len() }
        }))
    }

    /// The most distant of the features, as a sample of the examples has them.
    pub fn in_sample(examples: &Examples) -> Option<Self> {
        let mut rows = examples.all();
        random::shuffle(&mut random::generator(0, Stream::Sample), &mut rows);
        rows.truncate(Self::SAMPLE);
        if rows.is_empty() {
            return None;
        }
        let map = Preprocessing::fit(Preprocess::Standardize, examples, &rows);
        let Ok(distant) = Self::among(&map, examples, &rows);
        distant
    }

    /// How many deviations neighbours in f32 are apart, around the mean.
    pub fn step(self) -> f32 {
        (self.mean.abs().next_up() - self.mean.abs()) / self.deviation
    }
}

/// Those of `features` that have one value in all rows.
fn never_varying<S: Store>(
    mut features: Vec<usize>,
    store: &S,
    rows: &[u32],
) -> Result<Vec<usize>, S::Error> {
    if features.is_empty() {
        return Ok(features);
    }
    let mut first = None;
    for_each_floats(store, rows, |values| {
        let first = first.get_or_insert_with(|| values.to_vec());
        features.retain(|&feature| values[feature] == first[feature]);
    })?;
    Ok(features)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `rows` examples, feature d being `centres`_d plus and minus `deviations`_d in turns.
    fn around(centres: [f32; 4], deviations: [f32; 4], rows: usize) -> Examples {
        let value = |row: usize, feature: usize| {
            let side = if row.is_multiple_of(2) { 1.0 } else { -1.0 };
            centres[feature] + side * deviations[feature]
        };
        let values = (0..rows).flat_map(|row| (0..4).map(move |feature| value(row, feature))).collect();
        Examples { features: Features::Floats(values), labels: vec![0; rows], width: 4 }
    }

    #[test]
    fn features_far_from_zero_are_told_of() {
        let deviations = [1.0, 2.0, 1.0, 0.5];
        let found = |centres| Distant::in_sample(&around(centres, deviations, 6));
        assert_eq!(found([0.0, 1.5e5, -9e4, 4e4]), None);
        let distant = found([0.0, -6e6, 1e6, 7e4]).expect("three of them");
        assert_eq!(distant, Distant { feature: 1, mean: -6e6, deviation: 2.0, count: 3 });
        assert_eq!(distant.step(), 0.25);
        assert_eq!(found([1e5, 0.0, 0.0, 0.0]).map(Distant::step), Some(1.0 / 128.0));
    }

    #[test]
    fn what_never_varies_is_not_distant() {
        let mixed = around([1e9, 2e9, 1e6, 0.0], [0.0, 0.0, 1.0, 1.0], 6);
        assert_eq!(Distant::in_sample(&mixed).map(|distant| (distant.feature, distant.count)), Some((2, 1)));
        for rows in [0, 1] {
            assert_eq!(Distant::in_sample(&around([1e9; 4], [0.5; 4], rows)), None);
        }
    }

    #[test]
    fn a_sample_has_the_distance_of_all() {
        let many = around([0.0, 1e6, 0.0, 0.0], [1.0; 4], 5 * Distant::SAMPLE);
        let distant = Distant::in_sample(&many).expect("one of them");
        assert_eq!((distant.feature, distant.count), (1, 1));
        assert!((distant.deviation - 1.0).abs() < 0.01 && (distant.mean - 1e6).abs() < 1.0, "{distant:?}");
    }
}
