//! From text to a graph: + - * / ^ with the usual precedence (^ binds tightest and to the right, then the minus
//! sign, then * and /), parentheses, numbers, names, functions.

use super::graph::{Graph, NodeId};
use super::operation::{FUNCTIONS, Operation};
use thiserror::Error;

/// Longest text, in characters.
const LONGEST: usize = 2000;
/// Deepest nesting of parentheses, signs and powers: the parser calls itself that often.
const DEEPEST: usize = 100;
/// What may stand where a value begins.
const VALUE: &str = "a number, a name or '('";

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Its graph, results named.
    pub graph: Graph,
    /// Where each input is first used, in characters from 1, in the order of the graph's inputs.
    pub places: Vec<usize>,
}

/// Text that is no expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expression, character {place}: found {found}, expected {expected}")]
pub struct ParseError {
    /// The character, from 1.
    pub place: usize,
    /// What is there.
    pub found: String,
    /// What could be there.
    pub expected: String,
}

impl ParseError {
    /// What to write instead, where a power was written otherwise.
    pub fn hint(&self, text: &str) -> Option<&'static str> {
        let mut at = text.chars().skip(self.place.saturating_sub(2));
        let [before, here] = [at.next(), at.next()];
        let power = here.is_some_and(is_superscript) || (before, here) == (Some('*'), Some('*'));
        power.then_some("a power is written with ^, as in x^2")
    }
}

/// Reads an expression.
///
/// # Errors
/// [`ParseError`] at the first character that cannot be.
pub fn parse(text: &str) -> Result<Expression, ParseError> {
    let length = text.chars().count();
    if length > LONGEST {
        let found = format!("{length} characters");
        return Err(ParseError { place: LONGEST + 1, found, expected: format!("{LONGEST} at most") });
    }
    let tokens = tokens(text)?;
    let mut parser =
        Parser { tokens, next: 0, depth: 0, graph: Graph::default(), inputs: Vec::new(), end: length + 1 };
    let root = parser.sum()?;
    if parser.next < parser.tokens.len() {
        return Err(parser.wrong("an operator or the end"));
    }
    // A name alone would not be the last node if it were not the only one.
    debug_assert_eq!(root, parser.graph.end());
    parser.graph.name_results();
    let places = parser.inputs.into_iter().map(|(_, _, place)| place).collect();
    Ok(Expression { graph: parser.graph, places })
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ParseError> {
    let chars: Vec<char> = text.chars().collect();
    let run = |from: usize, belongs: &dyn Fn(char) -> bool| {
        chars[from..].iter().take_while(|c| belongs(**c)).count() + from
    };
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = plain(chars[at]);
        let start = at;
        let token = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '+' | '-' | '*' | '/' | '^' | '(' | ')' | ',' => {
                at += 1;
                Token::Sign(c)
            }
            '0'..='9' | '.' => {
                at = run(at, &|c| c.is_ascii_digit() || c == '.');
                if chars.get(at).is_some_and(|c| matches!(c, 'e' | 'E')) {
                    let sign = usize::from(chars.get(at + 1).is_some_and(|c| matches!(c, '+' | '-')));
                    // Without digits behind it, e is a name.
                    if chars.get(at + 1 + sign).is_some_and(char::is_ascii_digit) {
                        at = run(at + 1 + sign, &|c| c.is_ascii_digit());
                    }
                }
                let found: String = chars[start..at].iter().collect();
                match found.parse::<f64>() {
                    Ok(value) if value.is_finite() => Token::Number(value),
                    _ => {
                        let expected = "a finite number such as 0.5 or 1e-3".into();
                        return Err(ParseError { place: start + 1, found, expected });
                    }
                }
            }
            c if c.is_alphabetic() || c == '_' => {
                at = run(at, &|c| (c.is_alphanumeric() && !is_superscript(c)) || c == '_');
                Token::Name(chars[start..at].iter().collect())
            }
            c => {
                let expected = "a number, a name, an operator or parentheses".into();
                return Err(ParseError { place: start + 1, found: format!("{c:?}"), expected });
            }
        };
        tokens.push((start + 1, token));
    }
    Ok(tokens)
}

/// The operator that a slide's typography means.
fn plain(c: char) -> char {
    match c {
        '\u{2212}' => '-',
        '\u{d7}' | '\u{b7}' => '*',
        '\u{f7}' => '/',
        c => c,
    }
}

/// An exponent as slides have it, which would pass for part of a name.
fn is_superscript(c: char) -> bool {
    matches!(c, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{2070}'..='\u{2079}')
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    graph: Graph,
    /// Name, node, and where it is first used.
    inputs: Vec<(String, NodeId, usize)>,
    /// The place behind the last character.
    end: usize,
}

impl Parser {
    fn sum(&mut self) -> Result<NodeId, ParseError> {
        let mut left = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            let right = self.product()?;
            let operation = if sign == '+' { Operation::Add } else { Operation::Subtract };
            left = self.graph.apply(operation, &[left, right]);
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<NodeId, ParseError> {
        let mut left = self.signed()?;
        while let Some(sign) = self.take(&['*', '/']) {
            let right = self.signed()?;
            let operation = if sign == '*' { Operation::Multiply } else { Operation::Divide };
            left = self.graph.apply(operation, &[left, right]);
        }
        Ok(left)
    }

    /// A power, or minus one: -x^2 is -(x^2).
    fn signed(&mut self) -> Result<NodeId, ParseError> {
        if self.take(&['-']).is_none() {
            return self.power();
        }
        let of = self.deeper(Self::signed)?;
        if matches!(self.graph.node(of).operation, Operation::Constant(_)) && of == self.graph.end() {
            self.graph.negate_last_constant();
            return Ok(of);
        }
        Ok(self.graph.apply(Operation::Negate, &[of]))
    }

    /// To the right: 2^3^2 is 2^9; and 2^-1 needs no parentheses.
    fn power(&mut self) -> Result<NodeId, ParseError> {
        let base = self.value()?;
        if self.take(&['^']).is_none() {
            return Ok(base);
        }
        let exponent = self.deeper(Self::signed)?;
        Ok(self.graph.apply(Operation::Power, &[base, exponent]))
    }

    fn value(&mut self) -> Result<NodeId, ParseError> {
        let Some((place, token)) = self.tokens.get(self.next).cloned() else {
            return Err(self.wrong(VALUE));
        };
        match token {
            Token::Number(value) => {
                self.next += 1;
                Ok(self.graph.constant(value))
            }
            Token::Sign('(') => {
                self.next += 1;
                let inner = self.deeper(Self::sum)?;
                self.expect(')', "an operator or ')'")?;
                Ok(inner)
            }
            Token::Sign(_) => Err(self.wrong(VALUE)),
            Token::Name(name) => {
                let called = matches!(self.tokens.get(self.next + 1), Some((_, Token::Sign('('))));
                let function = FUNCTIONS.iter().find(|(function, _)| *function == name);
                match (function, called) {
                    (Some((name, operation)), _) => self.call(place, name, *operation),
                    (None, true) => {
                        let names: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
                        let expected = format!("one of the functions {}", names.join(", "));
                        Err(ParseError { place, found: format!("'{name}('"), expected })
                    }
                    (None, false) => {
                        self.next += 1;
                        Ok(self.input(name, place))
                    }
                }
            }
        }
    }

    fn call(&mut self, place: usize, name: &str, operation: Operation) -> Result<NodeId, ParseError> {
        self.next += 1;
        self.expect('(', &format!("'(' after {name}"))?;
        let mut arguments = vec![self.deeper(Self::sum)?];
        while self.take(&[',']).is_some() {
            arguments.push(self.deeper(Self::sum)?);
        }
        self.expect(')', "an operator, ',' or ')'")?;
        if !operation.arity().contains(&arguments.len()) {
            let found = format!("{name} of {} values", arguments.len());
            return Err(ParseError { place, found, expected: format!("{name} of 1") });
        }
        Ok(self.graph.apply(operation, &arguments))
    }

    /// The one node of a name.
    fn input(&mut self, name: String, place: usize) -> NodeId {
        if let Some((_, node, _)) = self.inputs.iter().find(|(known, ..)| *known == name) {
            return *node;
        }
        let node = self.graph.input(name.as_str());
        self.inputs.push((name, node, place));
        node
    }

    fn deeper(&mut self, inner: fn(&mut Self) -> Result<NodeId, ParseError>) -> Result<NodeId, ParseError> {
        if self.depth == DEEPEST {
            return Err(self.wrong(&format!("no more than {DEEPEST} parts inside one another")));
        }
        self.depth += 1;
        let node = inner(self);
        self.depth -= 1;
        node
    }

    /// Goes past the next token if it is one of `signs`.
    fn take(&mut self, signs: &[char]) -> Option<char> {
        match self.tokens.get(self.next) {
            Some((_, Token::Sign(sign))) if signs.contains(sign) => {
                self.next += 1;
                Some(*sign)
            }
            _ => None,
        }
    }

    fn expect(&mut self, sign: char, expected: &str) -> Result<(), ParseError> {
        self.take(&[sign]).map(|_| ()).ok_or_else(|| self.wrong(expected))
    }

    /// The next token is not what could be there.
    fn wrong(&self, expected: &str) -> ParseError {
        let (place, found) = match self.tokens.get(self.next) {
            None => (self.end, "the end".into()),
            Some((place, Token::Number(value))) => (*place, format!("the number {value}")),
            Some((place, Token::Name(name))) => (*place, format!("'{name}'")),
            Some((place, Token::Sign(sign))) => (*place, format!("'{sign}'")),
        };
        ParseError { place, found, expected: expected.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::Pass;
    use proptest::prelude::*;

    fn pass(text: &str, values: &[f64]) -> (Graph, Pass) {
        let graph = parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).graph;
        let pass = graph.evaluate(values).unwrap_or_else(|error| panic!("{text}: {error}"));
        (graph, pass)
    }

    fn value(text: &str) -> f64 {
        let (graph, pass) = pass(text, &[]);
        pass.value(graph.end())
    }

    /// The gradients by the inputs, in order of first use.
    fn gradient(text: &str, values: &[f64]) -> Vec<f64> {
        let (graph, pass) = pass(text, values);
        graph.inputs().map(|(id, _)| pass.gradient(id).expect("an input has one")).collect()
    }

    #[test]
    fn precedence_is_the_usual_one() {
        for (text, expected) in [
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3", 9.0),
            ("8 / 4 / 2", 1.0),
            ("8 - 4 - 2", 2.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("-3 ^ 2", -9.0),
            ("(-3) ^ 2", 9.0),
            ("2 ^ -1", 0.5),
            ("2 * -3", -6.0),
            ("- - 3", 3.0),
            ("1 - -1", 2.0),
            ("6 / 2 * 3", 9.0),
            ("1e-3 * 1E3 + .5 + 2.", 3.5),
            ("max(1, 3, 2)", 3.0),
            ("exp(0) + log(1) + sqrt(4) + tanh(0) + sigmoid(0)", 3.5),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    /// x = -2, y = 5, z = -4: q = 3, f = -12.
    #[test]
    fn the_lectures_graph() {
        let (graph, pass) = pass("(x + y) * z", &[-2.0, 5.0, -4.0]);
        let found: Vec<(&str, f64, Option<f64>)> =
            graph.nodes().map(|(id, node)| (node.name.as_str(), pass.value(id), pass.gradient(id))).collect();
        let expected = [
            ("x", -2.0, Some(-4.0)),
            ("y", 5.0, Some(-4.0)),
            ("q", 3.0, Some(-4.0)),
            ("z", -4.0, Some(3.0)),
            ("f", -12.0, Some(1.0)),
        ];
        assert_eq!(found, expected);
        assert_eq!(gradient("x^2 + y^2", &[5.0, 3.0]), [10.0, 6.0]);
    }

    #[test]
    fn a_name_is_one_node_whose_gradients_add_up() {
        assert_eq!(gradient("x * x + 3 * x", &[4.0]), [11.0]);
        assert_eq!(gradient("x - x", &[4.0]), [0.0]);
        assert_eq!(gradient("x", &[4.0]), [1.0]);
    }

    #[test]
    fn a_tie_of_max_sends_the_gradient_to_one() {
        assert_eq!(gradient("max(x, y)", &[2.0, 2.0]), [1.0, 0.0]);
        assert_eq!(gradient("max(x, y, y)", &[1.0, 2.0]), [0.0, 1.0]);
        assert_eq!(gradient("max(x, x)", &[2.0]), [1.0]);
    }

    #[test]
    fn names_avoid_those_in_use() {
        let names = |text: &str| {
            let graph = parse(text).expect("parses").graph;
            let results = graph.nodes().filter(|(_, node)| !node.inputs.is_empty());
            results.map(|(_, node)| node.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("(x + y) * z"), ["q", "f"]);
        assert_eq!(names("x^2 + y^2"), ["q1", "q2", "f"]);
        assert_eq!(names("(q + f) * z"), ["u", "L"]);
        assert_eq!(names("a * q2 + q1 * b"), ["u1", "u2", "f"]);
        assert_eq!(names("q + u + v + p - f * L - F"), ["q1", "q2", "q3", "q4", "q5", "f_"]);
    }

    #[test]
    fn text_from_slides_is_read() {
        let plain = parse("x * y / z - 2 * x").expect("parses");
        assert_eq!(parse("x \u{d7} y \u{f7} z \u{2212} 2 \u{b7} x").expect("parses"), plain);
        for (text, place) in [("x\u{b2} + y", 2), ("x ** 2", 4)] {
            let error = parse(text).expect_err("no power");
            assert_eq!(
                (error.place, error.hint(text)),
                (place, Some("a power is written with ^, as in x^2"))
            );
        }
        assert_eq!(parse("x + * y").expect_err("no value").hint("x + * y"), None);
    }

    #[test]
    fn errors_have_a_place() {
        for (text, expected) in [
            ("(x + y)) * z", "expression, character 8: found ')', expected an operator or the end"),
            ("x + * y", "expression, character 5: found '*', expected a number, a name or '('"),
            ("(x + )", "expression, character 6: found ')', expected a number, a name or '('"),
            ("(x + y", "expression, character 7: found the end, expected an operator or ')'"),
            ("", "expression, character 1: found the end, expected a number, a name or '('"),
            ("2 x", "expression, character 3: found 'x', expected an operator or the end"),
            ("x ** 2", "expression, character 4: found '*', expected a number, a name or '('"),
            (
                "x = 2",
                "expression, character 3: found '=', expected a number, a name, an operator or parentheses",
            ),
            (
                "é + $",
                "expression, character 5: found '$', expected a number, a name, an operator or parentheses",
            ),
            ("1.2.3", "expression, character 1: found 1.2.3, expected a finite number such as 0.5 or 1e-3"),
            ("1e999", "expression, character 1: found 1e999, expected a finite number such as 0.5 or 1e-3"),
            ("1 + log 2", "expression, character 9: found the number 2, expected '(' after log"),
            ("log(x, y)", "expression, character 1: found log of 2 values, expected log of 1"),
            ("max()", "expression, character 5: found ')', expected a number, a name or '('"),
            (
                "1 + sin(x)",
                "expression, character 5: found 'sin(', expected one of the functions exp, log, max, sigmoid, tanh, sqrt",
            ),
        ] {
            assert_eq!(parse(text).expect_err(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn no_text_can_overflow_the_stack() {
        for text in
            ["(".repeat(1999), "-".repeat(1999), "2^".repeat(999), "exp(".repeat(499), "max(1,".repeat(333)]
        {
            assert!(parse(&text).expect_err("too deep").expected.contains("inside one another"));
        }
        assert!(parse(&"x".repeat(5000)).is_err());
        let deep = format!("{}x{}", "(".repeat(DEEPEST), ")".repeat(DEEPEST));
        assert_eq!(gradient(&deep, &[3.0]), [1.0]);
        // Long but flat: no limit but the length.
        let sum = vec!["x"; 900].join("+");
        assert_eq!(gradient(&sum, &[3.0]), [900.0]);
    }

    #[test]
    fn what_is_undefined_says_where() {
        for (text, values, expected) in [
            ("log(x) * 2", &[-2.0][..], "q = log(x): found the logarithm of -2, expected a finite number"),
            ("x / (y - y)", &[1.0, 3.0], "f = x / q: found a division by 0, expected a finite number"),
            ("sqrt(x)", &[0.0], "f = sqrt(x): found the derivative at 0, expected a finite number"),
            ("exp(x)", &[1e4], "f = exp(x): found too large a number, expected a finite number"),
            (
                "x ^ y",
                &[-2.0, 2.0],
                "f = x^y: found the derivative by the exponent of a power of -2, expected a finite number",
            ),
            (
                "x ^ 0.5",
                &[-2.0],
                "f = x^0.5: found -2 to the power of 0.5, which is no whole number, expected a finite number",
            ),
            (
                "0 ^ -1",
                &[],
                "f = 0^(-1): found 0 to the power of -1, a division by 0, expected a finite number",
            ),
        ] {
            let error = parse(text).expect("parses").graph.evaluate(values).expect_err(text);
            assert_eq!(error.to_string(), expected);
        }
        // A constant exponent needs no derivative by itself.
        assert_eq!(gradient("x ^ 2", &[-3.0]), [-6.0]);
    }

    /// Random expressions in x, y and z, defined and smooth everywhere.
    fn expression() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(vec!["x", "y", "z"]).prop_map(str::to_owned),
            (1..40_u32).prop_map(|n| (f64::from(n) / 10.0).to_string()),
        ];
        leaf.prop_recursive(5, 24, 3, |inner| {
            prop_oneof![
                (inner.clone(), prop::sample::select(vec!["+", "-", "*"]), inner.clone())
                    .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} / (1 + ({b})^2)")),
                inner.clone().prop_map(|a| format!("-tanh({a})")),
                inner.clone().prop_map(|a| format!("sigmoid({a})")),
                inner.clone().prop_map(|a| format!("exp(tanh({a}))")),
                inner.clone().prop_map(|a| format!("log(2 + sigmoid({a}))")),
                inner.clone().prop_map(|a| format!("sqrt(1 + ({a})^2)")),
                inner.prop_map(|a| format!("(1.5 + sigmoid({a}))^tanh({a})")),
            ]
        })
    }

    proptest! {
        #[test]
        fn gradients_agree_with_differences(text in expression(), at in prop::array::uniform3(-2.0..2.0_f64)) {
            let graph = parse(&text).expect("parses").graph;
            let names: Vec<&str> = graph.inputs().map(|(_, node)| node.name.as_str()).collect();
            let values = |at: &[f64; 3]| -> Vec<f64> {
                names.iter().map(|name| at[usize::from(name.as_bytes()[0] - b'x')]).collect()
            };
            let end = graph.end();
            let pass = graph.evaluate(&values(&at)).expect("defined");
            for (id, node) in graph.inputs() {
                let moved = |h: f64| {
                    let mut at = at;
                    at[usize::from(node.name.as_bytes()[0] - b'x')] += h;
                    graph.evaluate(&values(&at)).expect("defined").value(end)
                };
                let numerical = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                let gradient = pass.gradient(id).expect("an input");
                let size = 1.0 + gradient.abs() + pass.value(end).abs();
                prop_assert!((gradient - numerical).abs() < 1e-5 * size, "{text} by {}: {gradient}, {numerical}", node.name);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+*/^(), .0-9exylogmax]{0,60}") {
            if let Ok(expression) = parse(&text) {
                let values = vec![0.5; expression.places.len()];
                let _ = expression.graph.evaluate(&values);
            }
        }
    }
}
