//! A function's signature and arguments in the registry's form.

use tf_provider::{Parameter, Signature, Type};

/// The declaration, fenced.
pub(super) fn declaration(name: &str, signature: &Signature) -> String {
    let parameters: Vec<String> =
        signature.parameters.iter().map(|p| format!("{} {}", p.name, type_word(&p.ty))).collect();
    format!("```text\n{name}({}) {}\n```", parameters.join(", "), type_word(&signature.returns))
}

/// The numbered list of parameters.
pub(super) fn arguments(signature: &Signature) -> String {
    let lines =
        (1..).zip(&signature.parameters).map(|(position, parameter)| line(position, parameter));
    lines.collect::<Vec<_>>().join("\n")
}

fn line(position: usize, parameter: &Parameter) -> String {
    let nullable = if parameter.allow_null { "Nullable" } else { "" };
    let kind = title(type_word(&parameter.ty));
    let words: Vec<&str> =
        [kind.as_str(), nullable].into_iter().filter(|word| !word.is_empty()).collect();
    format!("{position}. `{}` ({}) {}", parameter.name, words.join(", "), parameter.description)
}

fn type_word(ty: &Type) -> &'static str {
    match ty {
        Type::String => "string",
        Type::Number => "number",
        Type::Bool => "bool",
        Type::List(_) => "list",
        Type::Set(_) => "set",
        Type::Map(_) => "map",
        Type::Object(_) => "object",
    }
}

fn title(word: &str) -> String {
    match word {
        "bool" => "Boolean".to_owned(),
        _ => word[..1].to_uppercase() + &word[1..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_shown_as_it_is_called() {
        let text = Parameter {
            name: "text",
            ty: Type::String,
            allow_null: true,
            allow_unknown: false,
            description: "What to read.",
        };
        let more = Parameter { name: "more", ty: Type::Number, allow_null: false, ..text.clone() };
        let signature = Signature {
            parameters: vec![text, more],
            returns: Type::object([("a", Type::String)]),
            summary: "",
            description: "",
        };
        assert_eq!(
            declaration("read", &signature),
            "```text\nread(text string, more number) object\n```"
        );
        assert_eq!(
            arguments(&signature),
            "1. `text` (String, Nullable) What to read.\n2. `more` (Number) What to read."
        );
    }
}
