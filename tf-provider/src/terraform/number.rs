//! Terraform's number: a decimal of any size.

use std::fmt;

/// A decimal number in a canonical form, so that equal numbers have equal texts and no digit is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// Parses decimal text, with or without an exponent. `None` if it is not a finite decimal number.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = all.trim_start_matches('0');
        let digits = significant.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self("0".to_owned()));
        }
        // The value is digits x 10^exponent.
        let trailing_zeros = significant.len() - digits.len();
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let exponent = exponent.checked_add(i64::try_from(trailing_zeros).ok()?)?;
        let places = usize::try_from(exponent.unsigned_abs()).ok();
        Some(Self(match places.filter(|places| *places < MAX_PLAIN) {
            None => format!("{sign}{digits}e{exponent}"),
            Some(zeros) if exponent >= 0 => format!("{sign}{digits}{}", "0".repeat(zeros)),
            Some(places) => {
                let padded = format!("{digits:0>width$}", width = places + 1);
                let (whole, fraction) = padded.split_at(padded.len() - places);
                format!("{sign}{whole}.{fraction}")
            }
        }))
    }

    /// The shortest decimal that denotes this float. `None` for NaN and the infinities, which are not numbers in Terraform.
    pub fn from_f64(float: f64) -> Option<Self> {
        Self::parse(&format!("{float:?}"))
    }

    /// The value, if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

/// With fewer decimal places or trailing zeros than this, a number is written without an exponent.
const MAX_PLAIN: usize = 1000;

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(int.to_string())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal_in_every_form() {
        let pairs =
            [("1", "1.0"), ("100", "1e2"), ("0.1", "1E-1"), ("-0", "0"), ("1e400", "10e399")];
        for (a, b) in pairs {
            assert_eq!(Number::parse(a).unwrap(), Number::parse(b).unwrap(), "{a} and {b}");
        }
        assert_eq!(Number::from_f64(0.1).unwrap(), Number::parse("0.1").unwrap());
        assert_ne!(
            Number::from_f64(1.234_567_890_123_456).unwrap(),
            Number::parse("1.234567890123456789012345678901").unwrap()
        );
    }

    #[test]
    fn whole_numbers_are_read_from_every_form() {
        for (text, expected) in [
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("7e0", Some(7)),
            ("1.5", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808.0", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1e999999999999", None),
            ("0.0", Some(0)),
        ] {
            assert_eq!(Number::parse(text).unwrap().as_i64(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_displayed_in_plain_digits() {
        for (text, expected) in [
            ("+1.50", "1.5"),
            ("-0.0050", "-0.005"),
            ("1e3", "1000"),
            ("1e2000", "1e2000"),
            ("12.5e-2000", "125e-2001"),
            ("00.0", "0"),
        ] {
            assert_eq!(Number::parse(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn text_that_is_not_a_finite_decimal_is_rejected() {
        for text in ["", "-", ".", "e5", "1e", "NaN", "inf", "0x10", "1 "] {
            assert!(Number::parse(text).is_none(), "{text:?}");
        }
        assert!(Number::from_f64(f64::NAN).is_none());
        assert!(Number::from_f64(f64::INFINITY).is_none());
    }
}
