//! Keeps the speed that was won: `cargo bench --bench guard` fails when a fast path is no longer much faster than what
//! it replaced. Every limit is a ratio of two times on one thread of this process, each the least of many short
//! repeats taken in turns, and far from what is usual: a busy machine does not fail it, a lost kernel does.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

mod problem;

use cifar_train::kernel::{Compute, Kernel, Team};
use cifar_train::objective::{LinearProblem, Weights};
use ndarray::{Array1, Array2};
use problem::{OBJECTIVE, SVM, Sgd, images, standardised};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

const ROWS: usize = 1024;
const WIDTH: usize = 3072;
const CLASSES: usize = 10;
const REPEATS: usize = 40;
/// Classifiers that random search scores together.
const STACK: usize = 16;

/// What must be at least `least` times as fast as what.
struct Claim<'a> {
    fast: (&'a str, &'a mut dyn FnMut()),
    slow: (&'a str, &'a mut dyn FnMut()),
    least: f64,
}

impl Claim<'_> {
    fn holds(self) -> bool {
        let mut least = [f64::INFINITY; 2];
        for _ in 0..REPEATS {
            for (least, work) in least.iter_mut().zip([&mut *self.fast.1, &mut *self.slow.1]) {
                let start = Instant::now();
                work();
                *least = least.min(start.elapsed().as_secs_f64());
            }
        }
        let [fast, slow] = least;
        let ratio = slow / fast;
        let verdict = if ratio >= self.least { "ok" } else { "TOO SLOW" };
        println!(
            "{}: {:.2} ms; {}: {:.2} ms; {ratio:.2} times as fast, at least {}: {verdict}",
            self.fast.0,
            fast * 1e3,
            self.slow.0,
            slow * 1e3,
            self.least
        );
        ratio >= self.least
    }
}

fn main() -> ExitCode {
    let (examples, preprocessing) = (images(ROWS, WIDTH, CLASSES), standardised(WIDTH));
    let on = |kernel| Compute { kernel, team: Team::new(NonZeroUsize::MIN) };
    let (best, plain) = (on(Kernel::detect()), on(Kernel::Plain));
    if matches!(best.kernel, Kernel::Plain) {
        println!("this processor has no fast kernel: nothing to compare");
        return ExitCode::SUCCESS;
    }
    let problem = |compute| LinearProblem {
        examples: &examples,
        preprocessing: &preprocessing,
        classes: CLASSES,
        objective: OBJECTIVE,
        example_weights: None,
        compute,
    };
    let [best, plain] = [&best, &plain].map(problem);
    let svm = LinearProblem { objective: SVM, ..best };
    let rows = examples.all();
    let fast = best.compute.kernel.name();
    let holds = [
        Claim {
            fast: (&format!("gradient, {fast}"), &mut gradient(&best, &rows)),
            slow: ("gradient, plain", &mut gradient(&plain, &rows)),
            least: 2.0,
        }
        .holds(),
        // An update costs little beside its gradient: an epoch of small batches is no slower than twice a gradient.
        Claim {
            fast: ("epoch of batch 32", &mut epoch(&best, &rows, 32)),
            slow: (&format!("gradient, {fast}"), &mut gradient(&best, &rows)),
            least: 0.4,
        }
        .holds(),
        Claim {
            fast: ("16 attempts, on a grid of bytes", &mut attempts_on_grid(&best, &rows)),
            slow: ("16 attempts, in floats", &mut attempts(&best, &rows)),
            least: 1.3,
        }
        .holds(),
        // The slopes of softmax take three digits, or floats.
        best.compute.kernel.largest_whole_slope().is_none()
            || Claim {
                fast: ("gradient of the SVM, whole slopes", &mut gradient(&svm, &rows)),
                slow: (&format!("gradient, {fast}"), &mut gradient(&best, &rows)),
                least: 1.15,
            }
            .holds(),
    ];
    if holds.contains(&false) { ExitCode::from(5) } else { ExitCode::SUCCESS }
}

fn zeros(problem: &LinearProblem<'_>, classes: usize) -> Weights {
    Weights::new(&Array2::zeros((classes, WIDTH)), &Array1::zeros(classes), problem)
}

/// Loss and gradient over all rows.
fn gradient<'a>(problem: &'a LinearProblem<'_>, rows: &'a [u32]) -> impl FnMut() + 'a {
    let mut weights = zeros(problem, CLASSES);
    move || {
        std::hint::black_box(problem.loss_and_gradient(&mut weights, rows));
    }
}

/// Steps of SGD, in order.
fn epoch<'a>(problem: &'a LinearProblem<'_>, rows: &'a [u32], batch: usize) -> impl FnMut() + 'a {
    let mut weights = zeros(problem, CLASSES);
    let mut sgd = Sgd::new(&weights);
    move || sgd.epoch(problem, &mut weights, rows, batch)
}

/// Scores of stacked classifiers over all rows, in floats.
fn attempts<'a>(problem: &LinearProblem<'a>, rows: &'a [u32]) -> impl FnMut() + use<'a> {
    let problem = LinearProblem { classes: STACK * CLASSES, ..*problem };
    let weights = zeros(&problem, STACK * CLASSES);
    move || {
        std::hint::black_box(problem.map_scores(&weights, rows, |scores, _| scores[0]));
    }
}

/// The same as random search draws them, in integers.
fn attempts_on_grid<'a>(problem: &'a LinearProblem<'_>, rows: &'a [u32]) -> impl FnMut() + 'a {
    let q: Vec<i8> = (0..STACK * CLASSES * WIDTH).map(|i| (i * 31 % 255) as i8).collect();
    let q: Vec<&[i8]> = q.chunks(WIDTH).collect();
    let grid = problem.on_grid(&q, 1e-5, &[0.0; STACK * CLASSES]);
    move || {
        let sums = grid.as_ref().map(|grid| problem.map_grid_scores(grid, rows, |scores, _| scores[0]));
        std::hint::black_box(sums);
    }
}
