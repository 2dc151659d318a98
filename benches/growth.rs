//! How the time of training grows: `cargo bench --bench growth -- N,D,K,THREADS ...` prints a line of CSV for each
//! problem asked for, of random bytes: the seconds of a full-batch loss and gradient, and of an epoch of SGD of batch
//! 256. Each is the least of several repeats. `benches/peers/run --growth` draws the picture.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what it is for")]

mod problem;

use cifar_train::data::Examples;
use cifar_train::kernel::{Compute, Kernel, Team};
use cifar_train::objective::{LinearProblem, Weights};
use cifar_train::random::{self, Stream};
use ndarray::{Array1, Array2};
use problem::{OBJECTIVE, Sgd, images, standardised};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Repeats of a measurement: at least so many, and until so much time has passed.
const LEAST: usize = 5;
const PATIENCE: Duration = Duration::from_millis(400);
const BATCH: usize = 256;

fn main() {
    println!("rows,width,classes,threads,full_batch,sgd_epoch");
    // Cargo adds --bench.
    for point in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        let sizes: Vec<usize> = point.split(',').filter_map(|size| size.parse().ok()).collect();
        let &[rows, width, classes, threads] = sizes.as_slice() else {
            eprintln!("error: {point}: expected N,D,K,THREADS, four numbers");
            std::process::exit(2);
        };
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let [full, sgd] = measure(&images(rows, width, classes), classes, threads);
        println!("{point},{full:.6},{sgd:.6}");
    }
}

/// Seconds of a full-batch gradient, and of an epoch of SGD.
fn measure(examples: &Examples, classes: usize, threads: NonZeroUsize) -> [f64; 2] {
    let width = examples.width;
    let preprocessing = standardised(width);
    let compute = Compute { kernel: Kernel::detect(), team: Team::new(threads) };
    let problem = LinearProblem {
        examples,
        preprocessing: &preprocessing,
        classes,
        objective: OBJECTIVE,
        example_weights: None,
        compute: &compute,
    };
    let mut weights = Weights::new(&Array2::zeros((classes, width)), &Array1::zeros(classes), &problem);
    let mut rows = examples.all();
    let full = fastest(|| {
        std::hint::black_box(problem.loss_and_gradient(&mut weights, &rows));
    });
    random::shuffle(&mut random::generator(0, Stream::Shuffle), &mut rows);
    let mut rule = Sgd::new(&weights);
    let sgd = fastest(|| rule.epoch(&problem, &mut weights, &rows, BATCH));
    [full, sgd]
}

/// The least seconds that `work` took: what other processes add is left out.
fn fastest(mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut least = f64::INFINITY;
    let mut repeats = 0;
    while repeats < LEAST || begun.elapsed() < PATIENCE {
        let start = Instant::now();
        work();
        least = least.min(start.elapsed().as_secs_f64());
        repeats += 1;
    }
    least
}
