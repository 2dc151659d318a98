//! How far to go along a direction: the line search of a convex function whose value and slope come together.
//!
//! Near a minimum a step gains less than the value's rounding, while slopes are still right: so a step is taken by
//! its slope, as Hager and Zhang's approximate Wolfe conditions have it (2005), and the value need only not rise.

/// The function along the line: its value, and its derivative by the step length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// Value.
    pub value: f64,
    /// Derivative.
    pub slope: f64,
}

/// A step stops short while more than this part of the first slope is left ...
const STILL_FALLING: f64 = 0.9;
/// ... and goes too far when it rises by more than this part of it.
const RISING: f64 = 0.8;
/// Lengths tried, at most: many more than a convex function asks for.
const MOST_TRIES: usize = 30;

/// The first length tried, 1 first of all, that meets the conditions; `None` when none does, or when the start does
/// not fall. `noise` is by how much the value may rise for its rounding's sake. The last call of `at` was with the
/// length returned.
pub fn line_search(start: Slope, noise: f64, mut at: impl FnMut(f64) -> Slope) -> Option<f64> {
    // A slope that is no number does not fall either.
    if start.slope.is_nan() || start.slope >= 0.0 {
        return None;
    }
    let (mut low, mut high) = ((0.0, start.slope), None);
    let mut length = 1.0;
    for _ in 0..MOST_TRIES {
        let Slope { value, slope } = at(length);
        let finite = value.is_finite() && slope.is_finite();
        if !finite {
            high = Some((length, f64::INFINITY));
        } else if value > start.value + noise || slope > -RISING * start.slope {
            high = Some((length, slope));
        } else if slope < STILL_FALLING * start.slope {
            low = (length, slope);
        } else {
            return Some(length);
        }
        length = between(low, high, start.slope);
    }
    None
}

/// The next length: where the slope would be 0 if it were straight, held away from both ends.
fn between(low: (f64, f64), high: Option<(f64, f64)>, first: f64) -> f64 {
    let Some((end, slope)) = high else {
        // The slope has come up from `first` to that of `low`, if at all.
        let rate = (low.1 - first) / low.0;
        let zero = if rate > 0.0 { low.0 - low.1 / rate } else { f64::INFINITY };
        return zero.clamp(2.0 * low.0, 10.0 * low.0);
    };
    let gap = end - low.0;
    let part = match slope {
        f64::INFINITY => 0.1,
        // A value too high although the slope still falls: no convex function, or rounding.
        slope if slope <= 0.0 => 0.5,
        slope => (-low.1 / (slope - low.1)).clamp(0.1, 0.9),
    };
    low.0 + part * gap
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths tried on a function, and the one returned.
    fn tried(value: impl Fn(f64) -> (f64, f64)) -> (Vec<f64>, Option<f64>) {
        let mut lengths = Vec::new();
        let at = |length: f64| {
            let (value, slope) = value(length);
            Slope { value, slope }
        };
        let found = line_search(at(0.0), 0.0, |length| {
            lengths.push(length);
            at(length)
        });
        (lengths, found)
    }

    #[test]
    fn a_step_of_the_right_length_is_taken_at_once() {
        assert_eq!(tried(|t| ((t - 1.0).powi(2), 2.0 * (t - 1.0))).0, [1.0]);
    }

    #[test]
    fn short_and_long_steps_are_mended() {
        for minimum in [1e-6, 0.01, 0.3, 7.0, 1e4] {
            let (lengths, found) = tried(|t| ((t - minimum).powi(2), 2.0 * (t - minimum)));
            let found = found.expect("a step");
            assert!(found > 0.0 && found < 2.0 * minimum && lengths.len() < 12, "{minimum}: {lengths:?}");
        }
    }

    #[test]
    fn a_value_that_is_no_number_is_too_far() {
        let (lengths, found) = tried(|t| if t > 0.02 { (f64::NAN, 0.0) } else { (-t, -1.0 + 60.0 * t) });
        assert!(found.is_some_and(|length| length <= 0.02), "{lengths:?}");
    }

    #[test]
    fn what_does_not_fall_is_refused() {
        assert_eq!(tried(|t| (t, 1.0)), (vec![], None));
        assert_eq!(tried(|_| (0.0, f64::NAN)), (vec![], None));
        assert_eq!(tried(|t| (-t, -1.0)).1, None, "falls for ever");
    }
}
