//! The classifier's graph, whose wires carry vectors: x and W -> * -> scores -> loss -> + <- R(W).

use super::{Drawing, Look, Shape, number};
use crate::autodiff::classifier::ClassifierGraph;
use crate::autodiff::{NodeId, Pass};
use std::fmt::Write;

impl Drawing {
    /// The drawing of a classifier's graph on one example, `loss` being its loss's name.
    pub fn of_classifier(title: &str, loss: &str, built: &ClassifierGraph, pass: &Pass) -> Self {
        let end = built.graph.end();
        let operation = |symbol: &str, inputs: &[usize], value: String, gradient: Vec<String>| Shape {
            look: Look::Operation(symbol.into()),
            inputs: inputs.to_vec(),
            value: vec![value],
            gradient,
        };
        let gradients = |nodes: &[NodeId]| line(nodes, |node| pass.gradient(node).unwrap_or(0.0));
        let values = |nodes: &[NodeId]| line(nodes, |node| pass.value(node));
        let scalar = |node: NodeId| vec![number(pass.gradient(node).unwrap_or(0.0))];
        let (x, scores) = (&built.features[0], &built.scores[0]);
        let nodes = vec![
            Shape {
                look: Look::Input("x, 1".into()),
                inputs: Vec::new(),
                value: vec![format!("{}, 1", values(x))],
                gradient: Vec::new(),
            },
            Shape {
                look: Look::Input("W, b".into()),
                inputs: Vec::new(),
                value: built.weights.iter().map(|row| values(row)).collect(),
                gradient: built.weights.iter().map(|row| gradients(row)).collect(),
            },
            operation("*", &[0, 1], format!("s = {}", values(scores)), vec![gradients(scores)]),
            operation(
                loss,
                &[2],
                format!("L_i = {}", number(pass.value(built.data_loss))),
                scalar(built.data_loss),
            ),
            operation(
                "R(W)",
                &[1],
                format!("R = {}", number(pass.value(built.penalty))),
                scalar(built.penalty),
            ),
            operation("+", &[3, 4], format!("L = {}", number(pass.value(end))), vec!["1".into()]),
        ];
        let legend = ["above a wire: its value".into(), "below it: the gradient of L by it".into()];
        Self { title: title.into(), legend, nodes }
    }

    /// What the wires carry, as text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for node in &self.nodes {
            let (Look::Input(name) | Look::Constant(name) | Look::Operation(name)) = &node.look;
            let from: Vec<&str> = node.inputs.iter().map(|input| self.nodes[*input].name()).collect();
            let from =
                if from.is_empty() { String::new() } else { format!("  of  {}", from.join("  and  ")) };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n{name}{from}");
            for (kind, lines) in [("value", &node.value), ("gradient", &node.gradient)] {
                for (at, line) in lines.iter().enumerate() {
                    let _ = writeln!(text, "  {:<10}{line}", if at == 0 { kind } else { "" });
                }
            }
        }
        text
    }
}

impl Shape {
    /// What its value is called.
    fn name(&self) -> &str {
        match &self.look {
            Look::Input(name) | Look::Constant(name) => name,
            Look::Operation(symbol) => {
                self.value.first().and_then(|value| value.split_once(" = ")).map_or(symbol, |(name, _)| name)
            }
        }
    }
}

/// Numbers of some nodes in a line, at three digits: a wire has little room.
fn line(nodes: &[NodeId], of: impl Fn(NodeId) -> f64) -> String {
    let rounded = |node: &NodeId| number(format!("{:.2e}", of(*node)).parse().unwrap_or(f64::NAN));
    nodes.iter().map(rounded).collect::<Vec<_>>().join(", ")
}
