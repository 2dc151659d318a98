//! What every chart of the tool shares: scales and their ticks, number formats, axes, lines with direct
//! labels, colors, and the SVG text itself.
//!
//! Data flows through the files in this order:
//!
//! ```text
//! numbers -> series (finite runs, thinned) -> scale (data to 0..1, ticks) -> panel (0..1 to the page, axes,
//! lines, labels; contours) -> figure (panels beside one another) -> svg (escaped text) with the colors of style
//! ```
//!
//! No plotting crate: the tool needs few kinds of chart, and owning the text keeps it byte-stable, without
//! dates, random ids or floats printed at full length.

mod contour;
mod figure;
mod heat_map;
mod labels;
mod lines;
mod motion;
mod number;
mod panel;
mod rect;
mod scale;
mod series;
mod style;
mod svg;
mod text;

pub use contour::{contours, log_levels, simplify};
pub use figure::{Figure, Part};
pub use heat_map::HeatMap;
pub use labels::{EndLabel, spread};
pub use lines::{Line, draw_lines};
pub use motion::Motion;
pub use number::{count, measured, setting};
pub use panel::{Axis, Panel};
pub use rect::Rect;
pub use scale::{Kind, Scale, Tick};
pub use series::{Series, not_drawn, thin};
pub use style::{PALETTE, series_class, sheet, variables};
pub use svg::{Anchor, Svg, visible};
pub use text::{shorten, width};

/// A place in data or on the page: (x, y). On the page y grows downwards.
pub type Point = (f64, f64);
