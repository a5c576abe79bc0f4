//! Amounts of resources: `100m`, `1.5Gi`, `2e3`. apimachinery's `resource.Quantity`.
//!
//! After apimachinery's `pkg/api/resource`, v0.37. What differs: at most 38 digits are held, and what needs more is an
//! error, not an ever longer number; what is beyond `E`, or of powers of 1024 beyond an `i64`, prints in decimal, where Go
//! drops the suffix or prints what it reads as less; [`Quantity::scaled_value`] stops at the ends of an `i64`, where Go
//! wraps around.
//! Invariant: an amount is a whole number of nanos, rounded up, never down, and prints as a text that reads as the same.

mod parse;
mod print;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::api::resource;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

/// An amount of a resource. Equal and ordered by what it amounts to, however it is written.
///
/// ```
/// use portolan::meta::Quantity;
/// let (request, limit): (Quantity, Quantity) = ("1500m".parse()?, "2".parse()?);
/// assert!(request < limit);
/// assert_eq!(limit.checked_sub(&request).map(|free| free.to_string()).as_deref(), Some("500m"));
/// # Ok::<(), portolan::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Quantity {
    /// It is `amount` times ten to the power of `scale`; the amount ends in no zero, and zero has the scale 0.
    amount: i128,
    scale: i32,
    format: QuantityFormat,
    /// The text it was read from, when that is how Go would print it.
    text: Option<Box<str>>,
}

/// How a quantity is written. apimachinery's `resource.Format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuantityFormat {
    /// `1500m`, `12k`, `3M`: powers of a thousand.
    #[default]
    DecimalSi,
    /// `12Ki`, `3Mi`: powers of 1024, for whole amounts from 1024 up; others are written in decimal.
    BinarySi,
    /// `12e3`.
    DecimalExponent,
}

impl Quantity {
    /// `value`. apimachinery's `resource.NewQuantity`.
    pub fn new(value: i64, format: QuantityFormat) -> Self {
        Self::scaled(value, 0, format)
    }

    /// `value` times ten to the power of `scale`: −3 for thousandths. apimachinery's `resource.NewScaledQuantity`.
    pub fn scaled(value: i64, scale: i32, format: QuantityFormat) -> Self {
        Self::normal(value.into(), scale, format)
    }

    /// How it is written.
    pub fn format(&self) -> QuantityFormat {
        self.format
    }

    /// The same amount, written in another way.
    #[must_use]
    pub fn with_format(self, format: QuantityFormat) -> Self {
        Self { format, text: None, ..self }
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.amount == 0
    }

    /// −1, 0 or 1. apimachinery's `Sign`.
    pub fn sign(&self) -> i32 {
        self.amount.signum() as i32
    }

    /// How many times ten to the power of `scale` it is, away from zero to the next whole number; at most what an `i64`
    /// holds. apimachinery's `ScaledValue`.
    pub fn scaled_value(&self, scale: i32) -> i64 {
        let (rounded, _) = self.rounded(scale);
        let end = if rounded.amount < 0 { i64::MIN } else { i64::MAX };
        let shift = rounded.scale.saturating_sub(scale);
        let whole = shifted(rounded.amount, shift).and_then(|whole| i64::try_from(whole).ok());
        whole.unwrap_or(end)
    }

    /// It in whole units, away from zero to the next. apimachinery's `Value`.
    pub fn value(&self) -> i64 {
        self.scaled_value(0)
    }

    /// It in thousandths, away from zero to the next. apimachinery's `MilliValue`.
    pub fn milli_value(&self) -> i64 {
        self.scaled_value(-3)
    }

    /// It as an integer, when it is one that an `i64` holds. apimachinery's `AsInt64`.
    pub fn as_i64(&self) -> Option<i64> {
        shifted(self.amount, self.scale).and_then(|whole| i64::try_from(whole).ok())
    }

    /// The nearest double, infinite when it is beyond all. apimachinery's `AsFloat64Slow`.
    pub fn as_f64(&self) -> f64 {
        format!("{}e{}", self.amount, self.scale).parse().unwrap_or(f64::NAN)
    }

    /// It away from zero to the next multiple of ten to the power of `scale`, and whether nothing was changed by that.
    /// apimachinery's `RoundUp`.
    #[must_use]
    pub fn rounded(&self, scale: i32) -> (Self, bool) {
        let dropped = scale.saturating_sub(self.scale);
        if dropped <= 0 || self.amount == 0 {
            return (self.clone(), true);
        }
        let divisor = u32::try_from(dropped).ok().and_then(|dropped| 10_i128.checked_pow(dropped));
        let whole = divisor.map_or(0, |divisor| self.amount / divisor);
        // The amount ends in no zero: something is always lost.
        (Self::normal(whole + self.amount.signum(), scale, self.format), false)
    }

    /// The sum, in the format of the first that is not nothing; `None` when it needs more than 38 digits. apimachinery's
    /// `Add`.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let format = if self.is_zero() { other.format } else { self.format };
        if self.is_zero() || other.is_zero() {
            let one = if self.is_zero() { other } else { self };
            return Some(Self::normal(one.amount, one.scale, format));
        }
        let (left, right, scale) = self.aligned(other)?;
        Some(Self::normal(left.checked_add(right)?, scale, format))
    }

    /// The difference, in the format of the first that is not nothing; `None` when it needs more than 38 digits.
    /// apimachinery's `Sub`.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.checked_add(&other.negated())
    }

    /// The product; `None` when it needs more than 38 digits. apimachinery's `Mul`.
    #[must_use]
    pub fn checked_mul(&self, factor: i64) -> Option<Self> {
        Some(Self::normal(self.amount.checked_mul(factor.into())?, self.scale, self.format))
    }

    /// It with the other sign. apimachinery's `Neg`.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self::normal(self.amount.saturating_neg(), self.scale, self.format)
    }

    fn normal(mut amount: i128, mut scale: i32, format: QuantityFormat) -> Self {
        while amount != 0 && amount % 10 == 0 {
            amount /= 10;
            scale = scale.saturating_add(1);
        }
        Self { amount, scale: if amount == 0 { 0 } else { scale }, format, text: None }
    }

    /// Both amounts in the smaller of their scales.
    fn aligned(&self, other: &Self) -> Option<(i128, i128, i32)> {
        let scale = self.scale.min(other.scale);
        let at = |quantity: &Self| shifted(quantity.amount, quantity.scale.checked_sub(scale)?);
        Some((at(self)?, at(other)?, scale))
    }
}

/// The amount times ten to the power of `scale`, when that is a whole number that can be held.
fn shifted(amount: i128, scale: i32) -> Option<i128> {
    if amount == 0 {
        return Some(0);
    }
    amount.checked_mul(10_i128.checked_pow(u32::try_from(scale).ok()?)?)
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        if let Some((left, right, _)) = self.aligned(other) {
            return left.cmp(&right);
        }
        // They differ by so many digits that the signs and the first digits' places tell.
        let place = |quantity: &Self| {
            let digits = quantity.amount.unsigned_abs().checked_ilog10().unwrap_or_default();
            i64::from(digits) + i64::from(quantity.scale)
        };
        match (self.sign(), other.sign()) {
            (1, 1) => place(self).cmp(&place(other)),
            (-1, -1) => place(other).cmp(&place(self)),
            (left, right) => left.cmp(&right),
        }
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        (self.amount, self.scale) == (other.amount, other.scale)
    }
}

impl Eq for Quantity {}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.amount, self.scale).hash(state);
    }
}

/// Writes it as Go does: as it was read when that is canonical, else canonical. apimachinery's `String`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => f.write_str(&print::canonical(self)),
        }
    }
}

/// Reads it as Go does. apimachinery's `resource.ParseQuantity`.
impl FromStr for Quantity {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        parse::quantity(text).map_err(|what| {
            let shown: String = text.chars().take(40).collect();
            Error::config(format!("quantity {shown:?}: {what}: write one such as 100m, 1.5Gi or 2e3"))
        })
    }
}

impl TryFrom<&resource::Quantity> for Quantity {
    type Error = Error;
    fn try_from(quantity: &resource::Quantity) -> Result<Self, Error> {
        quantity.0.parse()
    }
}

impl From<&Quantity> for resource::Quantity {
    fn from(quantity: &Quantity) -> Self {
        Self(quantity.to_string())
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text or a number; null is nothing, as in Go.
impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as 100m or 1.5Gi")
            }
            fn visit_unit<E: serde::de::Error>(self) -> Result<Quantity, E> {
                Ok(Quantity::default())
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Quantity, E> {
                Ok(Quantity::new(value, QuantityFormat::DecimalSi))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Quantity, E> {
                Ok(Quantity::normal(value.into(), 0, QuantityFormat::DecimalSi))
            }
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Quantity, E> {
                self.visit_str(&value.to_string())
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quantity, E> {
                text.trim().parse().map_err(|_| E::custom("not a quantity"))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn arithmetic_keeps_the_first_format() {
        let sum = read("1Gi").checked_add(&read("512Mi")).unwrap();
        assert_eq!(sum.to_string(), "1536Mi");
        assert_eq!(read("0").checked_add(&read("1Ki")).unwrap().format(), QuantityFormat::BinarySi);
        assert_eq!(read("1").checked_sub(&read("1500m")).unwrap().to_string(), "-500m");
        assert_eq!(read("3m").checked_mul(-4).unwrap().to_string(), "-12m");
        assert!(
            read(&"9".repeat(30)).checked_mul(i64::MAX).is_none()
                && read("1e40").checked_add(&read("1")).is_none()
        );
    }

    #[test]
    fn order_is_by_amount_at_any_distance() {
        let ordered = [
            "-1e1000000000",
            "-1Ei",
            "-1m",
            "0",
            "1n",
            "1",
            "1k",
            "1Ki",
            "1Ei",
            "1e40",
            "2e40",
            "1e1000000000",
        ];
        for (left, a) in ordered.iter().enumerate() {
            for (right, b) in ordered.iter().enumerate() {
                assert_eq!(read(a).cmp(&read(b)), left.cmp(&right), "{a} {b}");
            }
        }
        assert_eq!(read("1000m"), read("1"));
    }

    #[test]
    fn what_is_long_prints_as_what_reads_as_the_same() {
        let nines = read(&"9".repeat(35));
        for (left, right, printed) in [
            (nines.clone(), read("0"), "9".repeat(35)),
            (nines.checked_mul(1_000).unwrap(), read("100"), format!("{}100", "9".repeat(35))),
            (read(&format!("{}00k", "9".repeat(38))), read("0"), format!("{}00k", "9".repeat(38))),
            (read("7Ei"), read("2Ei"), "10376293541461622784".to_owned()),
            (read("7Ei"), read("512Pi"), "7680Pi".to_owned()),
            (read(&format!("0.{}1e50", "0".repeat(45))), read("0"), "1e4".to_owned()),
        ] {
            let sum = left.checked_add(&right).unwrap();
            assert_eq!((&read(&printed), read(&sum.to_string())), (&sum, sum.clone()), "{printed}");
        }
    }

    #[test]
    fn it_goes_through_json_and_k8s_openapi() {
        for (json, text) in
            [("\"1000m\"", "1"), ("5", "5"), ("1.5", "1500m"), ("null", "0"), ("\" 1Gi \"", "1Gi")]
        {
            let quantity: Quantity = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&quantity).unwrap(), format!("\"{text}\""));
            let other = resource::Quantity::from(&quantity);
            assert_eq!(Quantity::try_from(&other).unwrap(), quantity);
        }
        assert!(serde_json::from_str::<Quantity>("\"much\"").is_err());
    }

    #[test]
    fn what_cannot_be_held_is_said() {
        for text in ["1e99999999999", &"9".repeat(60), "1e2147483647e", "0x1", "1 ", "１"] {
            assert!(text.parse::<Quantity>().unwrap_err().to_string().contains("write one"), "{text}");
        }
        assert_eq!(read("1e-1000000000").to_string(), "1e-9");
        assert_eq!(read(&format!("0.{}1", "0".repeat(100_000))).to_string(), "1n");
        assert_eq!(read("1000E").to_string(), "1e21");
        assert_eq!(read("1024Ei").value(), i64::MAX);
    }
}
