//! The weights of one class, channel by channel: scaled to -1..1, and to the size they are shown in.

/// Enlarging or shrinking by a whole factor.
#[derive(Clone, Copy)]
pub(super) struct Zoom {
    enlarge: usize,
    shrink: usize,
}

impl Zoom {
    /// What brings `longest` pixels nearest to `side`.
    pub(super) fn new(longest: usize, side: usize) -> Self {
        let nearest = |a: usize, b: usize| ((a as f64 / b as f64).round() as usize).max(1);
        Self { enlarge: nearest(side, longest), shrink: nearest(longest, side) }
    }

    /// Pixels on the sheet of that many pixels of a template.
    pub(super) fn size(self, pixels: usize) -> usize {
        pixels.div_ceil(self.shrink) * self.enlarge
    }
}

/// One channel of a template, row by row.
pub(super) struct Plane {
    pub width: usize,
    pub values: Vec<f64>,
}

/// The channels of one template, scaled together to -1..1, in the size that the sheet has for them.
pub(super) fn planes(template: &[f32], height: usize, width: usize, zoom: Zoom) -> Vec<Plane> {
    let mut planes: Vec<Plane> =
        template.chunks_exact(height * width).map(|plane| Plane::shrunk(plane, width, zoom.shrink)).collect();
    let unit = robust_maximum(planes.iter().flat_map(|plane| plane.values.iter().copied()));
    for value in planes.iter_mut().flat_map(|plane| &mut plane.values) {
        *value = if unit > 0.0 { (*value / unit).clamp(-1.0, 1.0) } else { 0.0 };
    }
    planes.into_iter().map(|plane| plane.enlarged(zoom.enlarge)).collect()
}

impl Plane {
    /// The means of blocks of `factor` by `factor` weights.
    fn shrunk(weights: &[f32], width: usize, factor: usize) -> Self {
        let finite = |w: &f32| if w.is_finite() { f64::from(*w) } else { 0.0 };
        let rows: Vec<&[f32]> = weights.chunks_exact(width).collect();
        let mut values = Vec::new();
        for band in rows.chunks(factor) {
            for left in (0..width).step_by(factor) {
                let right = (left + factor).min(width);
                let sum: f64 = band.iter().flat_map(|row| &row[left..right]).map(finite).sum();
                values.push(sum / (band.len() * (right - left)) as f64);
            }
        }
        Self { width: width.div_ceil(factor), values }
    }

    /// Each value as `factor` by `factor` pixels, blended smoothly into its neighbours: the eye finds the shapes
    /// in a template sooner than among hard squares.
    fn enlarged(self, factor: usize) -> Self {
        if factor == 1 {
            return self;
        }
        self.widened_and_transposed(factor).widened_and_transposed(factor)
    }

    /// Rows become columns, `factor` times as long.
    fn widened_and_transposed(&self, factor: usize) -> Self {
        let height = self.values.len() / self.width;
        let mut values = Vec::with_capacity(self.values.len() * factor);
        for x in 0..self.width * factor {
            let sources = cubic_sources((x as f64 + 0.5) / factor as f64 - 0.5, self.width);
            for row in self.values.chunks_exact(self.width) {
                values.push(sources.iter().map(|(column, part)| part * row[*column]).sum());
            }
        }
        Self { width: height, values }
    }
}

/// The four of `len` pixels in a line that make up the value at the place `at`, and their parts, which sum to 1:
/// the Catmull-Rom cubic, with the border pixels repeated outwards.
fn cubic_sources(at: f64, len: usize) -> [(usize, f64); 4] {
    let t = at - at.floor();
    let (t2, t3) = (t * t, t * t * t);
    let source = |offset: f64, part: f64| {
        let index = (at.floor() + offset).clamp(0.0, len.saturating_sub(1) as f64);
        (index as usize, part)
    };
    [
        source(-1.0, -0.5 * t + t2 - 0.5 * t3),
        source(0.0, 1.0 - 2.5 * t2 + 1.5 * t3),
        source(1.0, 0.5 * t + 2.0 * t2 - 1.5 * t3),
        source(2.0, -0.5 * t2 + 0.5 * t3),
    ]
}

/// The 99.5th percentile of the magnitudes, so that one outlier does not turn everything else grey; the maximum
/// where that is 0, as for sparse weights.
fn robust_maximum(values: impl Iterator<Item = f64>) -> f64 {
    let mut magnitudes: Vec<f64> = values.map(f64::abs).collect();
    magnitudes.sort_by(f64::total_cmp);
    let rank = (0.995 * magnitudes.len() as f64).ceil() as usize;
    let percentile = magnitudes.get(rank.saturating_sub(1)).copied().unwrap_or(0.0);
    if percentile > 0.0 { percentile } else { magnitudes.last().copied().unwrap_or(0.0) }
}

/// -1 is 0, 0 is 128 (mid grey), 1 is 255.
pub(super) fn to_byte(value: f64) -> u8 {
    (127.5 + 127.5 * value).round() as u8
}
