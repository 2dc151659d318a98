//! Which rows a run trains on, and which it is judged by.

use super::Selection;
use crate::data::{DataError, Holdout, Split};
use crate::random::{self, Stream};

/// Rows to train on and rows held out: disjoint, each list in rising order.
pub type Fold = Split;

/// One fold for held-out rows, the same as of a single run with that seed; k for k-fold cross-validation, where each row
/// is held out once and the parts differ by one row at most.
///
/// # Errors
/// [`DataError::Holdout`] when a part would be empty.
pub fn folds(rows: usize, selection: Selection, seed: u64) -> Result<Vec<Fold>, DataError> {
    let count = match selection {
        Selection::Holdout(holdout) => return Ok(vec![Split::new(rows, holdout, seed)?]),
        Selection::Folds(count) => count,
    };
    if count > rows {
        // A split into more parts than rows fails just as one that holds everything out.
        Split::new(rows, Holdout::Rows(rows), seed)?;
    }
    let mut order: Vec<u32> = (0..rows as u32).collect();
    random::shuffle(&mut random::generator(seed, Stream::Split), &mut order);
    let fold = |part: usize| {
        let held = part * rows / count..(part + 1) * rows / count;
        let mut train = [&order[..held.start], &order[held.end..]].concat();
        let mut validation = order[held].to_vec();
        train.sort_unstable();
        validation.sort_unstable();
        Split { train, validation }
    };
    Ok((0..count).map(fold).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_held_out_once() {
        let folds = folds(103, Selection::Folds(4), 7).expect("folds");
        let sizes: Vec<usize> = folds.iter().map(|fold| fold.validation.len()).collect();
        assert!(sizes.iter().all(|size| (25..=26).contains(size)), "{sizes:?}");
        let mut held: Vec<u32> = folds.iter().flat_map(|fold| fold.validation.clone()).collect();
        held.sort_unstable();
        assert_eq!(held, (0..103).collect::<Vec<u32>>());
        for fold in &folds {
            let mut all = [&fold.train[..], &fold.validation].concat();
            all.sort_unstable();
            assert_eq!(all, (0..103).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn a_holdout_is_that_of_a_single_run() {
        let holdout = Holdout::Fraction(0.1);
        let fold = folds(100, Selection::Holdout(holdout), 3).expect("a fold");
        assert_eq!(fold, [Split::new(100, holdout, 3).expect("splits")]);
        assert!(folds(3, Selection::Folds(4), 0).is_err());
    }
}
