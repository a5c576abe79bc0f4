//! From a quantity to its canonical text.
//!
//! Invariant: what is printed reads as the same amount.

use super::{Quantity, QuantityFormat, shifted};

/// The suffixes of powers of a thousand and their exponents of ten.
pub(super) const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
/// The suffixes of powers of 1024, the first power first.
pub(super) const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The canonical text. apimachinery's `CanonicalizeBytes`.
pub(super) fn canonical(quantity: &Quantity) -> String {
    if quantity.is_zero() {
        return "0".to_owned();
    }
    // Beyond that a suffix of these is read as less.
    const MOST: u128 = i64::MAX as u128;
    if quantity.format == QuantityFormat::BinarySi
        && let Some(whole) = shifted(quantity.amount, quantity.scale)
        && (1024..=MOST).contains(&whole.unsigned_abs())
    {
        return binary(whole);
    }
    decimal(quantity)
}

fn binary(mut whole: i128) -> String {
    let mut power = 0;
    while whole % 1024 == 0 && power < BINARY.len() {
        whole /= 1024;
        power += 1;
    }
    let suffix = power.checked_sub(1).and_then(|index| BINARY.get(index)).unwrap_or(&"");
    format!("{whole}{suffix}")
}

fn decimal(quantity: &Quantity) -> String {
    // The exponent becomes a multiple of three.
    let zeros = quantity.scale.rem_euclid(3);
    let exponent = quantity.scale - zeros;
    let number = format!("{}{}", quantity.amount, &"00"[..zeros as usize]);
    let suffix = DECIMAL.iter().find(|(_, known)| *known == exponent);
    match (quantity.format, suffix) {
        (_, Some((_, 0))) => number,
        (QuantityFormat::DecimalSi | QuantityFormat::BinarySi, Some((suffix, _))) => {
            format!("{number}{suffix}")
        }
        _ => format!("{number}e{exponent}"),
    }
}
