//! Numbers as text: settings (`0.01`, `1e-5`), measurements (`2.30`), counts (`50,000`) and tick labels.

/// A number someone chose, at up to 6 significant digits and without trailing zeros: `0.01`, `1e-5`, `50,000`.
pub fn setting(value: f64) -> String {
    let text = measured(value, 6);
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text.as_str(), None),
    };
    let mantissa =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    match exponent {
        Some(exponent) => format!("{mantissa}e{exponent}"),
        None => mantissa.to_owned(),
    }
}

/// A measured number at `digits` significant digits, zeros kept, so that numbers side by side look alike:
/// `2.30`, `0.412`, `12,346`, `1.50e-7`.
pub fn measured(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = digits.max(1);
    // The exponent after rounding: 9.996 at three digits is 10.0, not 10.00.
    let scientific = format!("{value:.*e}", digits - 1);
    match decimal_exponent(&scientific) {
        exponent @ -3..=5 => {
            let decimals = (digits - 1).saturating_add_signed(-exponent as isize);
            group_thousands(&format!("{value:.decimals$}"))
        }
        _ => scientific,
    }
}

/// A count of things: `50,000`.
pub fn count(value: usize) -> String {
    group_thousands(&value.to_string())
}

/// The labels of ticks that lie on multiples of 10^`step_exponent`: all with as many decimals as the step
/// needs, or all scientific.
pub(super) fn tick_labels(values: &[f64], step_exponent: i32) -> Vec<String> {
    let largest = values.iter().fold(0.0, |max: f64, v| max.max(v.abs()));
    let plain = largest == 0.0 || (1e-3..1e6).contains(&largest);
    let label = |&value: &f64| {
        if value == 0.0 {
            "0".to_owned()
        } else if plain {
            group_thousands(&format!("{value:.*}", (-step_exponent).max(0) as usize))
        } else {
            let exponent = decimal_exponent(&format!("{value:.12e}"));
            format!("{value:.*e}", (exponent - step_exponent).max(0) as usize)
        }
    };
    values.iter().map(label).collect()
}

/// The exponent of a number that `{:e}` has printed.
fn decimal_exponent(scientific: &str) -> i32 {
    let exponent = scientific.split_once('e').map(|(_, exponent)| exponent);
    exponent.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// `-1234567.25` as `-1,234,567.25`; four digits too, so that `9,000` and `10,000` look alike.
fn group_thousands(plain: &str) -> String {
    let (sign, unsigned) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain),
    };
    let whole_len = unsigned.find('.').unwrap_or(unsigned.len());
    let (whole, decimals) = unsigned.split_at(whole_len);
    let mut grouped = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + decimals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_short() {
        let cases = [
            (0.01, "0.01"),
            (1e-3, "0.001"),
            (1e-4, "1e-4"),
            (1e-5, "1e-5"),
            (2.5e-7, "2.5e-7"),
            (2.3, "2.3"),
            (0.1 + 0.2, "0.3"),
            (10.0, "10"),
            (50_000.0, "50,000"),
            (-1000.0, "-1,000"),
            (1e6, "1e6"),
            (1e20, "1e20"),
            (0.0, "0"),
            (-0.0, "0"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            assert_eq!(setting(value), expected);
        }
    }

    #[test]
    fn measurements_keep_their_digits() {
        let cases = [
            (2.3, "2.30"),
            (9.996, "10.0"),
            (0.412_34, "0.412"),
            (12_345.6, "12,346"),
            (1.5e-7, "1.50e-7"),
            (999_999.7, "1.00e6"),
            (f64::MAX, "1.80e308"),
        ];
        for (value, expected) in cases {
            assert_eq!(measured(value, 3), expected);
        }
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
