//! Flags of `data`.

use crate::data::{Format, Holdout, Label, Planes, Request, Size};
use crate::fetch::{Known, Mirror};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to do with data.
#[derive(Subcommand, Debug)]
pub enum Data {
    /// Shape, classes, ranges, constant features and duplicates of a data set; pictures of its classes and of their means
    Info(InfoArgs),
    /// Download CIFAR-10, CIFAR-100, MNIST or Fashion-MNIST, checked by SHA-256, and unpack it
    Fetch(FetchArgs),
    /// Write a data set in another format, without loss
    Convert(ConvertArgs),
    /// Write the built-in set, of any size and seed
    Generate(GenerateArgs),
}

/// Which columns of a table are no features.
#[derive(Args, Clone, Debug, Default)]
pub struct ColumnArgs {
    /// CSV column that holds the labels: its name, its number from 1, or "last"
    #[arg(long, value_name = "NAME|N")]
    pub label_column: Option<String>,
    /// Column (or array of an .npz or safetensors file) that holds a weight for each example, and so no feature
    #[arg(long, value_name = "NAME|N")]
    pub weight_column: Option<String>,
}

/// Which data a command other than training looks at.
#[derive(Args, Clone, Debug, Default)]
pub struct DataArgs {
    /// Data file or folder, or "generated" [default: the run's own data; without a run as for training]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Format of the data [default: recognised by content]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Which columns are no features.
    #[command(flatten)]
    pub columns: ColumnArgs,
}

impl DataArgs {
    /// What to load; `label` is the model's, where its data has several.
    pub fn request(&self, label: Option<Label>) -> Request {
        Request {
            data: self.data.clone(),
            format: self.format,
            label,
            label_column: self.columns.label_column.clone(),
            weight_column: self.columns.weight_column.clone(),
            ..Request::default()
        }
    }
}

/// Which data set, as for training.
#[derive(Args, Clone, Debug)]
pub struct DataSetArgs {
    /// Data file or folder, or "generated" for the built-in set [default: as for training]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Format of the data [default: recognised by content]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// File of the test examples, for data without any
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Rows to test with, for data without test examples: a number, or a fraction such as 0.2
    #[arg(long, value_name = "N|FRACTION", allow_negative_numbers = true)]
    pub test_split: Option<Holdout>,
    /// Which columns are no features.
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Rows of features are pictures of so many channels, rows and columns
    #[arg(long, value_name = "CxHxW")]
    pub shape: Option<Planes>,
    /// Resize pictures to a side such as 32, or to width and height such as 64x48
    #[arg(long, value_name = "N|WxH")]
    pub size: Option<Size>,
    /// Which label of CIFAR-100 to take [default: fine]
    #[arg(long, value_enum)]
    pub label: Option<Label>,
}

impl DataSetArgs {
    /// What to load. There may be no test examples: nothing is tested here.
    pub fn request(&self) -> Request {
        let Self { data, format, test, test_split, columns, shape, size, label } = self.clone();
        Request {
            data,
            format,
            test,
            test_split,
            label_column: columns.label_column,
            weight_column: columns.weight_column,
            shape,
            size,
            label,
            model: None,
            no_test: true,
        }
    }
}

/// Flags of `data info`.
#[derive(Args, Debug)]
pub struct InfoArgs {
    /// Which data.
    #[command(flatten)]
    pub data: DataSetArgs,
    /// Also draw the first training examples of every class, into this new PNG file
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
    /// Also draw the mean of all training examples and that of each class, into this new PNG file
    #[arg(long, value_name = "FILE")]
    pub mean: Option<PathBuf>,
    /// Replace pictures that are there
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object with every result
    #[arg(long)]
    pub json: bool,
    /// No notes, only results, warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// Flags of `data fetch`.
#[derive(Args, Debug)]
pub struct FetchArgs {
    /// Which data set
    #[arg(value_name = "SET", value_enum)]
    pub set: Known,
    /// Folder to make [default: in data/, where cifar10 is found without --data]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Address or folder that has the files, tried before the mirrors that are known; may be repeated
    #[arg(long, value_name = "URL|FOLDER")]
    pub mirror: Vec<Mirror>,
    /// Seconds to wait for an answer, and for more of it, before the next mirror is tried
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Replace files of the data set that are there and are not right
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object with every result
    #[arg(long)]
    pub json: bool,
    /// No notes and no progress, only results, warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// Where a data set goes.
#[derive(Args, Debug)]
pub struct OutArgs {
    /// What to make: a file that ends in .npz or .safetensors, or a folder; for csv and svmlight without test examples
    /// a file
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Format to write [default: by the end of OUT, .npz or .safetensors; else npy]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub to: Option<Format>,
    /// No notes, only results, warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// Flags of `data convert`.
#[derive(Args, Debug)]
pub struct ConvertArgs {
    /// Which data.
    #[command(flatten)]
    pub data: DataSetArgs,
    /// Where it goes.
    #[command(flatten)]
    pub out: OutArgs,
}

/// The most rows of a generated part: 3 GB.
const MOST_ROWS: u64 = 1_000_000;

/// Flags of `data generate`.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// Where it goes.
    #[command(flatten)]
    pub out: OutArgs,
    /// Training images, at most 1,000,000
    #[arg(long, value_name = "N", default_value = "5000", value_parser = rows_above_zero)]
    pub rows: usize,
    /// Test images, at most 1,000,000
    #[arg(long, value_name = "N", default_value = "1000", value_parser = rows)]
    pub test_rows: usize,
    /// Of patterns and images; 0 is the set that is built in
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
}

fn rows(text: &str) -> Result<usize, String> {
    let rows = text.parse::<u64>().ok().filter(|&rows| rows <= MOST_ROWS);
    rows.map(|rows| rows as usize).ok_or_else(|| format!("expected a whole number from 0 to {MOST_ROWS}"))
}

fn rows_above_zero(text: &str) -> Result<usize, String> {
    let rows = rows(text).ok().filter(|&rows| rows > 0);
    rows.ok_or_else(|| format!("expected a whole number from 1 to {MOST_ROWS}"))
}
