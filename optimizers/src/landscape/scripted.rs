//! The scripted proposer: replies like a model of medium ability. It takes rules from the remarks in the prompt, joins
//! sentences of several instructions, and sometimes loses a sentence. It also quotes rows, changes nothing, adds useless
//! sentences, and chats.
//!
//! **Invariant:** a reply depends on the seed and the question alone.

use super::{
    planted::{RULES, below, rule},
    uniform,
};
use crate::{effects::Ask, phrases};

/// Sentences that help on no landscape, or on one.
const SENTENCES: [&str; 8] = [
    "Think aloud at great length.",
    "Be kind and be brief.",
    "Answer with the team only.",
    "The team is one of: billing, shipping, returns, account, technical, sales.",
    "Consider the tone of the customer.",
    "An expert checks your answer.",
    "Take a deep breath first.",
    "Read everything twice.",
];
/// The greatest number of rules that one reply takes from a prompt.
const GRASP: usize = 2;

/// The reply to a question.
pub(super) fn reply(seed: u64, ask: &Ask) -> String {
    let draw = Draw { seed, ask };
    let text = if ask.user.contains("numbered list") {
        return list(&draw);
    } else if ask.user.contains("these words") {
        let seen =
            rules_in(&ask.user).find(|rule| !parts(&ask.user).0.iter().any(|text| text.contains(rule)));
        return seen.unwrap_or_else(|| "Messages of customers, each of them for one team.".into());
    } else {
        instruction(&draw)
    };
    match draw.uniform("wrapping") {
        x if x < 0.1 => "Sure! Tell me more about what you need.".into(),
        x if x < 0.7 => format!("Some thoughts first.\n\n```\n{text}\n```\nI hope this helps."),
        x if x < 0.9 => format!("Here is the new instruction:\n\n\u{201c}{text}\u{201d}"),
        _ => format!("Instruction: {text}"),
    }
}

struct Draw<'a> {
    seed: u64,
    ask: &'a Ask,
}

impl Draw<'_> {
    /// A pseudo-random number in [0, 1) for a purpose.
    fn uniform(&self, purpose: &str) -> f64 {
        let Ask { purpose: what, system, user, replicate, .. } = self.ask;
        uniform(&("proposer", self.seed, what, system, user, replicate, purpose))
    }

    fn below(&self, n: usize, purpose: &str) -> usize {
        below(n, self.uniform(purpose))
    }
}

/// The instructions between fences, and the text outside.
fn parts(user: &str) -> (Vec<String>, String) {
    let mut inside = Vec::new();
    let mut outside = String::new();
    for (i, part) in user.split("```").enumerate() {
        if i % 2 == 1 { inside.push(part.trim().to_owned()) } else { outside.push_str(part) }
    }
    (inside, outside)
}

fn instruction(draw: &Draw<'_>) -> String {
    let (mut known, outside) = parts(&draw.ask.user);
    let base = known.pop().unwrap_or_default();
    let quoted = outside.lines().find_map(|line| line.strip_prefix("Message: "));
    match (draw.uniform("kind"), quoted) {
        (x, _) if x < 0.08 => return base,
        (x, Some(row)) if x < 0.2 => return format!("{base} For example, \u{201c}{row}\u{201d} is clear."),
        _ => {}
    }
    let mut sentences: Vec<String> =
        phrases::split(&base).into_iter().map(|part| part.trim().to_owned()).collect();
    if sentences.len() > 1 && draw.uniform("lose") < 0.3 {
        sentences.remove(draw.below(sentences.len(), "which to lose"));
    }
    let seen = rules_in(&outside).filter(|rule| !base.contains(rule));
    let mut new: Vec<String> = seen.take(GRASP).collect();
    let elsewhere = known.iter().flat_map(|text| phrases::split(text)).map(str::trim);
    let elsewhere: Vec<&str> = elsewhere.filter(|part| !part.is_empty() && !base.contains(part)).collect();
    if !elsewhere.is_empty() && draw.uniform("join") < 0.5 {
        new.push(elsewhere[draw.below(elsewhere.len(), "which to join")].to_owned());
    }
    if new.is_empty() || draw.uniform("idea") < 0.5 {
        new.push(idea(draw));
    }
    new.retain(|sentence| !sentences.contains(sentence));
    sentences.extend(new);
    phrases::join(&sentences)
}

/// A random sentence: a rule one time in five.
fn idea(draw: &Draw<'_>) -> String {
    if draw.uniform("good idea") < 0.2 {
        rule(draw.below(RULES, "which rule"))
    } else {
        SENTENCES[draw.below(SENTENCES.len(), "which sentence")].to_owned()
    }
}

/// A list of the rules that the prompt contains or that follow from two examples of the same answer.
fn list(draw: &Draw<'_>) -> String {
    let mut items: Vec<String> = rules_in(&draw.ask.user).collect();
    for number in 0..RULES {
        let answer = rule(number).rsplit(' ').next().unwrap_or_default().trim_end_matches('.').to_owned();
        let examples = draw.ask.user.matches(&format!("Wanted team: {answer}")).count();
        if examples >= 2 && !items.contains(&rule(number)) && draw.uniform(&answer) < 0.5 {
            items.push(rule(number));
        }
    }
    items.truncate(GRASP + 1);
    items.push(SENTENCES[draw.below(SENTENCES.len(), "which sentence")].to_owned());
    let lines: Vec<String> = items.iter().enumerate().map(|(i, item)| format!("{}. {item}", i + 1)).collect();
    format!("Looking at the examples:\n{}\n", lines.join("\n"))
}

fn rules_in(text: &str) -> impl Iterator<Item = String> {
    (0..RULES).map(rule).filter(move |rule| text.contains(rule))
}
