//! What each change of a prompt does, as it was found before the gate.

use proofmark_runtime::{Artifact, Stamp};

use crate::{
    cli::screen::points,
    prune::{Effect, Pruning, Weighing},
};

/// The lines of `show --why`.
pub(super) fn lines(artifact: &Artifact) -> Vec<String> {
    let edits = artifact.parts().edits.clone();
    match edits.map(serde_json::from_value) {
        Some(Ok(Pruning::Weighed(weighing))) => table(artifact, &weighing),
        Some(Ok(Pruning::Skipped { why })) => {
            vec![format!("the parts of this prompt were not weighed: {why}")]
        }
        Some(Err(error)) => vec![format!("what was found about the parts cannot be read: {error}")],
        None => vec!["the parts of this prompt were not weighed".to_owned(), RAISE.to_owned()],
    }
}

const RAISE: &str = "[optimizer] budget = { pruning = N } says how many calls may be spent on it";

fn table(artifact: &Artifact, weighing: &Weighing) -> Vec<String> {
    let mut lines = about(artifact, weighing);
    lines.push(format!("{:>28}  {:<10} {:<10}", "effect on the score", "", ""));
    for edit in &weighing.edits {
        let fate = if edit.kept { "kept" } else { "taken away" };
        let score = edit.score.map_or_else(|| "cannot be told".to_owned(), interval);
        lines.push(format!("{score:>28}  {:<10} {fate:<10} {}: {}", edit.class.name(), edit.path, edit.what));
        let others = [("usable answers", edit.validity), ("same answer when rewritten", edit.agreement)];
        let shown = |(name, effect): (&str, Option<Effect>)| {
            effect.filter(is_shown).map(|effect| format!("{:>28}  on {name}", interval(effect)))
        };
        lines.extend(others.into_iter().filter_map(shown));
    }
    for tried in &weighing.tried {
        let verdict = if tried.passes { "as good" } else { "not shown to be as good" };
        lines.push(format!(
            "without {} of them: {} points on the same rows, at least {} (90 %): {verdict}",
            tried.without,
            points(tried.lead),
            points(tried.lower)
        ));
    }
    lines
}

/// Whose parts these are, and how they were weighed.
fn about(artifact: &Artifact, weighing: &Weighing) -> Vec<String> {
    let own = artifact.parts().candidate.id();
    let emitted = own == weighing.candidate || weighing.pruned == Some(own);
    let whose = match (emitted, artifact.stamp()) {
        (true, _) => "this prompt",
        (false, Stamp::Kept(_)) => "the first new prompt, which was not accepted",
        (false, _) => "the first new prompt; the one in this file is another",
    };
    let mut lines = vec![
        format!("what was weighed: the {} parts of {whose}", weighing.edits.len()),
        format!(
            "how: {} answers to {} visible rows, as they are and rewritten, each with a random half of the parts; points with \
             90 % intervals",
            weighing.answers, weighing.rows
        ),
        format!(
            "together they lead by {} points on these rows, one by one by {}",
            points(weighing.lead),
            points(weighing.sum())
        ),
    ];
    if weighing.is_more_than_its_parts() {
        lines.push(
            "so they need or replace each other, and what one does without half of the others says little"
                .to_owned(),
        );
    }
    lines
}

/// Whether an effect is surely not zero.
fn is_shown(effect: &Effect) -> bool {
    effect.lower > 0.0 || effect.upper < 0.0
}

fn interval(effect: Effect) -> String {
    format!("{} ({} to {})", points(effect.estimate), points(effect.lower), points(effect.upper))
}
