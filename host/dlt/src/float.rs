//! Floats as Rust displays them: the shortest digits that mean this very number, without an exponent.
//!
//! Most floats in traces are measured values with a few digits behind the point. Those are found by trying: `n` is the number times
//! a power of ten, rounded, and if `n` divided by that power is the number again, `n` has its digits. What has more digits, or
//! is very large or small, is left to the standard library.

use chipmunk_payload::TextArena;

/// Below these, powers of two up to which the types have every whole number, a whole number's shortest digits are all its
/// digits.
const WHOLE_32: f64 = 16_777_216.0;
const WHOLE_64: f64 = 9_007_199_254_740_992.0;

/// Digits behind the point, and that power of ten.
const POWERS_32: [(u32, f64); 4] = [(1, 1e1), (2, 1e2), (3, 1e3), (4, 1e4)];
const POWERS_64: [(u32, f64); 2] = [(3, 1e3), (6, 1e6)];

#[inline]
pub(crate) fn float32(value: f32, out: &mut TextArena) {
    let wide = f64::from(value);
    if !whole(wide, WHOLE_32, out) && !few_digits_32(value, out) {
        slowly(value, out);
    }
}

#[inline]
pub(crate) fn float64(value: f64, out: &mut TextArena) {
    if !whole(value, WHOLE_64, out) && !few_digits_64(value, out) {
        slowly(value, out);
    }
}

#[cold]
fn slowly(value: impl std::fmt::Display, out: &mut TextArena) {
    let _ = std::fmt::Write::write_fmt(out, format_args!("{value}"));
}

#[inline]
fn whole(value: f64, below: f64, out: &mut TextArena) -> bool {
    let is_whole = value.abs() < below
        && value.trunc() == value
        && !(value == 0.0 && value.is_sign_negative());
    if is_whole {
        out.push_signed(value as i64);
    }
    is_whole
}

/// Two decimals of at most 15 digits never mean the same `f64`. So one that means `value` is the only one, and what is left of
/// it without zeros at the end are the shortest digits. `n` is a whole number below 2^53 and the power is exact: the
/// division rounds once, as reading the decimal would.
#[inline]
fn few_digits_64(value: f64, out: &mut TextArena) -> bool {
    let size = value.abs();
    for (places, power) in POWERS_64 {
        let n = (size * power).round_ties_even();
        // Not zero: the negative one is to keep its sign.
        if (1.0..1e15).contains(&n) && n / power == size {
            put(value < 0.0, n as u64, places, out);
            return true;
        }
    }
    false
}

/// The shortest digits are those with the fewest places behind the point, and of several such decimals the one next to the
/// number. The product is exact (24 bits times at most 14); where the number is just between two decimals, the standard
/// library chooses. The quotient is rounded to an `f64` and then to an `f32`; the former would have to meet the middle between
/// two `f32`s for the two to differ from rounding once, and no decimal of so few places is that close to one without being it.
#[inline]
fn few_digits_32(value: f32, out: &mut TextArena) -> bool {
    let size = f64::from(value.abs());
    // Also false for what is no number.
    if !(1e-4..1e6).contains(&size) {
        return false;
    }
    for (places, power) in POWERS_32 {
        let exact = size * power;
        let n = exact.round_ties_even();
        if (n / power) as f32 == value.abs() {
            if (exact - n).abs() == 0.5 {
                return false;
            }
            put(value < 0.0, n as u64, places, out);
            return true;
        }
    }
    false
}

/// Writes `n` with `places` of its digits, at most six, behind the point, without zeros at the end.
#[inline(always)]
fn put(negative: bool, n: u64, places: u32, out: &mut TextArena) {
    let power = 10u64.pow(places);
    if negative {
        out.push_str("-");
    }
    out.push_unsigned(n / power);
    let mut fraction = (n % power) as u32;
    let mut places = places;
    while places > 1 && fraction.is_multiple_of(10) {
        fraction /= 10;
        places -= 1;
    }
    let mut digits = [b'.'; 7];
    for digit in digits.iter_mut().skip(1).take(places as usize).rev() {
        *digit = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
    out.push_plain(digits.get(..=places as usize).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::text_of;

    fn check32(value: f32) {
        assert_eq!(text_of(|out| float32(value, out)), value.to_string());
    }

    fn check64(value: f64) {
        assert_eq!(text_of(|out| float64(value, out)), value.to_string());
    }

    #[test]
    fn special_values() {
        for value in [
            0.0,
            -0.0,
            1.0,
            -17.0,
            0.1,
            0.001,
            -0.25,
            1e-7,
            1e15,
            1e16,
            1e300,
            999_999_999.999_999,
            9_007_199_254_740_993.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
            5e-324,
        ] {
            check64(value);
            check32(value as f32);
        }
        for value in [
            16_777_217.0,
            -269_400_951_226_368.0,
            f32::MAX,
            f32::MIN_POSITIVE,
        ] {
            check32(value);
        }
    }

    #[test]
    fn decimals_of_few_places() {
        for places in 0..8 {
            let power = 10f64.powi(places);
            for n in (0..2_000).chain((2_000..90_000_000).step_by(30_011)) {
                check64(f64::from(n) / power);
                check32((f64::from(n) / power) as f32);
            }
        }
    }

    #[test]
    fn neighbours_of_decimals_and_of_binary_fractions() {
        // Numbers just between two decimals are among them: 32768.0625, say.
        for whole in [
            0.0f32, 1.0, 99.0, 4096.0, 32_768.0, 65_536.0, 524_288.0, 999_999.0,
        ] {
            for sixteenths in 0..64u8 {
                let value = whole + f32::from(sixteenths) / 64.0;
                for bits in value.to_bits().saturating_sub(20)..value.to_bits() + 20 {
                    check32(f32::from_bits(bits));
                    check32(-f32::from_bits(bits));
                    check64(f64::from(f32::from_bits(bits)));
                }
            }
        }
    }

    #[test]
    fn any_bits() {
        let mut bits = 1u64;
        for _ in 0..300_000 {
            // Of Knuth's linear congruential generator the upper half.
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            check32(f32::from_bits((bits >> 32) as u32));
            // In the range of the short cut.
            check32(f32::from_bits(
                0x3800_0000 + ((bits >> 32) as u32 >> 3) % 0x1180_0000,
            ));
            check64(f64::from_bits(bits));
        }
    }
}
