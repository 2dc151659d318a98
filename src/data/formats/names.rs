//! What an array is for, by its name: the one rule for files of a folder, entries of an `.npz` and tensors.
//!
//! A name is cut into words: `X_train.npy`, `train-images-idx3-ubyte.gz`, `test_labels`. One word may say the part
//! (train; test or t10k; val), one must say the role (features or labels). What is left is the group: folders may
//! hold several sets, such as `emnist-letters-train-images-idx3-ubyte` beside `emnist-digits-...`.

use super::flaw::Flaw;

/// Which examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What training sees.
    Train,
    /// What only the final figures see.
    Test,
    /// A part this program makes itself: `--validation`.
    Validation,
    /// No part is named.
    Whole,
}

/// Which array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// X.
    Features,
    /// One label a row.
    Labels,
    /// One weight a row.
    Weights,
    /// Names of the classes, by number.
    ClassNames,
}

/// What a name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Which set, where there are several; mostly empty.
    pub group: String,
    /// Which examples.
    pub part: Part,
    /// Which array.
    pub role: Role,
}

/// What `name` says; `None` if it says no role.
pub fn read_name(name: &str) -> Option<Name> {
    let lower = name.to_lowercase();
    let mut words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.retain(|word| !matches!(*word, "npy" | "gz" | "ubyte" | "idx1" | "idx2" | "idx3" | "idx4"));
    let part = part_of(&words);
    let role = if words.contains(&"names") {
        Role::ClassNames
    } else if words.iter().any(|word| is_weights(word)) {
        Role::Weights
    } else if words.iter().any(|word| is_labels(word)) {
        Role::Labels
    } else if words.iter().any(|word| is_features(word)) {
        Role::Features
    } else {
        return None;
    };
    words.retain(|word| part_word(word).is_none() && !is_labels(word) && !is_features(word));
    words.retain(|word| role != Role::ClassNames || !matches!(*word, "names" | "class" | "classes"));
    words
        .retain(|word| role != Role::Weights || !(is_weights(word) || matches!(*word, "sample" | "example")));
    Some(Name { group: words.join(" "), part, role })
}

/// The part that the words of a name say.
pub fn part_of(words: &[&str]) -> Part {
    words.iter().find_map(|word| part_word(word)).unwrap_or(Part::Whole)
}

fn part_word(word: &str) -> Option<Part> {
    match word {
        "train" | "training" => Some(Part::Train),
        "test" | "testing" | "t10k" => Some(Part::Test),
        "val" | "valid" | "validation" | "dev" => Some(Part::Validation),
        _ => None,
    }
}

fn is_features(word: &str) -> bool {
    matches!(
        word,
        "x" | "features" | "feature" | "images" | "image" | "data" | "embeddings" | "inputs" | "pixels"
    )
}

fn is_weights(word: &str) -> bool {
    matches!(word, "weights" | "weight")
}

fn is_labels(word: &str) -> bool {
    matches!(word, "y" | "labels" | "label" | "targets" | "target")
}

/// Where among the names the arrays of a data set are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Features and labels to train on, or of all examples.
    pub first: (usize, usize),
    /// Features and labels to test with, if parts are named.
    pub test: Option<(usize, usize)>,
    /// Weights of the first examples, and of those to test with.
    pub weights: [Option<usize>; 2],
    /// Names of the classes.
    pub class_names: Option<usize>,
    /// Names that are left out though they look like examples.
    pub left_out: Vec<usize>,
}

/// Finds features and labels among `names`, and weights if there are any: those called `weights`, if that is given.
///
/// # Errors
/// [`Flaw`] when one of a pair is missing, or when there are several sets.
pub fn choose(names: &[String], weights: Option<&str>) -> Result<Chosen, Flaw> {
    let read: Vec<Option<Name>> = names.iter().map(|name| read_name(name)).collect();
    let mut groups: Vec<&str> = read
        .iter()
        .flatten()
        .filter(|name| name.role == Role::Features)
        .map(|name| name.group.as_str())
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let [group] = groups[..] else {
        return Err(if groups.is_empty() {
            let found = if names.is_empty() { "nothing".into() } else { few(names) };
            Flaw::whole(found, "features and labels, such as X_train, y_train, X_test, y_test")
                .hint("name the arrays so: data/README.md lists the words")
        } else {
            Flaw::whole(format!("{} sets: {}", groups.len(), groups.join(", ")), "the features of one set")
                .hint("give --data one of its files, or leave only one set there")
        });
    };
    let find = |part: Part, role: Role| -> Result<Option<usize>, Flaw> {
        let is = |name: &Option<Name>| {
            name.as_ref().is_some_and(|name| name.part == part && name.role == role && name.group == group)
        };
        let mut places = (0..read.len()).filter(|&place| is(&read[place]));
        let first = places.next();
        match (first, places.next()) {
            (Some(first), Some(second)) => {
                Err(Flaw::whole(format!("{} and {}", names[first], names[second]), "one array of each kind")
                    .hint("leave only one of them there"))
            }
            _ => Ok(first),
        }
    };
    let pair = |part: Part| -> Result<Option<(usize, usize)>, Flaw> {
        match (find(part, Role::Features)?, find(part, Role::Labels)?) {
            (Some(features), Some(labels)) => Ok(Some((features, labels))),
            (None, None) => Ok(None),
            (Some(one), None) => Err(Flaw::whole(format!("{} and no labels to it", names[one]), "both")
                .hint("name the labels like the features: y_train to X_train, labels to features")),
            (None, Some(one)) => Err(Flaw::whole(format!("{} and no features to it", names[one]), "both")
                .hint("name the features like the labels: X_train to y_train, features to labels")),
        }
    };
    let (train, test) = (pair(Part::Train)?, pair(Part::Test)?);
    let class_names =
        read.iter().position(|name| name.as_ref().is_some_and(|name| name.role == Role::ClassNames));
    let first = match (train, test) {
        (Some(train), _) => train,
        (None, Some(_)) => {
            return Err(Flaw::whole("test examples only", "training examples too")
                .hint("name them X_train and y_train, or train-images and train-labels"));
        }
        (None, None) => pair(Part::Whole)?.ok_or_else(|| {
            Flaw::whole(few(names), "features and labels, such as X_train, y_train, X_test, y_test")
                .hint("name the arrays so: data/README.md lists the words")
        })?,
    };
    let first_part = if train.is_some() { Part::Train } else { Part::Whole };
    let of_first = match weights {
        Some(wanted) => Some(names.iter().position(|name| name == wanted).ok_or_else(|| {
            Flaw::whole(few(names), format!("an array {wanted:?} of weights"))
                .hint("--weight-column takes the name of an array")
        })?),
        None => find(first_part, Role::Weights)?.or(find(Part::Whole, Role::Weights)?),
    };
    let of_test = if test.is_some() { find(Part::Test, Role::Weights)? } else { None };
    let weights = [of_first, of_test];
    let used =
        [Some(first.0), Some(first.1), test.map(|t| t.0), test.map(|t| t.1), class_names, of_first, of_test];
    let left_out = (0..names.len()).filter(|&at| read[at].is_some() && !used.contains(&Some(at))).collect();
    Ok(Chosen { first, test, weights, class_names, left_out })
}

/// A list of names for a message; of a long one its beginning.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str]) -> Result<Chosen, String> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        choose(&names, None).map_err(|flaw| flaw.to_string())
    }

    #[test]
    fn names_in_use_are_understood() {
        for (name, group, part, role) in [
            ("X_train.npy", "", Part::Train, Role::Features),
            ("y_test", "", Part::Test, Role::Labels),
            ("train-images-idx3-ubyte", "", Part::Train, Role::Features),
            ("t10k-labels-idx1-ubyte.gz", "", Part::Test, Role::Labels),
            ("train-images.idx3-ubyte", "", Part::Train, Role::Features),
            ("emnist-letters-train-images-idx3-ubyte.gz", "emnist letters", Part::Train, Role::Features),
            ("val_images", "", Part::Validation, Role::Features),
            ("features", "", Part::Whole, Role::Features),
            ("labels", "", Part::Whole, Role::Labels),
            ("class_names", "", Part::Whole, Role::ClassNames),
            ("label_names.npy", "", Part::Whole, Role::ClassNames),
            ("clip_train_embeddings.npy", "clip", Part::Train, Role::Features),
            ("sample_weights", "", Part::Whole, Role::Weights),
            ("sample_weight_test.npy", "", Part::Test, Role::Weights),
        ] {
            let expected = Name { group: group.into(), part, role };
            assert_eq!(read_name(name), Some(expected), "{name}");
        }
        assert_eq!(read_name("notes.txt"), None);
    }

    #[test]
    fn pairs_are_found_in_any_order() {
        let found =
            chosen(&["y_test", "x_train", "class_names", "x_test", "val_images", "y_train", "readme"]);
        let expected = Chosen {
            first: (1, 5),
            test: Some((3, 0)),
            weights: [None; 2],
            class_names: Some(2),
            left_out: vec![4],
        };
        assert_eq!(found, Ok(expected));
        let found = chosen(&["labels", "features"]).expect("a pair");
        assert_eq!((found.first, found.test), ((1, 0), None));
    }

    #[test]
    fn what_is_missing_or_double_is_named() {
        for (names, part) in [
            (&["X_train.npy"][..], "X_train.npy and no labels to it"),
            (&["X_train", "y_train", "y_test"], "y_test and no features to it"),
            (&["x_test", "y_test"], "test examples only"),
            (&["a", "b"], "found a, b, expected features and labels"),
            (&[], "found nothing"),
            (&["X_train", "x_train", "y_train"], "X_train and x_train"),
            (&["a_x", "b_x", "a_y", "b_y"], "2 sets: a, b"),
        ] {
            let error = chosen(names).expect_err("incomplete");
            assert!(error.contains(part), "{names:?}: {error}");
        }
    }
}
