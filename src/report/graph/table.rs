//! The graph as text: forward, backward, and what comes out.

use super::number;
use crate::autodiff::{Edge, Graph, Operation, Pass};
use std::fmt::Write;

/// Values forward, then upstream * local = product for each wire backward, then the gradients of the inputs.
pub fn to_text(title: &str, graph: &Graph, pass: &Pass) -> String {
    let end = graph.node(graph.end());
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{title}");
    text.push_str("\nforward\n");
    let results = graph.nodes().filter(|(_, node)| !matches!(node.operation, Operation::Constant(_)));
    let forward =
        results.map(|(id, node)| vec![node.name.clone(), graph.formula(id), number(pass.value(id))]);
    text.push_str(&columns(&["node", "operation", "value"], &[false, false, true], forward.collect()));

    if !pass.edges.is_empty() {
        text.push_str("\nbackward: upstream * local = product\n");
        let backward = pass.edges.iter().map(|edge| row(graph, edge, &end.name)).collect();
        let header = ["wire", "upstream", "", "local", "", "product"];
        text.push_str(&columns(&header, &[false, false, true, false, true, true], backward));
    }
    if let Some(note) = tie(graph, pass) {
        let _ = writeln!(text, "note: {note}");
    }

    text.push_str("\ngradient\n");
    let inputs: Vec<Vec<String>> = graph
        .inputs()
        .map(|(id, node)| {
            let parts: Vec<String> =
                pass.edges.iter().filter(|edge| edge.input == id).map(|edge| number(edge.product)).collect();
            let gradient = pass.gradient(id).map_or_else(String::new, number);
            let shared = match parts.len() {
                0 | 1 => String::new(),
                2..=8 => format!("= {}", super::sum(&parts)),
                many => format!("the sum of {many} products"),
            };
            vec![format!("d{}/d{} =", end.name, node.name), gradient, shared]
        })
        .collect();
    if inputs.is_empty() {
        text.push_str("  none: the expression has no names\n");
    } else {
        text.push_str(&columns(&[], &[false, true, false], inputs));
    }
    text
}

fn row(graph: &Graph, edge: &Edge, end: &str) -> Vec<String> {
    let (node, input) = (&graph.node(edge.node).name, &graph.node(edge.input).name);
    let formula = graph.local_formula(edge.node, edge.at);
    let local = number(edge.local);
    // "dq/dx = 1", not "dq/dx = 1 = 1".
    let formula = if formula == local { String::new() } else { format!(" = {formula}") };
    vec![
        format!("{node} -> {input}"),
        format!("d{end}/d{node} ="),
        number(edge.upstream),
        format!("d{node}/d{input}{formula} ="),
        local,
        number(edge.product),
    ]
}

/// What became of equal largest values.
fn tie(graph: &Graph, pass: &Pass) -> Option<String> {
    let tied = graph.nodes().find(|(id, node)| {
        let value = pass.value(*id);
        let largest = node.inputs.iter().filter(|input| pass.value(**input) == value).count();
        node.operation == Operation::Max && largest > 1
    })?;
    let name = &tied.1.name;
    Some(format!(
        "{name} = {} is a tie; the gradient goes to the first of the equal values",
        graph.formula(tied.0)
    ))
}

/// Rows with columns as wide as they need to be, each to the left or to the right.
fn columns(header: &[&str], right: &[bool], rows: Vec<Vec<String>>) -> String {
    let first: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let rows: Vec<Vec<String>> =
        std::iter::once(first).filter(|first| !first.is_empty()).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..right.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (((column, cell), width), right) in row.iter().enumerate().zip(&widths).zip(right) {
            // "df/dx = -4" is one thing in two columns, the second without a header.
            let joined = rows[0][column].is_empty() || header.is_empty() && column == 1;
            let space = if joined { " " } else { "  " };
            let _ = if *right {
                write!(line, "{space}{cell:>width$}")
            } else {
                write!(line, "{space}{cell:<width$}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::parse;

    #[test]
    fn the_lectures_table() {
        let (graph, pass) = crate::report::graph::tests::lecture();
        insta::assert_snapshot!(to_text("f = (x + y) * z", &graph, &pass), @r"
        f = (x + y) * z

        forward
          node  operation  value
          x     input         -2
          y     input          5
          q     x + y          3
          z     input         -4
          f     q * z        -12

        backward: upstream * local = product
          wire    upstream     local           product
          f -> q  df/df =   1  df/dq = z = -4       -4
          f -> z  df/df =   1  df/dz = q =  3        3
          q -> x  df/dq =  -4  dq/dx =      1       -4
          q -> y  df/dq =  -4  dq/dy =      1       -4

        gradient
          df/dx = -4
          df/dy = -4
          df/dz =  3
        ");
    }

    #[test]
    fn long_sums_are_counted() {
        let expression = ["x"; 40].join(" + ");
        let graph = parse(&expression).expect("parses").graph;
        let text = to_text(&expression, &graph, &graph.evaluate(&[1.0]).expect("defined"));
        assert!(text.ends_with("  df/dx = 40  the sum of 40 products\n"), "{text}");
    }

    #[test]
    fn ties_are_told() {
        let graph = parse("max(x, y)").expect("parses").graph;
        let pass = graph.evaluate(&[2.0, 2.0]).expect("defined");
        let text = to_text("max(x, y)", &graph, &pass);
        assert!(text.contains("note: f = max(x, y) is a tie; the gradient goes to the first"), "{text}");
    }
}
