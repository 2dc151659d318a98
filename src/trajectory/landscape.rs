//! The full loss over a plane of weights.

use super::recording::to_weights;
use super::{Field, Grid, Place, Plane};
use crate::objective::{LinearProblem, Targets};

/// Scores and targets of a block of rows: at the origin, and what one unit of each direction adds to them.
struct Block {
    origin: Vec<f32>,
    along: Vec<f32>,
    across: Vec<f32>,
    targets: Targets,
}

/// The full loss of `problem` over `rows` at every node of `grid` in `plane`: no estimate, and no subset.
///
/// Scores are linear in the weights, s = s_origin + x s_along + y s_across, so three passes over the images serve the
/// whole grid. The same for any number of threads.
pub fn landscape(problem: &LinearProblem<'_>, rows: &[u32], plane: &Plane, grid: Grid) -> Field {
    let blocks = blocks(problem, rows, plane);
    let places = grid.places();
    let losses = problem.compute.team.map(blocks.len(), |index| {
        let block = &blocks[index];
        places.iter().map(|place| loss(problem, block, *place)).collect::<Vec<f64>>()
    });
    let mut heights: Vec<f64> = places.iter().map(|place| penalty(problem, plane, *place)).collect();
    for block in losses {
        heights.iter_mut().zip(block).for_each(|(height, loss)| *height += loss / rows.len() as f64);
    }
    Field { grid, heights }
}

fn blocks(problem: &LinearProblem<'_>, rows: &[u32], plane: &Plane) -> Vec<Block> {
    let scores = |flat: &[f64]| {
        let flat: Vec<f32> = flat.iter().map(|w| *w as f32).collect();
        problem.map_scores(&to_weights(problem, &flat), rows, |scores, targets| {
            (scores.to_vec(), targets.clone())
        })
    };
    let directions = scores(&plane.along).into_iter().zip(scores(&plane.across));
    let blocks = scores(&plane.origin).into_iter().zip(directions);
    blocks
        .map(|((origin, targets), ((along, _), (across, _)))| Block { origin, along, across, targets })
        .collect()
}

/// Sum of the losses of a block's rows.
fn loss(problem: &LinearProblem<'_>, block: &Block, [x, y]: Place) -> f64 {
    let (x, y) = (x as f32, y as f32);
    let directions = block.along.iter().zip(&block.across);
    let scores: Vec<f32> =
        block.origin.iter().zip(directions).map(|(s, (along, across))| s + x * along + y * across).collect();
    block.targets.total(problem.objective.loss, &scores, problem.classes).total
}

fn penalty(problem: &LinearProblem<'_>, plane: &Plane, [x, y]: Place) -> f64 {
    let directions = plane.along.iter().zip(&plane.across);
    let weights: Vec<f64> =
        plane.origin.iter().zip(directions).map(|(w, (along, across))| w + x * along + y * across).collect();
    problem.objective.penalty.value(&weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Preprocess, Preprocessing, generate};
    use crate::kernel::{Compute, Kernel, Team};
    use crate::objective::{Loss, Objective, Penalty, Weights};
    use crate::optim::{Schedule, Shape, UpdateRule};
    use crate::train::{BatchSize, DescentPlan, Watched, descend};
    use crate::trajectory::{Recording, Window};
    use std::num::NonZeroUsize;
    use std::sync::atomic::AtomicBool;

    /// A short run: the plane goes through its start and its end, and the loss there is the loss of those weights.
    #[test]
    fn the_plane_of_a_run_has_its_losses() {
        let data = generate(500, 1, 0);
        let rows = data.train.all();
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, &data.train, &rows);
        for loss in [Loss::Svm { margin: 1.0 }, Loss::Softmax] {
            let compute = Compute { kernel: Kernel::detect(), team: Team::new(NonZeroUsize::MIN) };
            let problem = LinearProblem {
                examples: &data.train,
                preprocessing: &preprocessing,
                classes: data.classes(),
                objective: Objective { loss, penalty: Penalty { l2: 1e-2, l1: 1e-3 } },
                example_weights: None,
                compute: &compute,
            };
            let plan = DescentPlan {
                rule: UpdateRule::Momentum { momentum: 0.9 },
                schedule: Schedule { lr: 1e-3, shape: Shape::Constant, warmup: 0.0, epochs: 3.0 },
                batch_size: BatchSize::Rows(NonZeroUsize::new(50).expect("above 0")),
                window: None,
                epochs: 3,
                patience: None,
                init_scale: 1e-3,
                seed: 0,
            };
            let mut recording = Recording::default();
            let never = AtomicBool::new(false);
            let run = descend(&problem, &rows, Watched::default(), &plan, &mut recording, &never);
            assert_eq!(recording.positions.len(), 31, "the start and every step");
            let plane = Plane::through(&recording).expect("a plane");

            let seen = plane.project(&recording, None);
            let end = seen.path.end();
            assert!(seen.path.places[0].1 == [0.0, 0.0] && end[0] > 0.0, "{seen:?}");
            assert!(
                end[1].abs() < 1e-6 * end[0] && seen.off < 1e-6 * end[0],
                "the end lies on the axis: {seen:?}"
            );
            assert!(seen.share > 0.5 && seen.share <= 1.0, "{}", seen.share);

            let window = Window { x: [0.0, end[0]], y: [0.0, 1.0] };
            let field = landscape(&problem, &rows, &plane, Grid::new(window, [1, 1]));
            let expected = |weights: &Weights| problem.loss(weights, &rows).mean() + weights.penalty();
            let start = to_weights(&problem, &recording.positions[0].1);
            for (found, expected) in
                [(field.heights[5], expected(&start)), (field.heights[6], expected(&run.weights))]
            {
                assert!((found - expected).abs() < 1e-5 * expected, "{found} {expected}");
            }
        }
    }
}
