//! Numbers in text.
//!
//! A number is read as the nearest `f64` and then rounded to the `f32` that is held, as NumPy and pandas would: text,
//! `.npy` and `.npz` of the same numbers give the same features.

/// The largest whole numbers and powers of ten that `f64` holds exactly: with both, one rounding makes the result.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// A number of a text table: held as a byte or as a float.
pub trait Cell: Copy + Default + Send + 'static {
    /// The number at the start of `text`, and the bytes it takes; `None` when there is none that this type holds.
    fn parse(text: &[u8]) -> Option<(Self, usize)>;
}

/// Whole numbers from 0 to 255 without a point: pixels.
impl Cell for u8 {
    #[inline]
    fn parse(text: &[u8]) -> Option<(Self, usize)> {
        let digit = |at: usize| text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10);
        let first = digit(0)?;
        let Some(second) = digit(1) else { return Some((first, 1)) };
        let two = first * 10 + second;
        let Some(third) = digit(2) else { return Some((two, 2)) };
        let three = u16::from(two) * 10 + u16::from(third);
        if digit(3).is_some() {
            return None;
        }
        u8::try_from(three).ok().map(|value| (value, 3))
    }
}

/// Numbers that stay finite.
impl Cell for f32 {
    #[inline]
    fn parse(text: &[u8]) -> Option<(Self, usize)> {
        let (value, length) = parse(text)?;
        let value = value as f32;
        value.is_finite().then_some((value, length))
    }
}

/// The decimal number at the start of `text`, and the bytes it takes.
#[inline]
pub fn parse(text: &[u8]) -> Option<(f64, usize)> {
    let mut at = 0;
    let negative = match text.first()? {
        b'-' => {
            at = 1;
            true
        }
        b'+' => {
            at = 1;
            false
        }
        _ => false,
    };
    let mut mantissa = 0_u64;
    let begin = at;
    let digits = |at: &mut usize, mantissa: &mut u64| {
        while let Some(digit) = text.get(*at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10)
        {
            *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            *at += 1;
        }
    };
    digits(&mut at, &mut mantissa);
    let mut count = at - begin;
    let mut exponent = 0_i32;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let point = at;
        digits(&mut at, &mut mantissa);
        count += at - point;
        exponent = -i32::try_from(at - point).unwrap_or(1 << 20);
    }
    if count == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'-' | b'+')));
        let mut written = 0_u64;
        let first = at + 1 + sign;
        let mut end = first;
        digits(&mut end, &mut written);
        if end > first {
            let written = if end - first > 6 { 1 << 20 } else { written as i32 };
            exponent += if text[at + 1] == b'-' { -written } else { written };
            at = end;
        }
    }
    // 19 digits fit 64 bits; of those, what fits 53 is exact.
    if count <= 19 && mantissa < 1 << 53 && exponent.unsigned_abs() < EXACT_POWERS.len() as u32 {
        let power = EXACT_POWERS[exponent.unsigned_abs() as usize];
        let value = if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
        return Some((if negative { -value } else { value }, at));
    }
    let value = std::str::from_utf8(&text[..at]).ok()?.parse().ok()?;
    Some((value, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_end_where_they_end() {
        for (text, value, length) in [
            ("7", 7.0, 1),
            ("-0.5,3", -0.5, 4),
            ("+1:2", 1.0, 2),
            (".25\n", 0.25, 3),
            ("3.", 3.0, 2),
            ("1e3 ", 1000.0, 3),
            ("2E-2,", 0.02, 4),
            ("1e", 1.0, 1),
            ("12345678901234567890123", 12_345_678_901_234_567_890_123.0, 23),
            ("0.1234567890123456789", 0.123_456_789_012_345_68, 21),
            ("1e400", f64::INFINITY, 5),
            ("1e-99999999", 0.0, 11),
        ] {
            assert_eq!(parse(text.as_bytes()), Some((value, length)), "{text}");
        }
        for text in ["", "-", ".", "e5", "nan", "cat", "+-1"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_whole_numbers_to_255() {
        for value in 0..=255_u8 {
            let text = format!("{value},");
            assert_eq!(u8::parse(text.as_bytes()), Some((value, text.len() - 1)));
        }
        for text in ["256", "1000", "-1", "", "x"] {
            assert_eq!(u8::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_float_comes_back(bits: u32, other: u64) {
            let single = f32::from_bits(bits);
            let double = f64::from_bits(other);
            if double.is_finite() {
                for text in [format!("{double}"), format!("{double:e}"), format!("{double:.17}")] {
                    let expected: f64 = text.parse().expect("a number");
                    prop_assert_eq!(parse(text.as_bytes()), Some((expected, text.len())));
                }
            }
            if single.is_finite() {
                let text = format!("{single:e}");
                prop_assert_eq!(f32::parse(text.as_bytes()), Some((single, text.len())));
            }
        }

        #[test]
        fn any_text_is_a_number_or_none(text in "[-+.e0-9]{0,12}") {
            if let Some((value, length)) = parse(text.as_bytes()) {
                prop_assert_eq!(text[..length].parse::<f64>().ok(), Some(value));
            }
        }
    }
}
