//! A computational graph for people: as tables, as a picture, as DOT.
//!
//! A [`Drawing`] is what the picture and the DOT text are made from; scalar expressions and the classifier, whose
//! wires carry vectors, both come down to it.

mod classifier;
mod dot;
mod layout;
mod picture;
mod table;

pub use dot::to_dot;
pub use picture::render;
pub use table::to_text;

use super::plot::setting;
use crate::autodiff::{Graph, NodeId, Operation, Pass};

/// A graph to be drawn: nodes in topological order.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// The heading.
    pub title: String,
    /// What the numbers are, below the picture: values, then gradients.
    pub legend: [String; 2],
    /// The nodes.
    pub nodes: Vec<Shape>,
}

/// A node, and the wire that leaves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// What the node looks like.
    pub look: Look,
    /// The nodes it takes its inputs from.
    pub inputs: Vec<usize>,
    /// Lines above the wire: the value.
    pub value: Vec<String>,
    /// Lines below it: the gradient.
    pub gradient: Vec<String>,
}

/// What a node looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// A name at the left end of a wire.
    Input(String),
    /// A number, the same.
    Constant(String),
    /// A circle with a symbol in it.
    Operation(String),
}

impl Drawing {
    /// The drawing of a scalar graph at the values of a pass.
    pub fn new(title: &str, graph: &Graph, pass: &Pass) -> Self {
        let end = &graph.node(graph.end()).name;
        Self {
            title: title.into(),
            legend: ["above a wire: its value".into(), format!("below it: the gradient of {end} by it")],
            nodes: graph.nodes().map(|(id, _)| shape(graph, pass, id)).collect(),
        }
    }
}

fn shape(graph: &Graph, pass: &Pass, id: NodeId) -> Shape {
    let node = graph.node(id);
    let value = number(pass.value(id));
    let inputs = node.inputs.iter().map(|input| input.index()).collect();
    let gradient: Vec<String> = gradient_label(pass, id).into_iter().collect();
    match node.operation {
        Operation::Input => {
            Shape { look: Look::Input(node.name.clone()), inputs, value: vec![value], gradient }
        }
        Operation::Constant(_) => Shape { look: Look::Constant(value), inputs, value: Vec::new(), gradient },
        operation => {
            let symbol = if operation == Operation::Sigmoid { "\u{3c3}" } else { operation.symbol() };
            // Wires do not show which of two comes first; where that matters, the formula does.
            let ordered = matches!(operation, Operation::Subtract | Operation::Divide | Operation::Power);
            let formula = if ordered { format!("{} = ", graph.formula(id)) } else { String::new() };
            let value = vec![format!("{} = {formula}{value}", node.name)];
            Shape { look: Look::Operation(symbol.replace('-', "\u{2212}")), inputs, value, gradient }
        }
    }
}

/// The gradient at a node; as a sum where several wires bring parts of it.
fn gradient_label(pass: &Pass, id: NodeId) -> Option<String> {
    let gradient = number(pass.gradient(id)?);
    let parts: Vec<String> =
        pass.edges.iter().filter(|edge| edge.input == id).map(|edge| number(edge.product)).collect();
    Some(if (2..=4).contains(&parts.len()) { format!("{} = {gradient}", sum(&parts)) } else { gradient })
}

/// "2 + 3 - 1".
fn sum(parts: &[String]) -> String {
    let mut text = String::new();
    for part in parts {
        let (sign, size) = part.strip_prefix('-').map_or(("+", part.as_str()), |size| ("-", size));
        if text.is_empty() {
            text.push_str(part);
        } else {
            text.extend([" ", sign, " ", size]);
        }
    }
    text
}

/// A number on a wire, at up to 6 significant digits; no thousands' commas, which could be read as two numbers.
pub fn number(value: f64) -> String {
    setting(value).replace(',', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::parse;

    pub(super) fn lecture() -> (Graph, Pass) {
        let graph = parse("(x + y) * z").expect("parses").graph;
        let pass = graph.evaluate(&[-2.0, 5.0, -4.0]).expect("defined");
        (graph, pass)
    }

    #[test]
    fn wires_carry_values_and_gradients() {
        let (graph, pass) = lecture();
        let drawing = Drawing::new("f", &graph, &pass);
        let wires: Vec<(&str, &str)> =
            drawing.nodes.iter().map(|n| (n.value[0].as_str(), n.gradient[0].as_str())).collect();
        assert_eq!(wires, [("-2", "-4"), ("5", "-4"), ("q = 3", "-4"), ("-4", "3"), ("f = -12", "1")]);
    }

    #[test]
    fn a_shared_node_shows_what_adds_up() {
        let graph = parse("x * x - 3 * x").expect("parses").graph;
        let pass = graph.evaluate(&[4.0]).expect("defined");
        let drawing = Drawing::new("f", &graph, &pass);
        assert_eq!(drawing.nodes[0].gradient, ["-3 + 4 + 4 = 5"]);
        assert_eq!(drawing.nodes.last().expect("f").value, ["f = q1 - q2 = 4"]);
    }
}
