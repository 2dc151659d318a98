//! The order of an array's numbers: to rows of examples, and pictures to one plane a channel.

use super::flaw::Flaw;
use super::threads::{readers, side_by_side};
use crate::data::{Features, Shape};
use crate::kernel::pages;
use bytemuck::Zeroable;

/// The most rows a data set may have: their numbers are 32 bits.
pub const MOST_ROWS: usize = u32::MAX as usize;

/// What an array of `extents` (N first) holds, and whether the channels of its pictures come last.
///
/// (N, D) are rows of features; (N, H, W) grey pictures; (N, C, H, W) or (N, H, W, C) pictures of C = 1, 3 or 4
/// channels.
///
/// # Errors
/// [`Flaw`] for other extents.
pub fn shape_of(extents: &[usize]) -> Result<(Shape, bool), Flaw> {
    let few = |channels| matches!(channels, 1 | 3 | 4);
    let shape = match *extents {
        [_, features] => (Shape::Vector(features), false),
        [_, height, width] => (Shape::Image { channels: 1, height, width }, false),
        [_, height, width, channels] if few(channels) && !few(height) => {
            (Shape::Image { channels, height, width }, true)
        }
        [_, channels, height, width] if few(channels) && !few(width) => {
            (Shape::Image { channels, height, width }, false)
        }
        _ => {
            return Err(Flaw::whole(
                format!("an array of shape {}", tuple(extents)),
                "(N, D), (N, H, W), (N, C, H, W) or (N, H, W, C) with 1, 3 or 4 channels",
            )
            .hint("reshape it to (N, D); --shape CxHxW then makes pictures of the rows"));
        }
    };
    if extents.contains(&0) {
        return Err(Flaw::whole(format!("an array of shape {}", tuple(extents)), "at least one number"));
    }
    if extents[0] > MOST_ROWS {
        return Err(Flaw::whole(format!("{} rows", extents[0]), format!("at most {MOST_ROWS}")));
    }
    Ok(shape)
}

/// Extents as Python writes them.
pub fn tuple(extents: &[usize]) -> String {
    let list: Vec<String> = extents.iter().map(ToString::to_string).collect();
    if let [one] = &list[..] { format!("({one},)") } else { format!("({})", list.join(", ")) }
}

/// Puts the numbers of an array of `extents` into rows of examples, with one plane a channel. `fortran` says that the
/// first index runs fastest.
///
/// # Errors
/// As [`shape_of`].
pub fn arrange(features: Features, extents: &[usize], fortran: bool) -> Result<(Features, Shape), Flaw> {
    let (shape, channels_last) = shape_of(extents)?;
    if !fortran && !channels_last {
        return Ok((features, shape));
    }
    let order = source_order(&extents[1..], fortran, channels_last);
    let rows = extents[0];
    let arranged = match features {
        Features::Bytes(values) => Features::Bytes(reorder(values, rows, &order, fortran)),
        Features::Floats(values) => Features::Floats(reorder(values, rows, &order, fortran)),
    };
    Ok((arranged, shape))
}

/// For each feature of an arranged row, its place among the D of the array.
fn source_order(extents: &[usize], fortran: bool, channels_last: bool) -> Vec<u32> {
    // How far apart neighbours along each axis are, counted within a row.
    let mut strides = vec![1; extents.len()];
    if fortran {
        (1..extents.len()).for_each(|axis| strides[axis] = strides[axis - 1] * extents[axis - 1]);
    } else {
        (1..extents.len()).rev().for_each(|axis| strides[axis - 1] = strides[axis] * extents[axis]);
    }
    let mut axes: Vec<usize> = (0..extents.len()).collect();
    if channels_last {
        axes.rotate_right(1);
    }
    let mut order = vec![0_u32];
    for axis in axes {
        let (extent, stride) = (extents[axis], strides[axis]);
        let along = |start: u32| (0..extent).map(move |index| start + (index * stride) as u32);
        order = order.into_iter().flat_map(along).collect();
    }
    order
}

fn reorder<T: Copy + Zeroable + Send + Sync>(
    mut values: Vec<T>,
    rows: usize,
    order: &[u32],
    fortran: bool,
) -> Vec<T> {
    let width = order.len();
    if !fortran {
        let mut row = vec![T::zeroed(); width];
        for values in values.chunks_exact_mut(width) {
            row.copy_from_slice(values);
            values.iter_mut().zip(order).for_each(|(value, &from)| *value = row[from as usize]);
        }
        return values;
    }
    let columns: Vec<&[T]> = order.iter().map(|&from| &values[from as usize * rows..][..rows]).collect();
    interleave(&columns, rows)
}

/// Rows of one number from each of `columns`, which are of `rows` numbers, on all threads that may read.
pub fn interleave<T: Copy + Zeroable + Send + Sync>(columns: &[&[T]], rows: usize) -> Vec<T> {
    /// Rows and columns of a square, of which each row of numbers is one or a few lines of the processor's cache.
    const SIDE: usize = 16;
    let width = columns.len();
    let mut all = pages::zeros(rows * width);
    let threads = readers();
    let part = rows.div_ceil(threads).next_multiple_of(SIDE);
    side_by_side(all.chunks_mut((part * width).max(1)).enumerate(), |(index, out)| {
        for (band, out) in out.chunks_mut(SIDE * width).enumerate() {
            let first = index * part + band * SIDE;
            for (square, columns) in columns.chunks(SIDE).enumerate() {
                for (row, out) in out.chunks_mut(width).enumerate() {
                    let places = out[square * SIDE..].iter_mut().zip(columns);
                    places.for_each(|(place, column)| *place = column[first + row]);
                }
            }
        }
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number at (n, c, h, w) of the picture set below: each place has its own.
    fn value(n: usize, c: usize, h: usize, w: usize) -> u8 {
        (n * 100 + c * 30 + h * 6 + w) as u8
    }

    /// Two pictures of 3 channels, 5 rows and 6 columns, one plane a channel.
    fn planes() -> Vec<u8> {
        let mut all = Vec::new();
        for (n, c, h, w) in indices() {
            all.push(value(n, c, h, w));
        }
        all
    }

    fn indices() -> impl Iterator<Item = (usize, usize, usize, usize)> {
        (0..180).map(|at| (at / 90, at / 30 % 3, at / 6 % 5, at % 6))
    }

    #[test]
    fn every_order_of_one_picture_set_is_the_same_rows() {
        // Where (n, c, h, w) lies in each order, by the extents from the slowest index to the fastest.
        type Place = fn(usize, usize, usize, usize) -> usize;
        let expected = Features::Bytes(planes());
        let image = Shape::Image { channels: 3, height: 5, width: 6 };
        let cases: [(&[usize], bool, Place); 4] = [
            (&[2, 3, 5, 6], false, |n, c, h, w| ((n * 3 + c) * 5 + h) * 6 + w),
            (&[2, 5, 6, 3], false, |n, c, h, w| ((n * 5 + h) * 6 + w) * 3 + c),
            (&[2, 3, 5, 6], true, |n, c, h, w| ((w * 5 + h) * 3 + c) * 2 + n),
            (&[2, 5, 6, 3], true, |n, c, h, w| ((c * 6 + w) * 5 + h) * 2 + n),
        ];
        for (extents, fortran, place) in cases {
            let mut stored = vec![0; 180];
            indices().for_each(|(n, c, h, w)| stored[place(n, c, h, w)] = value(n, c, h, w));
            let arranged = arrange(Features::Bytes(stored), extents, fortran).expect("arranges");
            assert_eq!(arranged, (expected.clone(), image), "{extents:?} {fortran}");
        }
    }

    #[test]
    fn columns_first_is_transposed_for_any_number_of_rows() {
        for rows in [1, 2, 63, 64, 65, 200] {
            let stored = (0..3 * rows).map(|at| ((at % rows) * 10 + at / rows) as f32).collect();
            let expected =
                (0..rows).flat_map(|row| (0..3).map(move |column| (row * 10 + column) as f32)).collect();
            let arranged = arrange(Features::Floats(stored), &[rows, 3], true).expect("arranges");
            assert_eq!(arranged, (Features::Floats(expected), Shape::Vector(3)));
        }
    }

    #[test]
    fn extents_that_say_nothing_are_refused() {
        for extents in [&[7][..], &[2, 2, 2, 2], &[2, 3, 32, 3], &[0, 5], &[5, 0], &[1, 2, 3, 4, 5]] {
            assert!(shape_of(extents).is_err(), "{extents:?}");
        }
        assert_eq!(tuple(&[7]), "(7,)");
    }
}
