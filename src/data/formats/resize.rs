//! Resizing a picture, as PIL's `resize` with `BILINEAR` does: each new pixel is a mean of the old ones under a triangle,
//! as wide as a new pixel when the picture shrinks, so that nothing is skipped.

/// For each place of the new side: the first old place it sees, and their weights, which sum to 1.
fn weights(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let weights_of = |place: usize| {
        let centre = (place as f64 + 0.5) * scale;
        let first = (centre - support).floor().max(0.0) as usize;
        let last = ((centre + support).ceil() as usize).min(from);
        let triangle = |old: usize| (1.0 - ((old as f64 + 0.5 - centre) / support).abs()).max(0.0);
        let raw: Vec<f64> = (first..last).map(triangle).collect();
        let sum: f64 = raw.iter().sum();
        (first, raw.iter().map(|weight| (weight / sum) as f32).collect())
    };
    (0..to).map(weights_of).collect()
}

/// A plane of `width` x `height` pixels, resized.
pub fn resize(plane: &[u8], [width, height]: [usize; 2], [new_width, new_height]: [usize; 2]) -> Vec<u8> {
    if (width, height) == (new_width, new_height) {
        return plane.to_vec();
    }
    let across = weights(width, new_width);
    let mut narrow = Vec::with_capacity(new_width * height);
    for row in plane.chunks_exact(width) {
        for (first, weights) in &across {
            let sum: f32 =
                weights.iter().zip(&row[*first..]).map(|(weight, &pixel)| weight * f32::from(pixel)).sum();
            narrow.push(sum);
        }
    }
    let mut resized = Vec::with_capacity(new_width * new_height);
    for (first, weights) in weights(height, new_height) {
        for column in 0..new_width {
            let rows = narrow[first * new_width + column..].iter().step_by(new_width);
            let sum: f32 = weights.iter().zip(rows).map(|(weight, pixel)| weight * pixel).sum();
            resized.push(sum.round().clamp(0.0, 255.0) as u8);
        }
    }
    resized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_colour_stays_that_colour_at_any_size() {
        for size in [[1, 1], [3, 2], [7, 9], [64, 5]] {
            assert_eq!(resize(&[77; 35], [7, 5], size), vec![77; size[0] * size[1]]);
        }
    }

    #[test]
    fn halves_are_means_under_a_triangle() {
        // Two new pixels over four old ones: the triangle of width 2 around 1 weighs them 1, 3, 3, 1 eighths; at the
        // edge the eighth beyond it is shared out: 3/7, 3/7, 1/7.
        assert_eq!(resize(&[0, 0, 70, 140], [4, 1], [2, 1]), [10, 90]);
        assert_eq!(resize(&[0, 0, 70, 140], [1, 4], [1, 2]), [10, 90]);
        // Twice as many: a quarter of the way from one to the next.
        assert_eq!(resize(&[0, 100], [2, 1], [4, 1]), [0, 25, 75, 100]);
    }
}
