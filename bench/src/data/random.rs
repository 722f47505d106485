//! Pseudo-random numbers that are the same in every run.

/// The SplitMix64 generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Creates the generator for one row of a kind. Every row has its own, so it can be generated without the rows before.
    #[must_use]
    pub const fn of(kind: u64, row: u64) -> Self {
        let mut random = Self(kind.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ row.wrapping_mul(0x9e6c_63d0_876a_68ee));
        random.next();
        random
    }

    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number that is at least 0 and less than `bound`.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.next() % if bound == 0 { 1 } else { bound }
    }

    /// Returns a signed number that is at least 0 and less than `bound`.
    pub fn up_to(&mut self, bound: i64) -> i64 {
        i64::try_from(self.below(u64::try_from(bound).unwrap_or(1))).unwrap_or_default()
    }

    /// Returns true with the given probability in percent.
    pub const fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Returns one of the choices, or the type's default if there are none.
    pub fn one_of<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or_default();
        choices.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn each_row_has_its_own_reproducible_numbers() {
        let first = |row| Random::of(3, row).next();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
        let mut random = Random::of(0, 0);
        assert!((0..1_000).all(|_| random.below(7) < 7));
        assert_eq!(random.one_of::<u8>(&[]), 0);
    }
}
