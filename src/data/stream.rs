//! Examples whose features stay in their files: some rows are read at a time, by a thread of its own, into room that is
//! used again.

use super::formats::in_place::InPlace;
use super::{DataError, Dataset, Examples, Features, Store, View};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Bytes of features that are read at a time where the order does not matter.
const PART_BYTES: usize = 4 << 20;

/// Examples whose labels are held, and whose features are not.
#[derive(Debug)]
pub struct Streamed {
    examples: Examples<InPlace>,
    /// No examples, of the kind that is read.
    none: Examples,
    /// Windows that nobody uses at the moment; both parts of a data set share them.
    spare: Arc<Mutex<Vec<Window>>>,
}

/// Rows that are in memory, and room for others.
#[derive(Debug)]
struct Window {
    /// They, in the order of the file.
    examples: Examples,
    /// The number of each in the file.
    origin: Vec<u32>,
    /// Where rows follow one another in the file: the number of the first in the file, and its number in `examples`.
    runs: Vec<[u32; 2]>,
    /// For each row of the part that was asked for, its number in `examples`.
    rows: Vec<u32>,
}

impl Window {
    fn like(examples: &Examples) -> Self {
        Self { examples: examples.clone(), origin: Vec::new(), runs: Vec::new(), rows: Vec::new() }
    }

    /// Bytes of one row of such examples, at most, while it is there.
    fn bytes_of_row(none: &Examples) -> usize {
        none.row_bytes() + size_of::<u16>() + 4 * size_of::<u32>()
    }

    /// Reads the rows of `part`.
    fn fill(&mut self, from: &Examples<InPlace>, part: &[u32]) -> Result<(), DataError> {
        copy(&mut self.origin, part.iter().copied());
        self.origin.sort_unstable();
        let origin = &self.origin;
        copy(&mut self.examples.labels, origin.iter().map(|&row| from.labels[row as usize]));
        let begins = |at: usize| at == 0 || origin[at] != origin[at - 1] + 1;
        self.runs.clear();
        self.runs.extend((0..origin.len()).filter(|&at| begins(at)).map(|at| [origin[at], at as u32]));
        let place = |&row: &u32| {
            let run = self.runs.partition_point(|run| run[0] <= row) - 1;
            self.runs[run][1] + (row - self.runs[run][0])
        };
        copy(&mut self.rows, part.iter().map(place));
        from.features.read(origin, &mut self.examples.features)
    }
}

/// Puts `values` in place of what is there; no more memory is taken than they need.
fn copy<T>(all: &mut Vec<T>, values: impl ExactSizeIterator<Item = T>) {
    all.clear();
    all.reserve_exact(values.len());
    all.extend(values);
}

impl Streamed {
    /// Both parts of a data set.
    pub(super) fn dataset(data: Dataset<Examples<InPlace>>) -> Dataset<Self> {
        let spare = Arc::default();
        data.map(|examples| {
            let features = if examples.features.is_bytes() {
                Features::Bytes(Vec::new())
            } else {
                Features::Floats(Vec::new())
            };
            let none = Examples { features, labels: Vec::new(), width: examples.width };
            Self { examples, none, spare: Arc::clone(&spare) }
        })
    }

    /// Bytes of memory that one row takes while it is there, its label and its numbers included.
    pub fn bytes_of_row(&self) -> usize {
        Window::bytes_of_row(&self.none)
    }

    fn take_spare(&self) -> Window {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| Window::like(&self.none))
    }

    fn give_back(&self, window: Window) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(window);
    }

    /// Reads one part after the other into windows of which there are never more than two: one that is looked at, and the
    /// next. `looked_at` tells that one was given back.
    fn read_ahead(
        &self,
        parts: &[&[u32]],
        looked_at: &Receiver<()>,
        send: &SyncSender<Result<Window, DataError>>,
    ) {
        for (index, part) in parts.iter().enumerate() {
            if index >= 2 && looked_at.recv().is_err() {
                return;
            }
            let mut window = self.take_spare();
            let filled = window.fill(&self.examples, part);
            let failed = filled.is_err();
            // Nobody may look any more.
            if let Err(unsent) = send.send(filled.map(|()| window)) {
                return unsent.0.into_iter().for_each(|window| self.give_back(window));
            }
            if failed {
                return;
            }
        }
    }
}

/// While one part is looked at, the next is read.
impl Store for Streamed {
    type Error = DataError;

    fn labels(&self) -> &[u16] {
        &self.examples.labels
    }

    fn like(&self) -> &Examples {
        &self.none
    }

    fn part_rows(&self) -> usize {
        /// As [`Store::part_rows`] promises.
        const MULTIPLE: usize = 256;
        (PART_BYTES / self.bytes_of_row() / MULTIPLE).max(1) * MULTIPLE
    }

    fn visit(
        &self,
        parts: &[&[u32]],
        take: &mut dyn FnMut(View<'_>) -> ControlFlow<()>,
    ) -> Result<(), DataError> {
        thread::scope(|scope| {
            let (tell, looked_at) = channel();
            // Without room: a window that nobody takes comes back to its sender.
            let (send, windows) = sync_channel(0);
            scope.spawn(move || self.read_ahead(parts, &looked_at, &send));
            for window in windows {
                let window = window?;
                let Window { examples, origin, rows, .. } = &window;
                let flow = take(View { examples, rows, origin: Some(origin) });
                self.give_back(window);
                if flow.is_break() {
                    break;
                }
                // The reader is gone if it has read all.
                let _ = tell.send(());
            }
            Ok(())
        })
    }

    fn for_each_bytes(&self, take: &mut dyn FnMut(&[u8])) -> Result<(), DataError> {
        let (rows, most) = (self.examples.len() as u32, self.part_rows() as u32);
        let mut features = self.none.features.clone();
        for first in (0..rows).step_by(most as usize) {
            let part: Vec<u32> = (first..rows.min(first + most)).collect();
            self.examples.features.read(&part, &mut features)?;
            features.for_each_bytes(&mut *take);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::element::Element;
    use crate::data::formats::in_place::{Layout, Place};
    use crate::data::{SampleWeights, Shape, Source};

    /// Rows of one feature, which is the row's number, as is the label.
    fn numbered(rows: usize) -> (tempfile::TempDir, Dataset<Streamed>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows");
        let bytes: Vec<u8> = (0..rows).flat_map(|row| (row as f32).to_le_bytes()).collect();
        std::fs::write(&path, bytes).expect("writes");
        let examples = || {
            let place = Place { path: path.clone(), name: None, start: 0, rows };
            let layout = Layout { before: 0, element: Element::F32, width: 1 };
            let features = InPlace::open(layout, [place]).expect("opens");
            Examples { features, labels: (0..rows as u16).collect(), width: 1 }
        };
        let data = Streamed::dataset(Dataset {
            name: String::new(),
            source: Source::BuiltIn,
            shape: Shape::Vector(1),
            class_names: Vec::new(),
            feature_names: None,
            train: examples(),
            test: examples(),
            weights: SampleWeights::default(),
            notes: Vec::new(),
        });
        (folder, data)
    }

    #[test]
    fn every_part_is_there_in_its_order() {
        let (_folder, data) = numbered(1000);
        let order: Vec<u32> = (0..1000).map(|index| (index * 777) % 1000).collect();
        let parts: Vec<&[u32]> = order.chunks(64).collect();
        for store in [&data.train, &data.test] {
            let mut seen = Vec::new();
            let visited = store.visit(&parts, &mut |view| {
                let origin = view.origin.expect("others than in the file");
                for &row in view.rows {
                    let number = origin[row as usize];
                    assert_eq!(view.examples.features.get(row as usize), number as f32);
                    assert_eq!(u32::from(view.examples.labels[row as usize]), number);
                    seen.push(number);
                }
                assert_eq!(view.gather(&order)[0], order[origin[0] as usize]);
                ControlFlow::Continue(())
            });
            visited.expect("reads");
            assert_eq!(seen, order);
        }
        let spare = data.train.spare.lock().expect("nobody panicked").len();
        assert!((1..=2).contains(&spare), "{spare} windows");
    }

    #[test]
    fn whoever_has_seen_enough_is_not_shown_more() {
        let (_folder, data) = numbered(1000);
        let all = data.train.all();
        let parts: Vec<&[u32]> = all.chunks(10).collect();
        for stop in [1, 2, 3, 50, 100] {
            let mut shown = 0;
            let visited = data.train.visit(&parts, &mut |_| {
                shown += 1;
                if shown == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            visited.expect("reads");
            assert_eq!(shown, stop);
        }
    }

    #[test]
    fn what_is_gone_is_told() {
        let (folder, data) = numbered(1000);
        let file = std::fs::File::options().write(true).open(folder.path().join("rows")).expect("opens");
        file.set_len(2000).expect("shrinks");
        let all = data.train.all();
        let parts: Vec<&[u32]> = all.chunks(100).collect();
        let mut shown = 0;
        let visited = data.train.visit(&parts, &mut |_| {
            shown += 1;
            ControlFlow::Continue(())
        });
        assert!(visited.is_err() && shown == 5, "{shown}");
        assert!(data.try_digest().is_err());
    }
}
