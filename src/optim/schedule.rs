//! Learning-rate schedules: the rate as a function of the epochs done so far, fractions included.

/// How the rate falls, after warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// It does not.
    Constant,
    /// Times `factor` after every `every` epochs.
    Step {
        /// What is left of the rate, above 0 and at most 1.
        factor: f64,
        /// Epochs between falls.
        every: f64,
    },
    /// lr factor^t, t in epochs.
    Exponential {
        /// What is left after one epoch.
        factor: f64,
    },
    /// lr / (1 + decay t), t in epochs.
    Inverse {
        /// Strength of the decay, per epoch.
        decay: f64,
    },
    /// lr (1 + cos(pi t / T)) / 2, down to 0 at the end (Loshchilov and Hutter 2017, without restarts).
    Cosine,
}

/// A rate's course over a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The rate before any fall.
    pub lr: f64,
    /// Its fall.
    pub shape: Shape,
    /// Epochs over which the rate first rises, in a straight line, from near 0 to `lr`.
    pub warmup: f64,
    /// Epochs of the whole run.
    pub epochs: f64,
}

impl Schedule {
    /// The rate of a step taken when `done` epochs are done; `step` is the length of a step in epochs, so that
    /// the first step of a warm-up has a rate above 0.
    pub fn rate(&self, done: f64, step: f64) -> f64 {
        if done < self.warmup {
            return self.lr * ((done + step) / self.warmup).min(1.0);
        }
        let since = done - self.warmup;
        self.lr
            * match self.shape {
                Shape::Constant => 1.0,
                // A hair's breadth forward: 0.1 + 0.2 must count as 0.3.
                Shape::Step { factor, every } => factor.powf(((since + 1e-9) / every).floor()),
                Shape::Exponential { factor } => factor.powf(since),
                Shape::Inverse { decay } => 1.0 / (1.0 + decay * since),
                Shape::Cosine => {
                    let whole = (self.epochs - self.warmup).max(f64::MIN_POSITIVE);
                    0.5 * (1.0 + (std::f64::consts::PI * (since / whole).min(1.0)).cos())
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(shape: Shape, warmup: f64, at: &[f64]) -> Vec<f64> {
        let schedule = Schedule { lr: 2.0, shape, warmup, epochs: 10.0 };
        at.iter().map(|&done| schedule.rate(done, 0.5)).collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} {expected:?}");
    }

    #[test]
    fn each_shape_by_hand() {
        assert_close(&rates(Shape::Constant, 0.0, &[0.0, 9.5]), &[2.0, 2.0]);
        let step = Shape::Step { factor: 0.1, every: 3.0 };
        assert_close(&rates(step, 0.0, &[0.0, 2.9, 3.0, 6.0]), &[2.0, 2.0, 0.2, 0.02]);
        assert_close(&rates(Shape::Exponential { factor: 0.5 }, 0.0, &[0.0, 1.0, 2.0]), &[2.0, 1.0, 0.5]);
        assert_close(&rates(Shape::Inverse { decay: 1.0 }, 0.0, &[0.0, 1.0, 3.0]), &[2.0, 1.0, 0.5]);
        assert_close(&rates(Shape::Cosine, 0.0, &[0.0, 5.0, 10.0]), &[2.0, 1.0, 0.0]);
    }

    #[test]
    fn warm_up_rises_to_the_rate_and_the_shape_starts_there() {
        assert_close(&rates(Shape::Constant, 2.0, &[0.0, 0.5, 1.5, 2.0]), &[0.5, 1.0, 2.0, 2.0]);
        assert_close(&rates(Shape::Cosine, 2.0, &[2.0, 6.0, 10.0]), &[2.0, 1.0, 0.0]);
    }
}
