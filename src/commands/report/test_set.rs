//! What the models of saved runs do on the test sets they were tested on.

use super::saved::SavedRun;
use crate::commands::evaluate::check_match;
use crate::data::{self, DataError, Dataset, Features, GENERATED, Request, Shape};
use crate::kernel::Compute;
use crate::model::Mistake;
use crate::report::console::Console;
use crate::report::page::{MistakePicture, Tested};
use crate::report::pixels::example_png;
use crate::report::plot::count;
use crate::run_folder::RESULT;
use std::path::Path;

/// The data sets of several runs, one in memory at a time.
pub struct TestSets<'a> {
    given: Option<&'a Path>,
    console: Console,
    loaded: Option<(Request, Dataset, String)>,
}

impl<'a> TestSets<'a> {
    /// `given` stands in for the data that the runs name.
    pub fn new(given: Option<&'a Path>, console: Console) -> Self {
        Self { given, console, loaded: None }
    }

    /// What the run's model does on its test set; or, where the data that the run names are not there any more, why that
    /// is not known.
    ///
    /// # Errors
    /// If data are there and cannot be used, or are not those of the run.
    pub fn test(
        &mut self,
        run: &SavedRun,
        mistakes: usize,
        compute: &Compute,
    ) -> anyhow::Result<Result<Tested, String>> {
        let named = run.config.settings.data.as_deref();
        if let Some(path) = named.filter(|path| self.given.is_none() && is_missing(path)) {
            let why = format!("the run's data, {}, are not there any more", path.display());
            self.console.warn(format_args!(
                "{}: {why}; the report has no classes, confusions and mistakes of it",
                run.folder.display()
            ));
            self.console.hint("--data gives another place of the same data");
            return Ok(Err(why));
        }
        let console = self.console;
        let mut request = run.config.settings.data_request();
        request.data = self.given.map(Into::into).or(request.data);
        let (data, digest) = self.load(request)?;
        check_match(&run.model, data)?;
        if *digest != run.result.data_digest {
            let record = run.folder.join(RESULT).display().to_string();
            return Err(DataError::Changed {
                name: data.name.clone(),
                found: digest.clone(),
                expected: run.result.data_digest.clone(),
                record,
            }
            .into());
        }
        let (folder, count) = (run.folder.display(), count(data.test.len()));
        console.note(format_args!("{folder}: {count} test images of {}", data.name));
        Ok(Ok(tested(run, data, mistakes, compute)?))
    }

    /// The data set and its digest.
    fn load(&mut self, request: Request) -> anyhow::Result<(&Dataset, &String)> {
        let loaded = match self.loaded.take() {
            Some(loaded) if loaded.0 == request => loaded,
            _ => {
                let data = data::load(&request)?;
                let digest = data.digest();
                (request, data, digest)
            }
        };
        let (_, data, digest) = self.loaded.insert(loaded);
        Ok((data, digest))
    }
}

/// Whether there is nothing; a folder of the wrong files is an error that says more.
fn is_missing(path: &Path) -> bool {
    path != Path::new(GENERATED) && matches!(path.try_exists(), Ok(false))
}

fn tested(run: &SavedRun, data: &Dataset, mistakes: usize, compute: &Compute) -> anyhow::Result<Tested> {
    let (model, test) = (&run.model, &data.test);
    let (evaluation, _) = model.evaluate(test, &test.all(), compute);
    let picture = |mistake: Mistake| {
        let png = match (data.shape, &test.features) {
            (Shape::Image { channels, height, width }, Features::Bytes(bytes)) => {
                let pixels = &bytes[mistake.row * test.width..][..test.width];
                example_png(pixels, [channels, height, width])?
            }
            _ => None,
        };
        Ok(MistakePicture { mistake, png })
    };
    let mistakes = model.mistakes(test, mistakes, compute).into_iter().map(picture);
    Ok(Tested {
        data_name: data.name.clone(),
        evaluation,
        right: model.right(test, compute),
        mistakes: mistakes.collect::<anyhow::Result<_>>()?,
    })
}
