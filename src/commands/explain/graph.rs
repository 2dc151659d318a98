//! `explain graph`: an expression, or the classifier, as a computational graph.

use super::{InputError, file};
use crate::autodiff::classifier::ClassifierGraph;
use crate::autodiff::{Expression, Graph, Operation, Pass, parse};
use crate::cli::GraphArgs;
use crate::commands::{Exit, print, print_json};
use crate::config::LossName;
use crate::objective::{Objective, Penalty};
use crate::report::graph::{Drawing, number, render, to_dot, to_text};
use ndarray::{Array1, Array2, array};
use serde_json::{Value, json};

const SYNTAX: &str =
    "operators are + - * / ^, functions exp, log, max, sigmoid, tanh, sqrt; as in \"(x + y) * z\"";
const VALUES: &str = "each name gets one value, as in `explain graph \"(x + y) * z\" x=-2 y=5 z=-4`";
const TWO_FILES: &str = "as in --svg graph.svg --dot graph.dot";
const UNDEFINED: &str = "give values at which every operation and its derivative exist";

pub fn run(args: &GraphArgs) -> anyhow::Result<Exit> {
    let (drawing, text, json) = match (args.classifier, &args.expression) {
        (Some(loss), _) => classifier(loss, args)?,
        (None, expression) => expression_graph(expression.as_deref().unwrap_or_default(), &args.values)?,
    };
    if args.dot.is_some() && args.dot == args.picture.svg {
        return Err(InputError::new("--dot: found the file of --svg, expected another", TWO_FILES).into());
    }
    let svg = args.picture.svg.as_deref().map(|path| (path, render(&drawing)));
    let dot = args.dot.as_deref().map(|path| (path, to_dot(&drawing)));
    let files: Vec<_> = svg.into_iter().chain(dot).collect();
    file::write(&files, args.picture.force)?;
    if args.picture.json {
        print_json(&json)?;
    } else {
        print(&text)?;
    }
    Ok(Exit::Done)
}

fn expression_graph(text: &str, values: &[String]) -> Result<(Drawing, String, Value), InputError> {
    let expression = parse(text).map_err(|error| {
        let hint = error.hint(text).unwrap_or(SYNTAX);
        InputError::new(error, hint)
    })?;
    let at = values_of(&expression, values)?;
    let graph = &expression.graph;
    let pass = graph.evaluate(&at).map_err(|error| InputError::new(error, UNDEFINED))?;
    let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = &graph.node(graph.end()).name;
    let title = if graph.node(graph.end()).operation == Operation::Input {
        shown.clone()
    } else {
        format!("{end} = {shown}")
    };
    let values: Vec<String> = graph
        .inputs()
        .zip(&at)
        .map(|((_, node), value)| format!("{} = {}", node.name, number(*value)))
        .collect();
    let place = if values.is_empty() { String::new() } else { format!(" at {}", values.join(", ")) };
    let table = to_text(&(title.clone() + &place), graph, &pass);
    Ok((Drawing::new(&title, graph, &pass), table, to_json(&shown, graph, &pass)))
}

/// The values of the inputs, in the graph's order.
fn values_of(expression: &Expression, given: &[String]) -> Result<Vec<f64>, InputError> {
    let mut values: Vec<(&str, f64)> = Vec::new();
    for text in given {
        let wrong = |expected: &str| InputError::new(format!("{text}: expected {expected}"), VALUES);
        let (name, value) = text.split_once('=').ok_or_else(|| wrong("NAME=VALUE"))?;
        let (name, value) = (name.trim(), value.trim());
        let value: f64 = value.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| {
            InputError::new(format!("{name}: found {value:?}, expected a finite number"), VALUES)
        })?;
        if values.iter().any(|(known, _)| *known == name) {
            return Err(InputError::new(format!("{name}: found two values, expected one"), VALUES));
        }
        values.push((name, value));
    }
    let names: Vec<&str> = expression.graph.inputs().map(|(_, node)| node.name.as_str()).collect();
    if let Some((name, _)) = values.iter().find(|(name, _)| !names.contains(name)) {
        let expected = if names.is_empty() {
            "no names: it has none".into()
        } else {
            format!("one of {}", names.join(", "))
        };
        return Err(InputError::new(
            format!("{name}: found a value for a name that is not in the expression, expected {expected}"),
            VALUES,
        ));
    }
    let value = |(name, place): (&&str, &usize)| {
        values.iter().find(|(known, _)| known == name).map(|(_, value)| *value).ok_or_else(|| {
            let what = format!(
                "expression, character {place}: found '{name}', expected a value for it, {name}=VALUE"
            );
            InputError::new(what, VALUES)
        })
    };
    names.iter().zip(&expression.places).map(value).collect()
}

fn to_json(text: &str, graph: &Graph, pass: &Pass) -> Value {
    let name = |id| graph.node(id).name.as_str();
    let nodes: Vec<Value> = graph
        .nodes()
        .map(|(id, node)| {
            json!({
                "name": node.name,
                "operation": graph.formula(id),
                "value": pass.value(id),
                "gradient": pass.gradient(id),
            })
        })
        .collect();
    let edges: Vec<Value> = pass
        .edges
        .iter()
        .map(|edge| {
            json!({
                "node": name(edge.node),
                "input": name(edge.input),
                "upstream": edge.upstream,
                "local": edge.local,
                "product": edge.product,
            })
        })
        .collect();
    let gradient: serde_json::Map<String, Value> =
        graph.inputs().map(|(id, node)| (node.name.clone(), json!(pass.gradient(id)))).collect();
    json!({
        "expression": text,
        "value": pass.value(graph.end()),
        "gradient": gradient,
        "nodes": nodes,
        "edges": edges,
    })
}

/// The lecture's W, x and b, where hinge and cross-entropy are compared; label 2.
fn lecture() -> (Array2<f64>, Array2<f64>, Array1<f64>) {
    let weight = array![[0.01, -0.05, 0.1, 0.05], [0.7, 0.2, 0.05, 0.16], [0.0, -0.45, -0.2, 0.03]];
    (weight, array![[-15.0, 22.0, -44.0, 56.0]], array![0.0, 0.2, -0.3])
}

fn classifier(loss: LossName, args: &GraphArgs) -> anyhow::Result<(Drawing, String, Value)> {
    let (weight, x, bias) = lecture();
    let name = match loss {
        LossName::Svm => "hinge",
        LossName::Softmax => "softmax",
    };
    let objective =
        Objective { loss: loss.with_margin(args.margin)?, penalty: Penalty { l2: args.reg, l1: 0.0 } };
    let built = ClassifierGraph::new(&x, &[2], weight.nrows(), objective);
    let pass = built
        .graph
        .evaluate(&ClassifierGraph::inputs(&weight, &bias))
        .map_err(|error| InputError::new(error, UNDEFINED))?;
    let drawing = Drawing::of_classifier(&format!("L = {objective}"), name, &built, &pass);
    let rows = |of: &dyn Fn(crate::autodiff::NodeId) -> Option<f64>| -> Vec<Vec<Option<f64>>> {
        built.weights.iter().map(|row| row.iter().map(|id| of(*id)).collect()).collect()
    };
    let scores = |of: &dyn Fn(crate::autodiff::NodeId) -> Option<f64>| -> Vec<Option<f64>> {
        built.scores[0].iter().map(|id| of(*id)).collect()
    };
    let json = json!({
        "objective": objective.to_string(),
        "value": pass.value(built.graph.end()),
        "data_loss": pass.value(built.data_loss),
        "penalty": pass.value(built.penalty),
        "scores": scores(&|id| Some(pass.value(id))),
        "scores_gradient": scores(&|id| pass.gradient(id)),
        "weights_and_bias": rows(&|id| Some(pass.value(id))),
        "weights_and_bias_gradient": rows(&|id| pass.gradient(id)),
    });
    let text = drawing.to_text();
    Ok((drawing, text, json))
}
