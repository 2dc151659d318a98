//! CIFAR-10's binary layout: five batches, a test batch and the class names, for up to 256 classes.

use super::{File, Loss, Output, check_lines, check_no_weights, write_lines};
use crate::data::formats::cifar::SHAPE;
use crate::data::{Dataset, Examples, Features};
use std::io::{self, Write};
use std::ops::Range;

/// Training batches of the layout.
const BATCHES: usize = 5;

/// Plans the folder.
pub fn plan(data: &Dataset) -> Result<Output<'_>, Loss> {
    let loss = |found: String, expected: &str| Err(Loss::new("cifar", found, expected));
    let (train, test) = (data.train.len(), data.test.len());
    if data.shape != SHAPE {
        return loss(format!("{} of {}", data.shape.noun(), data.shape), "images of 32 x 32 x 3");
    }
    let (Features::Bytes(train_pixels), Features::Bytes(test_pixels)) =
        (&data.train.features, &data.test.features)
    else {
        return loss("pixels that are floats".into(), "whole pixels from 0 to 255");
    };
    if !(2..=256).contains(&data.classes()) {
        return loss(format!("{} classes", data.classes()), "2 to 256: a label is a byte");
    }
    if train < BATCHES || test == 0 {
        let found = format!("{train} training and {test} test images");
        return loss(found, "at least one in each of 5 training batches and the test batch");
    }
    check_no_weights(data, "cifar")?;
    check_lines(data, "cifar")?;
    let mut files: Vec<File<'_>> = Vec::new();
    for batch in 0..BATCHES {
        let rows = batch * train / BATCHES..(batch + 1) * train / BATCHES;
        let write = move |out: &mut dyn Write| records(&data.train, train_pixels, rows.clone(), out);
        files.push(File::new(format!("data_batch_{}.bin", batch + 1), write));
    }
    files.push(File::new("test_batch.bin", move |out| records(&data.test, test_pixels, 0..test, out)));
    files.push(File::new("batches.meta.txt", |out| write_lines(&data.class_names, out)));
    Ok(Output { files, shape: None, weight_column: None })
}

/// Records of a label byte and the pixels.
fn records(part: &Examples, pixels: &[u8], rows: Range<usize>, out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        out.write_all(&[part.labels[row] as u8])?;
        out.write_all(&pixels[row * part.width..][..part.width])?;
    }
    Ok(())
}
