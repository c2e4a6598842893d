//! Whole numbers as decimal digits, eight at a time in one word.
//!
//! The digits of a number below 10^8 are separated by three multiplications that work on halves, quarters and eighths of a
//! word at once (the method is described by Paul Khuong, "How to print integers really fast", 2017); where the first digit
//! is follows from the zeros at the low end. No branch, no table, no copy. A number below
//! 256 is looked up.

/// Where eight digits do not do.
pub(super) const TEN_TO_THE_EIGHTH: u32 = 100_000_000;

/// Eight digits of a number below 10^8, the first in the lowest byte; each byte is 0 to 9.
#[inline(always)]
fn digits(number: u32) -> u64 {
    let halves = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    // Halves are below 10,000, for which the quotient by 100 is exact; quarters below 100, for which that by 10 is.
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let quarters = hundreds | (halves - 100 * hundreds) << 16;
    let tens = ((quarters * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | (quarters - 10 * tens) << 8
}

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The digits of a number below 10^8 with leading zeros, in the order of memory.
#[inline(always)]
pub(super) fn eight(number: u32) -> [u8; 8] {
    (digits(number) | ZEROS).to_le_bytes()
}

/// The digits of a number below 10^8 without leading zeros, in the order of memory, and how many they are.
#[inline(always)]
pub(super) fn up_to_eight(number: u32) -> ([u8; 8], usize) {
    let digits = digits(number);
    // The last digit is there, also if it is zero.
    let leading = (digits | 1 << 56).trailing_zeros() / 8;
    (
        ((digits | ZEROS) >> (8 * leading)).to_le_bytes(),
        8 - leading as usize,
    )
}

/// The digits of every number below 256 without leading zeros, and how many they are in the last byte.
static THREE: [[u8; 4]; 256] = {
    let mut table = [[0; 4]; 256];
    let mut number = 0;
    while number < 256 {
        let digits = [
            b'0' + (number / 100) as u8,
            b'0' + (number / 10 % 10) as u8,
            b'0' + (number % 10) as u8,
        ];
        table[number] = match number {
            100.. => [digits[0], digits[1], digits[2], 3],
            10.. => [digits[1], digits[2], 0, 2],
            _ => [digits[2], 0, 0, 1],
        };
        number += 1;
    }
    table
};

/// The digits of a number below 256 without leading zeros, in the order of memory, and how many they are.
#[inline(always)]
pub(super) fn three(number: u8) -> ([u8; 4], usize) {
    let entry = THREE[usize::from(number)];
    (entry, usize::from(entry[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_digits() {
        for number in 0..=u8::MAX {
            let (digits, len) = three(number);
            assert_eq!(&digits[..len], std::format!("{number}").as_bytes());
        }
    }

    #[test]
    fn every_half_has_its_digits() {
        for number in 0..10_000 {
            for number in [number, number * 10_000, 9_999 * 10_000 + number] {
                assert_eq!(eight(number), std::format!("{number:08}").as_bytes());
                let (digits, len) = up_to_eight(number);
                assert_eq!(&digits[..len], std::format!("{number}").as_bytes());
            }
        }
    }
}
