//! Serial numbers as Atlas lists them, in decimal, as certificates print them.

/// A decimal serial number of any size in lower-case hexadecimal, in whole bytes. `None` for what is no decimal number.
pub(crate) fn hex(decimal: &str) -> Option<String> {
    if decimal.is_empty() || !decimal.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for digit in decimal.bytes() {
        let mut carry = u16::from(digit - b'0');
        for byte in &mut bytes {
            let product = u16::from(*byte) * 10 + carry;
            [*byte, _] = product.to_le_bytes();
            carry = product >> 8;
        }
        if let Ok(high) = u8::try_from(carry)
            && high > 0
        {
            bytes.push(high);
        }
    }
    if bytes.is_empty() {
        bytes.push(0);
    }
    Some(
        bytes
            .iter()
            .rev()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_of_any_size_become_hexadecimal() {
        for (decimal, expected) in [
            ("1976722359483124370", Some("1b6eba8348904a92")),
            ("0", Some("00")),
            ("15", Some("0f")),
            ("256", Some("0100")),
            (
                "340282366920938463463374607431768211455",
                Some("ffffffffffffffffffffffffffffffff"),
            ),
            ("", None),
            ("-1", None),
            ("1e3", None),
        ] {
            assert_eq!(hex(decimal).as_deref(), expected, "{decimal}");
        }
    }
}
