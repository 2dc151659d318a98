//! Colors and the style sheet, for white and for dark surroundings.

/// The class of the root element; every rule begins with it, so that a picture put into a web page leaves the
/// page as it is.
pub(super) const SCOPE: &str = "cifar-plot";

/// The font size of all text but titles, as `SHAPES` has it.
pub(super) const FONT_SIZE: f64 = 14.0;

/// The font size of [`super::Svg::title`], as `SHAPES` has it.
pub(super) const TITLE_SIZE: f64 = 17.0;

/// The colors of the series, as (on white, on dark): the hues of Okabe and Ito, made darker or lighter until
/// lines stand out from the paper (contrast 3 or more) and no two look alike with any color vision. Tests hold
/// both; a seventh color cannot be had at that contrast.
pub const PALETTE: [(&str, &str); 6] = [
    ("#0072b2", "#4fa3e0"), // blue
    ("#d55e00", "#ff8a3d"), // vermilion
    ("#06984c", "#1ddb92"), // green
    ("#d6669d", "#c68aa4"), // purple
    ("#333333", "#f2f2f2"), // ink
    ("#3e97d1", "#f0e442"), // sky, yellow
];

/// The colors of a heat map from low to high, as (on white, its text; on dark, its text): one hue, of rising contrast to the
/// paper. Tests hold that texts can be read.
pub(super) const HEAT: [(&str, &str, &str, &str); 9] = [
    ("#edf4fa", "#1c1f23", "#1b2631", "#f2f2f2"),
    ("#d5e5f3", "#1c1f23", "#1d3347", "#f2f2f2"),
    ("#b6d3ea", "#1c1f23", "#1f425d", "#f2f2f2"),
    ("#8fbcde", "#1c1f23", "#225274", "#f2f2f2"),
    ("#66a4d0", "#1c1f23", "#26648c", "#f2f2f2"),
    ("#2a78b0", "#ffffff", "#4093c4", "#10151a"),
    ("#11639c", "#ffffff", "#63abd6", "#10151a"),
    ("#084d80", "#ffffff", "#8dc4e6", "#10151a"),
    ("#063660", "#ffffff", "#bfe0f4", "#10151a"),
];

/// What is not a series, as (selector, property, on white, on dark).
const SURFACE: [(&str, &str, &str, &str); 15] = [
    (".paper", "fill", "#ffffff", "#15181c"),
    (".halo", "stroke", "#ffffff", "#15181c"),
    (".ink", "fill", "#1c1f23", "#e8eaed"),
    (".muted", "fill", "#5a626b", "#a9b1ba"),
    (".grid", "stroke", "#e3e6ea", "#2c3138"),
    (".axis", "stroke", "#8a929b", "#7a828c"),
    (".gradient", "fill", "#b84a00", "#ff8a3d"),
    (".node", "fill", "#eaf2f9", "#1d2f40"),
    (".node", "stroke", "#0072b2", "#4fa3e0"),
    (".wire", "stroke", "#8a929b", "#7a828c"),
    (".contour", "fill", "#0072b2", "#4fa3e0"),
    (".contour", "stroke", "#0072b2", "#4fa3e0"),
    (".cross", "stroke", "#1c1f23", "#e8eaed"),
    (".tag", "stroke", "#ffffff", "#15181c"),
    (".head", "fill", "#ffffff", "#15181c"),
];

/// Those that a page has, too.
const PAGE: [&str; 5] = [".paper", ".ink", ".muted", ".grid", ".axis"];

/// The shapes; the same on any surface.
const SHAPES: [(&str, &str); 18] = [
    (
        "text",
        "font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif;font-size:14px",
    ),
    (".title", "font-size:17px;font-weight:600"),
    (".heading", "font-weight:600"),
    (".line", "fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round"),
    (".faint", "fill:none;stroke-width:1;stroke-linejoin:round;opacity:.35"),
    (".halo", "fill:none;stroke-width:5.5;stroke-linejoin:round;stroke-linecap:round;opacity:.75"),
    (".dots", "fill:none;stroke-width:6.5;stroke-linecap:round"),
    (".small", "stroke-width:3.5;opacity:.45"),
    (".leader", "stroke-width:1;opacity:.75"),
    (".dash1", "stroke-dasharray:7 4"),
    (".dash2", "stroke-dasharray:1.5 4"),
    (".grid,.axis", "stroke-width:1"),
    (".node", "stroke-width:1.5"),
    (".wire", "fill:none;stroke-width:1.5"),
    // Regions lie over one another: the deeper, the darker.
    (".contour", "fill-opacity:.035;stroke-width:.8;stroke-opacity:.4;stroke-linejoin:round"),
    (".cross", "fill:none;stroke-width:2"),
    (".tag", "stroke-width:5;stroke-opacity:.85;stroke-linejoin:round;paint-order:stroke"),
    (".head", "stroke-width:3"),
];

/// On a phone the whole picture is small: letters as large as the margins allow.
const NARROW: &str = "@media (max-width:560px){.cifar-plot text{font-size:16px}}\n";

/// For readers who asked their system for less motion, a moving picture stands still at its end.
const STILL: &str = "@media (prefers-reduced-motion:reduce){.cifar-plot .trail{stroke-dashoffset:0!important}\
                     .cifar-plot .late{opacity:1!important}.cifar-plot .head{display:none}}\n";

/// The classes of series `index`: colors first, then the same colors dashed.
pub fn series_class(index: usize) -> String {
    let color = index % PALETTE.len();
    match index / PALETTE.len() % 3 {
        0 => format!("s{color}"),
        dash => format!("s{color} dash{dash}"),
    }
}

/// The style sheet of every picture: shapes, the colors on white, and the colors where the reader's system is
/// dark. Plain rules instead of CSS variables, which renderers other than browsers do not know.
pub fn sheet() -> String {
    let shapes: String = SHAPES.iter().map(|(selector, body)| rule(selector, body)).collect();
    let (white, dark) = (theme(|white, _| white), theme(|_, dark| dark));
    format!("{shapes}{NARROW}{STILL}{white}@media (prefers-color-scheme:dark){{\n{dark}}}\n")
}

/// The same colors as variables of a whole page: `--paper`, `--ink`, `--muted`, `--grid`, `--axis`, and `--s0` to `--s5`
/// for the series.
pub fn variables() -> String {
    let of = |pick: fn(&'static str, &'static str) -> &'static str| {
        let surface = SURFACE.iter().filter(|(selector, ..)| PAGE.contains(selector)).map(
            |(selector, _, white, dark)| {
                format!("--{}:{};", selector.trim_start_matches('.'), pick(white, dark))
            },
        );
        let series =
            PALETTE.iter().enumerate().map(|(i, (white, dark))| format!("--s{i}:{};", pick(white, dark)));
        surface.chain(series).collect::<String>()
    };
    let (white, dark) = (of(|white, _| white), of(|_, dark| dark));
    format!(":root{{{white}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n")
}

/// The rules that color everything with the one of (white, dark) that `pick` takes.
fn theme(pick: fn(&'static str, &'static str) -> &'static str) -> String {
    let surface = SURFACE.iter().map(|(selector, property, white, dark)| {
        let color = pick(white, dark);
        rule(selector, &format!("{property}:{color}"))
    });
    let series = PALETTE.iter().enumerate().map(|(i, (white, dark))| {
        let color = pick(white, dark);
        rule(&format!(".s{i}"), &format!("stroke:{color}"))
    });
    surface.chain(series).collect()
}

/// The rules of a heat map's cells (`heat0` and so on) and of the texts on them (`on-heat0`).
pub(super) fn heat_sheet() -> String {
    let rules = |pick: fn(&(&'static str, &'static str, &'static str, &'static str)) -> [&'static str; 2]| {
        let both = HEAT.iter().map(pick).enumerate().map(|(level, [cell, text])| {
            let cell = rule(&format!(".heat{level}"), &format!("fill:{cell}"));
            cell + &rule(&format!(".on-heat{level}"), &format!("fill:{text}"))
        });
        both.collect::<String>()
    };
    let (white, dark) = (rules(|heat| [heat.0, heat.1]), rules(|heat| [heat.2, heat.3]));
    let best = rule(".best", "fill:none;stroke-width:3");
    format!("{best}{white}@media (prefers-color-scheme:dark){{\n{dark}}}\n")
}

/// One rule, for elements inside the picture only.
fn rule(selectors: &str, body: &str) -> String {
    let scoped: Vec<String> = selectors.split(',').map(|selector| format!(".{SCOPE} {selector}")).collect();
    format!("{}{{{body}}}\n", scoped.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linear red, green and blue, 0 to 1.
    fn linear_rgb(color: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            let byte = u8::from_str_radix(&color[at..at + 2], 16).expect("two hex digits");
            let v = f64::from(byte) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn apply(matrix: &[[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
    }

    /// WCAG contrast ratio.
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |color| {
            let [r, g, b] = linear_rgb(color);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b): (f64, f64) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Oklab, where equal distances look about equally different.
    fn oklab(rgb: [f64; 3]) -> [f64; 3] {
        let lms = apply(
            &[
                [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
                [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
                [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
            ],
            rgb.map(|v| v.clamp(0.0, 1.0)),
        );
        apply(
            &[
                [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
                [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
                [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
            ],
            lms.map(f64::cbrt),
        )
    }

    /// Linear RGB as seen with no defect and with full protanopia, deuteranopia and tritanopia: Machado, Oliveira
    /// and Fernandes (2009), table of severity 1.0.
    const VISIONS: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ];

    #[test]
    fn colors_stand_out_from_the_paper() {
        let (_, _, white, dark) = SURFACE[0];
        for (on_white, on_dark) in PALETTE {
            assert!(contrast(on_white, white) >= 3.0, "{on_white}: {}", contrast(on_white, white));
            assert!(contrast(on_dark, dark) >= 3.0, "{on_dark}: {}", contrast(on_dark, dark));
        }
        for (_, _, on_white, on_dark) in SURFACE[2..4].iter().chain(&SURFACE[6..7]) {
            assert!(contrast(on_white, white) >= 4.5 && contrast(on_dark, dark) >= 4.5);
        }
    }

    #[test]
    fn texts_on_a_heat_map_can_be_read_and_its_colors_rise() {
        for (white, on_white, dark, on_dark) in HEAT {
            assert!(contrast(white, on_white) >= 4.5, "{white}: {}", contrast(white, on_white));
            assert!(contrast(dark, on_dark) >= 4.5, "{dark}: {}", contrast(dark, on_dark));
        }
        let (_, _, white, dark) = SURFACE[0];
        for pair in HEAT.windows(2) {
            assert!(contrast(pair[1].0, white) > 1.1 * contrast(pair[0].0, white), "{:?}", pair[1]);
            assert!(contrast(pair[1].2, dark) > 1.1 * contrast(pair[0].2, dark), "{:?}", pair[1]);
        }
    }

    #[test]
    fn colors_differ_for_any_color_vision() {
        for colors in [PALETTE.map(|pair| pair.0), PALETTE.map(|pair| pair.1)] {
            for (i, a) in colors.iter().enumerate() {
                for b in &colors[..i] {
                    for vision in &VISIONS {
                        let [a_lab, b_lab] = [a, b].map(|color| oklab(apply(vision, linear_rgb(color))));
                        let squares = a_lab.iter().zip(b_lab).map(|(x, y)| (x - y).powi(2));
                        let distance = squares.sum::<f64>().sqrt();
                        assert!(distance > 0.06, "{a} and {b}: {distance:.3}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_rule_is_scoped_and_dark_has_the_same_rules() {
        let sheet = sheet();
        let (white, dark) = sheet.split_once("@media (prefers-color-scheme:dark){\n").expect("a dark part");
        assert!(
            sheet
                .lines()
                .all(|line| line.starts_with(".cifar-plot ") || line.starts_with('@') || line == "}")
        );
        let selectors = |part: &str| {
            part.lines().filter_map(|l| l.split_once('{').map(|p| p.0.to_owned())).collect::<Vec<_>>()
        };
        assert!(selectors(white).ends_with(&selectors(dark)));
        assert!(sheet.contains(".cifar-plot .grid,.cifar-plot .axis{stroke-width:1}"));
    }

    #[test]
    fn a_page_has_the_same_colors() {
        let expected =
            ":root{--paper:#ffffff;--ink:#1c1f23;--muted:#5a626b;--grid:#e3e6ea;--axis:#8a929b;--s0:#0072b2;";
        assert!(variables().starts_with(expected), "{}", variables());
        assert_eq!(variables().matches("--").count(), 2 * (PAGE.len() + PALETTE.len()));
    }

    #[test]
    fn classes_cycle_through_dashes() {
        assert_eq!(series_class(0), "s0");
        assert_eq!(series_class(5), "s5");
        assert_eq!(series_class(6), "s0 dash1");
        assert_eq!(series_class(13), "s1 dash2");
    }
}
