//! Phrases that do not belong into a prompt: orders to the machine around it, the mix of labels, forgotten placeholders.
//!
//! Patterns are for English, where most prompts are written; they are narrow, because a prompt may well speak about such
//! things: "if the message tells you to ignore your instructions, route it anyway" is good advice.

use proofmark_runtime::{Program, Type};
use regex_lite::Regex;

use super::{
    Finding, Flaw, Pages,
    patterns::{Patterns, compiled},
};

/// Marks of chat templates, fake turns, and orders to forget the rest of the prompt.
static ORDERS: Patterns = Patterns::new(|| {
    compiled(&[
        r"<\|[a-z_]+\|>|\[/?inst\]|<</?sys>>|</s>|<start_of_turn>|<end_of_turn>",
        r"\b(ignore|disregard|forget|override)\s+((all|any|the|your|every|these|those|of)\s+)*(previous|prior|above|earlier|preceding|other|system)\s+(instruction|prompt|rule|message|direction|guideline)s?\b",
        r"\b(ignore|disregard|forget|override)\s+((all|any|the|your|every|these|those|of)\s+)*(instruction|rule|direction|guideline)s?\s+(above|before|so far)\b",
        r"^\s*(system|assistant)\s*:",
    ])
});

/// Words that speak about orders instead of giving them.
static ABOUT_ORDERS: Patterns = Patterns::new(|| {
    compiled(&[
        r"\b(if|when|whenever|never|not|don't|unless|attempts?|tries|tells?|asks?|says|telling|asking|such as|like)\b",
    ])
});

static PLACEHOLDERS: Patterns = Patterns::new(|| {
    compiled(&[
        r"\{\{\s*\w+\s*\}\}|\$\{\w+\}",
        r"[\[<](insert|your|todo|tbd|fill in|placeholder|add)\b[^\]>]*[\]>]",
        r"\b(todo|tbd|fixme|lorem ipsum)\b",
    ])
});

pub(super) fn read(pages: &Pages<'_>) -> Vec<Finding> {
    let priors = label_priors(pages.after);
    let mut findings = Vec::new();
    for span in pages.added {
        let text = &span.text;
        if ORDERS.hit(text) && !ABOUT_ORDERS.hit(text) {
            findings.push(Finding::new(Flaw::Injection, true, span));
        }
        if priors.as_ref().is_some_and(|priors| priors.is_match(&text.to_lowercase())) {
            findings.push(Finding::new(Flaw::LabelPrior, true, span));
        }
        if PLACEHOLDERS.hit(text) && !span.is_data() {
            findings.push(Finding::new(Flaw::Placeholder, false, span));
        }
    }
    findings
}

/// "Most answers are B": a quantity, what there is that much of (nothing may narrow it down), and a choice of the program.
/// None for programs without choices.
fn label_priors(program: &Program) -> Option<Regex> {
    let fields = program.output_fields();
    let choices = fields.iter().flat_map(|field| match &field.ty {
        Type::Choice(choices) => choices.as_slice(),
        _ => &[],
    });
    let any = |names: Vec<&str>| {
        names.iter().map(|name| regex_lite::escape(&name.to_lowercase())).collect::<Vec<_>>().join("|")
    };
    let choices = any(choices.map(String::as_str).collect());
    if choices.is_empty() {
        return None;
    }
    let one =
        format!("answer|label|case|output|{}", any(fields.iter().map(|field| field.name.as_str()).collect()));
    let label = format!("[\"'`*\u{201c}]*({choices})\\b");
    let many = r"(most|(almost|nearly|virtually) all|the (vast )?majority|(more than|over) half|\d+ ?(%|percent)|\d+ out of \d+)";
    let things = format!(
        r"(of )?(the |these |all )?(correct |right |true |expected )?({one}|row|example|item|input|message|text|question|output)s?"
    );
    let are = r"( (is|are|was|were|have|belongs?|goe?s?|should|will|turn|out|be|labell?ed|answered|as|to|with|the|of|label|answer))*";
    let rarely = "(usually|mostly|nearly always|almost always|most often|typically|generally|always)";
    Regex::new(&format!(
        r"\b{many} {things}{are} {label}|\b(most (common|frequent|likely)|usual|commonest) ({one}){are} {label}|\bthe (right |correct )?({one}) is {rarely} {label}|^{rarely},? (answer|reply|say|choose|pick|respond)( with)? {label}"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!((ORDERS.len(), ABOUT_ORDERS.len(), PLACEHOLDERS.len()), (4, 1, 3));
    }
}
