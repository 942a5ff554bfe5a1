//! Differences between two texts, line by line: the longest common subsequence of lines stays, the rest is `-` or `+`.

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

/// The lines of both texts in order, each with what became of it. Time and memory grow with the product of the numbers
/// of lines, which is small for prompts.
pub fn changes<'a>(old: &'a str, new: &'a str) -> Vec<(Change, &'a str)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
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

    proptest! {
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
