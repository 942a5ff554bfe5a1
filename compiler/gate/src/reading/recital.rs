//! Recital: wording that holds the rows it was made from instead of saying how to answer. Demonstrations are rows by
//! nature and are not read for it.

use std::collections::BTreeSet;

use proofmark_runtime::Type;

use super::{Finding, Flaw, Pages, span::Span, texts, texts_of};
use crate::text::plain;

/// Words of a run that is not said twice by chance.
const RUN: usize = 8;
/// Share of the added words inside such runs, in parts of 100, that refuses a prompt.
const TOO_MUCH: usize = 30;
/// The same, worth a look.
const MUCH: usize = 20;
/// Answers with fewer words and fewer characters may well be said.
const ANSWER: (usize, usize) = (3, 12);

pub(super) fn read(pages: &Pages<'_>) -> Vec<Finding> {
    let wording: Vec<_> = pages.added.iter().filter(|span| !span.is_data()).collect();
    let rows: Vec<_> = pages.visible.iter().flat_map(|example| texts_of(example)).map(plain).collect();
    let runs: BTreeSet<Vec<&str>> = rows.iter().flat_map(|row| runs(row)).collect();
    let recited: Vec<_> = wording.iter().map(|span| recited(&plain(&span.text), &runs)).collect();
    let (covered, words) = recited.iter().fold((0, 0), |sum, span| (sum.0 + span.0, sum.1 + span.1));
    let mut findings = answers(pages, &wording);
    if words > 0 && 100 * covered > MUCH * words {
        let worst = wording.iter().zip(&recited).max_by_key(|(_, (covered, _))| *covered);
        let grave = 100 * covered > TOO_MUCH * words;
        findings.extend(worst.map(|(span, _)| Finding::new(Flaw::Recital, grave, span)));
    }
    findings
}

fn runs(plain: &str) -> Vec<Vec<&str>> {
    let words: Vec<_> = plain.split(' ').collect();
    words.windows(RUN).map(<[&str]>::to_vec).collect()
}

/// Words of a span inside runs of training rows, and all of its words.
fn recited(plain: &str, rows: &BTreeSet<Vec<&str>>) -> (usize, usize) {
    let words: Vec<_> = plain.split(' ').collect();
    let mut covered = vec![false; words.len()];
    for (at, run) in words.windows(RUN).enumerate() {
        if rows.contains(run) {
            covered[at..at + RUN].fill(true);
        }
    }
    (covered.iter().filter(|covered| **covered).count(), words.len())
}

/// Free answers of visible rows that stand whole in the wording.
fn answers(pages: &Pages<'_>, wording: &[&Span]) -> Vec<Finding> {
    let free: Vec<_> =
        pages.after.output_fields().into_iter().filter(|field| field.ty == Type::Text).collect();
    let values = pages
        .visible
        .iter()
        .flat_map(|example| free.iter().filter_map(|field| example.outputs.get(&field.name)).flat_map(texts));
    let is_long =
        |answer: &String| answer.split(' ').count() >= ANSWER.0 || answer.chars().count() >= ANSWER.1;
    let answers: BTreeSet<_> =
        values.map(plain).filter(is_long).map(|answer| format!(" {answer} ")).collect();
    let holds = |span: &&&Span| {
        let text = format!(" {} ", plain(&span.text));
        answers.iter().any(|answer| text.contains(answer.as_str()))
    };
    wording.iter().filter(holds).map(|span| Finding::new(Flaw::Answer, false, span)).collect()
}
