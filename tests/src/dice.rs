//! Random rows for tests that compare figures: the same in every run, so that a failure comes back.

/// Numbers that look random and are the same in every run (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// From 0 up to, but without, the bound, which is above 0.
    ///
    /// # Panics
    /// For a bound of 0 or below.
    pub fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).expect("a bound is small and above 0"))
            .expect("a bound is small and above 0")
    }

    /// One of the choices, of which there is at least one.
    ///
    /// # Panics
    /// Where there is none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(i64::try_from(choices.len()).expect("a bound is small and above 0")))
            .expect("a bound is small and above 0")]
    }

    /// Yes or no.
    pub fn maybe(&mut self) -> bool {
        self.below(2) == 0
    }
}
