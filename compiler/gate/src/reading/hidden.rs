//! Hidden characters: what a reader of the prompt cannot see and the model can.

use super::{Finding, Flaw, span::Span};

/// Spans with hidden characters or posing letters; every one is grave.
pub(super) fn read(added: &[Span]) -> Vec<Finding> {
    let bad = |span: &&Span| hides(&span.text) || span.text.split_whitespace().any(poses);
    let finding = |span: &Span| {
        let visible = Span { text: span.text.chars().map(shown).collect(), ..span.clone() };
        Finding::new(Flaw::HiddenCharacters, true, &visible)
    };
    added.iter().filter(bad).map(finding).collect()
}

/// A hidden character is quoted as a mark that can be seen.
fn shown(c: char) -> char {
    if is_hidden(c) || is_joiner(c) { '\u{fffd}' } else { c }
}

fn hides(text: &str) -> bool {
    let mut before = ' ';
    text.chars().any(|c| {
        // Joiners are part of many scripts and of emoji; after a plain letter or a space they only hide.
        let hides = is_hidden(c) || is_joiner(c) && (before.is_ascii() || is_joiner(before));
        before = c;
        hides
    })
}

/// Joiners and direction marks, which some scripts need.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{61c}')
}

/// Controls, soft hyphens, zero-width characters, overrides of direction, tags, private use, supplementary variation
/// selectors (Unicode 17, chapter 23).
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' | '\r' => false,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}' => true,
        _ => c.is_control(),
    }
}

/// Whether a word mixes Latin letters with Cyrillic ones, or with Greek ones that look Latin.
fn poses(word: &str) -> bool {
    let latin = |c: char| c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}');
    let posing = |c: char| matches!(c, '\u{400}'..='\u{52f}') || "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινρυ".contains(c);
    word.chars().any(latin) && word.chars().any(posing)
}
