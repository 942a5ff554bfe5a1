//! A variant as text: its row with what was taken out in `[-...-]` and what was put in in `{+...+}`.

use crate::{
    attack::audit::Case,
    diff::{Piece, words},
};

/// Longest run of unchanged characters that is shown whole.
const LONG_SAME: usize = 120;
/// Characters kept on both sides of what is left out.
const CONTEXT: usize = 45;
/// Longest text shown whole where most of it changed.
const LONGEST: usize = 600;

/// What it is, then what changed: marked in place, or before and after where most of it changed.
pub(super) fn lines(case: &Case) -> Vec<String> {
    let steps =
        if case.steps.len() > 1 { format!(" ({})", case.steps.join(", then ")) } else { String::new() };
    let (old, new) = (case.row.label(), case.variant.label());
    let answer = if old == new { old } else { format!("{old}, now {new}") };
    let mut lines = vec![format!(
        "{}{steps} · {:?} · {:.0} % edited · row {} · right answer: {answer}",
        case.family,
        case.class,
        100.0 * case.edit_rate,
        case.row.id
    )];
    let (before, after) = case.texts();
    let pieces = words(&before, &after);
    if mostly_changed(&pieces, &before) {
        lines.push(format!("  before  {}", cut(&visible(&before))));
        lines.push(format!("  after   {}", cut(&visible(&after))));
    } else {
        lines.push(format!("  {}", pieces.iter().map(mark).collect::<String>()));
    }
    lines
}

/// Whether marks would say less than both texts.
fn mostly_changed(pieces: &[Piece], before: &str) -> bool {
    let gone = |piece: &Piece| match piece {
        Piece::Same(_) => 0,
        Piece::Changed(old, _) => old.chars().count(),
    };
    2 * pieces.iter().map(gone).sum::<usize>() > before.chars().count()
}

fn mark(piece: &Piece) -> String {
    match piece {
        Piece::Same(text) => same(&visible(text)),
        Piece::Changed(old, new) => {
            let old = if old.is_empty() { String::new() } else { format!("[-{}-]", visible(old)) };
            let new = if new.is_empty() { String::new() } else { format!("{{+{}+}}", visible(new)) };
            old + &new
        }
    }
}

fn same(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= LONG_SAME {
        return text.to_owned();
    }
    let head: String = characters[..CONTEXT].iter().collect();
    let tail: String = characters[characters.len() - CONTEXT..].iter().collect();
    // Not in the middle of a word, where there is a blank.
    let head = head.rsplit_once(' ').map_or(head.as_str(), |(whole, _)| whole);
    let tail = tail.split_once(' ').map_or(tail.as_str(), |(_, whole)| whole);
    format!("{head} … {tail}")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// The text on one line, with what cannot be seen spelled out. Nothing in it can steer a terminal.
fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => "⏎".to_owned(),
        '\t' => "⇥".to_owned(),
        ' ' => " ".to_owned(),
        c if c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}') =>
        {
            format!("<U+{:04X}>", u32::from(c))
        }
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_marked_and_what_cannot_be_seen_is_spelled_out() {
        let marked = |a: &str, b: &str| words(a, b).iter().map(mark).collect::<String>();
        assert_eq!(marked("please check it", "please chekc it"), "please [-check-]{+chekc+} it");
        assert_eq!(marked("a b", "a\u{a0}b\u{1b}[0m"), "a[- b-]{+<U+00A0>b<U+001B>[0m+}");
        assert_eq!(marked("a\nb", "a\nb more"), "a⏎b{+ more+}");
        let long = "word ".repeat(60);
        assert!(marked(&format!("{long}x"), &format!("{long}y")).len() < 150);
    }
}
