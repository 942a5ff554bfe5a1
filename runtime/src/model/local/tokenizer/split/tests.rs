use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static ALL: LazyLock<Vec<Splitter>> =
    LazyLock::new(|| FAMILIES.iter().map(|family| Splitter::named(family.names[0]).unwrap()).collect());

/// Words that Hugging Face's `tokenizers` cuts with the published patterns, look-ahead and all.
const CUT: &[(&str, &[&str])] = &[
    ("gpt-2", &["It", "'s", " ", " 5678", " cats", ",", "\n\n ", " DON", "'", "T", "!", "\n", " x"]),
    ("gpt-2", &["  \t\u{a0}", " a", "\r\n\r\n \r\n ", " b", "   "]),
    (
        "gpt-2",
        &[
            "e",
            "\u{301}",
            "te",
            "\u{301}",
            " ÀÉ",
            " camelHTTPServer",
            "/",
            "\n",
            "//",
            "x",
            " ",
            " ١٢",
            " 猫犬",
            "🙂🙂",
            " ",
        ],
    ),
    ("gpt-2", &["\n\n \n  \n", "\t", "foo", "\u{3000}", "\u{3000}", "bar", "\u{85}", "z"]),
    (
        "smollm",
        &["It", "'s", "  ", "5", "6", "7", "8", " cats", ",", "\n\n ", " DON", "'", "T", "!", "\n", " x"],
    ),
    ("smollm", &["  \t\u{a0}", " a", "\r\n\r\n \r\n ", " b", "   "]),
    (
        "smollm",
        &[
            "e",
            "\u{301}",
            "te",
            "\u{301}",
            " ÀÉ",
            " camelHTTPServer",
            "/",
            "\n",
            "//",
            "x",
            "  ",
            "١",
            "٢",
            " 猫犬",
            "🙂🙂",
            " ",
        ],
    ),
    ("smollm", &["\n\n \n  \n", "\t", "foo", "\u{3000}", "\u{3000}", "bar", "\u{85}", "z"]),
    ("llama-bpe", &["It", "'s", " ", " ", "567", "8", " cats", ",\n\n", " ", " DON", "'T", "!\n", " x"]),
    ("llama-bpe", &["  \t\u{a0}", " a", "\r\n\r\n \r\n", " ", " b", "   "]),
    (
        "llama-bpe",
        &[
            "e",
            "\u{301}te",
            "\u{301}",
            " ÀÉ",
            " camelHTTPServer",
            "/\n",
            "//",
            "x",
            " ",
            " ",
            "١٢",
            " 猫犬",
            "🙂🙂",
            " ",
        ],
    ),
    ("llama-bpe", &["\n\n \n  \n", "\tfoo", "\u{3000}", "\u{3000}bar", "\u{85}z"]),
    ("qwen2", &["It", "'s", " ", " ", "5", "6", "7", "8", " cats", ",\n\n", " ", " DON", "'T", "!\n", " x"]),
    ("qwen2", &["  \t\u{a0}", " a", "\r\n\r\n \r\n", " ", " b", "   "]),
    (
        "qwen2",
        &[
            "e",
            "\u{301}te",
            "\u{301}",
            " ÀÉ",
            " camelHTTPServer",
            "/\n",
            "//",
            "x",
            " ",
            " ",
            "١",
            "٢",
            " 猫犬",
            "🙂🙂",
            " ",
        ],
    ),
    ("qwen2", &["\n\n \n  \n", "\tfoo", "\u{3000}", "\u{3000}bar", "\u{85}z"]),
    ("tekken", &["It", "'s", " ", " ", "5", "6", "7", "8", " cats", ",\n\n", " ", " DON", "'T", "!\n", " x"]),
    ("tekken", &["  \t\u{a0}", " a", "\r\n\r\n \r\n", " ", " b", "   "]),
    (
        "tekken",
        &[
            "e\u{301}te\u{301}",
            " ÀÉ",
            " camel",
            "HTTPServer",
            "/\n//",
            "x",
            " ",
            " ",
            "١",
            "٢",
            " 猫犬",
            "🙂🙂",
            " ",
        ],
    ),
    ("tekken", &["\n\n \n  \n", "\tfoo", "\u{3000}", "\u{3000}bar", "\u{85}z"]),
];

#[test]
fn words_are_cut_as_by_the_reference() {
    for (family, words) in CUT {
        assert_eq!(Splitter::named(family).unwrap().split(&words.concat()), *words, "{family}");
    }
}

#[test]
fn the_default_cuts_numbers_in_threes() {
    let words = Splitter::named("default").unwrap();
    assert_eq!(words.split("a+1234\n\n\nb"), ["a", "+", "123", "4", "\n\n", "\n", "b"]);
}

#[test]
fn an_unknown_rule_is_named() {
    assert!(Splitter::named("none-such").unwrap_err().to_string().contains("none-such"));
}

proptest! {
    #[test]
    fn words_together_are_the_text(text in r"(?s)[ \n\r\t\u{a0}a-cA-C0-9'.,!ßé猫\u{301}]{0,40}|.{0,40}") {
        for splitter in ALL.iter() {
            let words = splitter.split(&text);
            prop_assert!(words.iter().all(|word| !word.is_empty()));
            prop_assert_eq!(words.concat(), text.as_str());
        }
    }
}
