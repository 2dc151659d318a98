//! The plane that shows most of a path through many dimensions.

use super::{Path, Recording};
use crate::optim::{add, dot};
use faer::{Mat, Side};

/// A plane in the space of all weights: origin + x along + y across, with `along` and `across` of length 1 and at a
/// right angle.
///
/// The origin is a path's start, `along` leads to its end, and `across` is the widest direction of the path at a right
/// angle to that: the first principal direction of what remains of its positions.
#[derive(Clone, Debug)]
pub struct Plane {
    /// Where the path starts.
    pub origin: Vec<f64>,
    /// From there to its end.
    pub along: Vec<f64>,
    /// The widest direction otherwise.
    pub across: Vec<f64>,
}

/// A path as a plane shows it.
#[derive(Clone, Debug)]
pub struct Projection {
    /// The path's shadow.
    pub path: Path,
    /// Share of the variance of the path's positions about their mean that the plane holds, 0 to 1.
    pub share: f64,
    /// The distance of its end from the plane.
    pub off: f64,
}

impl Plane {
    /// The plane of a recorded path; `None` if the path does not move, or is straight.
    pub fn through(recording: &Recording) -> Option<Self> {
        let (first, last) = (&recording.positions.first()?.1, &recording.positions.last()?.1);
        let origin: Vec<f64> = first.iter().map(|w| f64::from(*w)).collect();
        let along = unit(last.iter().zip(&origin).map(|(w, o)| f64::from(*w) - o).collect(), 0.0)?;

        // What remains of each position, about the mean of what remains.
        let mut rest: Vec<Vec<f64>> = recording.positions.iter().map(|(_, at)| from(&origin, at)).collect();
        rest.iter_mut().for_each(|r| remove(r, &along));
        let mut mean = vec![0.0; origin.len()];
        rest.iter().for_each(|r| add(&mut mean, 1.0 / rest.len() as f64, r));
        rest.iter_mut().for_each(|r| add(r, -1.0, &mean));

        let across = principal(&rest)?;
        // A straight path leaves only what f32 rounds.
        let length = dot(&from(&origin, last), &along);
        let mut across = unit(across, 1e-6 * length)?;
        remove(&mut across, &along);
        Some(Self { across: unit(across, 0.0)?, origin, along })
    }

    /// A recorded path's shadow on the plane.
    pub fn project(&self, recording: &Recording, lost: Option<u64>) -> Projection {
        let mut path = Path { places: Vec::new(), lost };
        let mut mean = vec![0.0; self.origin.len()];
        let (mut squares, mut off) = (0.0, 0.0);
        let count = recording.positions.len() as f64;
        for (step, position) in &recording.positions {
            let mut seen = from(&self.origin, position);
            add(&mut mean, 1.0 / count, &seen);
            squares += dot(&seen, &seen) / count;
            path.places.push((*step, [dot(&seen, &self.along), dot(&seen, &self.across)]));
            remove(&mut seen, &self.along);
            remove(&mut seen, &self.across);
            off = dot(&seen, &seen).sqrt();
        }
        let variance = squares - dot(&mean, &mean);
        let held = [0, 1].map(|axis| {
            let values = || path.places.iter().map(|(_, place)| place[axis]);
            let mean = values().sum::<f64>() / count;
            values().map(|value| (value - mean).powi(2)).sum::<f64>() / count
        });
        let share = if variance > 0.0 { (held[0] + held[1]) / variance } else { 1.0 };
        Projection { path, share: share.clamp(0.0, 1.0), off }
    }
}

/// The first principal direction of `rows`, times the square root of the variance along it, from the eigenvectors of
/// their Gram matrix: there are few rows, and they are long. `None` for rows that are not finite.
fn principal(rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let count = rows.len();
    let mut gram = Mat::zeros(count, count);
    for i in 0..count {
        for j in 0..=i {
            gram[(i, j)] = dot(&rows[i], &rows[j]);
        }
    }
    let eigen = gram.self_adjoint_eigen(Side::Lower).ok()?;
    // Eigenvalues ascend.
    let widest = eigen.U().col(count - 1);
    // Either sign would do: this one has the path's bulk above its start.
    let sign = if widest[0] > 0.0 { -1.0 } else { 1.0 };
    let mut direction = vec![0.0; rows.first()?.len()];
    rows.iter().enumerate().for_each(|(i, row)| add(&mut direction, sign * widest[i], row));
    let scale = 1.0 / (count as f64).sqrt();
    direction.iter_mut().for_each(|value| *value *= scale);
    Some(direction)
}

/// `vector` at length 1; `None` unless it is longer than `least`.
fn unit(mut vector: Vec<f64>, least: f64) -> Option<Vec<f64>> {
    let length = dot(&vector, &vector).sqrt();
    if !(length.is_finite() && length > least) {
        return None;
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Some(vector)
}

/// position - origin.
fn from(origin: &[f64], position: &[f32]) -> Vec<f64> {
    position.iter().zip(origin).map(|(w, o)| f64::from(*w) - o).collect()
}

/// Takes away what `vector` has of the direction `unit`.
fn remove(vector: &mut [f64], unit: &[f64]) {
    let part = dot(vector, unit);
    add(vector, -part, unit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::distance;

    /// Positions in the space of the vectors given: sums of them, by coefficients.
    fn recording(basis: &[Vec<f32>], coefficients: &[&[f32]]) -> Recording {
        let position = |coefficients: &&[f32]| {
            let mut at = vec![0.5; basis[0].len()];
            for (c, direction) in coefficients.iter().zip(basis) {
                at.iter_mut().zip(direction).for_each(|(at, d)| *at += c * d);
            }
            at
        };
        let mut recording = Recording::default();
        let positions = coefficients.iter().enumerate().map(|(step, c)| (step as u64, position(c)));
        recording.positions.extend(positions);
        recording
    }

    fn axes(count: usize) -> Vec<Vec<f32>> {
        (0..count).map(|i| (0..50).map(|d| f32::from(u8::from(d == 7 * i))).collect()).collect()
    }

    #[test]
    fn a_flat_path_is_shown_as_it_is() {
        let path = recording(&axes(2), &[&[0.0, 0.0], &[1.0, 3.0], &[2.0, 1.0], &[4.0, 0.0]]);
        let plane = Plane::through(&path).expect("a plane");
        let seen = plane.project(&path, None);
        // Above the axis, where the bulk of a path is.
        for ((_, found), expected) in
            seen.path.places.iter().zip([[0.0, 0.0], [1.0, 3.0], [2.0, 1.0], [4.0, 0.0]])
        {
            assert!(distance(*found, expected) < 1e-6, "{found:?} {expected:?}");
        }
        assert!((seen.share - 1.0).abs() < 1e-9 && seen.off < 1e-6, "{seen:?}");
    }

    /// Along axis 0 to (6, 0, 0), with 2 across on axis 1 and 1 on axis 2: the plane takes axis 1, and misses axis 2.
    #[test]
    fn the_widest_direction_is_taken_and_the_share_is_what_it_holds() {
        let path = recording(
            &axes(3),
            &[
                &[0.0; 3],
                &[1.0, 2.0, 0.0],
                &[2.0, -2.0, 0.0],
                &[3.0, 0.0, 1.0],
                &[4.0, 0.0, -1.0],
                &[6.0, 0.0, 0.0],
            ],
        );
        let plane = Plane::through(&path).expect("a plane");
        let products = [
            dot(&plane.along, &plane.along),
            dot(&plane.across, &plane.across),
            dot(&plane.along, &plane.across),
        ];
        assert!(
            (products[0] - 1.0).abs() < 1e-12
                && (products[1] - 1.0).abs() < 1e-12
                && products[2].abs() < 1e-12
        );
        assert!((plane.along[0] - 1.0).abs() < 1e-6 && (plane.across[7].abs() - 1.0).abs() < 1e-6);
        // Squares about the means: 66 - 16^2 / 6 along, 8 and 2 across.
        let along = 66.0 - 256.0 / 6.0;
        assert!((plane.project(&path, None).share - (along + 8.0) / (along + 10.0)).abs() < 1e-6);
    }

    #[test]
    fn what_has_no_plane_gets_none() {
        let straight: [&[f32]; 3] = [&[0.0], &[0.1], &[0.7]];
        assert!(Plane::through(&recording(&axes(1), &straight)).is_none(), "straight");
        assert!(Plane::through(&recording(&axes(1), &[&[0.3], &[0.3]])).is_none(), "at rest");
        assert!(Plane::through(&recording(&axes(1), &[&[0.0], &[f32::MAX], &[f32::INFINITY]])).is_none());
        assert!(Plane::through(&Recording::default()).is_none());
    }
}
