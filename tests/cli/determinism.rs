//! The same settings and data give the same model, byte for byte, on any number of threads.

use crate::support::Sandbox;

/// A recipe with everything random in it: a random start, a split, shuffles.
const RECIPE: [&str; 12] = [
    "--optimizer",
    "momentum",
    "--schedule",
    "cosine",
    "--validation",
    "500",
    "--init-scale",
    "1e-3",
    "--epochs",
    "2",
    "--loss",
    "softmax",
];

#[test]
fn neither_threads_nor_repetition_change_a_byte() {
    let sandbox = Sandbox::new();
    let train = |out: &str, args: &[&str]| sandbox.train(out, &[&RECIPE[..], args].concat()).model();
    let expected = train("one", &["--threads", "1"]);
    for threads in ["1", "2", "3"] {
        assert!(train(&format!("again-{threads}"), &["--threads", threads]) == expected, "{threads} threads");
    }
    assert!(train("all", &[]) == expected, "all cores");
}

#[test]
fn threads_do_not_change_the_other_losses_and_batches() {
    let sandbox = Sandbox::new();
    for (name, args) in [
        ("full", &["train", "--batch-size", "full", "--epochs", "2"][..]),
        ("odd", &["train", "--batch-size", "77", "--epochs", "1", "--l1", "1e-4"]),
        ("search", &["random-search", "--attempts", "5"]),
        ("local", &["random-search", "--attempts", "5", "--local"]),
    ] {
        let model = |threads: &str| {
            let out = format!("{name}-{threads}");
            sandbox.succeed(&[args, &["-q", "--threads", threads, "--out", &out]].concat());
            std::fs::read(sandbox.path(&out).join("model.safetensors")).expect("a model")
        };
        let expected = model("1");
        assert!(model("2") == expected && model("3") == expected, "{name}");
    }
}

#[test]
fn another_seed_is_another_model() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let weights = |seed: &str| {
        let model = sandbox
            .train(seed, &["--data", "data", "--epochs", "2", "--batch-size", "50", "--seed", seed])
            .model();
        // Without the header, which names the seed.
        model[model.len() - 4 * 10 * 3073..].to_vec()
    };
    assert!(weights("1") != weights("2"));
}

/// `--config` on a run's own config.toml repeats it, whatever the folder it is fed from.
#[test]
fn the_config_of_a_run_repeats_it() {
    let sandbox = Sandbox::new();
    sandbox.cifar100("hundred");
    for (name, args) in [
        ("descent", &[&["train"], &RECIPE[..]].concat()[..]),
        ("patient", &["train", "--validation", "0.1", "--patience", "1", "--lr", "0.03", "--seed", "7"]),
        ("search", &["random-search", "--attempts", "3", "--reg", "0.1"]),
        (
            "coarse",
            &["train", "--data", "hundred", "--label", "coarse", "--epochs", "2", "--batch-size", "full"],
        ),
    ] {
        let again = format!("{name}-again");
        let config = format!("{name}/config.toml");
        sandbox.succeed(&[args, &["-q", "--out", name]].concat());
        sandbox.succeed(&["-q", "--config", &config, "--out", &again]);
        for file in ["model.safetensors", "config.toml"] {
            let read = |run: &str| std::fs::read(sandbox.path(run).join(file)).expect("a file of the run");
            assert!(read(name) == read(&again), "{file} of {name}");
        }
    }
}
