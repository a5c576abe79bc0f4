//! From text to a quantity.
//!
//! Invariant: linear in the text; whatever it is, an amount or a reason.

use super::{Quantity, QuantityFormat, shifted};

/// The digits that Go holds without a big number: within them it keeps a text that is canonical.
const QUICK_DIGITS: i32 = 18;
/// The smallest power of ten that is held.
const NANO: i32 = -9;

/// Reads a quantity; the error says what is wrong.
pub(super) fn quantity(text: &str) -> Result<Quantity, &'static str> {
    let parts = Parts::of(text)?;
    let (base, exponent, format) = suffix(parts.suffix).ok_or("its suffix is unknown")?;
    let digits = parts.whole.len() + parts.fraction.len();
    let digits = i32::try_from(digits).map_err(|_| "it has too many digits")?;
    let fraction = parts.fraction.len() as i32;
    let scale = if base == 10 { exponent } else { 0 } - fraction;
    let amount = amount(&parts, base, exponent, scale)?;
    let (amount, scale) = (if parts.is_negative { -amount.0 } else { amount.0 }, amount.1);
    let spare = match format {
        QuantityFormat::BinarySi if fraction > 0 => -1,
        // 2^20 has some six digits.
        QuantityFormat::BinarySi => 14 - digits - exponent * 3 / 10,
        _ => QUICK_DIGITS - digits,
    };
    let is_quick = spare >= 0 && exponent_of(base, exponent) - fraction >= NANO;
    let mut quantity = Quantity::normal(amount, scale, format);
    if is_quick && is_canonical(&parts, format, exponent_of(base, exponent) - fraction) || text == "0" {
        quantity.text = Some(text.into());
    }
    if !is_quick && format == QuantityFormat::BinarySi && amount != 0 && quantity.is_below_one() {
        quantity.format = QuantityFormat::DecimalSi;
    }
    Ok(quantity)
}

impl Quantity {
    fn is_below_one(&self) -> bool {
        let digits = self.amount.unsigned_abs().checked_ilog10().unwrap_or_default();
        i64::from(digits) + i64::from(self.scale) < 0
    }
}

fn exponent_of(base: u32, exponent: i32) -> i32 {
    if base == 10 { exponent } else { 0 }
}

/// Go's rule by which a text counts as canonical.
fn is_canonical(parts: &Parts<'_>, format: QuantityFormat, scale: i32) -> bool {
    let digits = || parts.whole.bytes().chain(parts.fraction.bytes());
    if format == QuantityFormat::BinarySi {
        let low = parts
            .whole
            .bytes()
            .fold(0_u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
        return low & 7 != 0;
    }
    let ends_in_thousands = digits().count() >= 3 && digits().rev().take(3).all(|digit| digit == b'0');
    scale % 3 == 0 && !ends_in_thousands && digits().next() != Some(b'0')
}

/// A text taken apart.
struct Parts<'a> {
    is_negative: bool,
    /// Without leading zeros, "0" when there are no others.
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        let is_negative = text.starts_with('-');
        let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits_end = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (whole, rest) = rest.split_at(digits_end(rest));
        let (has_point, rest) = match rest.strip_prefix('.') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (fraction, suffix) = if has_point { rest.split_at(digits_end(rest)) } else { ("", rest) };
        let letters = suffix.trim_start_matches(['e', 'E', 'i', 'n', 'u', 'm', 'k', 'K', 'M', 'G', 'T', 'P']);
        let power = letters.strip_prefix(['-', '+']).unwrap_or(letters);
        if !power.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("it is no number with a suffix");
        }
        let stripped = whole.trim_start_matches('0');
        let whole = if stripped.is_empty() { "0" } else { stripped };
        Ok(Self { is_negative, whole, fraction, suffix })
    }
}

/// The base, the exponent and the format that a suffix stands for.
fn suffix(text: &str) -> Option<(u32, i32, QuantityFormat)> {
    use QuantityFormat::{BinarySi, DecimalExponent, DecimalSi};
    if let Some((_, exponent)) = super::print::DECIMAL.iter().find(|(suffix, _)| *suffix == text) {
        return Some((10, *exponent, DecimalSi));
    }
    if let Some(index) = super::print::BINARY.iter().position(|suffix| *suffix == text) {
        return Some((2, (index as i32 + 1) * 10, BinarySi));
    }
    let exponent: i32 = text.strip_prefix(['e', 'E'])?.parse().ok()?;
    // Room for the digits beside it.
    (exponent.abs() < i32::MAX / 2).then_some((10, exponent, DecimalExponent))
}

/// The amount and its scale, at least a nano, rounded up; of powers of two at most what an `i64` holds.
fn amount(parts: &Parts<'_>, base: u32, exponent: i32, scale: i32) -> Result<(i128, i32), &'static str> {
    const TOO_LONG: &str = "it has more than 38 digits";
    let digits = || parts.whole.bytes().chain(parts.fraction.bytes()).map(|digit| i128::from(digit - b'0'));
    if base == 10 {
        let dropped = usize::try_from(NANO.saturating_sub(scale)).unwrap_or_default();
        let kept = (parts.whole.len() + parts.fraction.len()).saturating_sub(dropped);
        // Zeros count only once a digit follows: those at the end are part of the scale.
        let (mut value, mut zeros) = (0_i128, 0);
        let is_inexact = digits().skip(kept).any(|digit| digit != 0);
        let add = |value, zeros, digit| shifted(value, zeros).and_then(|value| value.checked_add(digit));
        for digit in digits().take(kept) {
            zeros += 1;
            if digit != 0 {
                (value, zeros) = (add(value, zeros, digit).ok_or(TOO_LONG)?, 0);
            }
        }
        if is_inexact {
            (value, zeros) = (add(value, zeros, 1).ok_or(TOO_LONG)?, 0);
        }
        return Ok((value, scale.max(NANO).saturating_add(zeros)));
    }
    let factor = 1_i128 << exponent;
    let most = i128::from(i64::MAX);
    let whole = parts.whole.bytes().map(|digit| i128::from(digit - b'0')).try_fold(0_i128, push);
    let Some(whole) = whole.and_then(|whole| whole.checked_mul(factor)).filter(|whole| *whole < most) else {
        return Ok((most, 0));
    };
    // The fraction's first digits in 10^-19: times 2^60 they fit, and what they leave out rounds up.
    let part = parts.fraction.bytes().map(|digit| i128::from(digit - b'0'));
    let first = part.clone().chain(std::iter::repeat(0)).take(19).try_fold(0_i128, push).ok_or(TOO_LONG)?;
    let scaled = first.checked_mul(factor).ok_or(TOO_LONG)?;
    let unit = 10_i128.pow(10);
    let is_inexact = scaled % unit != 0 || part.skip(19).any(|digit| digit != 0);
    let nanos = scaled / unit + i128::from(is_inexact);
    let nanos =
        whole.checked_mul(10_i128.pow(9)).and_then(|whole| whole.checked_add(nanos)).ok_or(TOO_LONG)?;
    Ok((nanos.min(most * 10_i128.pow(9)), NANO))
}

fn push(value: i128, digit: i128) -> Option<i128> {
    value.checked_mul(10)?.checked_add(digit)
}
