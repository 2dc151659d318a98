//! How wide text is, without a font at hand: an estimate on the wide side, so that margins hold in any of the
//! system fonts a reader may have.

/// Bold letters are at most this many times as wide as the estimate.
pub(super) const BOLD: f64 = 1.2;

/// The estimated width of `text` at font size `size`, in the units of `size`.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

/// `text`, or the beginning of it and "..", so that it is no wider than `limit` at font size `size`.
pub fn shorten(text: &str, limit: f64, size: f64) -> String {
    let dots = 2.0 * em('.') * size;
    let (mut used, mut cut) = (0.0, 0);
    for (at, c) in text.char_indices() {
        used += em(c) * size;
        if used > limit {
            return text[..cut].trim_end_matches([' ', '.', ',']).to_owned() + "..";
        }
        if used + dots <= limit {
            cut = at + c.len_utf8();
        }
    }
    text.to_owned()
}

/// The estimated width of a character in parts of the font size.
fn em(c: char) -> f64 {
    match c {
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')'
        | '[' | ']' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.95,
        'A'..='Z' => 0.72,
        // From Hangul on, characters may fill the whole square.
        '\u{1100}'.. => 1.0,
        _ => 0.62,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_shortened_to_fit() {
        assert_eq!(shorten("airplane", 100.0, 14.0), "airplane");
        let short = shorten("a very long title of a run", 100.0, 14.0);
        assert_eq!(short, "a very long..");
        assert!(width(&short, 14.0) <= 100.0);
        assert_eq!(shorten("\u{98de}\u{673a}\u{98de}\u{673a}", 45.0, 14.0), "\u{98de}\u{673a}..");
        assert_eq!(shorten("0.001 sum W^2", 28.0, 14.0), "0..");
        assert_eq!(shorten("", 10.0, 14.0), "");
    }
}
