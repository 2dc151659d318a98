//! The fields of a line, quoted or not.

use std::borrow::Cow;

/// One field: its bytes in the row, and its text without quotes.
pub struct Field<'a> {
    pub length: usize,
    pub text: Cow<'a, [u8]>,
}

/// The field that begins at `at`.
pub fn field(row: &[u8], at: usize, separator: u8) -> Field<'_> {
    let rest = &row[at.min(row.len())..];
    if rest.first() != Some(&b'"') {
        let length = memchr::memchr(separator, rest).unwrap_or(rest.len());
        return Field { length, text: Cow::Borrowed(rest[..length].trim_ascii()) };
    }
    let mut text = Vec::new();
    let mut at = 1;
    while let Some(length) = memchr::memchr(b'"', &rest[at..]) {
        text.extend_from_slice(&rest[at..at + length]);
        at += length + 1;
        // Two quotes stand for one.
        if rest.get(at) != Some(&b'"') {
            break;
        }
        text.push(b'"');
        at += 1;
    }
    let length = at + memchr::memchr(separator, &rest[at..]).unwrap_or(rest.len() - at);
    Field { length, text: Cow::Owned(text) }
}

/// All of them, as texts.
pub fn fields(row: &[u8], separator: u8) -> Vec<String> {
    let mut fields = Vec::new();
    let mut at = 0;
    while at <= row.len() {
        let field = field(row, at, separator);
        at += field.length + 1;
        fields.push(String::from_utf8_lossy(&field.text).into_owned());
    }
    fields
}
