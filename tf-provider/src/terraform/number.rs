use std::fmt;

/// Terraform's number: a decimal of any size, kept as it was written.
///
/// Two numbers are equal when their shortest decimal texts are, whatever form each came in.
#[derive(Clone)]
pub struct Number(Form);

#[derive(Clone)]
enum Form {
    Int(i64),
    Float(f64),
    Text(String),
}

impl Number {
    /// Reads decimal text, exponents included.
    ///
    /// # Errors
    /// Anything that is not a finite decimal number.
    pub fn parse(text: &str) -> Result<Self, NumberInvalid> {
        if let Ok(int) = text.parse::<i64>() {
            return Ok(Self(Form::Int(int)));
        }
        Decimal::parse(text).ok_or(NumberInvalid)?;
        Ok(Self(Form::Text(text.to_owned())))
    }

    /// A floating point number.
    ///
    /// # Errors
    /// NaN and the infinities, which Terraform has no place for.
    pub fn from_f64(float: f64) -> Result<Self, NumberInvalid> {
        if float.is_finite() {
            Ok(Self(Form::Float(float)))
        } else {
            Err(NumberInvalid)
        }
    }

    /// The value, if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Form::Int(int) => Some(*int),
            Form::Float(_) | Form::Text(_) => self.decimal().as_i64(),
        }
    }

    /// The binary floating point form, if that is how the number came.
    pub(crate) fn as_float(&self) -> Option<f64> {
        if let Form::Float(float) = self.0 {
            Some(float)
        } else {
            None
        }
    }

    fn decimal(&self) -> Decimal {
        Decimal::parse(&self.to_string()).unwrap_or_default()
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(Form::Int(int))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Int(int) => write!(f, "{int}"),
            Form::Float(float) => write!(f, "{float:?}"),
            Form::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Int(a), Form::Int(b)) => a == b,
            _ => self.decimal() == other.decimal(),
        }
    }
}

/// Text that is not a finite decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a finite decimal number")]
pub struct NumberInvalid;

/// `0.digits x 10^exponent` without leading or trailing zeros in `digits`; zero has none.
#[derive(PartialEq, Default)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], rest[at + 1..].parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let leading = digits.len() - significant.len();
        let significant = significant.trim_end_matches('0');
        if significant.is_empty() {
            return Some(Self::default());
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Self {
            negative,
            digits: significant.to_owned(),
            exponent: exponent.checked_add(point)?,
        })
    }

    fn as_i64(&self) -> Option<i64> {
        let length = i64::try_from(self.digits.len()).ok()?;
        if self.digits.is_empty() {
            return Some(0);
        }
        if self.exponent < length || self.exponent > 19 {
            return None;
        }
        let zeros = usize::try_from(self.exponent - length).ok()?;
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}{}", self.digits, "0".repeat(zeros))
            .parse()
            .ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal_in_every_form() {
        let pairs = [
            ("1", "1.0"),
            ("100", "1e2"),
            ("0.1", "1E-1"),
            ("-0", "0"),
            ("1e400", "10e399"),
        ];
        for (a, b) in pairs {
            assert_eq!(
                Number::parse(a).unwrap(),
                Number::parse(b).unwrap(),
                "{a} and {b}"
            );
        }
        assert_eq!(
            Number::from_f64(0.1).unwrap(),
            Number::parse("0.1").unwrap()
        );
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
    fn what_is_no_finite_decimal_is_refused() {
        for text in ["", "-", ".", "e5", "1e", "NaN", "inf", "0x10", "1 "] {
            assert!(Number::parse(text).is_err(), "{text:?}");
        }
        assert!(Number::from_f64(f64::NAN).is_err());
        assert!(Number::from_f64(f64::INFINITY).is_err());
    }
}
