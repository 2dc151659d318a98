//! From trained weights to a tested model in a run folder.

use super::session::{Session, Trained};
use crate::config;
use crate::data::{self, Dataset, Shape, Source, Store};
use crate::machine::{Machine, peak_memory_bytes};
use crate::metrics::wilson_interval;
use crate::model::{About, LinearModel};
use crate::objective::Loss;
use crate::report::summary::RunResult;
use crate::report::templates;
use crate::run_folder::{self, RunFolder};

impl<S: Store> Session<'_, S> {
    /// Tests the model, once, and writes the run folder.
    pub fn save(
        &self,
        folder: &RunFolder,
        trained: &Trained,
        digest: String,
        seconds: &dyn Fn() -> f64,
    ) -> anyhow::Result<RunResult> {
        let objective = self.config.objective;
        let names = self.data.class_names.clone();
        let about = About::new(names, self.data.shape, objective.loss, self.config.recipe());
        let about = About { feature_names: self.data.feature_names.clone(), ..about };
        let model = LinearModel::fold(&trained.weight, &trained.bias, &self.preprocessing, about);

        let Dataset { train, test, .. } = self.data;
        let evaluated = model.evaluate_stored(test, &test.all(), None, self.compute);
        let (test, test_loss) = evaluated.map_err(Into::into)?;
        let weights = self.example_weights.as_deref();
        let evaluated = model.evaluate_stored(train, &self.split.train, weights, self.compute);
        let (train, train_loss) = evaluated.map_err(Into::into)?;
        if let Some(class) = test.only_prediction() {
            let name = &self.data.class_names[class];
            self.console.warn(format_args!(
                "every test example is predicted as {name}: the model has learned nothing"
            ));
        }

        let raw: Vec<f32> = model.weight.iter().copied().collect();
        let mut files = vec![
            (run_folder::CONFIG, self.config.to_toml(Some(&self.data.source)).into_bytes()),
            (run_folder::MODEL, model.to_bytes()?),
            (run_folder::HISTORY, trained.history.clone()),
            ("curves.svg", trained.curves.clone().into_bytes()),
        ];
        if let Shape::Image { channels: channels @ (1 | 3), height, width } = self.data.shape {
            let shape = [channels, height, width];
            files.push(("templates.png", templates::render(&raw, shape, &self.data.class_names)?));
        }

        let (low, high) = wilson_interval(test.correct(), test.count());
        let validation = trained.validation;
        let result = RunResult {
            version: env!("CARGO_PKG_VERSION").into(),
            stop: trained.stop.word().into(),
            stop_reason: trained.stop.to_string(),
            strategy: config::name(self.config.settings.strategy),
            test_accuracy: test.accuracy(),
            test_accuracy_interval: [low, high],
            test_correct: test.correct(),
            test_count: test.count(),
            test_loss: test_loss.mean(),
            train_loss: train_loss.mean(),
            train_accuracy: train.accuracy(),
            objective: train_loss.mean() + trained.penalty,
            objective_formula: self.formula(),
            validation_accuracy: validation.map(|figures| figures.accuracy),
            validation_loss: validation.map(|figures| figures.loss),
            gap: trained.gap,
            relative_gap: trained.gap.is_some() && matches!(objective.loss, Loss::Svm { .. }),
            gradients: trained.gradients,
            epochs: trained.epochs,
            kept_epoch: trained.kept.map(|epoch| epoch.epoch),
            steps: trained.steps,
            data: match &self.data.source {
                Source::BuiltIn => data::GENERATED.into(),
                Source::Path(path) => path.display().to_string(),
            },
            data_digest: digest,
            rows: [self.split.train.len(), self.split.validation.len(), self.data.test.len()],
            train_seconds: trained.seconds,
            seconds: seconds(),
            peak_memory_bytes: peak_memory_bytes(),
            out: folder.target().display().to_string(),
            machine: Machine::of(self.compute),
            config: self.config.recipe(),
        };
        let mut json = serde_json::to_vec_pretty(&result)?;
        json.push(b'\n');
        files.push((run_folder::RESULT, json));
        let write = if trained.state.is_some() { RunFolder::write_resumable } else { RunFolder::write };
        write(folder, &files)?;
        Ok(result)
    }
}
