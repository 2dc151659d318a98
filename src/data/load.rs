//! From what the settings say to a [`Dataset`]: which format it is, which reader reads it, and which rows test.

use super::formats::arrays::{self, Arrays, Layout};
use super::formats::flaw::{Flaw, Trouble};
use super::formats::in_place::InPlace;
use super::formats::input::Input;
use super::formats::labels::Labels;
use super::formats::table::{Contents, FeatureRows, Parts, Table, take_rows};
use super::formats::{Format, cifar, csv, names, pictures, svmlight, tar};
use super::load_parquet;
use super::{
    DEFAULT_FOLDER, DataError, Dataset, Examples, GENERATED, Holdout, Label, Planes, SampleWeights, Shape,
    Size, Source, Streamed, generate, split,
};
use std::fs;
use std::path::{Path, PathBuf};

/// What data to load: the settings about data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// A file, a folder, [`GENERATED`], or what is found.
    pub data: Option<PathBuf>,
    /// Its format, if it is not to be recognised.
    pub format: Option<Format>,
    /// Which of CIFAR-100's labels.
    pub label: Option<Label>,
    /// Which column of a CSV file holds the labels.
    pub label_column: Option<String>,
    /// Which column, or array, holds the weights of the examples.
    pub weight_column: Option<String>,
    /// The test examples, where `data` does not have them.
    pub test: Option<PathBuf>,
    /// How many of the examples test, where nobody told them apart.
    pub test_split: Option<Holdout>,
    /// What pictures the rows of features are.
    pub shape: Option<Planes>,
    /// To what pictures are resized.
    pub size: Option<Size>,
    /// What a model's examples are: pictures get its size, rows of as many features its shape.
    pub model: Option<Shape>,
    /// Whether there may be no test examples: all are for training then.
    pub no_test: bool,
}

/// Loads the data set that is asked for.
///
/// # Errors
/// [`DataError`] when files cannot be read or are not what their format says, when train and test cannot be told
/// apart, or when something is asked for that has no effect on such data.
pub fn load(request: &Request) -> Result<Dataset, DataError> {
    match request.data.as_deref() {
        Some(path) if path != Path::new(GENERATED) => load_path(path, request),
        None if Path::new(DEFAULT_FOLDER).is_dir() => load_path(Path::new(DEFAULT_FOLDER), request),
        _ if request.label.is_some() => {
            Err(DataError::LabelChoice { name: "the built-in generated set".into() })
        }
        _ => {
            let data = generate(generate::TRAIN, generate::TEST, generate::SEED);
            let given = request.format.map(|_| "format").or_else(|| request.unused_key(&[]));
            match given {
                Some(key) => Err(without_effect(key, &data.name, "it is made, not read")),
                None => Ok(data),
            }
        }
    }
}

impl Request {
    /// Width and height that pictures get.
    pub fn picture_size(&self) -> Option<[usize; 2]> {
        match (self.size, self.model) {
            (Some(size), _) => Some([size.width, size.height]),
            (None, Some(Shape::Image { height, width, .. })) => Some([width, height]),
            (None, _) => None,
        }
    }

    /// The first setting that is given though only `used` ones have an effect.
    fn unused_key(&self, used: &[&str]) -> Option<&'static str> {
        let given = [
            ("label-column", self.label_column.is_some()),
            ("weight-column", self.weight_column.is_some()),
            ("test", self.test.is_some()),
            ("test-split", self.test_split.is_some()),
            ("shape", self.shape.is_some()),
            ("size", self.size.is_some()),
        ];
        given.into_iter().find(|(key, given)| *given && !used.contains(key)).map(|(key, _)| key)
    }
}

pub fn without_effect(key: &'static str, name: &str, reason: &str) -> DataError {
    DataError::WithoutEffect { key, name: name.into(), reason: reason.into() }
}

fn load_path(path: &Path, request: &Request) -> Result<Dataset, DataError> {
    let found = Found::at(path, request)?;
    if found.format == Format::Cifar {
        return match &found.place {
            Place::File(input) => cifar::archive::load(input, request.label),
            _ => cifar::load(path, request.label),
        };
    }
    assemble(found.read(path, request)?, path, request)
}

/// As [`load`], but features stay in their files.
///
/// # Errors
/// As [`load`], and when single rows of these data cannot be read.
pub fn stream(request: &Request) -> Result<Dataset<Streamed>, DataError> {
    let path = match request.data.as_deref() {
        Some(path) if path != Path::new(GENERATED) => path,
        None if Path::new(DEFAULT_FOLDER).is_dir() => Path::new(DEFAULT_FOLDER),
        _ => {
            let reason = "it is made in memory, not read: `cifar-train data generate` writes such data";
            return Err(without_effect("memory", "the built-in generated set", reason));
        }
    };
    let found = Found::at(path, request)?;
    let data = match (found.format, &found.place) {
        (Format::Cifar, Place::File(_)) => Err(found.not_in_place(path)),
        (Format::Cifar, _) => cifar::in_place(path, request.label),
        _ => assemble(found.in_place(path, request)?, path, request),
    }?;
    Ok(Streamed::dataset(data))
}

/// Data whose format is known.
pub struct Found {
    /// The format.
    pub format: Format,
    /// Where it is.
    pub place: Place,
}

/// A file, a pair of files, or a folder.
pub enum Place {
    /// One file.
    File(Input),
    /// Files of a folder that are called train and test.
    Pair(Input, Input),
    /// A folder, and its files.
    Folder(Vec<PathBuf>),
}

impl Found {
    /// What is at `path`, with all of the request's settings having an effect on it.
    fn at(path: &Path, request: &Request) -> Result<Self, DataError> {
        let meta = fs::metadata(path).map_err(|error| DataError::Unreadable { path: path.into(), error })?;
        let found = if meta.is_dir() {
            Self::in_folder(path, request.format)?
        } else {
            Self::file(path, request.format)?
        };
        let name = path.display().to_string();
        let used: &[&str] = match found.format {
            Format::Cifar => &[],
            Format::Npz | Format::Safetensors => &["weight-column", "test", "test-split", "shape"],
            Format::Csv => &["label-column", "weight-column", "test", "test-split", "shape"],
            Format::Pictures => &["test", "test-split", "size"],
            Format::Parquet => &["label-column", "test", "test-split", "shape", "size"],
            _ => &["test", "test-split", "shape"],
        };
        if let Some(key) = request.unused_key(used) {
            return Err(without_effect(key, &name, &format!("it is {}", found.format.name())));
        }
        if request.label.is_some() && found.format != Format::Cifar {
            return Err(DataError::LabelChoice { name });
        }
        Ok(found)
    }

    /// The file at `path`, of the format that is asked for or recognised.
    pub fn file(path: &Path, format: Option<Format>) -> Result<Self, DataError> {
        let input = Input::open(path)?;
        let format = format.or_else(|| Format::of(&input.head)).ok_or_else(|| DataError::Layout {
            path: path.into(),
            found: "a file of no known format".into(),
            expected: Format::list(),
        })?;
        if format == Format::Cifar && !tar::is_tar(&input.head) {
            return Err(DataError::Layout {
                path: path.into(),
                found: "a file".into(),
                expected: "a folder with CIFAR-10's or CIFAR-100's files, or its .tar.gz".into(),
            });
        }
        if format == Format::Pictures {
            let flaw = Flaw::whole("one picture", "a folder for each class with PNG or JPEG files")
                .hint("give the folder above the classes");
            return Err(input.error(flaw));
        }
        Ok(Self { format, place: Place::File(input) })
    }

    /// What the folder at `path` holds, of the format that is asked for or recognised.
    pub fn in_folder(path: &Path, format: Option<Format>) -> Result<Self, DataError> {
        let wanted = |other: Format| format.is_none_or(|format| format == other);
        let files = files_of(path)?;
        if format == Some(Format::Cifar) || (format.is_none() && cifar::is_here(path)) {
            return Ok(Self { format: Format::Cifar, place: Place::Folder(files) });
        }
        let mut array = None;
        for file in files.iter().filter(|file| names::read_name(&file_name(file)).is_some()) {
            let Ok(input) = Input::open(file) else { continue };
            array = Format::of(&input.head)
                .filter(|found| matches!(found, Format::Npy | Format::Idx) && wanted(*found));
            if array.is_some() {
                break;
            }
        }
        if let Some(format) = array {
            return Ok(Self { format, place: Place::Folder(files) });
        }
        let is_parquet = |path: &PathBuf| {
            let named = path.extension().is_some_and(|extension| extension == "parquet");
            named && Input::open(path).is_ok_and(|input| Format::of(&input.head) == Some(Format::Parquet))
        };
        if wanted(Format::Parquet) && files.iter().any(is_parquet) {
            let files = files.into_iter().filter(is_parquet).collect();
            return Ok(Self { format: Format::Parquet, place: Place::Folder(files) });
        }
        if let Some((train, test)) = pair(path, &files)? {
            let (train, test) = (Input::open(&train)?, Input::open(&test)?);
            let found = format.or_else(|| Format::of(&train.head));
            let is_pair = |found: &Format| {
                !matches!(found, Format::Pictures | Format::Cifar | Format::Npy | Format::Idx)
            };
            if let Some(format) = found.filter(is_pair) {
                return Ok(Self { format, place: Place::Pair(train, test) });
            }
        }
        if format == Some(Format::Pictures) || (format.is_none() && pictures::is_here(path)) {
            return Ok(Self { format: Format::Pictures, place: Place::Folder(files) });
        }
        match format {
            Some(format) => Err(DataError::Layout {
                path: path.into(),
                found: "a folder without such files".into(),
                expected: format!("{}: data/README.md says how they are named", format.name()),
            }),
            // CIFAR's reader tells best what is missing.
            None => Ok(Self { format: Format::Cifar, place: Place::Folder(files) }),
        }
    }

    /// Reads it.
    pub fn read(self, path: &Path, request: &Request) -> Result<Contents, DataError> {
        match (self.place, self.format) {
            (place @ (Place::Folder(_) | Place::File(_)), Format::Npy | Format::Idx) => {
                let (arrays, folder) = array_files(&place, path, self.format)?;
                with_class_names(folder, arrays.load()?)
            }
            (Place::Folder(files), Format::Parquet) => {
                with_class_names(path, load_parquet::folder(&files, request)?)
            }
            (Place::Folder(_), _) => pictures::load(path, request.picture_size()),
            (Place::Pair(train, test), format) => {
                let contents = read_files(&train, Some(&test), format, request)?;
                with_class_names(path, contents)
            }
            (Place::File(input), format) => {
                let test = request.test.as_deref().map(Input::open).transpose()?;
                read_files(&input, test.as_ref(), format, request)
            }
        }
    }

    /// As [`Found::read`], but features stay in their place.
    fn in_place(self, path: &Path, request: &Request) -> Result<Contents<InPlace>, DataError> {
        let weights = request.weight_column.as_deref();
        match (&self.place, self.format) {
            (place, Format::Npy | Format::Idx) => {
                let (arrays, folder) = array_files(place, path, self.format)?;
                with_class_names(folder, arrays.in_place()?)
            }
            (Place::Pair(train, test), Format::Safetensors) => {
                check_format(test, self.format, request)?;
                let both = [train, test].map(|input| arrays::of_safetensors(input, weights)?.in_place());
                let [first, second] = both;
                with_class_names(path, join(first?, second?, train, test)?)
            }
            (Place::File(input), Format::Safetensors) => {
                let contents = arrays::of_safetensors(input, weights)?.in_place()?;
                let Some(test) = request.test.as_deref() else { return Ok(contents) };
                let test = Input::open(test)?;
                check_format(&test, self.format, request)?;
                join(contents, arrays::of_safetensors(&test, weights)?.in_place()?, input, &test)
            }
            _ => Err(self.not_in_place(path)),
        }
    }

    fn not_in_place(&self, path: &Path) -> DataError {
        DataError::NotInPlace { path: path.into(), found: self.format.name().into() }
    }
}

/// The arrays of a folder, or those that one of its files belongs to; and the folder.
fn array_files<'a>(place: &Place, path: &'a Path, format: Format) -> Result<(Arrays, &'a Path), DataError> {
    let layout = if format == Format::Npy { Layout::Npy } else { Layout::Idx };
    if let Place::Folder(files) = place {
        return Ok((arrays::of_folder(path, files, layout)?, path));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((arrays::of_file(path, &files_of(folder)?, layout)?, folder))
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The entries of a folder that are no folders, by name.
pub fn files_of(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |error| DataError::Unreadable { path: folder.into(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !entry.path().is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The files called train and test, such as `train.csv` and `test.csv`.
fn pair(folder: &Path, files: &[PathBuf]) -> Result<Option<(PathBuf, PathBuf)>, DataError> {
    let of = |wanted: names::Part| -> Vec<&PathBuf> {
        let part = |path: &&PathBuf| {
            let name = file_name(path).to_lowercase();
            let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
            names::part_of(&words) == wanted
        };
        files.iter().filter(part).collect()
    };
    match (&of(names::Part::Train)[..], &of(names::Part::Test)[..]) {
        ([train], [test]) => Ok(Some(((*train).clone(), (*test).clone()))),
        ([], _) | (_, []) => Ok(None),
        (train, test) => {
            let list: Vec<String> = train.iter().chain(test).map(|path| file_name(path)).collect();
            let flaw = Flaw::whole(list.join(", "), "one file called train and one called test")
                .hint("give --data the training file and --test the test file");
            Err(DataError::Content { path: folder.into(), flaw })
        }
    }
}

/// Class names from a text file beside numbered labels, one a line: `class_names.txt`, or CIFAR-10's own.
fn with_class_names<F>(folder: &Path, contents: Contents<F>) -> Result<Contents<F>, DataError> {
    let file = ["class_names.txt", "batches.meta.txt"]
        .iter()
        .map(|file| folder.join(file))
        .find(|path| path.is_file());
    let Some(path) = file.filter(|_| contents.class_names.is_none()) else { return Ok(contents) };
    let input = Input::open(&path)?;
    let bytes = input.bytes(1 << 24).map_err(|trouble| input.error(trouble))?;
    let text = String::from_utf8_lossy(&bytes);
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect();
    Ok(Contents { class_names: Some(names), ..contents })
}

/// Reads one file of tables, and the other that tests it, if there is one.
fn read_files(
    train: &Input,
    test: Option<&Input>,
    format: Format,
    request: &Request,
) -> Result<Contents, DataError> {
    if let Some(test) = test {
        check_format(test, format, request)?;
    }
    let weights = request.weight_column.as_deref();
    let one = |table: Table| Contents { parts: Parts::One(table), class_names: None, notes: Vec::new() };
    let contents = match format {
        Format::Npz => arrays::of_npz(train, weights)?.load()?,
        Format::Safetensors => arrays::of_safetensors(train, weights)?.load()?,
        Format::Csv => return read_csv(train, test, request),
        Format::Parquet => {
            let train = std::slice::from_ref(train);
            let test = test.map(std::slice::from_ref).unwrap_or_default();
            return load_parquet::files(train, test, request);
        }
        Format::Svmlight => {
            let rows = |input: &Input| svmlight_rows(input);
            let Some(test) = test else {
                let [table] = svmlight::finish([rows(train)?], None).map_err(|flaw| train.error(flaw))?;
                return Ok(one(checked(train, table)?));
            };
            let tables = svmlight::finish([rows(train)?, rows(test)?], None);
            let [first, second] = tables.map_err(|flaw| train.error(flaw))?;
            let parts = Parts::Both { train: checked(train, first)?, test: checked(test, second)? };
            return Ok(Contents { parts, class_names: None, notes: Vec::new() });
        }
        Format::Cifar | Format::Idx | Format::Npy | Format::Pictures => {
            let flaw = Flaw::whole(format.name(), "a file of examples with their labels");
            return Err(train.error(flaw));
        }
    };
    let Some(test) = test else { return Ok(contents) };
    let other = if format == Format::Npz {
        arrays::of_npz(test, weights)?
    } else {
        arrays::of_safetensors(test, weights)?
    };
    join(contents, other.load()?, train, test)
}

/// Makes sure that the file of test examples is of the training file's format, as far as can be seen.
fn check_format(test: &Input, format: Format, request: &Request) -> Result<(), DataError> {
    let other = Format::of(&test.head).filter(|other| *other != format && request.format.is_none());
    let Some(other) = other else { return Ok(()) };
    let flaw = Flaw::whole(other.name(), format!("{} as the training file", format.name()));
    Err(test.error(flaw.hint("both files have one format")))
}

/// The training examples of one file, and those of another to test them.
fn join<F>(
    contents: Contents<F>,
    other: Contents<F>,
    train: &Input,
    test: &Input,
) -> Result<Contents<F>, DataError> {
    match (contents.parts, other.parts) {
        (Parts::One(first), Parts::One(second)) => {
            let parts = Parts::Both { train: first, test: second };
            Ok(Contents { parts, class_names: contents.class_names, notes: contents.notes })
        }
        (Parts::Both { .. }, _) => {
            Err(without_effect("test", &train.path.display().to_string(), "it has test examples of its own"))
        }
        (_, Parts::Both { .. }) => {
            let flaw = Flaw::whole("training and test examples", "test examples alone");
            Err(test.error(flaw.hint("give that file as --data")))
        }
    }
}

/// Reads a file of svmlight's format, whose first index is not known yet.
pub fn svmlight_rows(input: &Input) -> Result<svmlight::Rows, DataError> {
    let read = input.stream().map_err(Trouble::from).and_then(|mut source| svmlight::read(&mut source));
    read.map_err(|trouble| input.error(trouble))
}

/// The table, if all its numbers are finite.
pub fn checked(input: &Input, table: Table) -> Result<Table, DataError> {
    table.check_finite().map_err(|flaw| input.error(flaw))?;
    Ok(table)
}

/// Reads a CSV file of examples for `request`.
pub fn csv_table(input: &Input, request: csv::Request<'_>) -> Result<(Table, csv::Columns), DataError> {
    let read = input.stream().map_err(Trouble::from).and_then(|mut source| csv::read(&mut source, request));
    let (table, columns) = read.map_err(|trouble| input.error(trouble))?;
    Ok((checked(input, table)?, columns))
}

fn read_csv(train: &Input, test: Option<&Input>, request: &Request) -> Result<Contents, DataError> {
    let (label, weight) = (request.label_column.as_deref(), request.weight_column.as_deref());
    let (table, columns) = csv_table(train, csv::Request { label, weight, width: None })?;
    let guess = format!("labels are from column {}, the only one of texts", columns.label_name());
    let notes = if columns.guessed { vec![guess] } else { Vec::new() };
    let Some(test) = test else { return Ok(Contents { parts: Parts::One(table), class_names: None, notes }) };
    let place = |column: Option<usize>| column.map(|place| (place + 1).to_string());
    let (label, weight) = (place(columns.label), place(columns.weight));
    let same = csv::Request { label: label.as_deref(), weight: weight.as_deref(), width: None };
    let (other, its_columns) = csv_table(test, same)?;
    if let (Some(names), Some(other)) = (&columns.names, &its_columns.names)
        && let Some(at) = names.iter().zip(other).position(|(a, b)| a != b)
    {
        let expected = format!("{} as in {}", names[at], train.path.display());
        let flaw = Flaw::new(format!("line 1, column {}", at + 1), other[at].clone(), expected);
        return Err(test.error(flaw.hint("both files have the same columns in the same order")));
    }
    Ok(Contents { parts: Parts::Both { train: table, test: other }, class_names: None, notes })
}

/// Loads the data set in one file of a format whose files are read alone.
///
/// # Errors
/// As [`load`].
pub fn load_input(input: &Input, format: Format, request: &Request) -> Result<Dataset, DataError> {
    assemble(read_files(input, None, format, request)?, &input.path, request)
}

/// Makes a data set of what was read.
fn assemble<F: FeatureRows>(
    contents: Contents<F>,
    path: &Path,
    request: &Request,
) -> Result<Dataset<Examples<F>>, DataError> {
    let flaw = |flaw| DataError::Content { path: path.into(), flaw };
    let name = path.display().to_string();
    let (train, test) = match (contents.parts, request.test_split) {
        (Parts::Both { .. }, Some(_)) => {
            return Err(without_effect("test-split", &name, "it has test examples of its own"));
        }
        (Parts::Both { .. }, None) if request.test.is_some() && path.is_dir() => {
            return Err(without_effect("test", &name, "it has test examples of its own"));
        }
        (Parts::Both { train, test }, None) => (train, test),
        (Parts::One(_), _) if request.test.is_some() => {
            return Err(without_effect(
                "test",
                &name,
                "it is a folder: name its files train and test instead",
            ));
        }
        (Parts::One(table), Some(holdout)) => divide(table, holdout)?,
        (Parts::One(table), None) if request.no_test => {
            let Table { features, shape, labels, weights } = table;
            let (all, none) = features.divide(shape.features().unwrap_or_default(), &[]);
            let no_weights = weights.is_some().then(Vec::new);
            let test = Table { features: none, shape, labels: Some(Labels::default()), weights: no_weights };
            (Table { features: all, shape, labels, weights }, test)
        }
        (Parts::One(_), None) => return Err(DataError::NoTest { path: path.into() }),
    };
    let (train, test) = alike(train, test).map_err(flaw)?;
    let shape = match request.model {
        Some(shape) if !is_image(train.shape) && shape.features() == train.shape.features() => shape,
        _ => reshape(train.shape, request.shape, &name)?,
    };
    let unlabelled = || flaw(Flaw::whole("examples without labels", "a label for each"));
    let (train_labels, test_labels) =
        (train.labels.ok_or_else(unlabelled)?, test.labels.ok_or_else(unlabelled)?);
    let class_names = contents.class_names.unwrap_or_else(|| train_labels.classes());
    if !(2..=1 << 16).contains(&class_names.len()) {
        let found = format!(
            "{} class(es): {}",
            class_names.len(),
            class_names.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
        );
        return Err(flaw(
            Flaw::whole(found, "labels of at least two classes").hint("are they the right labels?"),
        ));
    }
    let width = shape.features().unwrap_or_default();
    let weights = SampleWeights { train: train.weights, test: test.weights };
    let labels = train_labels.assign(&class_names).map_err(|f| flaw(f.within("training labels")))?;
    let train = Examples { features: train.features, labels, width };
    let labels = test_labels.assign(&class_names).map_err(|f| flaw(f.within("test labels")))?;
    let test = Examples { features: test.features, labels, width };
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = if name.is_empty() { path.display().to_string() } else { name };
    Ok(Dataset {
        name,
        source: Source::Path(path.into()),
        shape,
        class_names,
        train,
        test,
        weights,
        notes: contents.notes,
    })
}

/// Both parts with one shape, and both of bytes or both of floats.
fn alike<F: FeatureRows>(train: Table<F>, test: Table<F>) -> Result<(Table<F>, Table<F>), Flaw> {
    if train.shape.features() != test.shape.features()
        || (is_image(train.shape) && is_image(test.shape) && train.shape != test.shape)
    {
        let found = format!("test {} of {}", test.shape.noun(), test.shape);
        return Err(Flaw::whole(found, format!("{} as in training", train.shape))
            .hint("are they files of the same data set?"));
    }
    if train.features.are_bytes() == test.features.are_bytes() {
        return Ok((train, test));
    }
    let floats = |table: Table<F>| Table { features: table.features.into_floats(), ..table };
    Ok((floats(train), floats(test)))
}

pub fn is_image(shape: Shape) -> bool {
    matches!(shape, Shape::Image { .. })
}

/// The shape that is asked for, if it fits.
fn reshape(shape: Shape, wanted: Option<Planes>, name: &str) -> Result<Shape, DataError> {
    let Some(planes) = wanted else { return Ok(shape) };
    let Planes { channels, height, width } = planes;
    let image = Shape::Image { channels, height, width };
    match shape {
        Shape::Vector(features) if image.features() == Some(features) => Ok(image),
        Shape::Vector(features) => {
            let found = format!("{planes}, {} features", image.features().unwrap_or(usize::MAX));
            let flaw = Flaw::new("--shape", found, format!("{features} features as the rows have"))
                .hint("channels, height and width have that product");
            Err(DataError::Content { path: name.into(), flaw })
        }
        Shape::Image { .. } => {
            Err(without_effect("shape", name, &format!("its pictures are {shape} already")))
        }
    }
}

/// Takes the rows that test out of a table. They do not depend on a run's seed: a test set is one set of rows, whatever
/// is tried.
fn divide<F: FeatureRows>(table: Table<F>, holdout: Holdout) -> Result<(Table<F>, Table<F>), DataError> {
    let rows = split::test_rows(table.rows(), holdout)?;
    let width = table.shape.features().unwrap_or_default();
    let (train, test) = table.features.divide(width, &rows);
    let (mut train_labels, mut test_labels) = (table.labels.clone(), table.labels);
    if let (Some(train), Some(test)) = (&mut train_labels, &mut test_labels) {
        (train.of, test.of) = take_rows(std::mem::take(&mut train.of), 1, &rows);
        train.forget_unused();
        test.forget_unused();
    }
    let (train_weights, test_weights) = table.weights.map(|weights| take_rows(weights, 1, &rows)).unzip();
    let part = |features, labels, weights| Table { features, shape: table.shape, labels, weights };
    Ok((part(train, train_labels, train_weights), part(test, test_labels, test_weights)))
}
