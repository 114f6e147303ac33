//! Work shared out over threads without the result knowing how many there were.

use rayon::prelude::*;

/// Runs `work` over consecutive parts of the items, at most `parts` of them and no more than there
/// are threads, and joins what the parts give in the items' order.
///
/// What an item gives must not depend on which others are in its part; then the result is the same
/// on any number of threads.
pub(crate) fn in_parts<T: Sync, R: Send>(
    items: &[T],
    parts: usize,
    work: impl Fn(&[T]) -> Vec<R> + Sync,
) -> Vec<R> {
    let parts = rayon::current_num_threads().min(parts).min(items.len());
    if parts < 2 {
        return work(items);
    }
    let size = items.len().div_ceil(parts);
    let found: Vec<Vec<R>> = items.par_chunks(size).map(&work).collect();
    found.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept_on_any_number_of_threads_and_parts() {
        let items: Vec<usize> = (0..23).collect();
        for threads in [1, 2, 5, 30] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for parts in [0, 1, 3, 100] {
                let double = |part: &[usize]| part.iter().map(|x| 2 * x).collect();
                let found = pool.install(|| in_parts(&items, parts, double));
                assert!(found.iter().zip(&items).all(|(f, x)| *f == 2 * x));
                assert_eq!(found.len(), 23);
            }
        }
    }
}
