//! `unicode`: the same text in other code points: decomposed accents, full-width letters, typographic quotes, unbreakable
//! and zero-width spaces, look-alike letters.

use rand::{RngExt, rngs::ChaCha8Rng};
use unicode_normalization::UnicodeNormalization;

use super::{Family, Guarantee, Scene, light::first_change};

/// Changes code points, but not what a reader sees.
pub(super) struct Unicode;

/// Latin letters and their Cyrillic look-alikes (a part of Unicode TR39's confusables).
const LOOK_ALIKES: &[(char, char)] =
    &[('a', 'а'), ('c', 'с'), ('e', 'е'), ('i', 'і'), ('o', 'о'), ('p', 'р'), ('x', 'х'), ('y', 'у')];

impl Family for Unicode {
    fn name(&self) -> &str {
        "unicode"
    }

    fn about(&self) -> &str {
        "the same letters in other code points: full-width, decomposed, look-alike, invisible spaces"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Normalizes(skeleton)
    }

    fn perturb(&self, text: &str, _: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        first_change(text, rng, &[typographic, unbreakable, zero_width, look_alike, full_width_word])
    }
}

/// What a reader sees: compatibility-composed, without look-alikes and invisible characters, with straight quotes.
fn skeleton(text: &str) -> String {
    let fold = |c: char| match c {
        '“' | '”' => '"',
        '‘' | '’' => '\'',
        '–' | '—' => '-',
        c => LOOK_ALIKES.iter().find(|(_, twin)| *twin == c).map_or(c, |(letter, _)| *letter),
    };
    text.nfkc().filter(|c| *c != '\u{200b}').map(fold).collect()
}

fn typographic(text: &str, _: &mut ChaCha8Rng) -> String {
    let mut open = false;
    let quoted: String = text
        .chars()
        .map(|c| match c {
            '"' => {
                open = !open;
                if open { '“' } else { '”' }
            }
            '\'' => '’',
            c => c,
        })
        .collect();
    quoted.nfd().collect()
}

fn unbreakable(text: &str, _: &mut ChaCha8Rng) -> String {
    text.replace(' ', "\u{a0}")
}

fn zero_width(text: &str, rng: &mut ChaCha8Rng) -> String {
    let mark = |c: char, rng: &mut ChaCha8Rng| match c.is_alphabetic() && rng.random_bool(0.06) {
        true => format!("{c}\u{200b}"),
        false => c.to_string(),
    };
    text.chars().map(|c| mark(c, rng)).collect()
}

fn look_alike(text: &str, rng: &mut ChaCha8Rng) -> String {
    let twin = |c: char| LOOK_ALIKES.iter().find(|(letter, _)| *letter == c).map(|(_, twin)| *twin);
    text.chars().map(|c| twin(c).filter(|_| rng.random_bool(0.1)).unwrap_or(c)).collect()
}

fn full_width_word(text: &str, rng: &mut ChaCha8Rng) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c),
        c => c,
    };
    let words: Vec<String> = text
        .split(' ')
        .map(|word| if rng.random_bool(0.15) { word.chars().map(wide).collect() } else { word.to_owned() })
        .collect();
    words.join(" ")
}
