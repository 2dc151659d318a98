//! How long the work of training takes, on 50,000 x 3,072 random bytes and ten classes (or 20,000 x 2,048 random
//! floats, with up to 1,000 classes), for every kernel this processor has: `cargo bench --bench kernels`.
//!
//! An epoch of loss and gradient is 6.15 GFLOP, an epoch of loss alone half of it, and one of a linear probe with 1,000
//! classes 164 GFLOP: divide by the time, and compare with what the processor's multipliers can do (cores x GHz x 2 x 2 x
//! lanes: 16 lanes with AVX-512, 8 with AVX2).

mod problem;

use cifar_train::config::all_cores;
use cifar_train::data::{Examples, Features, Preprocessing};
use cifar_train::kernel::{Compute, Kernel, Team};
use cifar_train::objective::{LinearProblem, Weights};
use cifar_train::random::{self, Stream};
use ndarray::{Array1, Array2};
use problem::{OBJECTIVE, SVM, Sgd, images, standardised};
use rand_chacha::rand_core::RngCore;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

const ROWS: usize = 50_000;
const WIDTH: usize = 3072;
const CLASSES: usize = 10;
const KERNELS: [&str; 4] = ["avx512", "avx2", "neon", "plain"];

static EXAMPLES: LazyLock<Examples> = LazyLock::new(|| images(ROWS, WIDTH, CLASSES));

/// A linear probe's features: 20,000 x 2,048.
static FLOATS: LazyLock<Examples> = LazyLock::new(|| {
    let (rows, width) = (20_000, 2048);
    let mut rng = random::generator(1, Stream::Generate);
    let features = (0..rows * width).map(|_| (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0).collect();
    let labels = (0..rows).map(|_| random::below(&mut rng, 1000) as u16).collect();
    Examples { features: Features::Floats(features), labels, width }
});

static PREPROCESSING: LazyLock<Preprocessing> = LazyLock::new(|| standardised(WIDTH));

fn main() {
    divan::main();
}

/// The kernel of that name, if this processor has it, on so many threads.
fn compute(name: &str, threads: NonZeroUsize) -> Option<Compute> {
    let kernel = Kernel::available().into_iter().find(|kernel| kernel.name() == name)?;
    Some(Compute { kernel, team: Team::new(threads) })
}

/// Times `work` on a problem of byte images and small random weights; a kernel this processor lacks takes no time.
fn measure(
    bencher: divan::Bencher<'_, '_>,
    name: &str,
    threads: NonZeroUsize,
    classes: usize,
    work: impl Fn(&LinearProblem<'_>, &mut Weights) + Sync,
) {
    measure_on(&EXAMPLES, &PREPROCESSING, bencher, (name, threads), classes, work);
}

/// The same on any examples.
fn measure_on(
    examples: &Examples,
    preprocessing: &Preprocessing,
    bencher: divan::Bencher<'_, '_>,
    (name, threads): (&str, NonZeroUsize),
    classes: usize,
    work: impl Fn(&LinearProblem<'_>, &mut Weights) + Sync,
) {
    let Some(compute) = compute(name, threads) else { return bencher.bench(|| ()) };
    let problem = LinearProblem {
        examples,
        preprocessing,
        classes,
        objective: OBJECTIVE,
        example_weights: None,
        compute: &compute,
    };
    let shape = (classes, examples.width);
    let weight = Array2::from_shape_fn(shape, |(k, d)| ((k * 31 + d * 7) % 101) as f32 * 1e-4 - 5e-3);
    let mut weights = Weights::new(&weight, &Array1::zeros(classes), &problem);
    bencher.bench_local(|| work(&problem, &mut weights));
}

/// Softmax loss and gradient over all rows.
#[divan::bench(args = KERNELS, sample_count = 15)]
fn full_batch(bencher: divan::Bencher<'_, '_>, name: &str) {
    let rows = EXAMPLES.all();
    measure(bencher, name, all_cores(), CLASSES, |problem, weights| {
        divan::black_box(problem.loss_and_gradient(weights, &rows));
    });
}

/// The same on one thread.
#[divan::bench(args = KERNELS, sample_count = 15)]
fn full_batch_one_thread(bencher: divan::Bencher<'_, '_>, name: &str) {
    let rows = EXAMPLES.all();
    measure(bencher, name, NonZeroUsize::MIN, CLASSES, |problem, weights| {
        divan::black_box(problem.loss_and_gradient(weights, &rows));
    });
}

/// The loss and gradient of the SVM over all rows.
#[divan::bench(args = KERNELS, sample_count = 15)]
fn full_batch_svm(bencher: divan::Bencher<'_, '_>, name: &str) {
    let rows = EXAMPLES.all();
    measure(bencher, name, all_cores(), CLASSES, |problem, weights| {
        let problem = LinearProblem { objective: SVM, ..*problem };
        divan::black_box(problem.loss_and_gradient(weights, &rows));
    });
}

/// An epoch of SGD over shuffled rows, updates included.
#[divan::bench(args = KERNELS, consts = [32, 256], sample_count = 15)]
fn sgd_epoch<const BATCH: usize>(bencher: divan::Bencher<'_, '_>, name: &str) {
    let mut rows = EXAMPLES.all();
    random::shuffle(&mut random::generator(0, Stream::Shuffle), &mut rows);
    measure(bencher, name, all_cores(), CLASSES, |problem, weights| {
        Sgd::new(weights).epoch(problem, weights, &rows, BATCH);
    });
}

/// An epoch of SGD of a linear probe, batch 256.
#[divan::bench(args = [10, 32, 100, 1000], consts = [1, 2], sample_count = 5)]
fn probe_epoch<const THREADS: usize>(bencher: divan::Bencher<'_, '_>, classes: usize) {
    let mut rows = FLOATS.all();
    random::shuffle(&mut random::generator(0, Stream::Shuffle), &mut rows);
    let labels = FLOATS.labels.iter().map(|&label| label % classes as u16).collect();
    let examples = Examples { labels, ..FLOATS.clone() };
    let map = Preprocessing { mean: vec![0.01; examples.width], scale: vec![1.7; examples.width] };
    let threads = NonZeroUsize::new(THREADS).unwrap_or(NonZeroUsize::MIN);
    measure_on(&examples, &map, bencher, (Kernel::detect().name(), threads), classes, |problem, weights| {
        Sgd::new(weights).epoch(problem, weights, &rows, 256);
    });
}

/// Scores of sixteen stacked classifiers over all rows, in floats.
#[divan::bench(args = KERNELS, sample_count = 5)]
fn sixteen_attempts(bencher: divan::Bencher<'_, '_>, name: &str) {
    let rows = EXAMPLES.all();
    measure(bencher, name, all_cores(), 16 * CLASSES, |problem, weights| {
        divan::black_box(problem.map_scores(weights, &rows, |scores, _| scores[0]));
    });
}

/// The same on a grid of bytes, as random search draws them: in integers.
#[divan::bench(args = KERNELS, sample_count = 5)]
fn sixteen_attempts_on_grid(bencher: divan::Bencher<'_, '_>, name: &str) {
    let rows = EXAMPLES.all();
    let q: Vec<i8> = (0..16 * CLASSES * WIDTH).map(|i| (i * 31 % 255) as i8).collect();
    let q: Vec<&[i8]> = q.chunks(WIDTH).collect();
    measure(bencher, name, all_cores(), 16 * CLASSES, |problem, _| {
        let grid = problem.on_grid(&q, 1e-5, &[0.0; 16 * CLASSES]);
        divan::black_box(grid.map(|grid| problem.map_grid_scores(&grid, &rows, |scores, _| scores[0])));
    });
}
