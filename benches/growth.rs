//! How the time of training grows: `cargo bench --bench growth -- N,D,K,THREADS ...` prints a line of CSV for each
//! problem asked for, of random bytes: the seconds of a full-batch loss and gradient, and of an epoch of SGD of batch
//! 256. Each is the least of several repeats. `benches/peers/run --growth` draws the picture.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what it is for")]

use cifar_train::data::{Examples, Features, Preprocessing};
use cifar_train::kernel::{Compute, Kernel, Rows, Team};
use cifar_train::objective::{LinearProblem, Loss, Objective, Penalty, Weights};
use cifar_train::optim::{RuleState, UpdateRule};
use cifar_train::random::{self, Stream};
use ndarray::{Array1, Array2};
use rand_chacha::rand_core::RngCore;
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
        let [full, sgd] = measure(&examples(rows, width, classes), classes, threads);
        println!("{point},{full:.6},{sgd:.6}");
    }
}

fn examples(rows: usize, width: usize, classes: usize) -> Examples {
    let mut rng = random::generator(0, Stream::Generate);
    let mut features = vec![0; rows * width];
    rng.fill_bytes(&mut features);
    let labels = (0..rows).map(|_| random::below(&mut rng, classes as u32) as u16).collect();
    Examples { features: Features::Bytes(features), labels, width }
}

/// Seconds of a full-batch gradient, and of an epoch of SGD.
fn measure(examples: &Examples, classes: usize, threads: NonZeroUsize) -> [f64; 2] {
    let width = examples.width;
    let preprocessing = Preprocessing { mean: vec![127.5; width], scale: vec![1.0 / 73.9; width] };
    let compute = Compute { kernel: Kernel::detect(), team: Team::new(threads) };
    let objective = Objective { loss: Loss::Softmax, penalty: Penalty { l2: 1e-3, l1: 0.0 } };
    let problem = LinearProblem {
        examples,
        preprocessing: &preprocessing,
        classes,
        objective,
        example_weights: None,
        compute: &compute,
    };
    let mut weights = Weights::new(&Array2::zeros((classes, width)), &Array1::zeros(classes), &problem);
    let mut rows = examples.all();
    let full = fastest(|| {
        std::hint::black_box(problem.loss_and_gradient(&mut weights, &rows));
    });
    random::shuffle(&mut random::generator(0, Stream::Shuffle), &mut rows);
    let rule = UpdateRule::Sgd;
    let mut states: Vec<RuleState<f32>> =
        weights.part_lengths().into_iter().map(|len| rule.start(len)).collect();
    let sgd = fastest(|| {
        let next = rows.chunks(BATCH).skip(1).chain([&[][..]]);
        for (now, next) in rows.chunks(BATCH).zip(next) {
            problem.step(
                &mut weights,
                Rows { now, next },
                &mut states,
                #[inline(always)]
                |w, g, state, first| rule.apply(1e-3, 1, w, g, state, first),
            );
        }
    });
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
