//! The learning curves of a run: loss and accuracy against epochs, side by side.

use super::plot::{
    Axis, EndLabel, Figure, Panel, Part, Point, Rect, Scale, Series, Svg, measured, not_drawn, series_class,
};

/// What the curves of one run are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct CurvesInput<'a> {
    /// The heading of the picture.
    pub title: &'a str,
    /// What the loss is, such as "full loss (SVM + 0.001 sum W^2)".
    pub loss_label: &'a str,
    /// The loss of each minibatch, in the order of training: (epochs so far, fractional; loss).
    pub step_losses: &'a [(f64, f64)],
    /// What was measured in each epoch, in the order of training.
    pub epochs: &'a [EpochPoint],
}

/// What was measured in one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochPoint {
    /// The number of the epoch, from 1: how many were finished at its end.
    pub epoch: usize,
    /// Mean of the minibatch losses during the epoch, drawn at its middle: at its end, it would lie above the
    /// minibatches that it is the mean of.
    pub train_loss: f64,
    /// Loss on the rows held out, at the end of the epoch like all that follows.
    pub validation_loss: Option<f64>,
    /// Part of the training rows that is classified correctly, 0 to 1.
    pub train_accuracy: f64,
    /// Part of the rows held out that is classified correctly, 0 to 1.
    pub validation_accuracy: Option<f64>,
}

/// More points than this cannot be seen apart in a panel.
const MAX_STEPS: usize = 800;

/// Color of the training curves; that of validation is the next.
const TRAIN: usize = 0;
const VALIDATION: usize = 1;

/// The curves as a picture of two panels.
pub fn figure<'a>(input: &CurvesInput<'a>) -> Figure<'a> {
    let steps = Series::new(input.step_losses.iter().copied());
    let (loss, accuracy) = (Pair::loss(input.epochs), Pair::accuracy(input.epochs));
    let notes = [not_drawn(steps.skipped + loss.skipped()), not_drawn(accuracy.skipped())];
    let epochs = epoch_axis(input);
    let no_epoch = if input.epochs.is_empty() { "no epoch finished" } else { "no finite value" };
    let no_loss = if input.step_losses.is_empty() { no_epoch } else { "no finite value" };

    let [loss_note, accuracy_note] = notes;
    let (label, of_accuracy) = (input.loss_label, epochs.clone());
    let draw_left = move |svg: &mut Svg, outer: Rect| {
        draw_loss(svg, outer, epochs.clone(), label, &steps, &loss, no_loss);
    };
    let draw_right = move |svg: &mut Svg, outer: Rect| {
        draw_accuracy(svg, outer, of_accuracy.clone(), &accuracy, no_epoch);
    };
    let left = Part { name: format!("{label} against epochs"), note: loss_note, draw: Box::new(draw_left) };
    let right =
        Part { name: "accuracy against epochs".into(), note: accuracy_note, draw: Box::new(draw_right) };
    Figure { title: input.title, parts: vec![left, right] }
}

/// The curves as an SVG file.
pub fn render(input: &CurvesInput) -> String {
    figure(input).to_svg()
}

/// The left panel: minibatches faint, epochs over them.
fn draw_loss(svg: &mut Svg, outer: Rect, epochs: Axis, name: &str, steps: &Series, loss: &Pair, empty: &str) {
    let values = [steps.values(), loss.values()].concat();
    let mut labels = loss.end_labels(|value| measured(value, 3));
    let steps = steps.clone().thinned(MAX_STEPS);
    if let Some(end) = steps.last() {
        labels.push(EndLabel { class: series_class(TRAIN), end, text: "minibatch".to_owned() });
    }
    let panel = Panel::new(outer, epochs, Axis::new(name, Scale::fit(&values)), &labels);
    if values.is_empty() {
        panel.draw_empty(svg, empty);
        return;
    }
    panel.draw_axes(svg);
    panel.draw_faint_line(svg, &series_class(TRAIN), &steps);
    panel.draw_halo(svg, &loss.train);
    panel.draw_halo(svg, &loss.validation);
    loss.draw(svg, &panel);
    panel.draw_end_labels(svg, &labels);
}

/// The right panel.
fn draw_accuracy(svg: &mut Svg, outer: Rect, epochs: Axis, accuracy: &Pair, empty: &str) {
    let values = accuracy.values();
    let labels = accuracy.end_labels(|value| format!("{value:.1}%"));
    let scale = Scale::fit_linear(&values).within(0.0, 100.0);
    let percent = Axis { unit: "%", ..Axis::new("accuracy", scale) };
    let panel = Panel::new(outer, epochs, percent, &labels);
    if values.is_empty() {
        panel.draw_empty(svg, empty);
        return;
    }
    panel.draw_axes(svg);
    accuracy.draw(svg, &panel);
    panel.draw_end_labels(svg, &labels);
}

/// One measure on the training rows and on those held out.
struct Pair {
    train: Series,
    validation: Series,
}

impl Pair {
    fn loss(epochs: &[EpochPoint]) -> Self {
        let train = epochs.iter().map(|e| ((e.epoch as f64 - 0.5).max(0.0), e.train_loss));
        // An epoch that was not validated leaves no gap.
        let validation = epochs.iter().filter_map(|e| Some((e.epoch as f64, e.validation_loss?)));
        Self { train: Series::new(train), validation: Series::new(validation) }
    }

    /// In percent.
    fn accuracy(epochs: &[EpochPoint]) -> Self {
        let train = epochs.iter().map(|e| (e.epoch as f64, 100.0 * e.train_accuracy));
        let validation = epochs.iter().filter_map(|e| Some((e.epoch as f64, 100.0 * e.validation_accuracy?)));
        Self { train: Series::new(train), validation: Series::new(validation) }
    }

    fn skipped(&self) -> usize {
        self.train.skipped + self.validation.skipped
    }

    fn values(&self) -> Vec<f64> {
        [self.train.values(), self.validation.values()].concat()
    }

    /// Name and last value of each curve.
    fn end_labels(&self, format: impl Fn(f64) -> String) -> Vec<EndLabel> {
        let label = |series: &Series, index, name| -> Option<EndLabel> {
            let end: Point = series.last()?;
            Some(EndLabel { class: series_class(index), end, text: format!("{name} {}", format(end.1)) })
        };
        let labels = [label(&self.train, TRAIN, "train"), label(&self.validation, VALIDATION, "validation")];
        labels.into_iter().flatten().collect()
    }

    fn draw(&self, svg: &mut Svg, panel: &Panel) {
        panel.draw_dotted_line(svg, &series_class(TRAIN), &self.train);
        panel.draw_dotted_line(svg, &series_class(VALIDATION), &self.validation);
    }
}

/// The epochs of both panels: from where the first minibatch or the first epoch began to the last point.
fn epoch_axis(input: &CurvesInput) -> Axis<'static> {
    let steps = input.step_losses.iter().map(|(x, _)| (x.floor(), *x));
    let epochs = input.epochs.iter().map(|e| (e.epoch.saturating_sub(1) as f64, e.epoch as f64));
    let finite = steps.chain(epochs).filter(|(_, end)| end.is_finite());
    let (lo, hi) = finite.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0));
    // A lone step at a whole number begins no interval of its own.
    let hi = if lo < hi { hi } else { lo + 1.0 };
    // Parts of an epoch are of interest only before there are whole ones.
    Axis { whole: hi - lo >= 2.0, ..Axis::new("epochs", Scale::linear(lo, hi)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, train: f64, validation: Option<f64>) -> EpochPoint {
        EpochPoint {
            epoch,
            train_loss: train,
            validation_loss: validation,
            train_accuracy: 0.4,
            validation_accuracy: validation.map(|_| 0.38),
        }
    }

    fn draw(step_losses: &[(f64, f64)], epochs: &[EpochPoint]) -> String {
        let svg = render(&CurvesInput { title: "run", loss_label: "full loss", step_losses, epochs });
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    fn count(svg: &str, part: &str) -> usize {
        svg.matches(part).count()
    }

    /// The points of the n-th polyline of a class.
    fn polyline(svg: &str, class: &str, n: usize) -> Vec<Point> {
        let start = format!("<polyline class=\"{class}\" points=\"");
        let rest = svg.split(&start).nth(n + 1).expect("a polyline");
        let list = rest.split('"').next().expect("its points");
        let number = |text: &str| text.parse::<f64>().expect("a number");
        list.split(' ').filter_map(|p| p.split_once(',')).map(|(x, y)| (number(x), number(y))).collect()
    }

    #[test]
    fn both_panels_with_labels_at_the_line_ends() {
        let steps: Vec<Point> = (1..=40).map(|i| (f64::from(i) / 20.0, 3.0 - f64::from(i) / 40.0)).collect();
        let svg = draw(&steps, &[epoch(1, 2.8, Some(2.9)), epoch(2, 2.3, Some(2.41))]);
        for label in
            [">train 2.30<", ">validation 2.41<", ">minibatch<", ">train 40.0%<", ">validation 38.0%<"]
        {
            assert_eq!(count(&svg, label), 1, "{label}");
        }
        assert_eq!(count(&svg, "<polyline class=\"line s0\""), 2);
        assert_eq!(count(&svg, "<polyline class=\"line s1\""), 2);
        assert_eq!(polyline(&svg, "faint s0", 0).len(), 40);
        let loss = polyline(&svg, "line s0", 0);
        assert!(loss[0].0 < loss[1].0 && loss[0].1 < loss[1].1, "a falling loss falls on the page: {loss:?}");
        let minibatches = polyline(&svg, "faint s0", 0);
        assert!((loss[1].0 - minibatches[29].0).abs() < 0.02, "an epoch's mean lies at its middle");
        assert_eq!(svg, draw(&steps, &[epoch(1, 2.8, Some(2.9)), epoch(2, 2.3, Some(2.41))]));
    }

    #[test]
    fn minibatches_are_thinned_but_spikes_stay() {
        let mut steps: Vec<Point> =
            (0..20_000).map(|i| (f64::from(i) / 2000.0, 2.0 + f64::from(i % 3))).collect();
        steps[7777].1 = 9.0;
        let svg = draw(&steps, &[]);
        let line = polyline(&svg, "faint s0", 0);
        assert!(line.len() <= MAX_STEPS);
        let highest = line.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
        let outlier = line.iter().filter(|p| p.1 < highest + 50.0).count();
        assert_eq!(outlier, 1);
    }

    #[test]
    fn nothing_yet() {
        let svg = draw(&[], &[]);
        assert_eq!(count(&svg, "no epoch finished"), 2);
        let svg = draw(&[(0.1, 2.0), (0.2, 1.9)], &[]);
        assert_eq!(count(&svg, "no epoch finished"), 1);
        assert_eq!(polyline(&svg, "faint s0", 0).len(), 2);
    }

    #[test]
    fn one_point_and_equal_values_are_visible() {
        let svg = draw(&[(0.5, 2.0)], &[epoch(1, 2.0, None)]);
        assert_eq!(count(&svg, "<path class=\"dots"), 3);
        let svg = draw(&[], &[epoch(1, 2.0, None), epoch(2, 2.0, None)]);
        let line = polyline(&svg, "line s0", 0);
        assert!((line[0].1 - line[1].1).abs() < 1e-9);
    }

    #[test]
    fn values_that_are_not_finite_are_skipped_and_counted() {
        let steps = [(0.5, 2.0), (1.0, f64::NAN), (1.5, f64::INFINITY), (2.0, 1.0)];
        let mut last = epoch(2, f64::INFINITY, None);
        last.train_accuracy = f64::NAN;
        let svg = draw(&steps, &[epoch(1, 2.0, None), last]);
        assert_eq!(count(&svg, ">3 values not finite, not drawn<"), 1);
        assert_eq!(count(&svg, ">1 value not finite, not drawn<"), 1);
        let svg = draw(&[(0.5, f64::NAN)], &[]);
        assert_eq!(count(&svg, ">no finite value<"), 1);
        assert_eq!(count(&draw(&[], &[epoch(1, 2.0, None)]), "not drawn"), 0);
    }

    #[test]
    fn huge_ranges_and_early_spikes_get_a_log_scale_that_says_so() {
        assert_eq!(count(&draw(&[(0.1, 1.0), (0.2, 1e30)], &[]), ">full loss, log scale<"), 1);
        let spike: Vec<Point> = (0..50).map(|i| (f64::from(i), if i == 0 { 115.0 } else { 2.3 })).collect();
        assert_eq!(count(&draw(&spike, &[]), ">full loss, log scale<"), 1);
        assert_eq!(count(&draw(&[(0.1, 1.0), (0.2, 50.0)], &[]), "log scale"), 0);
        assert_eq!(count(&draw(&[(0.1, 0.0), (0.2, 1e30)], &[]), "log scale"), 0);
    }

    #[test]
    fn a_resumed_run_begins_where_it_was_resumed() {
        let svg = draw(&[(5.01, 2.0), (6.0, 1.9)], &[epoch(6, 2.0, None)]);
        assert_eq!(count(&svg, ">5.0<") + count(&svg, ">5<"), 2);
        assert_eq!(count(&svg, ">0<"), 0);
    }

    #[test]
    fn strings_are_escaped() {
        let svg = render(&CurvesInput { title: "<a>", loss_label: "<b>", step_losses: &[], epochs: &[] });
        assert!(!svg.contains("<a>") && !svg.contains("<b>"));
    }
}
