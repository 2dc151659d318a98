//! The classifier's own graph: from features and weights, one scalar node at a time, to the full loss.

use super::{Graph, NodeId, Operation};
use crate::objective::{Loss, Objective};
use ndarray::{Array1, Array2};

/// The nodes that matter of a classifier's graph.
#[derive(Clone, Debug)]
pub struct ClassifierGraph {
    /// All of it; its inputs are W row by row, each row's bias last.
    pub graph: Graph,
    /// x (B, D), as nodes.
    pub features: Vec<Vec<NodeId>>,
    /// W and b (K, D + 1), as nodes.
    pub weights: Vec<Vec<NodeId>>,
    /// Scores (B, K).
    pub scores: Vec<Vec<NodeId>>,
    /// (1/N) sum L_i.
    pub data_loss: NodeId,
    /// The penalty.
    pub penalty: NodeId,
}

impl ClassifierGraph {
    /// The full loss of these examples (B, D), a node an operation: s = W x + b; L_i; the penalty over W and b.
    pub fn new(features: &Array2<f64>, labels: &[u16], classes: usize, objective: Objective) -> Self {
        Self::weighted(features, labels, None, classes, objective)
    }

    /// The same with the weights q (B) of the examples: the mean is that of q_i L_i.
    pub fn weighted(
        features: &Array2<f64>,
        labels: &[u16],
        weights_of_examples: Option<&[f64]>,
        classes: usize,
        objective: Objective,
    ) -> Self {
        let mut graph = Graph::default();
        let width = features.ncols() + 1;
        let weights: Vec<Vec<NodeId>> = (0..classes)
            .map(|class| (0..width).map(|d| graph.input(format!("W[{class}, {d}]"))).collect())
            .collect();
        let one = graph.constant(1.0);
        let features: Vec<Vec<NodeId>> =
            features.rows().into_iter().map(|row| row.iter().map(|x| graph.constant(*x)).collect()).collect();
        let scores: Vec<Vec<NodeId>> = features
            .iter()
            .map(|x| {
                let x: Vec<NodeId> = x.iter().copied().chain([one]).collect();
                weights.iter().map(|w| dot(&mut graph, w, &x)).collect()
            })
            .collect();
        let losses: Vec<NodeId> = scores
            .iter()
            .zip(labels)
            .enumerate()
            .map(|(row, (scores, label))| {
                let own = loss(&mut graph, objective.loss, scores, usize::from(*label));
                let Some(all) = weights_of_examples else { return own };
                let weight = graph.constant(all[row]);
                graph.apply(Operation::Multiply, &[weight, own])
            })
            .collect();
        let total = graph.apply(Operation::Add, &losses);
        let count = graph.constant(losses.len() as f64);
        let data_loss = graph.apply(Operation::Divide, &[total, count]);
        let penalty = penalty(&mut graph, objective, &weights);
        graph.apply(Operation::Add, &[data_loss, penalty]);
        Self { graph, features, weights, scores, data_loss, penalty }
    }

    /// Its inputs at W (K, D) and b (K).
    pub fn inputs(weight: &Array2<f64>, bias: &Array1<f64>) -> Vec<f64> {
        let rows = weight.rows().into_iter().zip(bias);
        rows.flat_map(|(row, b)| row.iter().copied().chain([*b]).collect::<Vec<_>>()).collect()
    }
}

fn dot(graph: &mut Graph, w: &[NodeId], x: &[NodeId]) -> NodeId {
    let products: Vec<NodeId> =
        w.iter().zip(x).map(|(w, x)| graph.apply(Operation::Multiply, &[*w, *x])).collect();
    graph.apply(Operation::Add, &products)
}

/// L_i of one example.
fn loss(graph: &mut Graph, loss: Loss, scores: &[NodeId], label: usize) -> NodeId {
    match loss {
        Loss::Svm { margin } => {
            let (zero, margin) = (graph.constant(0.0), graph.constant(margin));
            let terms: Vec<NodeId> = (0..scores.len())
                .filter(|class| *class != label)
                .map(|class| {
                    let lead = graph.apply(Operation::Subtract, &[scores[class], scores[label]]);
                    let excess = graph.apply(Operation::Add, &[lead, margin]);
                    // 0 first: at the kink the gradient is then 0, as in training.
                    graph.apply(Operation::Max, &[zero, excess])
                })
                .collect();
            graph.apply(Operation::Add, &terms)
        }
        Loss::Softmax => {
            // Shifted by the highest score, through which the gradients cancel.
            let highest = graph.apply(Operation::Max, scores);
            let exponentials: Vec<NodeId> = scores
                .iter()
                .map(|score| {
                    let shifted = graph.apply(Operation::Subtract, &[*score, highest]);
                    graph.apply(Operation::Exp, &[shifted])
                })
                .collect();
            let sum = graph.apply(Operation::Add, &exponentials);
            let log = graph.apply(Operation::Log, &[sum]);
            let behind = graph.apply(Operation::Subtract, &[highest, scores[label]]);
            graph.apply(Operation::Add, &[log, behind])
        }
    }
}

/// lambda sum W^2 + lambda_1 sum |W|, with |w| = max(w, -w).
fn penalty(graph: &mut Graph, objective: Objective, weights: &[Vec<NodeId>]) -> NodeId {
    let all: Vec<NodeId> = weights.iter().flatten().copied().collect();
    let squares: Vec<NodeId> = all.iter().map(|w| graph.apply(Operation::Multiply, &[*w, *w])).collect();
    let squares = graph.apply(Operation::Add, &squares);
    let l2 = graph.constant(objective.penalty.l2);
    let l2 = graph.apply(Operation::Multiply, &[l2, squares]);
    if objective.penalty.l1 == 0.0 {
        return l2;
    }
    let magnitudes: Vec<NodeId> = all
        .iter()
        .map(|w| {
            let minus = graph.apply(Operation::Negate, &[*w]);
            graph.apply(Operation::Max, &[*w, minus])
        })
        .collect();
    let magnitudes = graph.apply(Operation::Add, &magnitudes);
    let l1 = graph.constant(objective.penalty.l1);
    let l1 = graph.apply(Operation::Multiply, &[l1, magnitudes]);
    graph.apply(Operation::Add, &[l2, l1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::Penalty;
    use crate::objective::reference::Reference;
    use ndarray::array;

    /// The graph's loss and gradient are those of the formulas. No weight is 0, where |w| has no one derivative.
    #[test]
    fn agrees_with_the_reference() {
        let features = array![[1.0, -2.0], [0.5, 0.25], [3.0, 1.0]];
        let (weight, bias) = (array![[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]], array![0.1, 0.2, -0.3]);
        let labels = vec![0, 2, 1];
        for loss in [Loss::Svm { margin: 1.0 }, Loss::Softmax] {
            let objective = Objective { loss, penalty: Penalty { l2: 0.1, l1: 0.05 } };
            let reference =
                Reference { features: features.clone(), labels: labels.clone(), weights: None, objective };
            let built = ClassifierGraph::new(&features, &labels, 3, objective);
            let pass = built.graph.evaluate(&ClassifierGraph::inputs(&weight, &bias)).expect("defined");
            let value = pass.value(built.graph.end());
            assert!((value - reference.loss(&weight, &bias)).abs() < 1e-14);
            let (by_weight, by_bias) = reference.gradient(&weight, &bias);
            for class in 0..3 {
                let exact = by_weight.row(class).iter().copied().chain([by_bias[class]]).collect::<Vec<_>>();
                for (id, exact) in built.weights[class].iter().zip(exact) {
                    let found = pass.gradient(*id).expect("a weight");
                    assert!((found - exact).abs() < 1e-14, "{found} {exact}");
                }
            }
        }
    }
}
