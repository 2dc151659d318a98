//! Parquet, in builds that read it: files as Hugging Face, pandas and polars write them, and what may be wrong in them.

use crate::encode::png;
use crate::support::{CLASSES, PIXELS, Sandbox, json, records};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::fs;
use std::sync::Arc;

/// The values of a column, and its levels where it has any.
enum Column {
    Bytes(Vec<Vec<u8>>, Vec<i16>),
    Texts(Vec<&'static str>),
    Int(Vec<i32>),
    Long(Vec<i64>, Vec<i16>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    /// Values, definition and repetition levels.
    List(Vec<f32>, Vec<i16>, Vec<i16>),
}

/// A file of the row groups.
fn write(path: &std::path::Path, schema: &str, groups: &[Vec<Column>], properties: WriterProperties) {
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let file = fs::File::create(path).expect("creates");
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).expect("a writer");
    for columns in groups {
        let mut group = writer.next_row_group().expect("a row group");
        for column in columns {
            let mut out = group.next_column().expect("a column").expect("as many as the schema has");
            let levels = |levels: &[i16]| (!levels.is_empty()).then(|| levels.to_vec());
            let bytes = |values: &[Vec<u8>]| -> Vec<ByteArray> {
                values.iter().map(|value| ByteArray::from(value.clone())).collect()
            };
            match column {
                Column::Bytes(values, present) => {
                    out.typed::<ByteArrayType>().write_batch(&bytes(values), levels(present).as_deref(), None)
                }
                Column::Texts(values) => {
                    let values: Vec<ByteArray> = values.iter().map(|&value| value.into()).collect();
                    out.typed::<ByteArrayType>().write_batch(&values, None, None)
                }
                Column::Int(values) => out.typed::<Int32Type>().write_batch(values, None, None),
                Column::Long(values, present) => {
                    out.typed::<Int64Type>().write_batch(values, levels(present).as_deref(), None)
                }
                Column::Float(values) => out.typed::<FloatType>().write_batch(values, None, None),
                Column::Double(values) => out.typed::<DoubleType>().write_batch(values, None, None),
                Column::List(values, present, repeated) => {
                    out.typed::<FloatType>().write_batch(values, Some(present), Some(repeated))
                }
            }
            .expect("writes");
            out.close().expect("closes");
        }
        group.close().expect("closes");
    }
    writer.close().expect("closes");
}

fn plain() -> WriterProperties {
    WriterProperties::builder().build()
}

const HUGGING_FACE: &str = "message schema {
    optional group img { optional binary bytes; optional binary path (STRING); }
    optional int64 label;
}";

/// The metadata that the library `datasets` writes.
fn hugging_face(compression: Compression) -> WriterProperties {
    let names = serde_json::to_string(&CLASSES).expect("JSON");
    let features = format!(
        r#"{{"info": {{"features": {{"img": {{"_type": "Image"}}, "label": {{"names": {names}, "_type": "ClassLabel"}}}}}}}}"#
    );
    let metadata = vec![KeyValue::new("huggingface".to_owned(), features)];
    WriterProperties::builder().set_key_value_metadata(Some(metadata)).set_compression(compression).build()
}

/// Row groups of the records of CIFAR-10's layout.
fn pictures(records: &[u8], rows: usize) -> Vec<Vec<Column>> {
    let group = |records: &[u8]| {
        let records: Vec<&[u8]> = records.chunks(1 + PIXELS).collect();
        let count = records.len();
        vec![
            Column::Bytes(records.iter().map(|record| png(&record[1..])).collect(), vec![2; count]),
            // The paths are null.
            Column::Bytes(Vec::new(), vec![1; count]),
            Column::Long(records.iter().map(|record| i64::from(record[0])).collect(), vec![1; count]),
        ]
    };
    records.chunks(rows * (1 + PIXELS)).map(group).collect()
}

fn digest(sandbox: &Sandbox, args: &[&str]) -> String {
    let run = sandbox.succeed(&[&["data", "info", "--json"], args].concat());
    json(&run.stdout)["digest"].as_str().expect("a digest").to_owned()
}

/// The same data as CIFAR-10's files, in shards, compressed in every way that is common.
#[test]
fn pictures_as_hugging_face_has_them_are_the_same_data() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let expected = digest(&sandbox, &["--data", "data"]);
    let train: Vec<u8> = (1..=5).flat_map(|batch| records(40, batch)).collect();
    fs::create_dir(sandbox.path("hub")).expect("a folder");
    for compression in [
        Compression::SNAPPY,
        Compression::ZSTD(parquet::basic::ZstdLevel::default()),
        Compression::GZIP(parquet::basic::GzipLevel::default()),
        Compression::LZ4_RAW,
    ] {
        let (first, second) = train.split_at(130 * (1 + PIXELS));
        for (shard, records) in [first, second].iter().enumerate() {
            let path = sandbox.path(&format!("hub/train-0000{shard}-of-00002.parquet"));
            write(&path, HUGGING_FACE, &pictures(records, 50), hugging_face(compression));
        }
        let path = sandbox.path("hub/test-00000-of-00001.parquet");
        write(&path, HUGGING_FACE, &pictures(&records(30, 6), 100), hugging_face(compression));
        assert_eq!(digest(&sandbox, &["--data", "hub"]), expected, "{compression:?}");
    }
    // What validates is left out.
    fs::copy(sandbox.path("hub/test-00000-of-00001.parquet"), sandbox.path("hub/validation.parquet"))
        .expect("copies");
    let run = sandbox.succeed(&["data", "info", "--data", "hub"]);
    assert!(run.stderr.contains("validation.parquet is left out"), "{}", run.stderr);
    assert_eq!(digest(&sandbox, &["--data", "hub"]), expected);
    // One file alone is told apart, or divided; and a model predicts it.
    fs::rename(sandbox.path("hub/test-00000-of-00001.parquet"), sandbox.path("b.parquet")).expect("renames");
    write(
        &sandbox.path("a.parquet"),
        HUGGING_FACE,
        &pictures(&train, 200),
        hugging_face(Compression::SNAPPY),
    );
    assert_eq!(digest(&sandbox, &["--data", "a.parquet", "--test", "b.parquet"]), expected);
    let run = |out: &str, args: &[&str]| sandbox.train(out, &[args, &["--epochs", "1"]].concat()).model();
    let model = run("run", &["--data", "data"]);
    assert!(model == run("other", &["--data", "a.parquet", "--test", "b.parquet"]), "the same model");
    let predict = |input: &str| sandbox.succeed(&["predict", "run", input, "-q"]).stdout;
    assert_eq!(predict("b.parquet"), predict("data"));
    let divided = sandbox.succeed(&["data", "info", "--data", "a.parquet", "--test-split", "20"]).stdout;
    assert!(divided.contains("180") && divided.contains("20"), "{divided}");
}

const NUMBERS: &str = "message schema { required int32 a; required double b; required binary kind (STRING); required float c; }";

fn numbers(label: [&'static str; 3]) -> Vec<Vec<Column>> {
    vec![vec![
        Column::Int(vec![1, -2, 70_000]),
        Column::Double(vec![0.1, 1e-3, 3.5]),
        Column::Texts(label.into()),
        Column::Float(vec![0.5, 7.0, 1e30]),
    ]]
}

/// A column a feature, and a column of lists, are the same data as CSV.
#[test]
fn numbers_are_those_of_csv() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "a,b,kind,c\n1,0.1,no,0.5\n-2,0.001,yes,7.0\n70000,3.5,no,1e30\n");
    write(&sandbox.path("a.parquet"), NUMBERS, &numbers(["no", "yes", "no"]), plain());
    let expected = digest(&sandbox, &["--data", "a.csv"]);
    assert_eq!(digest(&sandbox, &["--data", "a.parquet"]), expected);
    for label in ["kind", "3"] {
        assert_eq!(digest(&sandbox, &["--data", "a.parquet", "--label-column", label]), expected);
    }
    // Whole numbers from 0 to 255 are bytes, as everywhere.
    let schema = "message schema { required int32 a; required int64 b; required int64 label; }";
    let column = |values: [i64; 3]| Column::Long(values.into(), Vec::new());
    let group = vec![Column::Int(vec![0, 255, 7]), column([1, 2, 3]), column([0, 1, 0])];
    write(&sandbox.path("bytes.parquet"), schema, &[group], plain());
    sandbox.write("bytes.csv", "a,b,label\n0,1,0\n255,2,1\n7,3,0\n");
    assert_eq!(digest(&sandbox, &["--data", "bytes.parquet"]), digest(&sandbox, &["--data", "bytes.csv"]));

    let schema = "message schema {
        optional group x (LIST) { repeated group list { optional float element; } }
        required int64 y;
    }";
    let lists = |values: &[f32], repeated: &[i16], present: &[i16]| {
        vec![vec![Column::List(values.into(), present.into(), repeated.into()), column([5, 6, 5])]]
    };
    let values = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5];
    write(&sandbox.path("list.parquet"), schema, &lists(&values, &[0, 1, 0, 1, 0, 1], &[3; 6]), plain());
    sandbox.write("list.csv", "a,b,y\n0.5,1.5,5\n2.5,3.5,6\n4.5,5.5,5\n");
    assert_eq!(digest(&sandbox, &["--data", "list.parquet"]), digest(&sandbox, &["--data", "list.csv"]));

    for (file, groups, part) in [
        (
            "uneven",
            lists(&values, &[0, 1, 0, 1, 1, 0], &[3; 6]),
            "row 1, column x.list.element: found 3 numbers, expected 2 as in row 0",
        ),
        (
            "empty",
            lists(&values[..4], &[0, 1, 0, 0, 1], &[3, 3, 1, 3, 3]),
            "row 1, column x.list.element: found an empty list",
        ),
        (
            "null",
            lists(&values[..5], &[0, 1, 0, 1, 0, 1], &[3, 3, 3, 2, 3, 3]),
            "row 1, column x.list.element: found an empty list, or no number in one",
        ),
        (
            "infinite",
            lists(&[0.0, 1.0, 2.0, f32::INFINITY, 4.0, 5.0], &[0, 1, 0, 1, 0, 1], &[3; 6]),
            "row 1, feature 1: found inf",
        ),
    ] {
        let name = format!("{file}.parquet");
        write(&sandbox.path(&name), schema, &groups, plain());
        refused(&sandbox, &["--data", &name], part);
    }
}

/// Weights of examples are a column of any numbers, of which the features know nothing.
#[test]
fn weights_are_those_of_csv() {
    let sandbox = Sandbox::new();
    let weights: [(&str, Column); 3] = [
        ("double", Column::Double(vec![1.0, 2.0, 0.5])),
        ("float", Column::Float(vec![1.0, 2.0, 0.5])),
        ("int64", Column::Long(vec![1, 2, 0], Vec::new())),
    ];
    for (kind, column) in weights {
        let last = if kind == "int64" { "0" } else { "0.5" };
        sandbox.write("a.csv", format!("a,w,label,c\n1,1,no,0.5\n-2,2,yes,7.0\n70000,{last},no,1e30\n"));
        let schema = format!(
            "message schema {{ required int32 a; required {kind} w; required binary label (STRING); required float c; }}"
        );
        let group = vec![
            Column::Int(vec![1, -2, 70_000]),
            column,
            Column::Texts(vec!["no", "yes", "no"]),
            Column::Float(vec![0.5, 7.0, 1e30]),
        ];
        write(&sandbox.path("a.parquet"), &schema, &[group], plain());
        let expected = digest(&sandbox, &["--data", "a.csv", "--weight-column", "w"]);
        assert_ne!(expected, digest(&sandbox, &["--data", "a.csv"]));
        for name in ["w", "2"] {
            assert_eq!(
                digest(&sandbox, &["--data", "a.parquet", "--weight-column", name]),
                expected,
                "{kind}"
            );
        }
        let pair = ["--data", "a.parquet", "--test", "a.parquet", "--weight-column", "w"];
        let csv = ["--data", "a.csv", "--test", "a.csv", "--weight-column", "w"];
        assert_eq!(digest(&sandbox, &pair), digest(&sandbox, &csv));
    }
    for (column, part) in [
        ("label", "column label: found texts, expected weights: numbers"),
        ("v", "found --weight-column v, expected one of a, w, label, c"),
        ("1", "row 1, column a: found -2, expected a weight"),
    ] {
        refused(&sandbox, &["--data", "a.parquet", "--weight-column", column], part);
    }
    refused(
        &sandbox,
        &["--data", "a.parquet", "--label-column", "a", "--weight-column", "a"],
        "found column a for labels and weights, expected a column for each",
    );
    // A model of the features alone predicts such rows.
    sandbox.train("run", &["--data", "a.parquet", "--test", "a.parquet", "--weight-column", "w"]);
    let predict = |args: &[&str]| {
        sandbox.succeed(&[&["predict", "run"], args, &["--weight-column", "w", "-q"]].concat()).stdout
    };
    assert_eq!(predict(&["a.parquet"]), predict(&["a.csv"]));
    // It knows its columns by name.
    let schema = "message schema { required float c; required double w; required binary label (STRING); required int32 a; }";
    let group = vec![
        Column::Float(vec![0.5, 7.0]),
        Column::Double(vec![1.0, 2.0]),
        Column::Texts(vec!["no", "yes"]),
        Column::Int(vec![1, -2]),
    ];
    write(&sandbox.path("b.parquet"), schema, &[group], plain());
    let told = |args: &[&str], whose: &str| {
        let run = sandbox.run(&[args, &["--weight-column", "w"]].concat());
        assert_eq!(run.code, 3, "{run:?}");
        let told = format!("b.parquet: feature 0: found c, expected a as in {whose}");
        assert!(run.stderr.contains(&told), "{}", run.stderr);
    };
    told(&["predict", "run", "b.parquet"], "the model");
    told(&["evaluate", "run", "--data", "b.parquet"], "the model");
    told(&["data", "info", "--data", "a.parquet", "--test", "b.parquet"], "a.parquet");
}

/// Many columns in several row groups and columns of one kind or two: read side by side, they come in their order.
#[test]
fn many_columns_are_rows_in_their_order() {
    const COLUMNS: usize = 37;
    let sandbox = Sandbox::new();
    for floats in [false, true] {
        let is_float = |column: usize| floats && column.is_multiple_of(3);
        let fields: Vec<String> = (0..COLUMNS)
            .map(|column| format!("required {} c{column};", if is_float(column) { "float" } else { "int32" }))
            .collect();
        let schema = format!("message schema {{ {} required int32 label; }}", fields.join(" "));
        let value = |row: usize, column: usize| (row * 7 + column * 3) as u8;
        let group = |rows: std::ops::Range<usize>| -> Vec<Column> {
            let column = |column: usize| {
                let values = rows.clone().map(|row| value(row, column));
                if is_float(column) {
                    Column::Float(values.map(|value| f32::from(value) + 0.5).collect())
                } else {
                    Column::Int(values.map(i32::from).collect())
                }
            };
            let labels = Column::Int(rows.clone().map(|row| i32::from((row % 3) as u8)).collect());
            (0..COLUMNS).map(column).chain([labels]).collect()
        };
        write(&sandbox.path("a.parquet"), &schema, &[group(0..45), group(45..46), group(46..100)], plain());
        let line = |row: usize| {
            let numbers = (0..COLUMNS)
                .map(|column| format!("{}{},", value(row, column), if is_float(column) { ".5" } else { "" }));
            numbers.collect::<String>() + &format!("{}\n", row % 3)
        };
        let names: Vec<String> = (0..COLUMNS).map(|column| format!("c{column}")).collect();
        let lines: String = (0..100).map(line).collect();
        sandbox.write("a.csv", format!("{},label\n{lines}", names.join(",")));
        assert_eq!(digest(&sandbox, &["--data", "a.parquet"]), digest(&sandbox, &["--data", "a.csv"]));
    }
}

/// pyarrow 26's `write_table(..., compression="brotli")` of two rows: Brotli would be four crates more.
#[test]
fn brotli_is_told() {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let sandbox = Sandbox::new();
    let file = BASE64_STANDARD.decode(BROTLI).expect("base64");
    sandbox.write("a.parquet", file);
    refused(
        &sandbox,
        &["--data", "a.parquet"],
        "column x: found Brotli's or LZO's compression, expected Snappy",
    );
}

const BROTLI: &str = "\
    UEFSMRUAFRwVJCwVBBUAFQYVBhwAAACLBoACAAAABAEAAIA/AAAAQAMVABUcFSAsFQQVABUGFQYcAAAAGw0AAKQBAgQIliqx\
    RNHwCBUEGTw1ABgGc2NoZW1hFQQAFQglAhgBeAAVAiUCGAF5ABYEGRwZLCYAHBUIGSUGABkYAXgVCBYEFkIWSiYISRwVABUA\
    FQIAPCkGGSYABAAAACYAHBUCGSUGABkYAXkVCBYEFkIWRiZSSRwVABUAFQIAPCkGGSYABAAAABaEARYEJggWkAEAKCBwYXJx\
    dWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRksHAAAHAAAALEAAABQQVIx";

fn refused(sandbox: &Sandbox, args: &[&str], part: &str) {
    let run = sandbox.run(&[&["data", "info"], args].concat());
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{args:?}: {run:?}");
    assert!(run.stderr.starts_with("error: ") && run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("a.parquet");
    let mut groups = pictures(&records(20, 1), 10);
    groups[1][2] = Column::Long((0..9).collect(), [&[1; 4][..], &[0], &[1; 5]].concat());
    write(&path, HUGGING_FACE, &groups, plain());
    refused(&sandbox, &["--data", "a.parquet"], "row 14, column label: found no value, expected one");
    let mut groups = pictures(&records(20, 1), 10);
    let Column::Bytes(values, _) = &mut groups[1][0] else { unreachable!("pictures") };
    values[3].truncate(100);
    write(&path, HUGGING_FACE, &groups, plain());
    refused(&sandbox, &["--data", "a.parquet"], "a.parquet: row 13: found");
    let Column::Bytes(values, _) = &mut groups[1][0] else { unreachable!("pictures") };
    values[3] = b"no picture".to_vec();
    write(&path, HUGGING_FACE, &groups, plain());
    refused(&sandbox, &["--data", "a.parquet"], "a.parquet: row 13: found bytes that begin like neither");

    write(&path, NUMBERS, &numbers(["no", "yes", "no"]), plain());
    refused(&sandbox, &["--data", "a.parquet", "--label-column", "none"], "expected one of a, b, kind, c");
    refused(
        &sandbox,
        &["--data", "a.parquet", "--label-column", "a"],
        "column kind: found texts, expected a number",
    );
    refused(&sandbox, &["--data", "a.parquet", "--size", "32"], "--size: has no effect on a.parquet");
    for (labels, part) in [
        (["no", "", "yes"], "row 1, column kind: found nothing, expected a label"),
        (["no", "yes", "nan"], "row 2, column kind: found nan, expected a label"),
    ] {
        write(&path, NUMBERS, &numbers(labels), plain());
        refused(&sandbox, &["--data", "a.parquet"], part);
    }
    write(&path, NUMBERS, &[], plain());
    refused(&sandbox, &["--data", "a.parquet"], "found no rows, expected a row an example");

    // Cut off anywhere, or with a byte changed, it is told or read, and nothing else happens.
    write(&path, HUGGING_FACE, &pictures(&records(12, 1), 6), hugging_face(Compression::SNAPPY));
    let whole = fs::read(&path).expect("reads");
    for cut in [4, 12, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        sandbox.write("cut.parquet", &whole[..cut]);
        let run = sandbox.run(&["data", "info", "--data", "cut.parquet"]);
        assert_eq!(run.code, 3, "cut at {cut}: {run:?}");
    }
    for at in (4..whole.len()).step_by(whole.len() / 40) {
        let mut changed = whole.clone();
        changed[at] ^= 0x41;
        sandbox.write("changed.parquet", &changed);
        let run = sandbox.run(&["data", "info", "--data", "changed.parquet"]);
        assert!(matches!(run.code, 0 | 3), "byte {at}: {run:?}");
    }
}
