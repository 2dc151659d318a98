//! Random numbers: the only file that makes generators.
//!
//! Every use has a stream of its own, so that drawing more in one place never changes another, and
//! the same seed gives the same numbers on every platform and in every version: ChaCha with 8
//! rounds, keyed by the seed itself, and a Fisher-Yates shuffle of our own (library shuffles have
//! changed their order between versions).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a stream of random numbers is for.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    /// The built-in data set.
    Generate = 1,
    /// Rows held out for validation.
    Split = 2,
    /// The random start of W.
    Init = 3,
    /// The order of the examples, epoch by epoch.
    Shuffle = 4,
    /// Draws of random search.
    Search = 5,
    /// Weights and coordinates of the gradient check.
    GradientCheck = 6,
    /// Starting vector and rows of the curvature estimate.
    Curvature = 7,
    /// Settings that a sweep draws.
    Sweep = 8,
    /// The order in which the SVM's dual takes the examples.
    Dual = 9,
    /// Rows that test, where a file does not say.
    TestSplit = 20,
    /// Rows that stand for all.
    Sample = 21,
}

/// The generator of `stream` under `seed`.
pub fn generator(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(stream as u64);
    rng
}

/// How many words `generator` has given: what [`seek`] goes back to.
pub fn position(generator: &ChaCha8Rng) -> u64 {
    // Nothing draws 2^64 words.
    u64::try_from(generator.get_word_pos()).unwrap_or(u64::MAX)
}

/// Lets `generator` go on as if it had given so many words.
pub fn seek(generator: &mut ChaCha8Rng, position: u64) {
    generator.set_word_pos(position.into());
}

/// A whole number from 0 to `bound` - 1, by a widening multiplication (its bias is below 2^-32 for
/// any bound below 2^32).
pub fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u32
}

/// Shuffles `items` in place, each order equally likely (Fisher and Yates).
pub fn shuffle<T>(rng: &mut ChaCha8Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u32 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_seeds_differ_and_repeat() {
        let draw = |seed, stream| generator(seed, stream).next_u64();
        assert_eq!(draw(7, Stream::Init), draw(7, Stream::Init));
        assert_ne!(draw(7, Stream::Init), draw(7, Stream::Shuffle));
        assert_ne!(draw(7, Stream::Init), draw(8, Stream::Init));
    }

    #[test]
    fn a_position_is_exact() {
        for drawn in 0..70 {
            let mut rng = generator(3, Stream::Search);
            for _ in 0..drawn {
                rng.next_u32();
            }
            let mut again = generator(3, Stream::Search);
            seek(&mut again, position(&rng));
            assert_eq!((again.next_u64(), again.next_u32()), (rng.next_u64(), rng.next_u32()), "{drawn}");
        }
    }

    /// A change of these numbers changes every model anyone has made: they are part of the format.
    #[test]
    fn the_order_of_a_shuffle_is_fixed_for_ever() {
        let mut items: Vec<u32> = (0..10).collect();
        shuffle(&mut generator(0, Stream::Shuffle), &mut items);
        assert_eq!(items, GOLDEN_SHUFFLE);
    }

    /// From this file's first version; guarded, not derived.
    const GOLDEN_SHUFFLE: [u32; 10] = [1, 3, 2, 0, 8, 4, 6, 7, 9, 5];

    #[test]
    fn a_shuffle_keeps_every_item_and_reaches_every_place() {
        let mut rng = generator(1, Stream::Shuffle);
        let mut seen = [[0_u32; 4]; 4];
        for _ in 0..4000 {
            let mut items = [0_usize, 1, 2, 3];
            shuffle(&mut rng, &mut items);
            items.iter().enumerate().for_each(|(place, &item)| seen[item][place] += 1);
        }
        // 1000 expected each; 4 standard deviations are 110.
        assert!(seen.iter().flatten().all(|&count| (890..=1110).contains(&count)), "{seen:?}");
    }
}
