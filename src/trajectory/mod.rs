//! The paths that update rules take: over surfaces of two variables, where everything can be seen, and over the full
//! loss of a training run, as seen in the plane that shows most of its path.
//!
//! ```text
//! Surface -> race -> Path                                   two variables, f64
//! descend -> Recording -> Plane -> Path, Field              K (D + 1) variables, projected
//! ```

mod field;
mod landscape;
mod path;
mod plane;
mod race;
mod recording;
mod surface;

pub use field::{Field, Grid, Window};
pub use landscape::landscape;
pub use path::{Exit, Path};
pub use plane::{Plane, Projection};
pub use race::race;
pub use recording::Recording;
pub use surface::Surface;

/// A place in a plane: x, y.
pub type Place = [f64; 2];

/// The distance between two places.
pub fn distance(a: Place, b: Place) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}
