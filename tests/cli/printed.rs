//! Printed text against what a page says of it. `...` stands for anything: alone on a line, for any number of lines.

/// What must agree.
#[derive(Clone, Copy)]
pub enum Compare {
    /// All of it.
    Letters,
    /// Words, and numbers to 1% or 1 in their last decimal, since training in f32 rounds a little differently with each
    /// instruction set. Spaces do not count.
    Numbers,
    /// The same to 5%; times, memory, dates and digests, which no two machines share, stand for anything.
    Roughly,
}

impl Compare {
    /// How far a number may be off, as a part of it.
    fn tolerance(self) -> f64 {
        match self {
            Self::Letters => 0.0,
            Self::Numbers => 0.01,
            Self::Roughly => 0.05,
        }
    }
}

/// A part of a line.
#[derive(Debug, PartialEq)]
enum Piece {
    Anything,
    Text(String),
    Number {
        value: f64,
        /// Of its last decimal; 0 for whole numbers.
        unit: f64,
    },
}

impl Piece {
    fn matches(&self, printed: &Self, tolerance: f64) -> bool {
        match (self, printed) {
            (Self::Number { value, unit }, Self::Number { value: printed, .. }) => {
                (value - printed).abs() <= (tolerance * value.abs()).max(1.001 * unit)
            }
            _ => self == printed,
        }
    }
}

/// Letters and spaces, each for itself.
fn letters(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, part) in line.split("...").enumerate() {
        if at > 0 {
            pieces.push(Piece::Anything);
        }
        pieces.extend(part.chars().map(|c| Piece::Text(c.into())));
    }
    pieces
}

/// Numbers and what is between them, without spaces.
fn numbers(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for word in line.split_whitespace() {
        if word == "..." {
            pieces.push(Piece::Anything);
            continue;
        }
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let number = first.is_ascii_digit();
            let end = if number {
                number_end(rest)
            } else {
                rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len())
            };
            let (part, after) = rest.split_at(end);
            let parsed = if number { parse(part) } else { None };
            pieces.push(parsed.unwrap_or_else(|| Piece::Text(part.into())));
            rest = after;
        }
    }
    pieces
}

/// The line with `...` for what differs from machine to machine.
fn of_any_machine(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let of_machine = |at: usize| {
        let (word, unit) =
            (words[at], words.get(at + 1).map_or("", |word| word.trim_end_matches([',', ';'])));
        let date = word.split(['/', '-']).any(|part| part.len() == 8 && part.starts_with("20"));
        let digest = word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
        let measured = word.parse::<f64>().is_ok() && ["s", "ms", "MB"].contains(&unit);
        date || digest || measured
    };
    (0..words.len()).map(|at| if of_machine(at) { "..." } else { words[at] }).collect::<Vec<_>>().join(" ")
}

/// Where the number ends that `text` begins with, such as 50,000 or 4.48e-4.
fn number_end(text: &str) -> usize {
    let digits = |text: &str, more: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit() && !more.contains(c)).unwrap_or(text.len());
        text[..end].trim_end_matches(['.', ',']).len()
    };
    let mantissa = digits(text, ".,");
    let Some(exponent) = text[mantissa..].strip_prefix('e') else { return mantissa };
    let unsigned = exponent.strip_prefix('-').unwrap_or(exponent);
    match digits(unsigned, "") {
        0 => mantissa,
        length => mantissa + 1 + (exponent.len() - unsigned.len()) + length,
    }
}

/// A number; `None` for what only looks like one, such as a version.
fn parse(text: &str) -> Option<Piece> {
    let value = text.replace(',', "").parse().ok()?;
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let decimals = mantissa.split_once('.').map(|(_, decimals)| decimals.len() as f64);
    let exponent: f64 = exponent.parse().ok()?;
    let unit = decimals.map_or(0.0, |decimals| 10_f64.powf(exponent - decimals));
    Some(Piece::Number { value, unit })
}

/// Whether `printed` is `expected`, in which some parts stand for any number of others.
fn agree<T>(
    expected: &[T],
    printed: &[T],
    anything: &dyn Fn(&T) -> bool,
    same: &dyn Fn(&T, &T) -> bool,
) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if anything(first) => {
            (0..=printed.len()).any(|skipped| agree(rest, &printed[skipped..], anything, same))
        }
        Some((first, rest)) => match printed.split_first() {
            Some((next, others)) => same(first, next) && agree(rest, others, anything, same),
            None => false,
        },
    }
}

/// Whether `printed` is what is `expected`.
pub fn prints(expected: &str, printed: &str, compare: Compare) -> bool {
    let pieces = |line: &str| match compare {
        Compare::Letters => letters(line.trim_end()),
        Compare::Numbers => numbers(line),
        Compare::Roughly => numbers(&of_any_machine(line)),
    };
    let expected: Vec<_> = expected.lines().map(pieces).collect();
    let printed: Vec<_> = printed.lines().map(pieces).collect();
    let same = |expected: &Vec<Piece>, printed: &Vec<Piece>| {
        let matches = |piece: &Piece, printed: &Piece| piece.matches(printed, compare.tolerance());
        agree(expected, printed, &|piece| *piece == Piece::Anything, &matches)
    };
    agree(&expected, &printed, &|line| *line == [Piece::Anything], &same)
}

#[test]
fn numbers_are_compared_by_size_and_the_rest_to_the_letter() {
    for (expected, printed, exact, near) in [
        ("loss 9.0000, 35.63% of 50,000", "loss 9.0000, 35.63% of 50,000", true, true),
        ("loss 9.0000, 35.63% of 50,000", "loss  9.0899, 35.9% of 49,900", false, true),
        ("loss 9.0000", "loss 9.1000", false, false),
        ("loss 9.0000", "less 9.0000", false, false),
        ("error 2.8e-3 1.7", "error 2.7e-3 1.8", false, true),
        ("error 2.8e-3", "error 2.6e-3", false, false),
        ("epoch 1/10", "epoch 2/10", false, false),
        ("version 0.1.0", "version 0.1.0", true, true),
        ("[-0.5", "[0.5", false, false),
        ("a\n...\nb", "a\nb", true, true),
        ("a\n...\nb", "a\nc\nd\nb", true, true),
        ("a\n...\nb", "a\nc\nd", false, false),
        ("took ... in all", "took 0.3 s in all", true, true),
        ("took ...", "gave 0.3 s", false, false),
        ("a\nb", "a\n", false, false),
        ("a", "a\nb", false, false),
    ] {
        assert_eq!(prints(expected, printed, Compare::Letters), exact, "exactly: {expected:?} {printed:?}");
        assert_eq!(prints(expected, printed, Compare::Numbers), near, "by numbers: {expected:?} {printed:?}");
    }
}

#[test]
fn what_differs_from_machine_to_machine_does_not_count() {
    let printed =
        "Time: 0.91 s, 0.69 s of it training, peak memory 193 MB; loss 4.41; runs/20261123-151702-svm";
    for (other, same) in [
        ("Time: 19.1 s, 17 s of it training, peak memory 98 MB; loss 4.51; runs/20251123-101702-svm", true),
        (
            "Time: 0.91 s, 0.69 s of it training, peak memory 193 MB; loss 5.41; runs/20261123-151702-svm",
            false,
        ),
        (
            "Time: 0.91 s, 0.69 s of it waiting, peak memory 193 MB; loss 4.41; runs/20261123-151702-svm",
            false,
        ),
    ] {
        assert_eq!(prints(printed, other, Compare::Roughly), same, "{other}");
    }
}
