//! Makes text from the network safe to print in a terminal and a log.

/// Replaces line breaks, control characters and invisible characters, and shortens the text to `limit` characters.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    let mut characters = text.trim().chars().map(|character| match character {
        _ if character.is_whitespace() => ' ',
        _ if character.is_control() || is_invisible(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    });
    let mut shown: String = characters.by_ref().take(limit).collect();
    shown.extend(characters.next().map(|_| '…'));
    shown
}

/// [`printable`], without words that look like a secret: a response can echo parts of the request.
pub(super) fn redacted(text: &str, limit: usize) -> String {
    let before_pem = text.find("-----BEGIN").map_or(text, |at| &text[..at]);
    let mut after_scheme = false;
    let words = printable(before_pem, limit);
    let words = words.split(' ').map(|word| {
        let hidden = after_scheme || looks_like_secret(word);
        after_scheme =
            ["bearer", "basic"].iter().any(|scheme| word.to_ascii_lowercase().ends_with(scheme));
        if hidden { REDACTED } else { word }
    });
    let mut shown = words.collect::<Vec<_>>().join(" ");
    if before_pem.len() < text.len() {
        shown.push_str(REDACTED);
    }
    shown
}

/// Whether a word has the form of a client secret, of an API key (a UUID), or of a long base64 text.
fn looks_like_secret(word: &str) -> bool {
    let mut runs = word.split(|c: char| !c.is_ascii_alphanumeric() && !"-_+=".contains(c));
    let is_uuid = |run: &str| {
        run.split('-').map(str::len).eq([8, 4, 4, 4, 12])
            && run.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
    };
    word.contains("mdb_sa_sk_") || runs.any(|run| run.len() >= MIN_SECRET || is_uuid(run))
}

const REDACTED: &str = "(not shown)";
const MIN_SECRET: usize = 40;

/// The first non-blank line, redacted; `None` if all are blank.
pub(super) fn first_line(body: &[u8], limit: usize) -> Option<String> {
    let head = &body[..body.len().min(4096)];
    let text = String::from_utf8_lossy(head);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(redacted(line, limit))
}

/// Whether a character is default-ignorable, a bidirectional control or an annotation mark (Unicode).
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_has_no_line_break_and_no_control_character() {
        for (given, shown) in [
            ("No user with username x exists.", "No user with username x exists."),
            ("a\r\n[ERROR] faked\n", "a  [ERROR] faked"),
            ("\u{1b}[31mred", "\u{fffd}[31mred"),
            ("a\u{202e}b\u{200b}c\u{2028}d\u{9b}e", "a\u{fffd}b\u{fffd}c d\u{fffd}e"),
            ("  é ü  ", "é ü"),
        ] {
            assert_eq!(printable(given, 100), shown);
        }
        assert_eq!(printable(&"x".repeat(50), 10), format!("{}…", "x".repeat(10)));
    }

    #[test]
    fn redacted_text_contains_no_secret() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----";
        for (given, shown) in [
            ("bad mdb_sa_sk_HTGKd-x1", "bad (not shown)"),
            ("got Authorization: Bearer abc.def", "got Authorization: Bearer (not shown)"),
            ("key e977cba4-447b-b0d9-adcf-35c7f5a73578.", "key (not shown)"),
            ("token BmG4vE7SWQo5sW9Je3bwWNd4iI2SXT-vUKMpg_se", "token (not shown)"),
            (&format!("body {key}"), "body(not shown)"),
            (
                "No group with ID 32b6e34b3d91647abb20e7b8 at https://cloud.mongodb.com/api/atlas/v1.0/groups exists.",
                "No group with ID 32b6e34b3d91647abb20e7b8 at https://cloud.mongodb.com/api/atlas/v1.0/groups exists.",
            ),
        ] {
            assert_eq!(redacted(given, 200), shown);
        }
    }

    #[test]
    fn the_first_line_is_the_first_that_is_not_blank() {
        assert_eq!(first_line(b"\n\n <html>\r\n<body>", 80).as_deref(), Some("<html>"));
        assert_eq!(first_line(b" \n\t", 80), None);
        assert_eq!(first_line(&[0xff, 0xfe, b'x'], 80).as_deref(), Some("\u{fffd}\u{fffd}x"));
    }
}
