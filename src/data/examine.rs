//! What the examples of a data set are like: their range, features that never change, and examples that are there twice.

use super::{Dataset, Examples, Features};
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// Of the training examples.
    pub train: Values,
    /// Of the test examples; `None` without any.
    pub test: Option<Values>,
    /// Numbers of the features that have one value in all training examples.
    pub constant: Vec<usize>,
    /// Examples whose features are those of an earlier one, bit by bit. Test examples come after all training ones.
    pub repeats: Vec<Repeat>,
    /// BLAKE3 of the data set, as [`Dataset::digest`] has it.
    pub digest: String,
}

/// The numbers of some examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    /// The lowest.
    pub low: f32,
    /// The highest.
    pub high: f32,
    /// Their mean.
    pub mean: f64,
}

/// Where an example is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whether it tests.
    pub test: bool,
    /// Its row, from 0.
    pub row: usize,
    /// Its class.
    pub label: u16,
}

/// An example that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// It.
    pub this: Place,
    /// The first with the same features.
    pub first: Place,
}

impl Repeat {
    /// Whether the same features have different labels: no classifier can have both right.
    pub fn contradicts(self) -> bool {
        self.this.label != self.first.label
    }
}

/// Examines a data set. Statistics, search for repeats and digest each have a thread of their own: what is found does
/// not depend on how many there are.
pub fn examine(data: &Dataset) -> Examination {
    std::thread::scope(|scope| {
        let statistics = scope.spawn(|| (statistics(&data.train), statistics(&data.test)));
        let repeats = scope.spawn(|| repeats(data));
        let digest = data.digest();
        let (train, test) = statistics.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let repeats = repeats.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let test = (!data.test.is_empty()).then_some(test.0);
        Examination { train: train.0, test, constant: train.1, repeats, digest }
    })
}

/// The mean of all examples, and that of each class; `None` for a class without any. Each has D values.
pub fn class_means(examples: &Examples, classes: usize) -> (Vec<f32>, Vec<Option<Vec<f32>>>) {
    let width = examples.width;
    let mut sums = vec![0.0_f64; classes * width];
    let mut counts = vec![0_usize; classes];
    for (row, &label) in examples.labels.iter().enumerate() {
        let class = usize::from(label);
        counts[class] += 1;
        let sums = &mut sums[class * width..][..width];
        match &examples.features {
            Features::Bytes(values) => add(sums, &values[row * width..][..width]),
            Features::Floats(values) => add(sums, &values[row * width..][..width]),
        }
    }
    let mean = |sums: &[f64], count: usize| sums.iter().map(|sum| (sum / count as f64) as f32).collect();
    let mut all = vec![0.0; width];
    sums.chunks_exact(width).for_each(|sums| add(&mut all, sums));
    let of_classes = sums.chunks_exact(width).zip(&counts);
    let of_classes = of_classes.map(|(sums, &count)| (count > 0).then(|| mean(sums, count))).collect();
    (mean(&all, examples.len()), of_classes)
}

fn add<T: Copy + Into<f64>>(sums: &mut [f64], values: &[T]) {
    sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += value.into());
}

/// Range and mean of all numbers, and the features with one value.
fn statistics(examples: &Examples) -> (Values, Vec<usize>) {
    match &examples.features {
        Features::Bytes(values) => {
            let extremes = extremes(values, examples.width);
            // Whole numbers: their sum is exact.
            let sum: u64 =
                values.chunks(1 << 16).map(|part| part.iter().map(|&v| u64::from(v)).sum::<u64>()).sum();
            summary(&extremes, sum as f64, values.len())
        }
        Features::Floats(values) => {
            let sum = values.iter().map(|&value| f64::from(value)).sum();
            summary(&extremes(values, examples.width), sum, values.len())
        }
    }
}

fn summary<T: Copy + Into<f32> + PartialEq>(
    (low, high): &(Vec<T>, Vec<T>),
    sum: f64,
    count: usize,
) -> (Values, Vec<usize>) {
    let constant = low.iter().zip(high).enumerate().filter(|(_, (low, high))| low == high);
    let values = Values {
        low: low.iter().map(|&low| low.into()).fold(f32::INFINITY, f32::min),
        high: high.iter().map(|&high| high.into()).fold(f32::NEG_INFINITY, f32::max),
        mean: sum / count as f64,
    };
    (values, constant.map(|(feature, _)| feature).collect())
}

/// The lowest and the highest value of each feature; all of the first row where there is no other.
fn extremes<T: Copy + PartialOrd>(values: &[T], width: usize) -> (Vec<T>, Vec<T>) {
    let first = values.get(..width).unwrap_or_default();
    let (mut low, mut high) = (first.to_vec(), first.to_vec());
    for row in values.chunks_exact(width) {
        for ((low, high), &value) in low.iter_mut().zip(&mut high).zip(row) {
            *low = if value < *low { value } else { *low };
            *high = if value > *high { value } else { *high };
        }
    }
    (low, high)
}

/// Finds the examples that are there again: by a hash of each row, then by all its numbers.
fn repeats(data: &Dataset) -> Vec<Repeat> {
    let mut firsts: HashMap<u64, Vec<Place>> = HashMap::with_capacity(data.train.len() + data.test.len());
    let mut repeats = Vec::new();
    for (test, part) in [(false, &data.train), (true, &data.test)] {
        for (row, &label) in part.labels.iter().enumerate() {
            let this = Place { test, row, label };
            let seen = firsts.entry(hash(part, row)).or_default();
            match seen.iter().find(|&&first| same(data, first, this)) {
                Some(&first) => repeats.push(Repeat { this, first }),
                None => seen.push(this),
            }
        }
    }
    repeats
}

fn hash(examples: &Examples, row: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    let range = row * examples.width..(row + 1) * examples.width;
    match &examples.features {
        Features::Bytes(values) => hasher.write(&values[range]),
        Features::Floats(values) => hasher.write(bytemuck::cast_slice(&values[range])),
    }
    hasher.finish()
}

fn same(data: &Dataset, a: Place, b: Place) -> bool {
    let part = |place: Place| if place.test { &data.test } else { &data.train };
    let width = data.train.width;
    let range = |place: Place| place.row * width..(place.row + 1) * width;
    match (&part(a).features, &part(b).features) {
        (Features::Bytes(one), Features::Bytes(other)) => one[range(a)] == other[range(b)],
        (Features::Floats(one), Features::Floats(other)) => {
            let bits = bytemuck::cast_slice::<f32, u32>;
            bits(&one[range(a)]) == bits(&other[range(b)])
        }
        // Both parts of a data set have one kind.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SampleWeights, Shape, Source};

    fn data(train: &[([u8; 2], u16)], test: &[([u8; 2], u16)]) -> Dataset {
        let part = |rows: &[([u8; 2], u16)]| Examples {
            features: Features::Bytes(rows.iter().flat_map(|(row, _)| *row).collect()),
            labels: rows.iter().map(|(_, label)| *label).collect(),
            width: 2,
        };
        Dataset {
            name: "small".into(),
            source: Source::BuiltIn,
            shape: Shape::Vector(2),
            class_names: vec!["a".into(), "b".into(), "c".into()],
            feature_names: None,
            train: part(train),
            test: part(test),
            weights: SampleWeights::default(),
            notes: Vec::new(),
        }
    }

    /// The same numbers as floats.
    fn as_floats(mut data: Dataset) -> Dataset {
        for part in [&mut data.train, &mut data.test] {
            part.features =
                Features::Floats((0..part.features.len()).map(|at| part.features.get(at)).collect());
        }
        data
    }

    #[test]
    fn ranges_constants_and_repeats_are_found_in_bytes_and_floats() {
        let bytes = data(&[([7, 1], 0), ([7, 2], 1), ([7, 1], 1), ([7, 1], 0)], &[([7, 2], 1), ([0, 9], 0)]);
        for data in [bytes.clone(), as_floats(bytes)] {
            let found = examine(&data);
            assert_eq!(found.train, Values { low: 1.0, high: 7.0, mean: 33.0 / 8.0 });
            assert_eq!(found.test, Some(Values { low: 0.0, high: 9.0, mean: 4.5 }));
            assert_eq!(found.constant, [0]);
            let place = |test, row, label| Place { test, row, label };
            let expected = [
                Repeat { this: place(false, 2, 1), first: place(false, 0, 0) },
                Repeat { this: place(false, 3, 0), first: place(false, 0, 0) },
                Repeat { this: place(true, 0, 1), first: place(false, 1, 1) },
            ];
            assert_eq!(found.repeats, expected);
            assert_eq!(
                found.repeats.iter().map(|r| r.contradicts()).collect::<Vec<_>>(),
                [true, false, false]
            );
            assert_eq!(found.digest, data.digest());
        }
    }

    #[test]
    fn no_test_examples_have_no_values() {
        assert_eq!(examine(&data(&[([1, 2], 0)], &[])).test, None);
    }

    #[test]
    fn means_are_of_classes_and_of_all() {
        let data = data(&[([0, 10], 0), ([4, 20], 0), ([8, 60], 1)], &[]);
        let (all, classes) = class_means(&data.train, 3);
        assert_eq!(all, [4.0, 30.0]);
        assert_eq!(classes, [Some(vec![2.0, 15.0]), Some(vec![8.0, 60.0]), None]);
    }
}
