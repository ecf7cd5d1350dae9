//! Decimal numbers of any length, compared as core compares them.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number in canonical text: no exponent, no superfluous zeros, no `-0`.
///
/// Two numbers are equal if and only if their texts are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(String);

impl Number {
    /// Reads decimal text, exponents included. `None` if it is not a number.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        if exponent.abs() > LARGEST_EXPONENT {
            return None;
        }
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let point = i64::try_from(whole.len()).ok()? + exponent;
        Some(Self::from_digits(negative, &digits, point))
    }

    /// The number that a float stands for; `None` for NaN and infinities, which crash core.
    ///
    /// Whole floats count exactly, others by their shortest text.
    pub fn from_f64(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        Self::parse(&if float.fract() == 0.0 {
            format!("{float:.0}")
        } else {
            float.to_string()
        })
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value, where it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The float that stands for exactly this number and is not whole, if there is one.
    pub fn as_exact_fraction(&self) -> Option<f64> {
        if !self.0.contains('.') {
            return None;
        }
        let float: f64 = self.0.parse().ok()?;
        let exact = Self::parse(&format!("{float:.1074}"))?;
        (exact == *self).then_some(float)
    }

    /// `point` is the place of the decimal point, counted from before the first digit.
    fn from_digits(negative: bool, digits: &str, point: i64) -> Self {
        let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let padded = format!("{}{digits}{}", zeros(-point), zeros(point - length));
        let (whole, fraction) = padded.split_at(usize::try_from(point).unwrap_or(0));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let mut text = String::with_capacity(padded.len() + 2);
        if negative && (whole != "0" || !fraction.is_empty()) {
            text.push('-');
        }
        text.push_str(whole);
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        Self(text)
    }

    fn split(&self) -> (bool, &str, &str) {
        let (negative, text) = match self.0.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, self.0.as_str()),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        (negative, whole, fraction)
    }
}

impl From<i64> for Number {
    fn from(whole: i64) -> Self {
        Self(whole.to_string())
    }
}

impl From<u64> for Number {
    fn from(whole: u64) -> Self {
        Self(whole.to_string())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let (negative, whole, fraction) = self.split();
        let (other_negative, other_whole, other_fraction) = other.split();
        let size = (whole.len(), whole, fraction);
        let other_size = (other_whole.len(), other_whole, other_fraction);
        match (negative, other_negative) {
            (false, false) => size.cmp(&other_size),
            (true, true) => other_size.cmp(&size),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Core takes larger ones; nothing in a test needs them.
const LARGEST_EXPONENT: i64 = 20_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn one_number_has_one_text() {
        for (given, canonical) in [
            ("007", "7"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("1.25e1", "12.5"),
            ("125E-4", "0.0125"),
            ("0.1", "0.1"),
            ("+5", "5"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("0e5", "0"),
        ] {
            assert_eq!(number(given).as_str(), canonical, "{given}");
        }
        assert_eq!(number("1e400").as_str().len(), 401);
        for junk in ["", "-", ".", ".5", "1e", "0x10", "NaN", "1 ", "1e999999"] {
            assert_eq!(Number::parse(junk), None, "{junk}");
        }
    }

    #[test]
    fn floats_count_exactly_when_whole_and_by_shortest_text_otherwise() {
        assert_eq!(Number::from_f64(0.1), Some(number("0.1")));
        assert_eq!(
            Number::from_f64(1e23).unwrap().as_str(),
            "99999999999999991611392"
        );
        assert_eq!(Number::from_f64(f64::NAN), None);
        assert_ne!(
            Number::from_f64(std::f64::consts::PI).unwrap(),
            number("3.141592653589793238462643383279")
        );
    }

    #[test]
    fn only_exact_fractions_travel_as_floats() {
        assert_eq!(number("1.5").as_exact_fraction(), Some(1.5));
        assert_eq!(number("0.1").as_exact_fraction(), None);
        assert_eq!(number("3").as_exact_fraction(), None);
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let mut numbers: Vec<_> = ["10", "9", "-1", "-10.5", "0.09", "0.1", "0"]
            .into_iter()
            .map(number)
            .collect();
        numbers.sort();
        let texts: Vec<_> = numbers.iter().map(Number::as_str).collect();
        assert_eq!(texts, ["-10.5", "-1", "0", "0.09", "0.1", "9", "10"]);
    }
}
