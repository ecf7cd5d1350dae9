//! Text that came over the network, made fit to be shown in a terminal and a log.

/// Replaces everything that could steer a terminal or fake a line, and cuts to `limit` characters.
pub(crate) fn harmless(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    for (position, character) in text.trim().chars().enumerate() {
        if position == limit {
            shown.push('…');
            break;
        }
        shown.push(match character {
            _ if character.is_whitespace() => ' ',
            _ if character.is_control() || steers(character) => char::REPLACEMENT_CHARACTER,
            _ => character,
        });
    }
    shown
}

/// The first line with anything on it, made harmless; `None` if there is none.
pub(super) fn first_line(body: &[u8], limit: usize) -> Option<String> {
    let head = &body[..body.len().min(4096)];
    let text = String::from_utf8_lossy(head);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(harmless(line, limit))
}

/// Invisible characters that reorder, hide or break a line.
fn steers(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_the_network_steers_a_terminal_or_fakes_a_line() {
        for (given, shown) in [
            (
                "No user with username x exists.",
                "No user with username x exists.",
            ),
            ("a\r\n[ERROR] faked\n", "a  [ERROR] faked"),
            ("\u{1b}[31mred", "\u{fffd}[31mred"),
            (
                "a\u{202e}b\u{200b}c\u{2028}d\u{9b}e",
                "a\u{fffd}b\u{fffd}c d\u{fffd}e",
            ),
            ("  é ü  ", "é ü"),
        ] {
            assert_eq!(harmless(given, 100), shown);
        }
        assert_eq!(
            harmless(&"x".repeat(50), 10),
            format!("{}…", "x".repeat(10))
        );
    }

    #[test]
    fn shows_one_line_of_a_page_and_no_more() {
        assert_eq!(
            first_line(b"\n\n <html>\r\n<body>", 80).as_deref(),
            Some("<html>")
        );
        assert_eq!(first_line(b" \n\t", 80), None);
        assert_eq!(
            first_line(&[0xff, 0xfe, b'x'], 80).as_deref(),
            Some("\u{fffd}\u{fffd}x")
        );
    }
}
