//! Whether two label vectors group the rows alike.

/// The buffers of repeated comparisons over labels below `limit`.
#[derive(Debug)]
pub(crate) struct Partitions {
    forward: Vec<u32>,
    backward: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;

impl Partitions {
    pub(crate) fn new(limit: usize) -> Self {
        Self { forward: vec![UNSEEN; limit], backward: vec![UNSEEN; limit] }
    }

    /// True if the labels agree up to renaming.
    pub(crate) fn same(&mut self, a: &[u32], b: &[u32]) -> bool {
        self.forward.fill(UNSEEN);
        self.backward.fill(UNSEEN);
        a.len() == b.len()
            && a.iter().zip(b).all(|(&x, &y)| {
                let (there, back) = (&mut self.forward[x as usize], &mut self.backward[y as usize]);
                if *there == UNSEEN && *back == UNSEEN {
                    (*there, *back) = (y, x);
                }
                *there == y && *back == x
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_is_the_same_merging_is_not() {
        let mut p = Partitions::new(3);
        assert!(p.same(&[0, 0, 1, 2], &[2, 2, 0, 1]));
        assert!(!p.same(&[0, 0, 1, 2], &[2, 2, 0, 0]));
        assert!(!p.same(&[0, 0, 1, 1], &[0, 1, 2, 2]));
        assert!(!p.same(&[0], &[0, 0]));
    }
}
