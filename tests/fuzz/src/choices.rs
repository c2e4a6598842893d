//! Where all randomness comes from: a sequence of choices that is drawn from a seed, remembered, and can be replayed.
//!
//! A generator asks for numbers below a bound; it is written so that 0 means the simplest thing (the first case, the empty
//! list, no mutation). A failing case is therefore made smaller without knowing what it is: drop some of its choices, or lower
//! them, and see whether it still fails ([`shrink`]). Choices that are missing at the end are zeros.
//!
//! The generator of numbers is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).

/// A source of choices.
#[derive(Debug, Clone)]
pub struct Choices {
    /// What is drawn from when there is nothing to replay.
    state: Option<u64>,
    made: Vec<u64>,
    next: usize,
}

impl Choices {
    /// Choices drawn from a seed: the same seed, the same choices.
    pub fn seeded(seed: u64) -> Choices {
        Choices {
            state: Some(seed),
            made: Vec::new(),
            next: 0,
        }
    }

    /// Choices made before, then zeros.
    pub fn replay(made: Vec<u64>) -> Choices {
        Choices {
            state: None,
            made,
            next: 0,
        }
    }

    /// What was chosen so far.
    pub fn made(&self) -> &[u64] {
        self.made.get(..self.next).unwrap_or(&self.made)
    }

    fn raw(&mut self) -> u64 {
        let choice = match (self.made.get(self.next), &mut self.state) {
            (Some(choice), _) => *choice,
            (None, None) => 0,
            (None, Some(state)) => {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^ (z >> 31)
            }
        };
        if self.next == self.made.len() {
            self.made.push(choice);
        }
        self.next += 1;
        choice
    }

    /// Replaces the last choice by what it stood for, so that a sequence is shrunk in small numbers.
    fn settle(&mut self, value: u64) -> u64 {
        if let Some(last) = self.made.get_mut(self.next - 1) {
            *last = value;
        }
        value
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.raw()
    }

    /// A number below `bound`, which is taken as at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        let value = self.raw() % (bound.max(1) as u64);
        self.settle(value) as usize
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        // 0 is the simple answer.
        self.below(n) == n - 1 && n > 0
    }

    /// A length up to `most`, small ones more often.
    pub fn length(&mut self, most: usize) -> usize {
        match self.below(8) {
            0 => 0,
            1..=3 => self.below(most.min(3) + 1),
            4..=6 => self.below(most.min(12) + 1),
            _ => self.below(most + 1),
        }
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

/// Makes a failing sequence of choices smaller: as long as `fails` says yes, within `attempts` tries.
pub fn shrink(
    choices: Vec<u64>,
    attempts: usize,
    mut fails: impl FnMut(&[u64]) -> bool,
) -> Vec<u64> {
    let mut best = choices;
    let mut left = attempts;
    let mut attempt = |candidate: Vec<u64>, best: &mut Vec<u64>| {
        if left == 0 || candidate == *best {
            return false;
        }
        left -= 1;
        let better = fails(&candidate);
        if better {
            *best = candidate;
        }
        better
    };
    loop {
        let before = best.clone();
        // Cut out runs, long ones first.
        let mut run = best.len() / 2;
        while run > 0 {
            let mut at = 0;
            while at < best.len() {
                let mut candidate = best.clone();
                candidate.drain(at..(at + run).min(best.len()));
                if !attempt(candidate, &mut best) {
                    at += run;
                }
            }
            run /= 2;
        }
        // Lower single choices.
        for at in 0..best.len() {
            for lower in [|_: u64| 0, |c: u64| c / 2, |c: u64| c.saturating_sub(1)] {
                let mut candidate = best.clone();
                if let Some(choice) = candidate.get_mut(at) {
                    *choice = lower(*choice);
                }
                attempt(candidate, &mut best);
            }
        }
        if best == before {
            return best;
        }
    }
}
