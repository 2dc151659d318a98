//! Sums of many terms in f64.

use super::Real;

/// Terms that are added side by side: so many that no addition waits for the one before it.
const LANES: usize = 16;

/// A sum under way, as interleaved partial sums that the compiler keeps in registers. What is added in several calls is
/// summed in the same order by every instruction set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lanes([f64; LANES]);

impl Lanes {
    /// Adds `term` of every value.
    #[inline(always)]
    pub fn add<F: Real>(&mut self, values: &[F], term: impl Fn(f64) -> f64) {
        let (values, rest) = values.as_chunks::<LANES>();
        for values in values {
            self.0.iter_mut().zip(values).for_each(|(sum, value)| *sum += term(value.wide()));
        }
        self.0.iter_mut().zip(rest).for_each(|(sum, value)| *sum += term(value.wide()));
    }

    /// Adds the products of pairs: of each four the sum in f32.
    #[inline(always)]
    pub fn add_products(&mut self, a: &[f32], b: &[f32]) {
        for (a, b) in by_fours(a).iter().zip(by_fours(b)) {
            // Two loops, so that the compiler makes vectors of both.
            let mut fours = [0.0_f32; LANES];
            for (i, four) in fours.iter_mut().enumerate() {
                *four = (a[0][i] * b[0][i] + a[1][i] * b[1][i]) + (a[2][i] * b[2][i] + a[3][i] * b[3][i]);
            }
            self.0.iter_mut().zip(fours).for_each(|(sum, four)| *sum += f64::from(four));
        }
        let rest = a.len() / (4 * LANES) * (4 * LANES);
        for (a, b) in a[rest..].chunks(LANES).zip(b[rest..].chunks(LANES)) {
            self.0.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += f64::from(a * b));
        }
    }

    /// The sum of all, halves added to halves.
    #[inline(always)]
    pub fn total(mut self) -> f64 {
        let mut half = LANES / 2;
        while half > 0 {
            for i in 0..half {
                self.0[i] += self.0[i + half];
            }
            half /= 2;
        }
        self.0[0]
    }
}

/// Four times [`LANES`] values after the other, without the rest.
#[inline(always)]
fn by_fours(values: &[f32]) -> &[[[f32; LANES]; 4]] {
    values.as_chunks().0.as_chunks().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out() {
        for count in [0, 1, 15, 16, 17, 63, 64, 65, 130, 200] {
            let numbers: Vec<f32> = (1..=count).map(|i| i as f32).collect();
            let mut sum = Lanes::default();
            sum.add(&numbers, |number| 2.0 * number);
            sum.add(&numbers, |number| -number);
            assert_eq!(sum.total(), f64::from(count * (count + 1) / 2));

            let mut products = Lanes::default();
            products.add_products(&numbers, &vec![2.0; count as usize]);
            assert_eq!(products.total(), f64::from(count * (count + 1)));
        }
    }
}
