//! Which modules and crates a Rust source names, in `use` lines and in full paths. No parser: the few forms that this
//! workspace is written in.

/// Something outside of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// Another crate.
    Crate(String),
    /// A module of the standard library.
    Std(String),
    /// A module of this crate, by its first segment under the root.
    Module(String),
}

/// Everything that the text names, with its line. `own` is the module that the text is; `crates` are those that a path may
/// begin with.
pub(super) fn names(text: &str, own: &[String], crates: &[String]) -> Vec<(usize, Name)> {
    let tokens = tokens(text);
    let mut reader = Reader {
        local: local(&tokens),
        tokens: &tokens,
        own,
        crates,
        found: Vec::new(),
    };
    let mut at = 0;
    while at < tokens.len() {
        at = if tokens[at].text == "use" {
            reader.tree(at + 1, &[])
        } else {
            reader.path(at)
        };
    }
    reader.found
}

struct Token {
    line: usize,
    text: String,
}

/// Words and `::`, `{`, `}`, `,`, `;` and other signs; no comments, no texts, nothing behind `#[cfg(test)]`, which stands at
/// the very bottom of a file.
fn tokens(text: &str) -> Vec<Token> {
    let tests = ["#[cfg(test)]", "#[cfg(all(test"]
        .iter()
        .filter_map(|mark| text.find(&format!("\n{mark}")))
        .min();
    let code = without_texts(&text[..tests.unwrap_or(text.len())]);
    let mut tokens = Vec::new();
    for (line, code) in (1..).zip(code.lines()) {
        let mut rest = code;
        while let Some(first) = rest.chars().next() {
            let length = if first.is_alphanumeric() || first == '_' {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            if !token.trim().is_empty() {
                tokens.push(Token {
                    line,
                    text: token.to_owned(),
                });
            }
            rest = after;
        }
    }
    tokens
}

/// The code without comments, and with empty texts, line by line as it was.
fn without_texts(text: &str) -> String {
    let mut code = String::new();
    let (mut in_text, mut in_comment) = (false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\n' => {
                in_comment = false;
                code.push(letter);
            }
            _ if in_comment => {}
            '\\' if in_text => {
                if letters.next() == Some('\n') {
                    code.push('\n');
                }
            }
            // A quotation mark as a letter begins no text.
            '\'' if !in_text && letters.peek() == Some(&'"') => {
                letters.next();
            }
            '"' => in_text = !in_text,
            '/' if !in_text && letters.peek() == Some(&'/') => in_comment = true,
            _ if in_text => {}
            _ => code.push(letter),
        }
    }
    code
}

/// Names that the file itself declares or has brought in: what begins with them leads nowhere else.
struct Local {
    modules: Vec<String>,
    imported: Vec<String>,
}

fn local(tokens: &[Token]) -> Local {
    let mut local = Local {
        modules: Vec::new(),
        imported: Vec::new(),
    };
    let mut inside = false;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map_or("", |next| next.text.as_str());
        match token.text.as_str() {
            "use" => inside = true,
            ";" => inside = false,
            "mod" => local.modules.push(next.to_owned()),
            name if inside && [",", "}", ";"].contains(&next) => {
                // `use x::{self}` brings in what stands before the brace.
                let name = if name == "self" && at > 2 {
                    tokens[at - 3].text.as_str()
                } else {
                    name
                };
                local.imported.push(name.to_owned());
            }
            _ => {}
        }
    }
    local
}

struct Reader<'a> {
    tokens: &'a [Token],
    local: Local,
    own: &'a [String],
    crates: &'a [String],
    found: Vec<(usize, Name)>,
}

impl Reader<'_> {
    /// Reads one tree of a `use`, whose beginning is `prefix`. Gives the place behind it.
    fn tree(&mut self, mut at: usize, prefix: &[String]) -> usize {
        let tokens = self.tokens;
        let mut path = prefix.to_vec();
        let line = tokens.get(at).map_or(0, |token| token.line);
        while let Some(token) = tokens.get(at) {
            match token.text.as_str() {
                "{" => {
                    at += 1;
                    while tokens.get(at).is_some_and(|token| token.text != "}") {
                        at = self.tree(at, &path);
                        at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                    }
                    return at + 1;
                }
                "," | "}" | ";" => break,
                "::" => {}
                "as" => at += 1,
                segment => path.push(segment.to_owned()),
            }
            at += 1;
        }
        let brought_in = |name: &String| {
            self.local.modules.contains(name)
                || (path.len() > 1 && self.local.imported.contains(name))
        };
        if path.first().is_some_and(|first| !brought_in(first)) {
            self.note(line, &path);
        }
        at
    }

    /// Reads a path in code. Gives the place behind it.
    fn path(&mut self, mut at: usize) -> usize {
        let tokens = self.tokens;
        let first = &tokens[at];
        let goes_on = |at: usize| tokens.get(at + 1).is_some_and(|next| next.text == "::");
        if !goes_on(at) || (at > 0 && tokens[at - 1].text == "::") {
            return at + 1;
        }
        let mut path = vec![first.text.clone()];
        while goes_on(at) && tokens.get(at + 2).is_some() {
            path.push(tokens[at + 2].text.clone());
            at += 2;
        }
        let name = &first.text;
        let leads_out = ["crate", "super"].contains(&name.as_str())
            || (self.crates.contains(name)
                && !self.local.imported.contains(name)
                && !self.local.modules.contains(name));
        if leads_out {
            self.note(first.line, &path);
        }
        at + 1
    }

    fn note(&mut self, line: usize, path: &[String]) {
        if let Some(name) = resolve(path, self.own)
            && !self.found.contains(&(line, name.clone()))
        {
            self.found.push((line, name));
        }
    }
}

fn resolve(path: &[String], own: &[String]) -> Option<Name> {
    let first = path.first()?.as_str();
    match first {
        "self" => None,
        "crate" => Some(Name::Module(path.get(1)?.clone())),
        "super" => {
            let up = path
                .iter()
                .take_while(|segment| *segment == "super")
                .count();
            let base = own.get(..own.len().checked_sub(up)?)?;
            base.iter()
                .chain(&path[up..])
                .next()
                .cloned()
                .map(Name::Module)
        }
        "std" | "core" | "alloc" => path.get(1).cloned().map(Name::Std),
        name => Some(Name::Crate(name.to_owned())),
    }
}
