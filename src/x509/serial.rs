//! Serial numbers of any size in decimal, as Atlas lists them, and in hexadecimal, as certificates print them.

use num_bigint::{BigInt, BigUint, Sign};

/// The content of a DER INTEGER in decimal and in lower-case hexadecimal of whole bytes.
///
/// Both have a leading minus sign for a negative number, which RFC 5280 asks readers to accept.
pub(super) fn decimal_and_hex(integer: &[u8]) -> (String, String) {
    let number = BigInt::from_signed_bytes_be(integer);
    let sign = if number.sign() == Sign::Minus { "-" } else { "" };
    (number.to_string(), format!("{sign}{}", hex::encode(number.magnitude().to_bytes_be())))
}

/// A decimal number in lower-case hexadecimal of whole bytes; `None` if the text has a character that is not a digit.
pub(crate) fn hex_of_decimal(decimal: &str) -> Option<String> {
    let is_number = decimal.bytes().all(|byte| byte.is_ascii_digit());
    let number: BigUint = decimal.parse().ok().filter(|_| is_number)?;
    Some(hex::encode(number.to_bytes_be()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn serial_numbers_of_any_size_and_sign_are_written_in_both_bases() {
        for (integer, decimal, hexadecimal) in [
            (&[0x00][..], "0", "00"),
            (&[0x07], "7", "07"),
            (&[0x00, 0xff], "255", "ff"),
            (&[0x01, 0x00], "256", "0100"),
            (&[0xff], "-1", "-01"),
            (&[0x80], "-128", "-80"),
            (
                &[0x1b, 0x6e, 0xba, 0x83, 0x48, 0x90, 0x4a, 0x92],
                "1976722359483124370",
                "1b6eba8348904a92",
            ),
            (
                &[
                    0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                    0xff, 0xff, 0xff, 0xff,
                ],
                "340282366920938463463374607431768211455",
                "ffffffffffffffffffffffffffffffff",
            ),
        ] {
            assert_eq!(decimal_and_hex(integer), (decimal.to_owned(), hexadecimal.to_owned()));
            if !decimal.starts_with('-') {
                assert_eq!(hex_of_decimal(decimal).as_deref(), Some(hexadecimal));
            }
        }
    }

    #[test]
    fn text_that_is_not_a_decimal_number_has_no_hexadecimal_form() {
        for text in ["", "-1", "+1", "1e3", "١", " 1"] {
            assert_eq!(hex_of_decimal(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_directions_agree_with_the_machine(number in any::<u64>()) {
            let bytes = [&[0], &number.to_be_bytes()[..]].concat();
            let (decimal, hexadecimal) = decimal_and_hex(&bytes);
            prop_assert_eq!(&decimal, &number.to_string());
            prop_assert_eq!(u64::from_str_radix(&hexadecimal, 16), Ok(number));
            prop_assert_eq!(hex_of_decimal(&decimal), Some(hexadecimal));
        }
    }
}
