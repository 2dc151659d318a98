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
        let mut sums = self.0;
        for values in values {
            let mut terms = [0.0; LANES];
            for (to, value) in terms.iter_mut().zip(values) {
                *to = term(value.wide());
            }
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum += term;
            }
        }
        for (sum, value) in sums.iter_mut().zip(rest) {
            *sum += term(value.wide());
        }
        self.0 = sums;
    }

    /// Adds the products of pairs: of each four the sum in f32.
    #[inline(always)]
    pub fn add_products(&mut self, a: &[f32], b: &[f32]) {
        let mut sums = self.0;
        for (a, b) in by_fours(a).iter().zip(by_fours(b)) {
            // A loop for each step, so that the compiler makes vectors of all.
            let mut fours = [0.0_f32; LANES];
            for (i, four) in fours.iter_mut().enumerate() {
                *four = (a[0][i] * b[0][i] + a[1][i] * b[1][i]) + (a[2][i] * b[2][i] + a[3][i] * b[3][i]);
            }
            let mut wide = [0.0; LANES];
            for (wide, four) in wide.iter_mut().zip(fours) {
                *wide = f64::from(four);
            }
            for (sum, four) in sums.iter_mut().zip(wide) {
                *sum += four;
            }
        }
        let rest = a.len() / (4 * LANES) * (4 * LANES);
        for (a, b) in a[rest..].chunks(LANES).zip(b[rest..].chunks(LANES)) {
            sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += f64::from(a * b));
        }
        self.0 = sums;
    }

    /// The sum of all, halves added to halves.
    ///
    /// A function of its own: what it reads lies in memory in order, and so the compiler adds whole registers of lanes
    /// before. Inlined, it makes them scalars.
    #[inline(never)]
    pub fn total(self) -> f64 {
        let mut sums = self.0;
        let mut half = LANES / 2;
        while half > 0 {
            for i in 0..half {
                sums[i] += sums[i + half];
            }
            half /= 2;
        }
        sums[0]
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
