//! Lower-case hexadecimal.

pub(crate) fn encode(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// A number in whole bytes, as serial numbers are written: a leading zero is not left out.
pub(crate) fn whole_bytes(number: u64) -> String {
    let bytes = number.to_be_bytes();
    let first = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len() - 1);
    encode(&bytes[first..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_an_even_count_of_digits() {
        for (number, text) in [
            (0, "00"),
            (0x0664_590b_0a2a_074e, "0664590b0a2a074e"),
            (0x1b_6eba_8348_904a, "1b6eba8348904a"),
        ] {
            assert_eq!(whole_bytes(number), text);
        }
    }
}
