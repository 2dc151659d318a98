//! Text from files (class names, paths, headers) on its way to a terminal: shown, and not obeyed. JSON, and what is
//! written to files, stays as it is.

use std::borrow::Cow;

/// `text` with each control character (C0, DEL, C1; line ends too) as `\u{1b}` or `\n`.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, char::is_control)
}

/// As [`one_line`], for a text of several lines, whose ends stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() && c != '\n')
}

fn escaped(text: &str, is_unfit: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_unfit) {
        return Cow::Borrowed(text);
    }
    let escape = |mut shown: String, c: char| {
        if is_unfit(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    };
    Cow::Owned(text.chars().fold(String::new(), escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        let text = "\u{1b}[31mred\r\n\t\u{7f}\u{9b}";
        assert_eq!(one_line(text), r"\u{1b}[31mred\r\n\t\u{7f}\u{9b}");
        assert_eq!(lines(text), "\\u{1b}[31mred\\r\n\\t\\u{7f}\\u{9b}");
    }

    #[test]
    fn all_else_stays() {
        let text = "Ärger, 猫, \"quoted\" \\ and 'so'";
        assert!(matches!(one_line(text), Cow::Borrowed(same) if same == text));
    }
}
