//! Differences between two texts, by lines or by words: the longest common subsequence stays, the rest is gone or new.

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stands in both.
    Same,
    /// It is gone.
    Removed,
    /// It is new.
    Added,
}

/// The lines of both texts in order, each with what became of it.
pub fn changes<'a>(old: &'a str, new: &'a str) -> Vec<(Change, &'a str)> {
    align(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>())
}

/// The parts of both sequences in order, each with what became of it. Time and memory grow with the product of the numbers
/// of parts, which is small for prompts.
pub fn align<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Change, &'a str)> {
    let mut common = vec![vec![0usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut result) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            result.push((Change::Same, old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            result.push((Change::Removed, old[i]));
            i += 1;
        } else {
            result.push((Change::Added, new[j]));
            j += 1;
        }
    }
    result
}

/// A part of two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// It stands in both.
    Same(String),
    /// This stood in the old text, and that in the new one.
    Changed(String, String),
}

/// Most cells of the table that words are compared in; what differs in longer texts is one piece.
const CELLS: usize = 4_000_000;

/// Both texts in pieces of whole words and the blanks between them.
pub fn words(old: &str, new: &str) -> Vec<Piece> {
    let (old, new) = (tokens(old), tokens(new));
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(&new).take_while(same).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let (old_mid, new_mid) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let middle = if old_mid.len().saturating_mul(new_mid.len()) > CELLS {
        let gone = old_mid.iter().map(|token| (Change::Removed, *token));
        gone.chain(new_mid.iter().map(|token| (Change::Added, *token))).collect()
    } else {
        align(old_mid, new_mid)
    };
    let stays = |token: &&str| (Change::Same, (*token).to_owned());
    let all = old[..head]
        .iter()
        .map(stays)
        .chain(middle.into_iter().map(|(change, token)| (change, token.to_owned())))
        .chain(old_rest[old_rest.len() - tail..].iter().map(stays));
    joined(all)
}

/// Tokens as pieces; blanks between two changes belong to the change.
fn joined(tokens: impl Iterator<Item = (Change, String)>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (change, token) in tokens {
        if let [.., Piece::Changed(old, new), Piece::Same(blank)] = pieces.as_mut_slice()
            && change != Change::Same
            && blank.trim().is_empty()
        {
            old.push_str(blank);
            new.push_str(blank);
            pieces.pop();
        }
        match (pieces.last_mut(), change) {
            (Some(Piece::Same(text)), Change::Same) => text.push_str(&token),
            (Some(Piece::Changed(old, _)), Change::Removed) => old.push_str(&token),
            (Some(Piece::Changed(_, new)), Change::Added) => new.push_str(&token),
            (_, Change::Same) => pieces.push(Piece::Same(token)),
            (_, Change::Removed) => pieces.push(Piece::Changed(token, String::new())),
            (_, Change::Added) => pieces.push(Piece::Changed(String::new(), token)),
        }
    }
    pieces
}

/// Words and the blanks between them, in turn.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let other = |c: char| c.is_whitespace() != first.is_whitespace();
        let (token, behind) = rest.split_at(rest.find(other).unwrap_or(rest.len()));
        tokens.push(token);
        rest = behind;
    }
    tokens
}

/// The same as text: `- ` gone, `+ ` new, two blanks in both.
pub fn lines(old: &str, new: &str) -> String {
    let line = |(change, line): (Change, &str)| match change {
        Change::Same => format!("  {line}"),
        Change::Removed => format!("- {line}"),
        Change::Added => format!("+ {line}"),
    };
    changes(old, new).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn changed_lines_are_marked() {
        assert_eq!(lines("a\nb\nc", "a\nx\nc"), "  a\n- b\n+ x\n  c");
    }

    #[test]
    fn changed_words_are_marked_with_the_blanks_between_them() {
        let same = |text: &str| Piece::Same(text.into());
        let changed = |old: &str, new: &str| Piece::Changed(old.into(), new.into());
        assert_eq!(
            words("please check my invoice soon", "please chekc my bill at once soon"),
            [
                same("please "),
                changed("check", "chekc"),
                same(" my "),
                changed("invoice", "bill at once"),
                same(" soon")
            ]
        );
        assert_eq!(words("a b c", "x y c"), [changed("a b", "x y"), same(" c")]);
        assert_eq!(words("", "new"), [changed("", "new")]);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_back_from_their_pieces(old in "[ab \\n]{0,12}", new in "[ab \\n]{0,12}") {
            let (mut a, mut b) = (String::new(), String::new());
            for piece in words(&old, &new) {
                match piece {
                    Piece::Same(text) => { a += &text; b += &text; }
                    Piece::Changed(gone, come) => { a += &gone; b += &come; }
                }
            }
            prop_assert_eq!((a, b), (old, new));
        }

        #[test]
        fn both_texts_can_be_read_back(old in "([abc]\n){0,8}", new in "([abc]\n){0,8}") {
            let all = changes(&old, &new);
            let side = |gone: Change| {
                let lines = all.iter().filter(|(change, _)| *change != gone);
                lines.map(|(_, line)| format!("{line}\n")).collect::<String>()
            };
            prop_assert_eq!(&side(Change::Added), &old);
            prop_assert_eq!(&side(Change::Removed), &new);
        }
    }
}
