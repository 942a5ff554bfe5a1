//! Recognizing a choice in a model's text.
//!
//! **Invariant:** a choice is recognized only if no other choice fits as well.

/// Words that negate the word after them.
const NEGATIONS: [&str; 6] = ["not", "no", "never", "isn't", "neither", "nor"];

/// The choice that a text means. The rules apply in this order, each only if exactly one choice is left: the text, its
/// first line or its last line equals a choice apart from case and punctuation; the text is the beginning of a choice; a
/// choice occurs in the text as whole words.
pub(crate) fn find<'a>(text: &str, choices: &'a [String]) -> Option<&'a str> {
    if let Some(exact) = choices.iter().find(|choice| *choice == text) {
        return Some(exact);
    }
    let forms: Vec<Vec<String>> = choices.iter().map(|choice| words(choice)).collect();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next();
    let last = lines.next_back();
    let place = [Some(text), first, last]
        .into_iter()
        .flatten()
        .find_map(|part| equal(&words(part), &forms))
        .or_else(|| beginning(&words(text), &forms))
        .or_else(|| mentioned(&words(text), &forms))?;
    choices.get(place).map(String::as_str)
}

/// Lower-case words: runs of letters, digits and apostrophes, or, for a text that has none of these, the text itself.
fn words(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '+' | '#');
    let words: Vec<String> = text
        .split(|c| !is_part(c))
        .map(|word| word.trim_matches(['\'', '’']).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() { vec![text.trim().to_owned()] } else { words }
}

fn equal(words: &[String], forms: &[Vec<String>]) -> Option<usize> {
    only(forms.iter().enumerate().filter(|(_, form)| *form == words).map(|(place, _)| place))
}

/// The choice whose beginning the text is, with at least three letters.
fn beginning(words: &[String], forms: &[Vec<String>]) -> Option<usize> {
    let text = words.join(" ");
    let starts = |form: &Vec<String>| text.chars().count() >= 3 && form.join(" ").starts_with(&text);
    only(forms.iter().enumerate().filter(|(_, form)| starts(form)).map(|(place, _)| place))
}

/// The only choice that is mentioned. Of choices that start at the same word, the longest counts.
fn mentioned(words: &[String], forms: &[Vec<String>]) -> Option<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let here = forms.iter().enumerate().filter(|(_, form)| words[at..].starts_with(form));
        let longest = here.max_by_key(|(_, form)| form.len());
        let Some((place, form)) = longest else {
            at += 1;
            continue;
        };
        if at > 0 && NEGATIONS.contains(&words[at - 1].as_str()) {
            return None;
        }
        if forms.iter().filter(|other| *other == form).count() > 1 {
            return None;
        }
        found.push(place);
        at += form.len();
    }
    found.dedup();
    only(found.into_iter())
}

fn only(mut places: impl Iterator<Item = usize>) -> Option<usize> {
    let first = places.next()?;
    places.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_found_only_if_it_is_clear() {
        let choices: Vec<String> =
            ["billing", "billing_dispute", "New York", "shipping", "US", "us"].map(String::from).into();
        let cases = [
            ("billing", Some("billing")),
            ("**Billing**.", Some("billing")),
            ("Billing dispute", Some("billing_dispute")),
            ("\"new york\"", Some("New York")),
            ("The team is shipping, because it is late", Some("shipping")),
            ("shipping\n\nMessage: the next one\nbilling or so", Some("shipping")),
            ("I thought about billing and shipping.\nShipping", Some("shipping")),
            ("ship", Some("shipping")),
            ("billing dispute or shipping", None),
            ("it is not billing", None),
            ("bi", None),
            ("US", Some("US")),
            ("Us", None),
            ("", None),
            ("returns", None),
        ];
        for (text, expected) in cases {
            assert_eq!(find(text, &choices), expected, "{text:?}");
        }
    }

    #[test]
    fn choices_may_be_signs() {
        let choices: Vec<String> = ["+", "-", "C", "C++", "C#"].map(String::from).into();
        for choice in &choices {
            assert_eq!(find(choice, &choices), Some(choice.as_str()));
        }
        assert_eq!(find("it is C++.", &choices), Some("C++"));
    }
}
