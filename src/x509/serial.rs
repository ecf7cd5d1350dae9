//! Serial numbers of any size in decimal, as Atlas lists them, and in hexadecimal, as certificates print them.
//!
//! Own code, because `num-bigint` adds 63 KiB to the release binary for these two conversions.

/// The content of a DER INTEGER in decimal and in lower-case hexadecimal of whole bytes.
///
/// Both have a leading minus sign for a negative number, which RFC 5280 asks readers to accept.
pub(super) fn decimal_and_hex(integer: &[u8]) -> (String, String) {
    let mut magnitude = integer.to_vec();
    let mut sign = "";
    if integer.first().is_some_and(|byte| byte & 0x80 != 0) {
        sign = "-";
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let bytes: Vec<u32> = magnitude.into_iter().map(u32::from).collect();
    let decimal: String = convert(&bytes, 256, 10).iter().map(u32::to_string).collect();
    (format!("{sign}{decimal}"), format!("{sign}{}", hex(&bytes, 256)))
}

/// A decimal number in lower-case hexadecimal of whole bytes; `None` if the text has a character that is not a digit.
pub(crate) fn hex_of_decimal(decimal: &str) -> Option<String> {
    let digits: Option<Vec<u32>> = decimal.chars().map(|digit| digit.to_digit(10)).collect();
    digits.filter(|digits| !digits.is_empty()).map(|digits| hex(&digits, 10))
}

fn hex(digits: &[u32], base: u32) -> String {
    let bytes = convert(digits, base, 256);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// The digits of a number, most significant first and without leading zeros, converted to another base of at most 256.
fn convert(digits: &[u32], from: u32, to: u32) -> Vec<u32> {
    let mut result = vec![0];
    for digit in digits {
        let mut carry = *digit;
        for place in &mut result {
            carry += *place * from;
            *place = carry % to;
            carry /= to;
        }
        while carry > 0 {
            result.push(carry % to);
            carry /= to;
        }
    }
    result.reverse();
    result
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
