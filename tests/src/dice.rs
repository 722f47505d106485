//! Pseudorandom numbers that are the same in every run, so that a failure can be reproduced.

/// A pseudorandom number generator (SplitMix64). The field is its state, at first the seed.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// Returns a number from 0 to `bound` - 1.
    ///
    /// # Panics
    /// If `bound` is not positive.
    pub fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).expect("a positive bound"))
            .expect("a positive bound")
    }

    /// Returns one of the choices.
    ///
    /// # Panics
    /// If there is none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(i64::try_from(choices.len()).expect("a positive bound")))
            .expect("a positive bound")]
    }

    /// Returns true or false with equal probability.
    pub fn maybe(&mut self) -> bool {
        self.below(2) == 0
    }
}
