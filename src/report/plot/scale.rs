//! Scales: from data to 0..1, and the ticks that readers find round.

use super::number;

/// Whether equal steps on the page are equal differences or equal ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Equal steps are equal differences.
    Linear,
    /// Equal steps are equal ratios; positive values only.
    Log10,
}

/// A map of the data range `lo..hi` to 0..1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    kind: Kind,
    lo: f64,
    hi: f64,
}

/// One mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where, in data units.
    pub value: f64,
    /// What it says; empty for the minor ticks of a logarithmic scale.
    pub label: String,
}

/// Values are held to this size, so that the difference of any two is finite.
const LARGEST: f64 = 1e300;
/// Below this, a number counts as 0: its ticks would lie among the subnormal numbers.
const SMALLEST: f64 = 1e-290;
/// Logarithmic when the largest value is more than this many times the smallest ...
const LOG_RATIO: f64 = 100.0;
/// ... or more than this many times the median: one early spike flattens the rest of a curve just as well.
const LOG_SPIKE: f64 = 10.0;
/// Free space at either end of a fitted scale, as a part of the whole.
const PADDING: f64 = 0.04;

impl Scale {
    /// A linear scale with exactly these ends, in either order. Ends that are (nearly) equal are moved apart.
    pub fn linear(a: f64, b: f64) -> Self {
        let tame = |v: f64| if v.abs() < SMALLEST { 0.0 } else { v.clamp(-LARGEST, LARGEST) };
        let (lo, hi) = (tame(a.min(b)), tame(a.max(b)));
        let size = lo.abs().max(hi.abs());
        let (lo, hi) = if hi - lo > 1e-9 * size {
            (lo, hi)
        } else if size == 0.0 {
            (-1.0, 1.0)
        } else {
            (lo - 0.05 * size, hi + 0.05 * size)
        };
        Self { kind: Kind::Linear, lo, hi }
    }

    /// A logarithmic scale with exactly these ends; `None` unless both are positive and finite.
    pub fn log10(a: f64, b: f64) -> Option<Self> {
        let (lo, hi) = (a.min(b), a.max(b));
        if !(lo > 0.0 && hi.is_finite()) {
            return None;
        }
        let (lo, hi) = (lo.clamp(SMALLEST, LARGEST), hi.clamp(SMALLEST, LARGEST));
        let (lo, hi) = if hi > lo * (1.0 + 1e-9) { (lo, hi) } else { (lo / 1.1, hi * 1.1) };
        Some(Self { kind: Kind::Log10, lo, hi })
    }

    /// A linear scale around the finite ones of `values`, with a little space at both ends.
    pub fn fit_linear(values: &[f64]) -> Self {
        let (lo, hi) = extent(values).unwrap_or((0.0, 1.0));
        let exact = Self::linear(lo, hi);
        let space = PADDING * (exact.hi - exact.lo);
        Self::linear(exact.lo - space, exact.hi + space)
    }

    /// A scale around the finite ones of `values`: logarithmic if all are positive and a linear scale would
    /// flatten most of them against the bottom.
    pub fn fit(values: &[f64]) -> Self {
        let linear = Self::fit_linear(values);
        let Some((lo, hi)) = extent(values) else { return linear };
        let uneven = hi / lo > LOG_RATIO || hi > LOG_SPIKE * median(values);
        if !(lo > 0.0 && uneven) {
            return linear;
        }
        let space = (hi.log10() - lo.log10()) * PADDING;
        Self::log10(lo / 10_f64.powf(space), hi * 10_f64.powf(space)).unwrap_or(linear)
    }

    /// The same scale with its ends held within `lo..hi`, for values that have natural limits.
    #[must_use]
    pub fn within(self, lo: f64, hi: f64) -> Self {
        match self.kind {
            Kind::Linear => Self::linear(self.lo.clamp(lo, hi), self.hi.clamp(lo, hi)),
            Kind::Log10 => Self::log10(self.lo.clamp(lo, hi), self.hi.clamp(lo, hi)).unwrap_or(self),
        }
    }

    /// Linear or logarithmic.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where `value` lies: 0 at the lower end, 1 at the upper end, beyond them outside. A value that the scale
    /// cannot show, NaN or not positive on a logarithmic scale, lies at 0.
    pub fn fraction(&self, value: f64) -> f64 {
        let fraction = match self.kind {
            Kind::Linear => (value.clamp(-LARGEST, LARGEST) - self.lo) / (self.hi - self.lo),
            Kind::Log10 => (value.log10() - self.lo.log10()) / (self.hi.log10() - self.lo.log10()),
        };
        if fraction.is_finite() { fraction } else { 0.0 }
    }

    /// About `about` labelled ticks at round values inside the range; on a logarithmic scale also unlabelled
    /// ones between the powers of ten.
    pub fn ticks(&self, about: usize) -> Vec<Tick> {
        match self.kind {
            Kind::Linear => self.linear_ticks(about, f64::MIN_POSITIVE),
            Kind::Log10 => self.log_ticks(about.max(1)),
        }
    }

    /// As [`Scale::ticks`], but at whole numbers only: for things that are counted.
    pub fn whole_ticks(&self, about: usize) -> Vec<Tick> {
        match self.kind {
            Kind::Linear => self.linear_ticks(about, 1.0),
            Kind::Log10 => self.log_ticks(about.max(1)),
        }
    }

    fn linear_ticks(&self, about: usize, least_step: f64) -> Vec<Tick> {
        let rough = ((self.hi - self.lo) / about.max(1) as f64).max(least_step);
        let mut exponent = rough.log10().floor() as i32;
        // A step of 1, 2 or 5 times a power of ten; the factor absorbs what log10 and the division round.
        let parts = rough / 10_f64.powi(exponent) * (1.0 - 1e-9);
        let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| *digit >= parts);
        let digit = digit.unwrap_or_else(|| {
            exponent += 1;
            1.0
        });
        let step = times_power_of_ten(digit, exponent);
        let first = (self.lo / step - 1e-6).ceil() as i64;
        let last = (self.hi / step + 1e-6).floor() as i64;
        let values: Vec<f64> =
            (first..=last).map(|i| times_power_of_ten(i as f64 * digit, exponent)).collect();
        let labels = number::tick_labels(&values, exponent);
        let ticks = values.into_iter().zip(labels);
        ticks.map(|(value, label)| Tick { value, label }).collect()
    }

    fn log_ticks(&self, about: usize) -> Vec<Tick> {
        let first = self.lo.log10().floor() as i32;
        let last = self.hi.log10().ceil() as i32;
        let inside = |value: &f64| (self.lo * (1.0 - 1e-9)..=self.hi * (1.0 + 1e-9)).contains(value);
        let decades = (first..=last).filter(|e| inside(&times_power_of_ten(1.0, *e))).count();
        let stride = i32::try_from(decades.div_ceil(about + 1)).unwrap_or(i32::MAX).max(1);
        let mut ticks = Vec::new();
        for exponent in first..=last {
            for digit in 1..=9_u8 {
                let labelled = match digit {
                    1 => exponent.rem_euclid(stride) == 0,
                    2 | 5 => decades <= 2,
                    _ => false,
                };
                let value = times_power_of_ten(f64::from(digit), exponent);
                // With decades left out, marks between them would be a blur.
                if inside(&value) && (labelled || stride == 1) {
                    let label = if labelled { number::setting(value) } else { String::new() };
                    ticks.push(Tick { value, label });
                }
            }
        }
        if ticks.iter().filter(|tick| !tick.label.is_empty()).count() >= 3 || decades >= 2 {
            return ticks;
        }
        // Too short for powers of ten: the round numbers of a linear scale, at their logarithmic places.
        self.linear_ticks(about, f64::MIN_POSITIVE)
    }
}

/// Smallest and largest of the finite values; `None` if there are none.
fn extent(values: &[f64]) -> Option<(f64, f64)> {
    let finite = values.iter().copied().filter(|v| v.is_finite());
    finite.fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((lo, hi)) => Some((v.min(lo), v.max(hi))),
    })
}

/// The upper median of the finite values; infinite if there are none.
fn median(values: &[f64]) -> f64 {
    let mut finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if finite.is_empty() {
        return f64::INFINITY;
    }
    let middle = finite.len() / 2;
    *finite.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// `value` * 10^`exponent`. A division for negative exponents: 3 / 10 is the double nearest 0.3, 3 * 0.1 is not.
fn times_power_of_ten(value: f64, exponent: i32) -> f64 {
    if exponent < 0 { value / 10_f64.powi(-exponent) } else { value * 10_f64.powi(exponent) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn linear_ticks_golden() {
        let cases: [(f64, f64, &[&str]); 9] = [
            (0.0, 1.0, &["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (0.0, 10.0, &["0", "2", "4", "6", "8", "10"]),
            (2.27, 2.34, &["2.28", "2.30", "2.32", "2.34"]),
            (-3.0, 3.0, &["-2", "0", "2"]),
            (0.0, 50_000.0, &["0", "10,000", "20,000", "30,000", "40,000", "50,000"]),
            (0.0, 4e-5, &["0", "1e-5", "2e-5", "3e-5", "4e-5"]),
            (0.0, 2.5e7, &["0", "5e6", "1.0e7", "1.5e7", "2.0e7", "2.5e7"]),
            (0.0, 0.0, &["-1.0", "-0.5", "0", "0.5", "1.0"]),
            (2.3, 2.3, &["2.20", "2.25", "2.30", "2.35", "2.40"]),
        ];
        for (lo, hi, expected) in cases {
            assert_eq!(labels(&Scale::linear(lo, hi).ticks(5)), expected, "{lo}..{hi}");
        }
    }

    #[test]
    fn whole_ticks_golden() {
        assert_eq!(labels(&Scale::linear(0.0, 2.0).whole_ticks(5)), ["0", "1", "2"]);
        assert_eq!(labels(&Scale::linear(1.0, 1000.0).whole_ticks(5)), ["200", "400", "600", "800", "1,000"]);
    }

    #[test]
    fn log_ticks_golden() {
        let cases: [(f64, f64, &[&str]); 5] = [
            (1e-5, 1.0, &["1e-5", "1e-4", "0.001", "0.01", "0.1", "1"]),
            (1e-9, 1e9, &["1e-8", "1e-4", "1", "10,000", "1e8"]),
            (2.0, 60.0, &["2", "5", "10", "20", "50"]),
            (0.9, 12.0, &["1", "2", "5", "10"]),
            (2.0, 2.9, &["2.0", "2.2", "2.4", "2.6", "2.8"]),
        ];
        for (lo, hi, expected) in cases {
            let scale = Scale::log10(lo, hi).expect("positive");
            assert_eq!(labels(&scale.ticks(5)), expected, "{lo}..{hi}");
        }
        let minor = Scale::log10(0.9, 1100.0).expect("positive").ticks(5);
        assert!(minor.iter().any(|tick| (tick.value - 300.0).abs() < 1e-9 && tick.label.is_empty()));
    }

    #[test]
    fn fractions() {
        let linear = Scale::linear(10.0, 20.0);
        for (value, expected) in [(10.0, 0.0), (15.0, 0.5), (20.0, 1.0), (25.0, 1.5), (f64::NAN, 0.0)] {
            assert!((linear.fraction(value) - expected).abs() < 1e-12, "{value}");
        }
        let log = Scale::log10(1e-2, 1e2).expect("positive");
        for (value, expected) in [(0.01, 0.0), (1.0, 0.5), (100.0, 1.0), (0.0, 0.0), (-1.0, 0.0)] {
            assert!((log.fraction(value) - expected).abs() < 1e-12, "{value}");
        }
        assert_eq!(Scale::log10(0.0, 1.0), None);
        assert_eq!(Scale::log10(1.0, f64::INFINITY), None);
    }

    #[test]
    fn fit_is_logarithmic_only_when_it_must() {
        let steady = [3.0, 2.5, 2.2, 2.1, 2.0, 2.0];
        assert_eq!(Scale::fit(&steady).kind(), Kind::Linear);
        assert_eq!(Scale::fit(&[1.0, 99.0, 99.0]).kind(), Kind::Linear);
        assert_eq!(Scale::fit(&[1.0, 101.0, 101.0]).kind(), Kind::Log10);
        let spike = [100.0, 2.5, 2.2, 2.1, 2.0, 2.0];
        assert_eq!(Scale::fit(&spike).kind(), Kind::Log10);
        let with_zero = [1000.0, 2.0, 0.0];
        assert_eq!(Scale::fit(&with_zero).kind(), Kind::Linear);
        assert_eq!(Scale::fit(&[]).kind(), Kind::Linear);
        assert_eq!(Scale::fit(&[f64::NAN, f64::INFINITY]), Scale::fit(&[]));
    }

    #[test]
    fn within_holds_the_ends() {
        let scale = Scale::fit_linear(&[1.0, 100.0]).within(0.0, 100.0);
        assert_eq!((scale.lo, scale.hi), (0.0, 100.0));
    }

    proptest! {
        #[test]
        fn any_range_gives_few_ordered_ticks_inside(a in any::<f64>(), b in any::<f64>(), about in 1_usize..12) {
            prop_assume!(a.is_finite() && b.is_finite());
            for scale in [Scale::fit(&[a, b]), Scale::linear(a, b)] {
                let ticks = scale.ticks(about);
                let labelled: Vec<&Tick> = ticks.iter().filter(|t| !t.label.is_empty()).collect();
                prop_assert!(labelled.len() <= about + 8, "{} ticks on {scale:?}", labelled.len());
                prop_assert!(ticks.windows(2).all(|pair| pair[0].value < pair[1].value));
                prop_assert!(ticks.iter().all(|t| (-1e-6..=1.0 + 1e-6).contains(&scale.fraction(t.value))));
                prop_assert!((0.0..=1.0).contains(&scale.fraction(a).clamp(-1e-9, 1.0 + 1e-9).clamp(0.0, 1.0)));
            }
        }
    }
}
