//! The built-in data set: enough to see every command work, and nothing to download.
//!
//! Each class is a soft pattern of colours (a random 4 x 4 grid, blended to 32 x 32). An image is its
//! class's pattern at a random strength and brightness, under soft clouds and pixel noise of its own. A
//! linear classifier learns it well but not perfectly.

use super::{Dataset, Examples, Features, SampleWeights, Shape, Source};
use crate::random::{self, Stream};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// Training images of the built-in set.
pub const TRAIN: usize = 5000;
/// Test images of the built-in set.
pub const TEST: usize = 1000;

const SIDE: usize = 32;
const CHANNELS: usize = 3;
const CLASSES: usize = 10;
/// That of the set that is built in, which is the same for everyone, whatever the seed of a run.
pub const SEED: u64 = 0;

/// The built-in set with so many training and test images; the first images of a part are the same
/// for any size. Another seed has other patterns.
pub fn generate(train: usize, test: usize, seed: u64) -> Dataset {
    // Patterns, training and test images have a generator each, and no two seeds below 2^62 share one.
    let seed = seed.wrapping_mul(3);
    let mut rng = random::generator(seed, Stream::Generate);
    let patterns: Vec<Vec<f32>> = (0..CLASSES).map(|_| field(&mut rng, 4)).collect();
    let train = part(&patterns, train, seed.wrapping_add(1));
    let test = part(&patterns, test, seed.wrapping_add(2));
    Dataset {
        name: "the built-in generated set".into(),
        source: Source::BuiltIn,
        shape: Shape::Image { channels: CHANNELS, height: SIDE, width: SIDE },
        class_names: (0..CLASSES).map(|class| format!("pattern {class}")).collect(),
        feature_names: None,
        train,
        test,
        weights: SampleWeights::default(),
        notes: Vec::new(),
    }
}

fn part(patterns: &[Vec<f32>], count: usize, seed: u64) -> Examples {
    let mut rng = random::generator(seed, Stream::Generate);
    let width = CHANNELS * SIDE * SIDE;
    let mut features = Vec::with_capacity(count * width);
    let mut labels = Vec::with_capacity(count);
    let mut noise = vec![0_u8; width];
    for _ in 0..count {
        let label = random::below(&mut rng, CLASSES as u32) as usize;
        let strength = 22.0 + 10.0 * uniform(&mut rng);
        let brightness = 128.0 + 40.0 * uniform(&mut rng);
        let clouds = field(&mut rng, 5);
        rng.fill_bytes(&mut noise);
        let pixels = patterns[label].iter().zip(&clouds).zip(&noise).map(|((pattern, cloud), &noise)| {
            let grain = (f32::from(noise) - 127.5) * 0.3;
            (brightness + strength * pattern + 55.0 * cloud + grain).round().clamp(0.0, 255.0) as u8
        });
        features.extend(pixels);
        labels.push(label as u16);
    }
    Examples { features: Features::Bytes(features), labels, width }
}

/// A soft random image, about -1 to 1: a `grid` x `grid` field a channel, blended between its points.
fn field(rng: &mut ChaCha8Rng, grid: usize) -> Vec<f32> {
    let mut image = Vec::with_capacity(CHANNELS * SIDE * SIDE);
    for _ in 0..CHANNELS {
        let points: Vec<f32> = (0..grid * grid).map(|_| uniform(rng)).collect();
        for row in 0..SIDE {
            for column in 0..SIDE {
                let (top, down) = cell(row, grid);
                let (left, right) = cell(column, grid);
                let across = |line: usize| {
                    points[line * grid + left] * (1.0 - right) + points[line * grid + left + 1] * right
                };
                image.push(across(top) * (1.0 - down) + across(top + 1) * down);
            }
        }
    }
    image
}

/// The grid point before pixel `at`, and how far beyond it the pixel lies, 0 to 1.
fn cell(at: usize, grid: usize) -> (usize, f32) {
    let place = at as f32 / (SIDE - 1) as f32 * (grid - 1) as f32;
    let point = (place as usize).min(grid - 2);
    (point, place - point as f32)
}

/// A number from -1 to 1, evenly.
fn uniform(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_repeats_and_grows_without_changing() {
        let small = generate(20, 10, SEED);
        let large = generate(30, 10, SEED);
        let pixels = |part: &Examples, count: usize| -> Vec<f32> {
            (0..count * 3072).map(|index| part.features.get(index)).collect()
        };
        assert_eq!(pixels(&small.train, 20), pixels(&large.train, 20));
        assert_eq!(small.test, large.test);
        assert_ne!(pixels(&small.train, 1), pixels(&small.test, 1));
        let other = generate(20, 10, 1);
        assert_ne!(pixels(&small.train, 1), pixels(&other.train, 1));
        assert_eq!(other.digest(), generate(20, 10, 1).digest());
    }

    #[test]
    fn every_class_is_there() {
        let data = generate(500, 200, SEED);
        for part in [&data.train, &data.test] {
            for class in 0..10 {
                assert!(part.labels.contains(&class), "class {class}");
            }
        }
    }
}
