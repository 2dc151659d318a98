//! Labels at the ends of lines, pushed apart where they would lie over one another.

use super::style::FONT_SIZE;
use super::{Anchor, Point, Rect, Svg, width};

/// The name of a line, to be written beside its end.
#[derive(Clone, Debug, PartialEq)]
pub struct EndLabel {
    /// The color classes of the line; see [`super::series_class`].
    pub class: String,
    /// The end of the line, in data units.
    pub end: Point,
    /// What to write.
    pub text: String,
}

/// Vertical space of one label.
const LINE_HEIGHT: f64 = 18.0;
/// From the right side of the frame to the label; a thin line leads across it.
const LEAD: f64 = 16.0;
/// From the middle of a line of text to its base line.
const BASE_LINE: f64 = 5.0;

/// The width that [`draw`] needs to the right of a frame.
pub(super) fn margin(labels: &[EndLabel]) -> f64 {
    let widest = labels.iter().map(|label| width(&label.text, FONT_SIZE)).fold(0.0, f64::max);
    if widest > 0.0 { LEAD + 4.0 + widest } else { 0.0 }
}

/// Writes the labels to the right of `frame`, each led to from the end of its line; `ends` has those ends on the page.
/// What does not fit into the frame's height is counted in a last line.
pub(super) fn draw(svg: &mut Svg, frame: Rect, labels: &[EndLabel], ends: &[Point]) {
    let room = (frame.height / LINE_HEIGHT) as usize + 1;
    let shown = if labels.len() > room { room.saturating_sub(1) } else { labels.len() };
    let mut wanted: Vec<f64> = ends[..shown].iter().map(|end| end.1).collect();
    if shown < labels.len() {
        wanted.push(frame.bottom());
    }
    let heights = spread(&wanted, LINE_HEIGHT, frame.top, frame.bottom());
    let left = frame.right() + LEAD;
    for ((label, end), height) in labels[..shown].iter().zip(ends).zip(&heights) {
        svg.line(&format!("leader {}", label.class), *end, (left, *height));
        svg.text("ink", (left + 4.0, height + BASE_LINE), Anchor::Start, &label.text);
    }
    if let Some(height) = heights.get(shown) {
        let more = format!("and {} more", super::count(labels.len() - shown));
        svg.text("muted", (left + 4.0, height + BASE_LINE), Anchor::Start, &more);
    }
}

/// Moves `wanted` positions apart until neighbours are `gap` apart and all lie in `lo..=hi`, with the least sum
/// of squared moves, keeping their order. If they cannot all fit, the gap shrinks.
///
/// With the i-th gap taken off the i-th smallest position, "apart by a gap" turns into "not decreasing", and the
/// nearest such sequence comes from averaging neighbours that are out of order (pool adjacent violators).
pub fn spread(wanted: &[f64], gap: f64, lo: f64, hi: f64) -> Vec<f64> {
    let last = wanted.len().saturating_sub(1) as f64;
    let gap = if last * gap > hi - lo { (hi - lo).max(0.0) / last } else { gap };
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));

    // Pools of neighbours that move as one: (sum, count).
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(wanted.len());
    for (rank, &index) in order.iter().enumerate() {
        let mut pool = (wanted[index] - rank as f64 * gap, 1);
        while let Some(&(sum, count)) = pools.last() {
            if sum / count as f64 <= pool.0 / pool.1 as f64 {
                break;
            }
            pools.pop();
            pool = (sum + pool.0, count + pool.1);
        }
        pools.push(pool);
    }

    let highest = (hi - last * gap).max(lo);
    let means = pools.into_iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    let mut placed = vec![0.0; wanted.len()];
    for (rank, (index, mean)) in order.into_iter().zip(means).enumerate() {
        placed[index] = mean.clamp(lo, highest) + rank as f64 * gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_that_collide_are_pushed_apart_evenly() {
        assert_eq!(spread(&[50.0, 52.0], 10.0, 0.0, 100.0), [46.0, 56.0]);
        assert_eq!(spread(&[52.0, 50.0], 10.0, 0.0, 100.0), [56.0, 46.0]);
        assert_eq!(spread(&[20.0, 80.0], 10.0, 0.0, 100.0), [20.0, 80.0]);
        assert_eq!(spread(&[50.0, 50.0, 50.0], 10.0, 0.0, 100.0), [40.0, 50.0, 60.0]);
        assert_eq!(spread(&[99.0, 98.0], 10.0, 0.0, 100.0), [100.0, 90.0]);
        assert_eq!(spread(&[5.0; 3], 10.0, 0.0, 10.0), [0.0, 5.0, 10.0]);
        assert_eq!(spread(&[], 10.0, 0.0, 10.0), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn spread_labels_never_overlap(wanted in prop::collection::vec(-50.0..150.0_f64, 0..12)) {
            let placed = spread(&wanted, 18.0, 0.0, 230.0);
            let mut sorted = placed.clone();
            sorted.sort_by(f64::total_cmp);
            prop_assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= 18.0 - 1e-9));
            prop_assert!(sorted.iter().all(|y| (-1e-9..=230.0 + 1e-9).contains(y)));
            for (i, a) in wanted.iter().enumerate() {
                for (j, b) in wanted.iter().enumerate() {
                    prop_assert!(a >= b || placed[i] < placed[j]);
                }
            }
        }
    }
}
