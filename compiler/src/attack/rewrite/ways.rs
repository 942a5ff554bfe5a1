//! The ways of rewriting: one entry in [`ALL`] each, with the instructions to the writer.

/// A way of rewriting: a family whose variants a language model writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Rewriting {
    /// The name used in task files and reports.
    pub name: &'static str,
    /// One line for help and docs.
    pub about: &'static str,
    /// The instructions to the writer, one for each step; `{own}` and `{foreign}` stand for languages.
    pub(super) steps: &'static [&'static str],
    /// Whether the new text is in the language of the row, so that words can be compared.
    pub(super) same_language: bool,
    /// Whether the right answer changes to another one, which is chosen before anything is written.
    pub(super) changes_answer: bool,
}

/// Every way of rewriting.
pub static ALL: &[Rewriting] = &[
    Rewriting {
        name: "paraphrase",
        about: "the same in other words",
        steps: &[
            "Say in other words what the text says. Choose other words and another order wherever you can, but leave nothing \
             out, add nothing, and do not make anything stronger or weaker.",
        ],
        same_language: true,
        changes_answer: false,
    },
    Rewriting {
        name: "formal",
        about: "the same as in a formal letter",
        steps: &[
            "Put the text the way a reserved person writes in a formal letter: whole sentences, no slang, nothing shortened. \
             Leave nothing out and add nothing, no greeting and no thanks either.",
        ],
        same_language: true,
        changes_answer: false,
    },
    Rewriting {
        name: "informal",
        about: "the same as typed to a friend",
        steps: &[
            "Put the text the way somebody types who writes to a friend in a hurry: casual, short, everyday words. Leave \
             nothing out that the text says and add nothing.",
        ],
        same_language: true,
        changes_answer: false,
    },
    Rewriting {
        name: "roundtrip",
        about: "translated into another language and back",
        steps: &["Translate the text into {foreign}.", "Translate the text into {own}."],
        same_language: true,
        changes_answer: false,
    },
    Rewriting {
        name: "translation",
        about: "in another language",
        steps: &["Translate the text into {foreign}."],
        same_language: false,
        changes_answer: false,
    },
    Rewriting {
        name: "codeswitch",
        about: "half in another language, as people write who speak both",
        steps: &[
            "Put the text the way people write who grew up with {own} and {foreign} and mix both: some phrases in {foreign}, \
             the others in {own}. Leave nothing out and add nothing.",
        ],
        same_language: false,
        changes_answer: false,
    },
    Rewriting {
        name: "contrast",
        about: "changed in a few words, so that another answer is right",
        steps: &[
            "The right answer to the text is the one given as now. Change as few words of the text as you can, so that the one \
             given as wanted is the right answer instead, beyond doubt. What you write must still sound like the text and must \
             not name the answer. The texts given as examples have the wanted answer; take nothing else from them.",
        ],
        same_language: true,
        changes_answer: true,
    },
];

impl Rewriting {
    /// Whether the right answer changes to another one.
    pub fn changes_answer(&self) -> bool {
        self.changes_answer
    }
}

/// The way with this name.
pub fn find(name: &str) -> Option<&'static Rewriting> {
    ALL.iter().find(|rewriting| rewriting.name == name)
}

/// The names of all ways.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|rewriting| rewriting.name).collect()
}
