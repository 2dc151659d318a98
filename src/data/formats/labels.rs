//! Labels as files have them, numbers or names, and the classes they come to.

use super::flaw::{Flaw, MISSING};
use std::collections::HashMap;

/// The most classes a data set may have.
pub const MOST_CLASSES: usize = 1 << 16;

/// One label an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Each different label once, as text, in order of appearance. Whole numbers are written plainly: 7, not 7.0.
    pub texts: Vec<String>,
    /// For each example its place in `texts`.
    pub of: Vec<u32>,
}

/// Collects labels one by one.
#[derive(Debug, Default)]
pub struct Collector {
    labels: Labels,
    /// Of each text as it was written, and of each name, its place among the names.
    places: HashMap<Box<[u8]>, u32>,
    /// Rows are often sorted by label: most are like the one before.
    last: Option<u32>,
    last_text: Vec<u8>,
}

impl Collector {
    /// Adds the label written as `text`.
    ///
    /// # Errors
    /// [`Flaw`] when it is missing, or there are more than [`MOST_CLASSES`] different ones.
    pub fn push(&mut self, text: &[u8]) -> Result<(), Flaw> {
        if let Some(place) = self.last.filter(|_| self.last_text == text) {
            self.labels.of.push(place);
            return Ok(());
        }
        let place = match self.places.get(text) {
            Some(&place) => place,
            None => self.add(text)?,
        };
        self.last = Some(place);
        self.last_text.clear();
        self.last_text.extend_from_slice(text);
        self.labels.of.push(place);
        Ok(())
    }

    /// A text not seen so far.
    fn add(&mut self, text: &[u8]) -> Result<u32, Flaw> {
        let name = plain(&String::from_utf8_lossy(text));
        if is_missing(&name) {
            let found = if name.is_empty() { "nothing".into() } else { name };
            return Err(Flaw::new(format!("row {}", self.labels.of.len()), found, "a label").hint(MISSING));
        }
        let known = self.places.get(name.as_bytes()).copied();
        let place = known.map_or(self.labels.texts.len(), |place| place as usize);
        if place == MOST_CLASSES {
            let place = format!("row {}", self.labels.of.len());
            return Err(Flaw::new(place, "more than 65,536 different labels", "the labels of classes")
                .hint("is it the right column? --label-column says which"));
        }
        if known.is_none() {
            self.places.insert(name.as_bytes().into(), place as u32);
            self.labels.texts.push(name);
        }
        self.places.insert(text.into(), place as u32);
        Ok(place as u32)
    }

    /// Adds all of `more`, which follow.
    ///
    /// # Errors
    /// As [`Collector::push`].
    pub fn append(&mut self, more: &Labels) -> Result<(), Flaw> {
        let mut places = Vec::with_capacity(more.texts.len());
        for text in &more.texts {
            places.push(match self.places.get(text.as_bytes()) {
                Some(&place) => place,
                None => self.add(text.as_bytes())?,
            });
        }
        self.labels.of.extend(more.of.iter().map(|&of| places[of as usize]));
        Ok(())
    }

    /// All labels.
    pub fn finish(self) -> Labels {
        self.labels
    }
}

/// The text of a label without what does not tell labels apart: blanks around it, and how a whole number is written.
pub fn plain(text: &str) -> String {
    let text = text.trim();
    let whole = |number: f64| number.trunc() == number && number.abs() < 9e15;
    match text.parse::<f64>() {
        Ok(number) if whole(number) => (number as i64).to_string(),
        _ => text.into(),
    }
}

/// Whether a label is none: no text, or the "not a number" that pandas and NumPy write for what is missing.
fn is_missing(text: &str) -> bool {
    text.is_empty() || text.parse().is_ok_and(f64::is_nan)
}

impl Labels {
    /// Labels that are numbers.
    ///
    /// # Errors
    /// As [`Collector::push`].
    pub fn from_numbers(numbers: impl Iterator<Item = i64>) -> Result<Self, Flaw> {
        let mut collector = Collector::default();
        for number in numbers {
            collector.push(number.to_string().as_bytes())?;
        }
        Ok(collector.finish())
    }

    /// The classes that these labels are: in numeric order if all are whole numbers, else in that of their letters.
    pub fn classes(&self) -> Vec<String> {
        let mut names = self.texts.clone();
        let numbers: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
        if let Some(mut numbers) = numbers {
            numbers.sort_unstable();
            return numbers.iter().map(ToString::to_string).collect();
        }
        names.sort_unstable();
        names
    }

    /// Forgets texts that no example has.
    pub fn forget_unused(&mut self) {
        let mut places: Vec<Option<u32>> = vec![None; self.texts.len()];
        let mut texts = Vec::new();
        for of in &mut self.of {
            let old = *of as usize;
            *of = *places[old].get_or_insert_with(|| {
                texts.push(self.texts[old].clone());
                texts.len() as u32 - 1
            });
        }
        self.texts = texts;
    }

    /// Each example's class: the one of the label's name; where no class has a number for its name, a number is a
    /// class's place, from 0.
    ///
    /// # Errors
    /// [`Flaw`] that names the labels which are no class.
    pub fn assign(&self, classes: &[String]) -> Result<Vec<u16>, Flaw> {
        let by_name: HashMap<&str, usize> =
            classes.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let by_place = classes.iter().all(|name| name.parse::<i64>().is_err());
        let class = |text: &String| {
            let place = || text.parse::<usize>().ok().filter(|&place| by_place && place < classes.len());
            by_name.get(text.as_str()).copied().or_else(place)
        };
        let found: Vec<Option<usize>> = self.texts.iter().map(class).collect();
        let unseen: Vec<&str> = self
            .texts
            .iter()
            .zip(&found)
            .filter(|(_, class)| class.is_none())
            .map(|(text, _)| text.as_str())
            .collect();
        if let Some(first) = found.iter().position(Option::is_none) {
            let row = self.of.iter().position(|&of| of as usize == first).unwrap_or_default();
            let labels =
                format!("{} {}", if unseen.len() == 1 { "the label" } else { "the labels" }, few(&unseen));
            let names: Vec<&str> = classes.iter().map(String::as_str).collect();
            return Err(Flaw::new(format!("row {row}"), labels, format!("only {}", few(&names)))
                .hint("a model knows the classes of its training examples only: leave such rows out"));
        }
        Ok(self.of.iter().map(|&of| found[of as usize].unwrap_or_default() as u16).collect())
    }
}

/// A list of names for a message; of a long one its beginning.
fn few(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(texts: &[&str]) -> Labels {
        let mut collector = Collector::default();
        texts.iter().for_each(|text| collector.push(text.as_bytes()).expect("few"));
        collector.finish()
    }

    #[test]
    fn numbers_sort_as_numbers_and_names_as_letters() {
        assert_eq!(labels(&["10", "9", "-1", "9.0", "+1"]).classes(), ["-1", "1", "9", "10"]);
        assert_eq!(labels(&["frog", "cat", "10", "frog"]).classes(), ["10", "cat", "frog"]);
    }

    #[test]
    fn a_label_is_a_name_or_a_place_among_names() {
        let names = ["cat", "dog", "frog"].map(String::from);
        assert_eq!(labels(&["dog", "cat", "dog"]).assign(&names), Ok(vec![1, 0, 1]));
        assert_eq!(labels(&["2", "0"]).assign(&names), Ok(vec![2, 0]));
        let numbers = ["3", "5"].map(String::from);
        assert_eq!(labels(&["5", "3"]).assign(&numbers), Ok(vec![1, 0]));
        // 0 is a place, but the classes are numbers themselves.
        assert!(labels(&["0"]).assign(&numbers).is_err());
    }

    #[test]
    fn labels_of_no_class_are_named_with_the_first_row() {
        let names = ["cat", "dog"].map(String::from);
        let flaw = labels(&["dog", "horse", "2", "horse"]).assign(&names).expect_err("unseen");
        assert_eq!(
            (flaw.place.as_str(), flaw.found.as_str(), flaw.expected.as_str()),
            ("row 1", "the labels horse, 2", "only cat, dog")
        );
    }

    #[test]
    fn a_missing_label_is_no_class() {
        for text in ["", "  ", "NaN", "nan", " -nan"] {
            let mut collector = Collector::default();
            collector.push(b"banana").expect("a label");
            let flaw = collector.push(text.as_bytes()).expect_err(text);
            assert_eq!((flaw.place.as_str(), flaw.expected.as_str()), ("row 1", "a label"));
        }
        assert_eq!(labels(&["nano", "none", "NA"]).classes(), ["NA", "nano", "none"]);
    }

    #[test]
    fn parts_join_by_text() {
        let mut collector = Collector::default();
        for part in [labels(&["b", "a"]), labels(&["a", "c", "b"])] {
            collector.append(&part).expect("few");
        }
        assert_eq!(collector.finish(), labels(&["b", "a", "a", "c", "b"]));
    }
}
