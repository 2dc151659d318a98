//! The graph as DOT, for Graphviz and what reads its language.

use super::{Drawing, Look};
use std::fmt::Write;

/// The drawing as DOT text: left to right, values and gradients on the wires.
pub fn to_dot(drawing: &Drawing) -> String {
    let mut text = String::from("digraph {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  label={};", quoted(&[&drawing.title, &drawing.legend.join("; ")]));
    for (index, node) in drawing.nodes.iter().enumerate() {
        let (shape, name) = match &node.look {
            Look::Input(name) | Look::Constant(name) => ("plaintext", name),
            Look::Operation(symbol) => ("circle", symbol),
        };
        let _ = writeln!(text, "  n{index} [shape={shape}, label={}];", quoted(&[name]));
    }
    let mut used = vec![false; drawing.nodes.len()];
    for (index, node) in drawing.nodes.iter().enumerate() {
        for &input in &node.inputs {
            let _ = writeln!(text, "  n{input} -> n{index} [label={}];", wire(drawing, input));
            used[input] = true;
        }
    }
    for index in (0..used.len()).filter(|index| !used[*index]) {
        let _ = writeln!(text, "  end{index} [shape=point];");
        let _ = writeln!(text, "  n{index} -> end{index} [label={}];", wire(drawing, index));
    }
    text.push_str("}\n");
    text
}

fn wire(drawing: &Drawing, node: usize) -> String {
    let node = &drawing.nodes[node];
    let lines: Vec<&str> = node.value.iter().chain(&node.gradient).map(String::as_str).collect();
    quoted(&lines)
}

/// Lines as one quoted label.
fn quoted(lines: &[&str]) -> String {
    let escaped: Vec<String> =
        lines.iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", escaped.join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lectures_graph() {
        let (graph, pass) = crate::report::graph::tests::lecture();
        let dot = to_dot(&Drawing::new("f = (x + y) * z", &graph, &pass));
        for line in [
            "  n2 [shape=circle, label=\"+\"];",
            "  n0 -> n2 [label=\"-2\\n-4\"];",
            "  n2 -> n4 [label=\"q = 3\\n-4\"];",
            "  n4 -> end4 [label=\"f = -12\\n1\"];",
        ] {
            assert!(dot.lines().any(|found| found == line), "{line} in {dot}");
        }
        assert_eq!(quoted(&["a\"b", "c\\d"]), r#""a\"b\nc\\d""#);
    }
}
