//! What is drawn of a sequence of numbers: its finite values, and not more of them than the page can show.

use super::{Point, number};

/// The finite points of one curve, in unbroken runs: where a value was not finite the line has a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Runs of finite points; none is empty.
    pub runs: Vec<Vec<Point>>,
    /// How many points were left out since one of their numbers was not finite.
    pub skipped: usize,
}

impl Series {
    /// Sorts points into runs.
    pub fn new(points: impl IntoIterator<Item = Point>) -> Self {
        let mut series = Self::default();
        let mut broken = true;
        for (x, y) in points {
            if !(x.is_finite() && y.is_finite()) {
                series.skipped += 1;
                broken = true;
                continue;
            }
            match series.runs.last_mut() {
                Some(run) if !broken => run.push((x, y)),
                _ => series.runs.push(vec![(x, y)]),
            }
            broken = false;
        }
        series
    }

    /// All finite points.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        self.runs.iter().flatten().copied()
    }

    /// The y of all finite points.
    pub fn values(&self) -> Vec<f64> {
        self.points().map(|(_, y)| y).collect()
    }

    /// The last finite point.
    pub fn last(&self) -> Option<Point> {
        self.runs.last().and_then(|run| run.last()).copied()
    }

    /// The same curve with about `limit` points at most, a share of them for each run.
    #[must_use]
    pub fn thinned(self, limit: usize) -> Self {
        let total: usize = self.runs.iter().map(Vec::len).sum();
        if total <= limit {
            return self;
        }
        let share = |run: Vec<Point>| thin(&run, (run.len() * limit).div_ceil(total));
        let runs = self.runs.into_iter().map(share).collect();
        Self { runs, ..self }
    }
}

/// At most `limit` points (but no fewer than 2): the lowest and the highest of each of `limit / 2` buckets, in
/// their order. An average per bucket would hide the noise that the reader is to see.
pub fn thin(points: &[Point], limit: usize) -> Vec<Point> {
    if points.len() <= limit {
        return points.to_vec();
    }
    let buckets = (limit / 2).max(1);
    let mut kept = Vec::with_capacity(2 * buckets);
    for bucket in 0..buckets {
        let start = bucket * points.len() / buckets;
        let end = (bucket + 1) * points.len() / buckets;
        let by_height = |a: &usize, b: &usize| points[*a].1.total_cmp(&points[*b].1);
        let (lowest, highest) = ((start..end).min_by(by_height), (start..end).max_by(by_height));
        if let (Some(lowest), Some(highest)) = (lowest, highest) {
            kept.push(points[lowest.min(highest)]);
            if lowest != highest {
                kept.push(points[lowest.max(highest)]);
            }
        }
    }
    kept
}

/// The note under a picture that left values out: "3 values not finite, not drawn"; `None` if it left out none.
pub fn not_drawn(skipped: usize) -> Option<String> {
    match skipped {
        0 => None,
        1 => Some("1 value not finite, not drawn".to_owned()),
        n => Some(format!("{} values not finite, not drawn", number::count(n))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_break_where_values_are_not_finite() {
        let ys = [f64::NAN, 1.0, 2.0, f64::INFINITY, f64::NEG_INFINITY, 3.0];
        let series = Series::new(ys.into_iter().enumerate().map(|(i, y)| (i as f64, y)));
        assert_eq!(series.runs, [vec![(1.0, 1.0), (2.0, 2.0)], vec![(5.0, 3.0)]]);
        assert_eq!(series.skipped, 3);
        assert_eq!(series.last(), Some((5.0, 3.0)));
        assert_eq!(Series::new([(f64::NAN, 1.0)]).skipped, 1);
    }

    #[test]
    fn thinning_keeps_the_extremes_in_order() {
        let mut points: Vec<Point> =
            (0..10_000).map(|i| (f64::from(i), 2.0 + f64::from(i % 7) * 0.01)).collect();
        points[4321].1 = 99.0;
        points[4322].1 = -99.0;
        let thinned = thin(&points, 800);
        assert_eq!(thinned.len(), 800);
        let peak = thinned.iter().position(|p| *p == (4321.0, 99.0)).expect("the highest point is kept");
        assert_eq!(thinned[peak + 1], (4322.0, -99.0));
    }

    #[test]
    fn thinned_shares_points_among_runs() {
        let mut points: Vec<Point> = (0..9000).map(|i| (f64::from(i), f64::from(i % 10))).collect();
        points[3000].1 = f64::NAN;
        let series = Series::new(points).thinned(900);
        assert_eq!(series.runs.len(), 2);
        assert!((898..=902).contains(&series.points().count()));
        assert_eq!(series.skipped, 1);
    }

    #[test]
    fn notes() {
        assert_eq!(not_drawn(0), None);
        assert_eq!(not_drawn(1).as_deref(), Some("1 value not finite, not drawn"));
        assert_eq!(not_drawn(12_345).as_deref(), Some("12,345 values not finite, not drawn"));
    }

    proptest! {
        #[test]
        fn thinning_keeps_range_and_order(ys in prop::collection::vec(-1e3..1e3_f64, 0..300), limit in 2_usize..50) {
            let points: Vec<Point> = ys.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let thinned = thin(&points, limit);
            prop_assert!(thinned.len() <= limit);
            prop_assert!(thinned.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let range = |points: &[Point]| points.iter().fold((0.0_f64, 0.0_f64), |(lo, hi), p| (lo.min(p.1), hi.max(p.1)));
            prop_assert_eq!(range(&points), range(&thinned));
        }
    }
}
