//! What a node does: its value, and its local derivatives.

/// An operation on the values of a node's inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// A name whose value comes from outside.
    Input,
    /// A number that was written down.
    Constant(f64),
    /// The sum of all inputs.
    Add,
    /// The first less the second.
    Subtract,
    /// The first times the second.
    Multiply,
    /// The first by the second.
    Divide,
    /// The first to the power of the second.
    Power,
    /// Minus the input.
    Negate,
    /// e to the input.
    Exp,
    /// The natural logarithm.
    Log,
    /// The largest input; its gradient goes to the first of equal ones.
    Max,
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// The square root.
    Sqrt,
}

/// The operations that are written as functions.
pub(super) const FUNCTIONS: [(&str, Operation); 6] = [
    ("exp", Operation::Exp),
    ("log", Operation::Log),
    ("max", Operation::Max),
    ("sigmoid", Operation::Sigmoid),
    ("tanh", Operation::Tanh),
    ("sqrt", Operation::Sqrt),
];

impl Operation {
    /// As it is written: "+", "max"; empty for inputs and constants.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Input | Self::Constant(_) => "",
            Self::Add => "+",
            Self::Subtract | Self::Negate => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Power => "^",
            Self::Exp | Self::Log | Self::Max | Self::Sigmoid | Self::Tanh | Self::Sqrt => {
                FUNCTIONS.iter().find(|(_, operation)| *operation == self).map_or("", |(name, _)| name)
            }
        }
    }

    /// The operation on its inputs' names: "x + y", "max(0, x)".
    pub fn formula(self, inputs: &[&str]) -> String {
        match (self, inputs) {
            (Self::Input, _) => "input".into(),
            (Self::Constant(_), _) => "constant".into(),
            (Self::Negate, [x]) => format!("-{x}"),
            (Self::Power, [x, n]) => format!("{x}^{}", in_parentheses(n)),
            (Self::Add | Self::Subtract | Self::Multiply | Self::Divide, _) => {
                let terms: Vec<String> = inputs
                    .iter()
                    .enumerate()
                    .map(|(i, x)| if i == 0 { (*x).into() } else { in_parentheses(x) })
                    .collect();
                terms.join(&format!(" {} ", self.symbol()))
            }
            _ => format!("{}({})", self.symbol(), inputs.join(", ")),
        }
    }

    /// The local derivative by input `at`, on names: "z", "2 * x".
    pub fn local_formula(self, name: &str, inputs: &[&str], at: usize) -> String {
        match (self, inputs, at) {
            (Self::Subtract, _, 1) | (Self::Negate, ..) => "-1".into(),
            (Self::Multiply, [x, y], _) => (*if at == 0 { y } else { x }).into(),
            (Self::Divide, [_, y], 0) => format!("1 / {}", in_parentheses(y)),
            (Self::Divide, [x, y], _) => format!("-{x} / {}^2", in_parentheses(y)),
            (Self::Power, [x, "2"], 0) => format!("2 * {x}"),
            (Self::Power, [x, n], 0) => format!("{n} * {x}^({n} - 1)"),
            (Self::Power, [x, _], _) => format!("{name} * log({x})"),
            (Self::Exp, ..) => name.into(),
            (Self::Log, [x], _) => format!("1 / {x}"),
            (Self::Max, [.., _], _) => format!("is {} the largest?", inputs[at]),
            (Self::Sigmoid, ..) => format!("{name} * (1 - {name})"),
            (Self::Tanh, ..) => format!("1 - {name}^2"),
            (Self::Sqrt, ..) => format!("1 / (2 * {name})"),
            _ => "1".into(),
        }
    }

    /// The value at finite inputs, or what is undefined about it. Inputs have none of their own.
    pub(super) fn apply(self, x: &[f64]) -> Result<f64, String> {
        let value = match self {
            Self::Input => return Err("an input without a value".into()),
            Self::Constant(value) => value,
            Self::Add => x.iter().sum(),
            Self::Subtract => x[0] - x[1],
            Self::Multiply => x[0] * x[1],
            Self::Divide if x[1] == 0.0 => return Err("a division by 0".into()),
            Self::Divide => x[0] / x[1],
            Self::Power if x[0] == 0.0 && x[1] < 0.0 => {
                return Err(format!("0 to the power of {}, a division by 0", x[1]));
            }
            Self::Power if x[0] < 0.0 && x[1].fract() != 0.0 => {
                return Err(format!("{} to the power of {}, which is no whole number", x[0], x[1]));
            }
            Self::Power => x[0].powf(x[1]),
            Self::Negate => -x[0],
            Self::Exp => x[0].exp(),
            Self::Log if x[0] <= 0.0 => return Err(format!("the logarithm of {}", x[0])),
            Self::Log => x[0].ln(),
            Self::Max => x[largest(x)],
            Self::Sigmoid if x[0] >= 0.0 => 1.0 / (1.0 + (-x[0]).exp()),
            Self::Sigmoid => {
                let e = x[0].exp();
                e / (1.0 + e)
            }
            Self::Tanh => x[0].tanh(),
            Self::Sqrt if x[0] < 0.0 => return Err(format!("the square root of {}", x[0])),
            Self::Sqrt => x[0].sqrt(),
        };
        if value.is_finite() { Ok(value) } else { Err("too large a number".into()) }
    }

    /// The derivative of `value` by input `at`, or what is undefined about it.
    pub(super) fn local(self, x: &[f64], value: f64, at: usize) -> Result<f64, String> {
        let local = match (self, at) {
            (Self::Input | Self::Constant(_), _) => 0.0,
            (Self::Add, _) | (Self::Subtract, 0) => 1.0,
            (Self::Subtract | Self::Negate, _) => -1.0,
            (Self::Multiply, _) => x[1 - at],
            (Self::Divide, 0) => 1.0 / x[1],
            (Self::Divide, _) => -value / x[1],
            // Not n x^(n - 1), which would be 0 times infinity at x = 0.
            (Self::Power, 0) if x[1] == 0.0 => 0.0,
            (Self::Power, 0) => x[1] * x[0].powf(x[1] - 1.0),
            // 0^n is 0 for all n above 0.
            (Self::Power, _) if x[0] == 0.0 && x[1] > 0.0 => 0.0,
            (Self::Power, _) if x[0] <= 0.0 => {
                return Err(format!("the derivative by the exponent of a power of {}", x[0]));
            }
            (Self::Power, _) => value * x[0].ln(),
            (Self::Exp, _) => value,
            (Self::Log, _) => 1.0 / x[0],
            (Self::Max, _) => f64::from(u8::from(at == largest(x))),
            // e^-|x| / (1 + e^-|x|)^2 keeps its digits where value * (1 - value) has none left.
            (Self::Sigmoid, _) => {
                let e = (-x[0].abs()).exp();
                e / (1.0 + e).powi(2)
            }
            (Self::Tanh, _) => x[0].cosh().powi(-2),
            (Self::Sqrt, _) => 0.5 / value,
        };
        if local.is_finite() { Ok(local) } else { Err(format!("the derivative at {}", x[at])) }
    }

    /// Whether inputs may be as many as one likes.
    pub(super) fn arity(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Input | Self::Constant(_) => 0..=0,
            Self::Add | Self::Max => 1..=usize::MAX,
            Self::Subtract | Self::Multiply | Self::Divide | Self::Power => 2..=2,
            Self::Negate | Self::Exp | Self::Log | Self::Sigmoid | Self::Tanh | Self::Sqrt => 1..=1,
        }
    }
}

/// The place of the largest value; the first of equal ones.
pub(super) fn largest(x: &[f64]) -> usize {
    (1..x.len()).fold(0, |best, at| if x[at] > x[best] { at } else { best })
}

/// A negative number, in parentheses where a sign would follow an operator.
fn in_parentheses(x: &str) -> String {
    if x.starts_with('-') { format!("({x})") } else { x.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation's local derivatives against centred differences.
    #[test]
    fn local_derivatives_agree_with_differences() {
        use Operation::{Add, Divide, Exp, Log, Max, Multiply, Negate, Power, Sigmoid, Sqrt, Subtract, Tanh};
        let binary: [&[f64]; 4] = [&[2.5, 1.5], &[0.7, -2.0], &[3.0, 2.0], &[1.2, -0.4]];
        let unary: [&[f64]; 3] = [&[0.4], &[1.7], &[3.1]];
        for operation in [Add, Subtract, Multiply, Divide, Power, Max, Exp, Log, Sigmoid, Tanh, Sqrt, Negate]
        {
            let points = if operation.arity().contains(&2) { &binary[..] } else { &unary[..] };
            for x in points {
                for at in 0..x.len() {
                    let moved = |h: f64| {
                        let mut x = x.to_vec();
                        x[at] += h;
                        operation.apply(&x).expect("defined")
                    };
                    let numerical = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                    let value = operation.apply(x).expect("defined");
                    let local = operation.local(x, value, at).expect("defined");
                    assert!(
                        (local - numerical).abs() < 1e-8 * (1.0 + local.abs()),
                        "{operation:?} {x:?} {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn negative_bases_have_whole_powers() {
        assert_eq!(Operation::Power.apply(&[-3.0, 3.0]), Ok(-27.0));
        assert_eq!(Operation::Power.local(&[-3.0, 3.0], -27.0, 0), Ok(27.0));
        assert_eq!(Operation::Power.local(&[0.0, 0.0], 1.0, 0), Ok(0.0));
        assert_eq!(Operation::Power.local(&[0.0, 2.0], 0.0, 1), Ok(0.0));
        assert!(Operation::Power.apply(&[-3.0, 0.5]).is_err());
        assert!(Operation::Power.local(&[-3.0, 3.0], -27.0, 1).is_err());
        assert!(Operation::Sqrt.local(&[0.0], 0.0, 0).is_err());
    }

    #[test]
    fn saturated_functions_keep_their_digits() {
        for x in [-745.0, -40.0, 40.0, 745.0] {
            let value = Operation::Sigmoid.apply(&[x]).expect("defined");
            let local = Operation::Sigmoid.local(&[x], value, 0).expect("defined");
            assert!((0.0..=1.0).contains(&value) && local >= 0.0, "{x}: {value}, {local}");
        }
        let local = Operation::Sigmoid.local(&[40.0], 1.0, 0).expect("defined");
        assert!((local / (-40.0_f64).exp() - 1.0).abs() < 1e-12);
        assert_eq!(Operation::Tanh.local(&[800.0], 1.0, 0), Ok(0.0));
    }

    #[test]
    fn the_first_of_equal_values_is_the_largest() {
        assert_eq!(largest(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(Operation::Max.local(&[2.0, 2.0], 2.0, 0), Ok(1.0));
        assert_eq!(Operation::Max.local(&[2.0, 2.0], 2.0, 1), Ok(0.0));
    }
}
