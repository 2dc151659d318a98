//! A picture of one panel, or of two side by side; or each panel as a picture of its own, for a page that stacks
//! them where it is narrow.

use super::{Rect, Svg};

/// What a picture shows.
pub struct Figure<'a> {
    /// Its heading.
    pub title: &'a str,
    /// Its panels, from left to right.
    pub parts: Vec<Part<'a>>,
}

/// Draws a panel into a rectangle of the picture.
pub type Draw<'a> = Box<dyn Fn(&mut Svg, Rect) + 'a>;

/// One panel to be drawn.
pub struct Part<'a> {
    /// What it shows, for those who cannot see it.
    pub name: String,
    /// A line to stand below it.
    pub note: Option<String>,
    /// Draws it into a rectangle.
    pub draw: Draw<'a>,
}

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 16.0;
const TITLE_HEIGHT: f64 = 46.0;
const PANEL_HEIGHT: f64 = 320.0;
const NOTE_HEIGHT: f64 = 20.0;
/// Between two panels.
const GUTTER: f64 = 20.0;
/// Of a panel that is a picture of its own: letters are a little larger than the text around it on half a desktop's page,
/// and a little smaller on a phone's.
const ALONE: f64 = 420.0;

impl Figure<'_> {
    /// All panels in one SVG file.
    pub fn to_svg(&self) -> String {
        let note_height = if self.parts.iter().any(|part| part.note.is_some()) { NOTE_HEIGHT } else { 0.0 };
        let height = TITLE_HEIGHT + PANEL_HEIGHT + note_height + MARGIN / 2.0;
        let mut svg = Svg::new(WIDTH, height, self.title);
        svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, self.title);
        let count = self.parts.len().max(1) as f64;
        let width = (WIDTH - 2.0 * MARGIN - (count - 1.0) * GUTTER) / count;
        for (index, part) in self.parts.iter().enumerate() {
            let left = MARGIN + index as f64 * (width + GUTTER);
            part.draw(&mut svg, Rect { left, top: TITLE_HEIGHT, width, height: PANEL_HEIGHT });
        }
        svg.finish()
    }

    /// Each panel as an SVG element to be put into a page with the style sheet of [`super::sheet`].
    pub fn to_elements(&self) -> Vec<String> {
        let element = |part: &Part| {
            let note_height = if part.note.is_some() { NOTE_HEIGHT } else { 0.0 };
            let mut svg = Svg::element(ALONE, PANEL_HEIGHT + note_height + 4.0, &part.name);
            part.draw(&mut svg, Rect { left: 0.0, top: 4.0, width: ALONE - 2.0, height: PANEL_HEIGHT });
            svg.finish()
        };
        self.parts.iter().map(element).collect()
    }
}

impl Part<'_> {
    fn draw(&self, svg: &mut Svg, outer: Rect) {
        (self.draw)(svg, outer);
        if let Some(note) = &self.note {
            svg.note(outer, note);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_of_all_panels_or_an_element_of_each() {
        let part = |name: &str, note: Option<&str>| Part {
            name: name.to_owned(),
            note: note.map(ToOwned::to_owned),
            draw: Box::new(|svg, outer| svg.rect("panel", outer)),
        };
        let figure = Figure { title: "both", parts: vec![part("left", None), part("right", Some("a note"))] };
        let file = figure.to_svg();
        assert_eq!(file.matches("<rect class=\"panel\"").count(), 2);
        assert!(file.contains(">both</text>") && file.contains(">a note</text>") && file.contains("<style>"));
        let elements = figure.to_elements();
        assert_eq!(elements.len(), 2);
        assert!(elements[0].contains("aria-label=\"left\"") && !elements[0].contains("a note"));
        assert!(elements[1].contains(">a note</text>"));
        // The page has the style sheet, and inside HTML an SVG needs no namespace.
        assert!(elements.iter().all(|svg| !svg.contains("<style>") && !svg.contains("xmlns")));
    }
}
