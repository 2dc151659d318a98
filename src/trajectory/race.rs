//! A rule on a surface.

use super::{Path, Place, Surface};
use crate::optim::UpdateRule;

/// The path of `rule`, at learning rate `lr`, over so many steps of full gradients in f64 from `start`. It ends early
/// where a coordinate is no finite number.
pub fn race(surface: Surface, rule: UpdateRule, lr: f64, start: Place, steps: usize) -> Path {
    let (mut place, mut state) = (start, rule.start(2));
    let mut path = Path { places: vec![(0, place)], lost: None };
    for step in 1..=steps as u64 {
        let gradient = surface.gradient(place);
        rule.apply(lr, step, &mut place, &gradient, &mut state, 0);
        if !place.iter().all(|coordinate| coordinate.is_finite()) {
            path.lost = Some(step);
            break;
        }
        path.places.push((step, place));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::distance;

    const RULES: [UpdateRule; 6] = [
        UpdateRule::Sgd,
        UpdateRule::Momentum { momentum: 0.9 },
        UpdateRule::Nesterov { momentum: 0.9 },
        UpdateRule::Adagrad { epsilon: 1e-8 },
        UpdateRule::RmsProp { beta2: 0.99, epsilon: 1e-8 },
        UpdateRule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    ];

    /// From (-9, 1.5) the valley's gradient is (-9, 45). Worked by hand from the rules' formulas.
    #[test]
    fn the_first_step_by_hand() {
        let steps = [[-9.0, 45.0], [-9.0, 45.0], [-17.1, 85.5], [-1.0, 1.0], [-10.0, 10.0], [-1.0, 1.0]];
        for (rule, [dx, dy]) in RULES.into_iter().zip(steps) {
            let path = race(Surface::Valley, rule, 0.01, [-9.0, 1.5], 1);
            let expected = [-9.0 - 0.01 * dx, 1.5 - 0.01 * dy];
            assert!(distance(path.end(), expected) < 1e-8, "{rule:?}: {:?} {expected:?}", path.end());
        }
    }

    /// Plain gradient descent on the valley: x (1 - lr)^n, y (1 - 30 lr)^n.
    #[test]
    fn sgd_in_the_valley_is_a_power() {
        let path = race(Surface::Valley, UpdateRule::Sgd, 0.06, [-9.0, 1.5], 20);
        let expected = [-9.0 * 0.94_f64.powi(20), 1.5 * (-0.8_f64).powi(20)];
        assert!(distance(path.end(), expected) < 1e-12);
    }

    #[test]
    fn every_rule_arrives_or_leaves_at_its_default_rate() {
        for surface in [Surface::Valley, Surface::Beale, Surface::Saddle] {
            for rule in RULES {
                let path = race(surface, rule, surface.rate(rule), surface.start(), surface.steps());
                match surface.minimum() {
                    Some(minimum) => assert!(distance(path.end(), minimum) < 0.7, "{surface:?} {rule:?}"),
                    None => assert!(path.exit(&surface.window()).is_some(), "{surface:?} {rule:?}"),
                }
            }
        }
    }

    #[test]
    fn a_path_ends_where_numbers_do() {
        let path = race(Surface::Valley, UpdateRule::Sgd, 1e200, [-9.0, 1.5], 50);
        assert_eq!((path.lost, path.places.len()), (Some(2), 2));
    }
}
