//! Memory for whole data sets, in pages as large as the system has.
//!
//! Fresh memory is handed over by the system page by page, at the first touch of each. With pages of 4 KiB that takes
//! longer than to copy a cached file into them; with pages of 2 MiB a third of the time goes for both, and products find
//! more of their addresses in the processor's table of pages.

/// `count` zeros, in huge pages where there are any. Memory is taken when it is touched.
pub fn zeros<T: bytemuck::Zeroable + Clone>(count: usize) -> Vec<T> {
    let values = vec![T::zeroed(); count];
    advise(&values);
    values
}

/// An empty list with room for `count`, in huge pages where there are any. Memory is taken when it is touched.
pub fn with_capacity<T>(count: usize) -> Vec<T> {
    let mut values = Vec::with_capacity(count);
    advise(values.spare_capacity_mut());
    values
}

/// Asks for huge pages for `memory`, wherever a whole one fits. Nothing depends on the answer.
#[cfg(target_os = "linux")]
fn advise<T>(memory: &[T]) {
    use rustix::mm::{Advice, madvise};

    /// The size of a huge page of x86-64, and of ARM with small pages of 4 KiB.
    const HUGE: usize = 2 << 20;
    /// Smaller lists come from memory that others share.
    const LEAST: usize = 8 * HUGE;
    let bytes = size_of_val(memory);
    if bytes < LEAST {
        return;
    }
    let start = memory.as_ptr().cast_mut().cast::<u8>();
    let before = start.align_offset(HUGE).min(bytes);
    let length = (bytes - before) / HUGE * HUGE;
    // SAFETY: the range lies within `memory`, and this advice changes neither its content nor who may use it: it only
    // says how large the pages are to be.
    let _refused = unsafe { madvise(start.add(before).cast(), length, Advice::LinuxHugepage) };
}

#[cfg(not(target_os = "linux"))]
fn advise<T>(_memory: &[T]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_all_sizes_are_zeros_and_hold_what_is_put_there() {
        for count in [0, 1, 4095, 4 << 20, (4 << 20) + 1, 9_000_001] {
            let mut values = zeros::<f32>(count);
            assert!(values.len() == count && values.iter().all(|&value| value == 0.0), "{count}");
            values.iter_mut().enumerate().for_each(|(index, value)| *value = index as f32);
            assert!(values.iter().enumerate().all(|(index, &value)| value == index as f32), "{count}");
            let mut grown = with_capacity::<f32>(count);
            grown.extend_from_slice(&values);
            grown.extend_from_slice(&values[..count.min(7)]);
            assert_eq!((grown.len(), &grown[..count]), (count + count.min(7), &values[..]));
        }
    }
}
