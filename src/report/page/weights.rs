//! The weights of each class as a picture.

use super::Run;
use super::parts::{Place, Section, image};
use crate::data::Shape;
use crate::report::templates::{TemplatesError, pictures};
use maud::html;

/// `None` where the features are no pictures.
pub(super) fn render(place: &Place, run: &Run) -> Result<Option<Section>, TemplatesError> {
    let (about, weight) = (&run.model.about, &run.model.weight);
    let weights: Vec<f32> = weight.iter().copied().collect();
    let Shape::Image { channels, height, width } = about.shape else { return Ok(None) };
    let files = match pictures(&weights, [channels, height, width], run.model.classes()) {
        Err(TemplatesError::Channels(_)) => return Ok(None),
        files => files?,
    };
    let body = html! {
        div.gallery {
            @for (file, class) in files.iter().zip(&about.class_names) {
                figure {
                    (image(file, &format!("Weights of the class {class}"), "picture"))
                    figcaption { (class) }
                }
            }
        }
        p.note { "What the classifier looks for: a bright pixel of a color speaks for the class, a dark one against it, "
            "mid grey does not count. Each class is scaled on its own." }
    };
    Ok(Some(place.section("templates", "Templates", &body)))
}
