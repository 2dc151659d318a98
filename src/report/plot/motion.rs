//! What moves in a picture: SMIL animations, which need no script and run inside `<img>` as well. Each has its last
//! state as its own attributes, which is what is seen where nothing moves.

use super::svg::{line, number};
use super::{Point, Svg};

/// The states of an animation, evenly spaced over `seconds`, for ever repeated.
#[derive(Clone, Copy, Debug)]
pub struct Motion {
    /// Of one round.
    pub seconds: f64,
}

impl Motion {
    fn animate(self, attribute: &str, values: impl Iterator<Item = f64>) -> String {
        let values: Vec<String> = values.map(short).collect();
        format!(
            "<animate attributeName=\"{attribute}\" dur=\"{}s\" repeatCount=\"indefinite\" values=\"{}\"/>",
            self.seconds,
            values.join(";")
        )
    }
}

impl Svg {
    /// Lines through all points of each run, as one path. With `drawn`, the lengths of the part that is there at each
    /// moment, it is drawn as time goes.
    pub fn trail(&mut self, class: &str, runs: &[Vec<Point>], drawn: Option<(Motion, &[f64])>) {
        let path: String = runs.iter().map(|run| line(run)).collect();
        let Some((motion, drawn)) = drawn else {
            self.push(format_args!("<path class=\"line {class}\" d=\"{path}\"/>\n"));
            return;
        };
        // One dash as long as the path, pushed out of sight and drawn in.
        let whole = drawn.iter().copied().fold(0.0, f64::max).ceil() + 1.0;
        let animate = motion.animate("stroke-dashoffset", drawn.iter().map(|length| whole - length));
        self.push(format_args!(
            "<path class=\"line trail {class}\" stroke-dasharray=\"{whole}\" d=\"{path}\">{animate}</path>\n"
        ));
    }

    /// A disc that goes from place to place.
    pub fn head(&mut self, class: &str, motion: Motion, places: &[Point]) {
        let Some(last) = places.last() else { return };
        let x = motion.animate("cx", places.iter().map(|place| place.0));
        let y = motion.animate("cy", places.iter().map(|place| place.1));
        let (cx, cy) = (number(last.0), number(last.1));
        self.push(format_args!(
            "<circle class=\"head {class}\" cx=\"{cx}\" cy=\"{cy}\" r=\"5\">{x}{y}</circle>\n"
        ));
    }

    /// What `draw` draws appears after a part (0 to 1) of each round.
    pub fn late(&mut self, motion: Motion, part: f64, draw: impl FnOnce(&mut Self)) {
        self.push(format_args!(
            "<g class=\"late\"><animate attributeName=\"opacity\" calcMode=\"discrete\" dur=\"{}s\" \
             repeatCount=\"indefinite\" values=\"0;1\" keyTimes=\"0;{}\"/>\n",
            motion.seconds,
            short(part.clamp(0.0, 1.0))
        ));
        draw(self);
        self.push(format_args!("</g>\n"));
    }
}

/// A value of an animation: there are many of them.
fn short(value: f64) -> String {
    let text = number(value);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_ends_as_it_stands() {
        let mut svg = Svg::new(10.0, 10.0, "");
        let motion = Motion { seconds: 8.0 };
        let run = vec![(0.0, 0.0), (3.0, 0.0), (3.0, 1.5)];
        svg.trail("s0", std::slice::from_ref(&run), Some((motion, &[0.0, 3.0, 4.5])));
        svg.head("s0", motion, &run);
        svg.late(motion, 0.5, |svg| svg.circle("a", (1.0, 2.0), 3.0));
        let text = svg.finish();
        assert!(text.contains("stroke-dasharray=\"6\" d=\"M0.00 0.00L3.00 0.00L3.00 1.50\">"), "{text}");
        assert!(text.contains("values=\"6;3;1.5\"") && text.contains("values=\"0;3;3\""), "{text}");
        assert!(text.contains("cx=\"3.00\" cy=\"1.50\"") && text.contains("keyTimes=\"0;0.5\""), "{text}");
        assert!(
            text.ends_with("/>\n<circle class=\"a\" cx=\"1.00\" cy=\"2.00\" r=\"3.00\"/>\n</g>\n</svg>\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_still_has_no_animation() {
        let mut svg = Svg::new(10.0, 10.0, "");
        svg.trail("s0", &[vec![(0.0, 0.0), (3.0, 0.0)]], None);
        assert!(svg.finish().ends_with("<path class=\"line s0\" d=\"M0.00 0.00L3.00 0.00\"/>\n</svg>\n"));
    }
}
