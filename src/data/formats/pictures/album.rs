//! Pictures whose encoded bytes are inside another file.

use super::decode::{Picture, is_picture, parse};
use super::{check_same, on_all_threads, table};
use crate::data::formats::flaw::Flaw;
use crate::data::formats::labels::Labels;
use crate::data::formats::table::Table;

/// Decoded pictures, in order.
#[derive(Default)]
pub struct Album(Vec<Picture>);

impl Album {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Decodes `encoded` side by side, and resizes them to `size`.
    ///
    /// # Errors
    /// [`Flaw`] at the `place` of one that is damaged, or, without `size`, of another size than those before it.
    pub fn add(
        &mut self,
        encoded: &[&[u8]],
        size: Option<[usize; 2]>,
        place: impl Fn(usize) -> String,
    ) -> Result<(), Flaw> {
        let decode = |bytes: &[u8]| {
            if !is_picture(bytes) {
                return Err(Flaw::whole("bytes that begin like neither", "a PNG or a JPEG"));
            }
            Ok(parse(bytes)?.fit(size))
        };
        for (at, picture) in on_all_threads(encoded, |&bytes| decode(bytes)).into_iter().enumerate() {
            let expected = self.0.first().map(|first| first.size);
            let checked = picture
                .and_then(|picture| check_same(&picture, expected.unwrap_or(picture.size)).map(|()| picture));
            self.0.push(checked.map_err(|flaw| flaw.within(&place(at)))?);
        }
        Ok(())
    }

    /// All of them, with so many `channels`; without that one if all are grey, and three if not.
    ///
    /// # Errors
    /// [`Flaw`] when there is none.
    pub fn table(&self, channels: Option<usize>, labels: Option<Labels>) -> Result<Table, Flaw> {
        let most = self.0.iter().map(|picture| picture.planes.len()).max();
        let most = most.ok_or_else(|| Flaw::whole("no pictures", "at least one"))?;
        Ok(table(&self.0, channels.unwrap_or(most), labels))
    }
}
