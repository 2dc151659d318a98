//! Where the nodes go: in columns from left to right, in slots from top to bottom.
//!
//! A node stands one column right of its last input. A wire that passes columns on its way keeps a slot in each, so
//! that it never runs through a node; consumers branch off from it. Slots are put where their neighbours are, again
//! and again from both sides, and spread as end labels are.

use super::{Drawing, Look};
use crate::report::plot::spread;

/// Rounds of putting slots where their neighbours are.
const ROUNDS: usize = 12;

/// A place in a column: of a node, or of a wire that passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// The node, or the one the wire comes from.
    pub node: usize,
    /// Whether only its wire is here.
    pub passes: bool,
    /// Down the page, in slots.
    pub height: f64,
}

/// The columns; heights begin at 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// From left to right.
    pub columns: Vec<Vec<Slot>>,
    /// The column of each node.
    pub column_of: Vec<usize>,
}

impl Layout {
    /// Lays out a drawing.
    pub fn new(drawing: &Drawing) -> Self {
        let column_of = columns_of(drawing);
        let mut last = column_of.clone();
        for (index, node) in drawing.nodes.iter().enumerate() {
            for &input in &node.inputs {
                last[input] = last[input].max(column_of[index] - 1);
            }
        }
        let count = column_of.iter().max().map_or(0, |last| last + 1);
        let column = |k: usize| {
            let nodes = (0..drawing.nodes.len()).filter(|node| (column_of[*node]..=last[*node]).contains(&k));
            nodes
                .enumerate()
                .map(|(i, node)| Slot { node, passes: column_of[node] != k, height: i as f64 })
                .collect()
        };
        let mut layout = Self { columns: (0..count).map(column).collect(), column_of };
        for _ in 0..ROUNDS {
            (1..count).for_each(|k| layout.settle(drawing, k, k - 1));
            (0..count.saturating_sub(1)).rev().for_each(|k| layout.settle(drawing, k, k + 1));
        }
        let lowest = layout.columns.iter().flatten().map(|slot| slot.height).fold(f64::INFINITY, f64::min);
        layout.columns.iter_mut().flatten().for_each(|slot| slot.height -= lowest);
        layout
    }

    /// The slot of a node, or of its wire, in a column.
    pub fn slot(&self, column: usize, node: usize) -> Option<&Slot> {
        self.columns[column].iter().find(|slot| slot.node == node)
    }

    /// Puts the slots of a column near those they are joined to in another.
    fn settle(&mut self, drawing: &Drawing, column: usize, other: usize) {
        let joined = |slot: &Slot, with: &Slot| {
            let (left, right) = if column < other { (slot, with) } else { (with, slot) };
            (right.passes && left.node == right.node)
                || (!right.passes && drawing.nodes[right.node].inputs.contains(&left.node))
        };
        let wanted: Vec<f64> = self.columns[column]
            .iter()
            .map(|slot| {
                let heights: Vec<f64> = self.columns[other]
                    .iter()
                    .filter(|with| joined(slot, with))
                    .map(|with| with.height)
                    .collect();
                if heights.is_empty() {
                    slot.height
                } else {
                    heights.iter().sum::<f64>() / heights.len() as f64
                }
            })
            .collect();
        for (slot, height) in self.columns[column].iter_mut().zip(spread(&wanted, 1.0, -1e6, 1e6)) {
            slot.height = height;
        }
    }
}

/// The column of each node: inputs in the first, constants right before what takes them.
fn columns_of(drawing: &Drawing) -> Vec<usize> {
    let mut columns = vec![0; drawing.nodes.len()];
    for (index, node) in drawing.nodes.iter().enumerate() {
        columns[index] = node.inputs.iter().map(|input| columns[*input] + 1).max().unwrap_or(0);
    }
    for (index, node) in drawing.nodes.iter().enumerate().rev() {
        let constants =
            node.inputs.iter().filter(|input| matches!(drawing.nodes[**input].look, Look::Constant(_)));
        constants.for_each(|constant| columns[*constant] = columns[index] - 1);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::parse;

    fn layout(text: &str) -> (Drawing, Layout) {
        let graph = parse(text).expect("parses").graph;
        let values = vec![0.5; graph.inputs().count()];
        let drawing = Drawing::new("", &graph, &graph.evaluate(&values).expect("defined"));
        let layout = Layout::new(&drawing);
        (drawing, layout)
    }

    #[test]
    fn the_lectures_graph_has_three_columns() {
        let (_, layout) = layout("(x + y) * z");
        assert_eq!(layout.column_of, [0, 0, 1, 0, 2]);
        assert_eq!(layout.columns[1].iter().map(|slot| slot.passes).collect::<Vec<_>>(), [false, true]);
        let heights: Vec<f64> = layout.columns[0].iter().map(|slot| slot.height).collect();
        assert!(
            heights.windows(2).all(|pair| pair[1] >= pair[0] + 0.99),
            "x, y, z from the top: {heights:?}"
        );
    }

    #[test]
    fn slots_never_overlap() {
        for text in ["(x + y) * z + x^2 - y / (1 + z)", "max(a, b, c, d) * a + exp(b) * (c - d) ^ 2", "x"] {
            let (drawing, layout) = layout(text);
            for column in &layout.columns {
                let mut heights: Vec<f64> = column.iter().map(|slot| slot.height).collect();
                heights.sort_by(f64::total_cmp);
                assert!(heights.windows(2).all(|pair| pair[1] - pair[0] > 0.999), "{text}: {heights:?}");
                assert!(heights[0] > -1e-9);
            }
            for (index, node) in drawing.nodes.iter().enumerate() {
                for input in &node.inputs {
                    assert!(layout.slot(layout.column_of[index] - 1, *input).is_some());
                }
            }
        }
    }
}
