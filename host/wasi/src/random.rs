//! Random numbers: the system's, or a sequence that a seed determines.
//!
//! A seeded sequence is for runs that can be repeated and for nothing else; it makes the "secure" numbers of a guest
//! predictable, which whoever sets a seed wants.

use std::sync::{Arc, Mutex, PoisonError};

/// A source of random bytes. Clones continue the same sequence.
#[derive(Debug, Clone)]
pub struct Random(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<Sequence>>),
}

impl Random {
    /// The operating system's.
    pub fn system() -> Self {
        Random(Source::System)
    }

    /// The sequence of `seed`: the same in every run.
    pub fn seeded(seed: u64) -> Self {
        Random(Source::Seeded(Arc::new(Mutex::new(Sequence(seed)))))
    }

    /// Fills `buffer`.
    ///
    /// Errors: the operating system has no random numbers.
    pub fn fill(&self, buffer: &mut [u8]) -> Result<(), getrandom::Error> {
        match &self.0 {
            Source::System => getrandom::fill(buffer),
            Source::Seeded(sequence) => {
                let mut sequence = sequence.lock().unwrap_or_else(PoisonError::into_inner);
                for part in buffer.chunks_mut(8) {
                    let bytes = sequence.next().to_le_bytes();
                    part.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
                }
                Ok(())
            }
        }
    }

    /// One number.
    ///
    /// Errors: as [`Random::fill`].
    pub fn number(&self) -> Result<u64, getrandom::Error> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug)]
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_sequence() {
        let (one, two) = (Random::seeded(7), Random::seeded(7));
        let mut bytes = [0; 13];
        one.fill(&mut bytes).unwrap();
        let mut again = [0; 13];
        two.fill(&mut again).unwrap();
        assert_eq!(bytes, again);
        // The published first number of the sequence of seed 0.
        assert_eq!(Random::seeded(0).number().unwrap(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn clones_continue_the_sequence() {
        let one = Random::seeded(1);
        assert_ne!(one.number().unwrap(), one.clone().number().unwrap());
    }

    #[test]
    fn the_system_gives_fresh_numbers() {
        let random = Random::system();
        assert_ne!(random.number().unwrap(), random.number().unwrap());
    }
}
