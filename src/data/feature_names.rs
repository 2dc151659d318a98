//! Names of features: they tell whether two files have the same columns, which are otherwise known by place alone.

use super::formats::flaw::Flaw;

/// Makes sure that features have the names that are `expected`, those of `whose`, in their order. Where one side has no
/// names, nothing is known; other numbers of features are for others to tell.
///
/// # Errors
/// [`Flaw`] at the `place` of the first that is called otherwise.
pub fn check_names(
    found: Option<&[String]>,
    expected: Option<&[String]>,
    whose: &str,
    place: impl Fn(usize) -> String,
) -> Result<(), Flaw> {
    let (Some(found), Some(expected)) = (found, expected) else { return Ok(()) };
    match found.iter().zip(expected).position(|(found, expected)| found != expected) {
        None => Ok(()),
        Some(at) => {
            Err(Flaw::new(place(at), shown(&found[at]), format!("{} as in {whose}", shown(&expected[at])))
                .hint("features are known by their place: give the same columns in the same order"))
        }
    }
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "a column without name" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_other_name_is_told_and_no_names_are_not_looked_at() {
        let names = |text: &str| -> Vec<String> { text.split(',').map(Into::into).collect() };
        let check = |found: Option<&str>, expected: Option<&str>| {
            let (found, expected) = (found.map(names), expected.map(names));
            check_names(found.as_deref(), expected.as_deref(), "the model", |at| format!("feature {at}"))
                .map_err(|flaw| flaw.to_string())
        };
        for (found, expected) in [(Some("a,b"), Some("a,b")), (None, Some("a")), (Some("a"), None)] {
            assert_eq!(check(found, expected), Ok(()));
        }
        let told = |text: &str| Err(text.to_owned());
        assert_eq!(
            check(Some("a,c,b"), Some("a,b,c")),
            told("feature 1: found c, expected b as in the model")
        );
        assert_eq!(
            check(Some(",b"), Some("a,b")),
            told("feature 0: found a column without name, expected a as in the model")
        );
    }
}
