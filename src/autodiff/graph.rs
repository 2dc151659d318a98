//! The graph: nodes in topological order, values forward, gradients backward.

use super::Operation;
use thiserror::Error;

/// A node's number: an input's number is below that of every node it goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

impl NodeId {
    /// Its place among the nodes.
    pub fn index(self) -> usize {
        self.0
    }
}

/// One operation, and where its inputs come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it does.
    pub operation: Operation,
    /// To whose values, in order; one node may be there more than once.
    pub inputs: Vec<NodeId>,
    /// What its value is called; a constant is called by its number.
    pub name: String,
}

/// A computation of one number from several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
}

/// A value or a derivative that does not exist.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{name} = {formula}: found {found}, expected a finite number")]
pub struct Undefined {
    /// The node where.
    pub name: String,
    /// Its operation.
    pub formula: String,
    /// What is undefined.
    pub found: String,
}

/// One wire, backward: from a node to one of its inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The node.
    pub node: NodeId,
    /// Which of its inputs.
    pub at: usize,
    /// That input.
    pub input: NodeId,
    /// Gradient of the end by the node.
    pub upstream: f64,
    /// Derivative of the node by the input.
    pub local: f64,
    /// Upstream times local: what this wire adds to the input's gradient.
    pub product: f64,
}

/// A graph's values, and the gradients of the last node by all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// By node.
    pub values: Vec<f64>,
    /// By node; `None` where no input has any part in it.
    pub gradients: Vec<Option<f64>>,
    /// Every wire that leads to an input, in backward order.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// A new input.
    pub fn input(&mut self, name: impl Into<String>) -> NodeId {
        self.push(Operation::Input, Vec::new(), name.into())
    }

    /// A new constant.
    pub fn constant(&mut self, value: f64) -> NodeId {
        self.push(Operation::Constant(value), Vec::new(), value.to_string())
    }

    /// A new operation on earlier nodes, not yet named.
    ///
    /// # Panics
    /// If the operation does not take so many inputs, or one is not of this graph.
    pub fn apply(&mut self, operation: Operation, inputs: &[NodeId]) -> NodeId {
        assert!(operation.arity().contains(&inputs.len()), "{operation:?} of {} inputs", inputs.len());
        assert!(inputs.iter().all(|input| input.0 < self.nodes.len()), "inputs come first");
        self.push(operation, inputs.to_vec(), String::new())
    }

    fn push(&mut self, operation: Operation, inputs: Vec<NodeId>, name: String) -> NodeId {
        self.nodes.push(Node { operation, inputs, name });
        NodeId(self.nodes.len() - 1)
    }

    /// Turns the last node, which must be a constant, into its negative: `-2` is a number, not an operation.
    pub(super) fn negate_last_constant(&mut self) {
        if let Some(Node { operation: Operation::Constant(value), name, .. }) = self.nodes.last_mut() {
            *value = -*value;
            *name = value.to_string();
        }
    }

    /// All nodes, inputs of a node before it.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index), node))
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The inputs, in the order they were made.
    pub fn inputs(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes().filter(|(_, node)| node.operation == Operation::Input)
    }

    /// The last node: what everything is for.
    ///
    /// # Panics
    /// If the graph is empty.
    pub fn end(&self) -> NodeId {
        NodeId(self.nodes.len().checked_sub(1).expect("a graph has a node"))
    }

    /// A node's operation on the names of its inputs.
    pub fn formula(&self, id: NodeId) -> String {
        self.node(id).operation.formula(&self.input_names(id))
    }

    /// The local derivative of a node by one of its inputs, on names.
    pub fn local_formula(&self, id: NodeId, at: usize) -> String {
        self.node(id).operation.local_formula(&self.node(id).name, &self.input_names(id), at)
    }

    fn input_names(&self, id: NodeId) -> Vec<&str> {
        self.node(id).inputs.iter().map(|input| self.node(*input).name.as_str()).collect()
    }

    /// The lecture's critical technique: names for intermediate results. The last is f, the others q, or q1, q2, ...
    /// where there are several; other letters where these are taken.
    pub fn name_results(&mut self) {
        let taken: Vec<String> = self.inputs().map(|(_, node)| node.name.clone()).collect();
        let is_free = |name: &str| !taken.iter().any(|taken| taken == name);
        let Some(last) = self.nodes.len().checked_sub(1) else { return };
        let is_result = |node: &Node| !matches!(node.operation, Operation::Input | Operation::Constant(_));
        let others = self.nodes[..last].iter().filter(|node| is_result(node)).count();
        let numbered = |letter: &str, number: usize| {
            if others == 1 { letter.to_owned() } else { format!("{letter}{number}") }
        };
        let all_free = |letter: &str| (1..=others).all(|number| is_free(&numbered(letter, number)));
        let letter = first("q", &["u", "v", "p"], all_free);
        let end = first("f", &["L", "F"], is_free);
        let results = self.nodes[..last].iter_mut().filter(|node| is_result(node));
        for (number, node) in results.enumerate() {
            node.name = numbered(&letter, number + 1);
        }
        if is_result(&self.nodes[last]) {
            self.nodes[last].name = end;
        }
    }

    /// Values forward and gradients backward, at values of the inputs in the order they were made.
    ///
    /// # Errors
    /// [`Undefined`] at the first node without a value, or without a derivative that is needed.
    ///
    /// # Panics
    /// If there are not as many values as inputs.
    pub fn evaluate(&self, inputs: &[f64]) -> Result<Pass, Undefined> {
        let values = self.forward(inputs)?;
        self.backward(values)
    }

    fn forward(&self, inputs: &[f64]) -> Result<Vec<f64>, Undefined> {
        assert_eq!(inputs.len(), self.inputs().count(), "a value for each input");
        let mut inputs = inputs.iter();
        let mut values: Vec<f64> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes() {
            let value = match (node.operation, inputs.as_slice()) {
                (Operation::Input, [value, ..]) => {
                    inputs.next();
                    *value
                }
                (operation, _) => {
                    operation.apply(&arguments(node, &values)).map_err(|found| self.undefined(id, found))?
                }
            };
            values.push(value);
        }
        Ok(values)
    }

    fn backward(&self, values: Vec<f64>) -> Result<Pass, Undefined> {
        // Gradients go only where an input waits for them: the derivative by a constant exponent is nobody's need.
        let mut needed: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let own = node.operation == Operation::Input || node.inputs.iter().any(|input| needed[input.0]);
            needed.push(own);
        }
        let mut gradients: Vec<Option<f64>> = needed.iter().map(|needed| needed.then_some(0.0)).collect();
        if let Some(Some(end)) = gradients.last_mut() {
            *end = 1.0;
        }
        let mut edges = Vec::new();
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let Some(upstream) = gradients[index] else { continue };
            let (node_id, x) = (NodeId(index), arguments(node, &values));
            for (at, &input) in node.inputs.iter().enumerate() {
                let Some(gradient) = &mut gradients[input.0] else { continue };
                let undefined = |found| self.undefined(node_id, found);
                let local = node.operation.local(&x, values[index], at).map_err(undefined)?;
                let product = upstream * local;
                // A name used twice is one node: what comes down its wires adds up.
                *gradient += product;
                if !gradient.is_finite() {
                    return Err(undefined("too large a gradient".into()));
                }
                edges.push(Edge { node: node_id, at, input, upstream, local, product });
            }
        }
        Ok(Pass { values, gradients, edges })
    }

    fn undefined(&self, id: NodeId, found: String) -> Undefined {
        Undefined { name: self.node(id).name.clone(), formula: self.formula(id), found }
    }
}

impl Pass {
    /// A node's value.
    pub fn value(&self, id: NodeId) -> f64 {
        self.values[id.0]
    }

    /// The gradient of the end by a node; `None` if no input has a part in it.
    pub fn gradient(&self, id: NodeId) -> Option<f64> {
        self.gradients[id.0]
    }
}

fn arguments(node: &Node, values: &[f64]) -> Vec<f64> {
    node.inputs.iter().map(|input| values[input.0]).collect()
}

/// The preferred name, or the first of the others that is free, or the preferred one with underscores behind it.
fn first(preferred: &str, others: &[&str], is_free: impl Fn(&str) -> bool) -> String {
    let names = std::iter::once(preferred).chain(others.iter().copied()).map(str::to_owned);
    let longer = (1..).map(|count| preferred.to_owned() + &"_".repeat(count));
    names.chain(longer).find(|name| is_free(name)).unwrap_or_default()
}
