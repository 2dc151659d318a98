//! Surfaces of two variables on which update rules show their manners, with a start from which they do.

use super::{Place, Window};
use crate::optim::UpdateRule;

/// The curvature across the valley; along it, it is 1.
const STEEPNESS: f64 = 30.0;

/// A function of (x, y) to be minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A long valley: (x^2 + 30 y^2) / 2, 0 at (0, 0).
    ///
    /// The quadratic of condition number 30. Plain gradient descent shrinks y by 1 - 30 lr a step and x by 1 - lr: it
    /// is stable below lr = 2/30 = 0.067, where it still creeps along x (Polyak 1964 has the rates, with momentum too).
    Valley,
    /// A saddle: y^2 - x^2, without a minimum.
    ///
    /// The start is almost on the ridge x = 0, along which every gradient leads to the saddle point (0, 0).
    Saddle,
    /// Beale's function: (1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2, 0 at (3, 0.5).
    ///
    /// Beale (1958), "On an iterative method for finding a local minimum of a function of more than one variable",
    /// Princeton, Technical Report 25. The start (1, 1) is that of More, Garbow and Hillstrom (1981), "Testing
    /// unconstrained optimization software", ACM Transactions on Mathematical Software 7, problem 5.
    Beale,
}

impl Surface {
    /// f(x, y).
    pub fn height(self, [x, y]: Place) -> f64 {
        match self {
            Self::Valley => x * x / 2.0 + STEEPNESS * y * y / 2.0,
            Self::Saddle => y * y - x * x,
            Self::Beale => beale_terms([x, y]).iter().map(|term| term * term).sum(),
        }
    }

    /// (df/dx, df/dy).
    pub fn gradient(self, [x, y]: Place) -> Place {
        match self {
            Self::Valley => [x, STEEPNESS * y],
            Self::Saddle => [-2.0 * x, 2.0 * y],
            Self::Beale => {
                let [a, b, c] = beale_terms([x, y]);
                [
                    2.0 * (a * (y - 1.0) + b * (y * y - 1.0) + c * (y * y * y - 1.0)),
                    2.0 * x * (a + 2.0 * b * y + 3.0 * c * y * y),
                ]
            }
        }
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Self::Valley => "A long valley",
            Self::Saddle => "A saddle",
            Self::Beale => "Beale's function",
        }
    }

    /// f, for people.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Valley => "(x^2 + 30 y^2) / 2",
            Self::Saddle => "y^2 - x^2",
            Self::Beale => "(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2",
        }
    }

    /// Where its minimum is, of height 0, if it has one.
    pub fn minimum(self) -> Option<Place> {
        match self {
            Self::Valley => Some([0.0, 0.0]),
            Self::Saddle => None,
            Self::Beale => Some([3.0, 0.5]),
        }
    }

    /// Where a race starts.
    pub fn start(self) -> Place {
        match self {
            Self::Valley => [-9.0, 1.5],
            Self::Saddle => [0.001, 1.0],
            Self::Beale => [1.0, 1.0],
        }
    }

    /// Steps of a race.
    pub fn steps(self) -> usize {
        match self {
            Self::Valley | Self::Saddle => 150,
            Self::Beale => 200,
        }
    }

    /// What a picture of a race shows.
    pub fn window(self) -> Window {
        match self {
            Self::Valley => Window { x: [-10.0, 4.0], y: [-2.0, 2.0] },
            Self::Saddle => Window { x: [-1.0, 3.0], y: [-1.2, 1.2] },
            Self::Beale => Window { x: [0.6, 3.7], y: [-1.0, 1.2] },
        }
    }

    /// A learning rate at which `rule` shows its manners on a race from the start.
    pub fn rate(self, rule: UpdateRule) -> f64 {
        let rates = match self {
            Self::Valley => [0.06, 0.01, 0.01, 0.6, 0.1, 0.5],
            Self::Saddle => [0.03, 0.01, 0.01, 0.1, 0.02, 0.05],
            Self::Beale => [0.01, 0.005, 0.005, 0.3, 0.02, 0.1],
        };
        match rule {
            UpdateRule::Sgd => rates[0],
            UpdateRule::Momentum { .. } => rates[1],
            UpdateRule::Nesterov { .. } => rates[2],
            UpdateRule::Adagrad { .. } => rates[3],
            UpdateRule::RmsProp { .. } => rates[4],
            UpdateRule::Adam { .. } => rates[5],
        }
    }
}

/// What Beale's function squares.
fn beale_terms([x, y]: Place) -> [f64; 3] {
    [1.5 - x + x * y, 2.25 - x + x * y * y, 2.625 - x + x * y * y * y]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_those_of_the_sources() {
        // (1.5^2 + 2.25^2 + 2.625^2) = 14.203125 at the standard start, where y = 1 leaves the constants alone.
        assert_eq!(Surface::Beale.height([1.0, 1.0]), 14.203_125);
        assert_eq!(Surface::Valley.height([-9.0, 1.5]), 74.25);
        assert_eq!(Surface::Saddle.height([2.0, 1.0]), -3.0);
    }

    #[test]
    fn minima_are_level_and_lower_than_what_is_around() {
        for surface in [Surface::Valley, Surface::Beale] {
            let minimum = surface.minimum().expect("a minimum");
            assert_eq!((surface.height(minimum), surface.gradient(minimum)), (0.0, [0.0, 0.0]));
            for [x, y] in [[0.1, 0.0], [0.0, 0.1], [-0.1, 0.0], [0.0, -0.1]] {
                assert!(surface.height([minimum[0] + x, minimum[1] + y]) > 0.0);
            }
        }
        assert_eq!(Surface::Saddle.gradient([0.0, 0.0]), [0.0, 0.0]);
    }

    #[test]
    fn gradients_are_difference_quotients() {
        const H: f64 = 1e-6;
        for surface in [Surface::Valley, Surface::Saddle, Surface::Beale] {
            for [x, y] in [surface.start(), [0.3, -0.7], [2.5, 0.9]] {
                let quotient = |dx: f64, dy: f64| {
                    (surface.height([x + dx, y + dy]) - surface.height([x - dx, y - dy])) / (2.0 * H)
                };
                let found = [quotient(H, 0.0), quotient(0.0, H)];
                for (found, expected) in found.iter().zip(surface.gradient([x, y])) {
                    assert!(
                        (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
                        "{surface:?}: {found}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_start_is_in_the_picture() {
        for surface in [Surface::Valley, Surface::Saddle, Surface::Beale] {
            assert!(surface.window().contains(surface.start()));
            assert!(surface.minimum().is_none_or(|minimum| surface.window().contains(minimum)));
        }
    }
}
