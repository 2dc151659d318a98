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

    /// `Image.fromarray(a).resize((3, 4), Image.BILINEAR)` and `(6, 9)` of Pillow 13, `a` being
    /// `numpy.random.default_rng(1).integers(0, 256, (7, 5), dtype="u1")`. Pillow rounds after each of the two passes:
    /// its pixels differ by 1 at most.
    #[test]
    fn pillow_agrees() {
        const PICTURE: [u8; 35] = [
            255, 228, 34, 121, 243, 189, 6, 131, 102, 168, 82, 193, 187, 150, 81, 243, 205, 24, 236, 8, 246,
            164, 231, 36, 210, 111, 172, 210, 174, 176, 218, 242, 169, 114, 205,
        ];
        const SMALLER: [u8; 12] = [181, 100, 165, 153, 144, 115, 201, 160, 135, 188, 182, 168];
        const LARGER: [u8; 54] = [
            255, 235, 115, 70, 152, 243, 211, 113, 91, 103, 130, 193, 141, 102, 128, 143, 125, 129, 118, 176,
            170, 159, 143, 65, 243, 215, 99, 112, 179, 8, 245, 192, 180, 142, 102, 165, 171, 169, 198, 175,
            133, 191, 147, 183, 196, 179, 162, 186, 218, 236, 199, 146, 137, 205,
        ];
        for (size, expected) in [([3, 4], &SMALLER[..]), ([6, 9], &LARGER)] {
            let found = resize(&PICTURE, [5, 7], size);
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 1), "{found:?}");
        }
    }
}
