//! Update rules: what a step does to the weights w, given the gradient g and the learning rate.

use num_traits::Float;

/// An update rule with its constants. Each acts on every weight on its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UpdateRule {
    /// w -= lr g
    Sgd,
    /// v = momentum v + g; w -= lr v (Polyak 1964)
    Momentum {
        /// Share of the velocity kept, usually 0.9.
        momentum: f64,
    },
    /// v = momentum v + g; w -= lr (g + momentum v) (Nesterov 1983, in Sutskever's form of 2013)
    Nesterov {
        /// Share of the velocity kept, usually 0.9.
        momentum: f64,
    },
    /// c += g^2; w -= lr g / (sqrt c + epsilon) (Duchi, Hazan and Singer 2011)
    Adagrad {
        /// Keeps the quotient finite.
        epsilon: f64,
    },
    /// c = beta2 c + (1 - beta2) g^2; w -= lr g / (sqrt c + epsilon) (Tieleman and Hinton 2012)
    RmsProp {
        /// Decay of the mean square, usually 0.99.
        beta2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
    },
    /// m = beta1 m + (1 - beta1) g; c = beta2 c + (1 - beta2) g^2; w -= lr m' / (sqrt c' + epsilon), m' and c' freed
    /// of their bias toward the start, m' = m / (1 - beta1^t) (Kingma and Ba 2015)
    Adam {
        /// Decay of the mean, usually 0.9.
        beta1: f64,
        /// Decay of the mean square, usually 0.999.
        beta2: f64,
        /// Keeps the quotient finite.
        epsilon: f64,
    },
}

/// What a rule remembers of earlier steps; a vector it does not need is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleState<F> {
    /// Velocity, or mean gradient.
    first: Vec<F>,
    /// Sum or mean of squared gradients.
    second: Vec<F>,
}

impl<F: Copy> RuleState<F> {
    /// Its two vectors: velocity or mean gradient, and sum or mean of squared gradients.
    pub fn vectors(&self) -> [&[F]; 2] {
        [&self.first, &self.second]
    }

    /// The same vectors, to be filled from elsewhere.
    pub fn vectors_mut(&mut self) -> [&mut [F]; 2] {
        [&mut self.first, &mut self.second]
    }
}

impl UpdateRule {
    /// The state before the first step, for `len` weights.
    pub fn start<F: Float>(self, len: usize) -> RuleState<F> {
        let (first, second) = match self {
            Self::Sgd => (0, 0),
            Self::Momentum { .. } | Self::Nesterov { .. } => (len, 0),
            Self::Adagrad { .. } | Self::RmsProp { .. } => (0, len),
            Self::Adam { .. } => (len, len),
        };
        RuleState { first: vec![F::zero(); first], second: vec![F::zero(); second] }
    }

    /// Whether each weight's step is divided by the size of its own gradients, so that the curvature
    /// of the loss says little about the learning rate.
    pub fn is_adaptive(self) -> bool {
        matches!(self, Self::Adagrad { .. } | Self::RmsProp { .. } | Self::Adam { .. })
    }

    /// Takes step number `step` (from 1) with learning rate `lr`: of `weights`, which are those from place `start` on of
    /// all that `state` is for.
    #[inline(always)]
    pub fn apply<F: Float>(
        self,
        lr: f64,
        step: u64,
        weights: &mut [F],
        gradient: &[F],
        state: &mut RuleState<F>,
        start: usize,
    ) {
        let rate = of::<F>(lr);
        let [first, second] = state.vectors_mut().map(|all| all.get_mut(start..).unwrap_or_default());
        let pairs = weights.iter_mut().zip(gradient);
        match self {
            Self::Sgd => pairs.for_each(|(w, &g)| *w = *w - rate * g),
            Self::Momentum { momentum } => {
                let momentum = of::<F>(momentum);
                for ((w, &g), v) in pairs.zip(first) {
                    *v = momentum * *v + g;
                    *w = *w - rate * *v;
                }
            }
            Self::Nesterov { momentum } => {
                let momentum = of::<F>(momentum);
                for ((w, &g), v) in pairs.zip(first) {
                    *v = momentum * *v + g;
                    *w = *w - rate * (g + momentum * *v);
                }
            }
            Self::Adagrad { epsilon } => {
                let epsilon = of::<F>(epsilon);
                for ((w, &g), c) in pairs.zip(second) {
                    *c = *c + g * g;
                    *w = *w - rate * g / (c.sqrt() + epsilon);
                }
            }
            Self::RmsProp { beta2, epsilon } => {
                let (keep, take, epsilon) = (of::<F>(beta2), of::<F>(1.0 - beta2), of::<F>(epsilon));
                for ((w, &g), c) in pairs.zip(second) {
                    *c = keep * *c + take * g * g;
                    *w = *w - rate * g / (c.sqrt() + epsilon);
                }
            }
            Self::Adam { beta1, beta2, epsilon } => {
                let (keep1, take1) = (of::<F>(beta1), of::<F>(1.0 - beta1));
                let (keep2, take2) = (of::<F>(beta2), of::<F>(1.0 - beta2));
                let step = i32::try_from(step).unwrap_or(i32::MAX);
                let rate = of::<F>(lr / (1.0 - beta1.powi(step)));
                let unbias = of::<F>(1.0 / (1.0 - beta2.powi(step)));
                let epsilon = of::<F>(epsilon);
                for (((w, &g), m), c) in pairs.zip(first).zip(second) {
                    *m = keep1 * *m + take1 * g;
                    *c = keep2 * *c + take2 * g * g;
                    *w = *w - rate * *m / ((*c * unbias).sqrt() + epsilon);
                }
            }
        }
    }
}

/// A constant in the weights' own precision.
fn of<F: Float>(value: f64) -> F {
    F::from(value).unwrap_or_else(F::nan)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps with gradients 2 then 1, lr 0.1, from w = 1; each value worked by hand from the formulas above.
    #[test]
    fn two_steps_by_hand() {
        let cases = [
            (UpdateRule::Sgd, 0.7),
            // v = 2, 2.8
            (UpdateRule::Momentum { momentum: 0.9 }, 1.0 - 0.2 - 0.28),
            // v = 2, 2.8; g + 0.9 v = 3.8, 3.52
            (UpdateRule::Nesterov { momentum: 0.9 }, 1.0 - 0.38 - 0.352),
            // c = 4, 5
            (UpdateRule::Adagrad { epsilon: 0.0 }, 1.0 - 0.1 - 0.1 / 5.0_f64.sqrt()),
            // c = 0.04, 0.0496
            (
                UpdateRule::RmsProp { beta2: 0.99, epsilon: 0.0 },
                1.0 - 0.2 / 0.04_f64.sqrt() - 0.1 / 0.0496_f64.sqrt(),
            ),
            // m = 0.2, 0.28, freed of bias 2, 0.28/0.19; c = 0.004, 0.004996, freed of bias 4, 0.004996/0.001999
            (
                UpdateRule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 0.0 },
                1.0 - 0.1 - 0.1 * (0.28 / 0.19) / (0.004_996 / 0.001_999_f64).sqrt(),
            ),
        ];
        for (rule, expected) in cases {
            let mut weights = [1.0_f64];
            let mut state = rule.start(1);
            rule.apply(0.1, 1, &mut weights, &[2.0], &mut state, 0);
            rule.apply(0.1, 2, &mut weights, &[1.0], &mut state, 0);
            assert!((weights[0] - expected).abs() < 1e-12, "{rule:?}: {} {expected}", weights[0]);
        }
    }

    #[test]
    fn every_rule_descends_a_valley() {
        for rule in [
            UpdateRule::Sgd,
            UpdateRule::Momentum { momentum: 0.9 },
            UpdateRule::Nesterov { momentum: 0.9 },
            UpdateRule::Adagrad { epsilon: 1e-8 },
            UpdateRule::RmsProp { beta2: 0.99, epsilon: 1e-8 },
            UpdateRule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        ] {
            let height = |w: &[f64; 2]| w[0] * w[0] + 10.0 * w[1] * w[1];
            let mut w = [1.0, 1.0];
            let mut state = rule.start(2);
            for step in 1..=2000 {
                let gradient = [2.0 * w[0], 20.0 * w[1]];
                rule.apply(0.02, step, &mut w, &gradient, &mut state, 0);
            }
            assert!(height(&w) < 0.2, "{rule:?}: {w:?}");
        }
    }
}
