//! From what varies to combinations of values: all that there are, or some that are drawn.

use crate::config::{ConfigError, ConfigFile, Origin, Values, Varied};
use crate::random::{self, Stream};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use std::collections::BTreeSet;

/// Runs that a sweep may have: more were hardly meant.
const MOST_RUNS: usize = 10_000;

/// A value for each key that varies, and where it was given.
pub(super) type Combination = Vec<(String, toml::Value, Origin)>;

/// The file's grids with what was typed over them.
pub(super) fn grids(file: &ConfigFile, typed: &[String]) -> Result<Vec<Vec<Varied>>, ConfigError> {
    let mut grids = if file.grids.is_empty() { vec![Vec::new()] } else { file.grids.clone() };
    let mut seen = BTreeSet::new();
    for text in typed {
        let varied = Varied::from_flag(text)?;
        if !seen.insert(varied.key.clone()) {
            let (found, expected) = ("the key a second time".into(), "it once, with all its values".into());
            return Err(ConfigError::Value { origin: varied.origin, found, expected });
        }
        for grid in &mut grids {
            match grid.iter_mut().find(|other| other.key == varied.key) {
                Some(other) => *other = varied.clone(),
                None => grid.push(varied.clone()),
            }
        }
    }
    if grids.iter().all(Vec::is_empty) {
        return Err(ConfigError::NothingVaries);
    }
    Ok(grids)
}

/// The keys of all grids, in the order of their first appearance.
pub(super) fn keys(grids: &[Vec<Varied>]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for varied in grids.iter().flatten() {
        if !keys.contains(&varied.key) {
            keys.push(varied.key.clone());
        }
    }
    keys
}

/// Every combination of each grid, the last key's values changing fastest.
pub(super) fn every(grids: &[Vec<Varied>]) -> Result<Vec<Combination>, ConfigError> {
    let mut combinations: Vec<Combination> = Vec::new();
    for grid in grids {
        let mut product: Vec<Combination> = vec![Vec::new()];
        for Varied { key, values, origin } in grid {
            let Values::List(list) = values else {
                return Err(ConfigError::WithoutEffect {
                    origin: origin.clone(),
                    reason: "a range is drawn from, and there is no --random N".into(),
                });
            };
            too_many(combinations.len().saturating_add(product.len().saturating_mul(list.len())), origin)?;
            let longer = |combination: &Combination| {
                let with = |value: &toml::Value| {
                    let mut longer = combination.clone();
                    longer.push((key.clone(), value.clone(), origin.clone()));
                    longer
                };
                list.iter().map(with).collect::<Vec<_>>()
            };
            product = product.iter().flat_map(longer).collect();
        }
        combinations.extend(product);
    }
    Ok(combinations)
}

/// So many different combinations, each of a grid that is drawn first.
pub(super) fn drawn(
    grids: &[Vec<Varied>],
    count: usize,
    seed: u64,
    origin: &Origin,
) -> Result<Vec<Combination>, ConfigError> {
    /// Draws in a row that bring nothing new, after which there is nothing new.
    const PATIENCE: usize = 1000;
    too_many(count, origin)?;
    let mut rng = random::generator(seed, Stream::Sweep);
    let mut combinations: Vec<Combination> = Vec::new();
    let mut in_vain = 0;
    while combinations.len() < count {
        let grid = &grids[random::below(&mut rng, grids.len() as u32) as usize];
        let one =
            |varied: &Varied| (varied.key.clone(), draw(&varied.values, &mut rng), varied.origin.clone());
        let combination: Combination = grid.iter().map(one).collect();
        if !combinations.contains(&combination) {
            combinations.push(combination);
            in_vain = 0;
        } else if in_vain == PATIENCE {
            return Err(ConfigError::Value {
                origin: origin.clone(),
                found: count.to_string(),
                expected: format!("at most {}, the combinations that there are", combinations.len()),
            });
        } else {
            in_vain += 1;
        }
    }
    Ok(combinations)
}

fn too_many(found: usize, origin: &Origin) -> Result<(), ConfigError> {
    if found <= MOST_RUNS {
        return Ok(());
    }
    let (found, expected) = (format!("{found} runs"), format!("at most {MOST_RUNS}"));
    Err(ConfigError::Value { origin: origin.clone(), found, expected })
}

/// Of a list evenly; of a range so that its logarithm is even, to three digits, which can be read and typed again.
fn draw(values: &Values, rng: &mut ChaCha8Rng) -> toml::Value {
    match values {
        Values::List(list) => list[random::below(rng, list.len() as u32) as usize].clone(),
        &Values::Range { low, high, whole } => {
            let share = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            let value = (low.ln() + share * (high / low).ln()).exp().clamp(low, high);
            if whole {
                return toml::Value::Integer(value.round() as i64);
            }
            let rounded = format!("{value:.2e}").parse().unwrap_or(value);
            toml::Value::Float(rounded)
        }
    }
}
