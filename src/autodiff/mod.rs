//! Reverse-mode differentiation of scalar expressions: the lecture's computational graph.
//!
//! ```text
//! text -> parse -> Graph (nodes in topological order) -> evaluate: values forward, gradients backward -> Pass
//! ```
//!
//! Everything is f64, one number a node. It is slow and plain on purpose: what it says about a loss is a third
//! opinion beside the analytic gradient and the difference quotient, exact to rounding.

pub mod classifier;
mod graph;
mod operation;
mod parse;

pub use graph::{Edge, Graph, Node, NodeId, Pass, Undefined};
pub use operation::Operation;
pub use parse::{Expression, ParseError, parse};
