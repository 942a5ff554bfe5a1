//! What is emitted, and what its stamp says.

use proofmark_optimizers::{Aim, Standing};
use proofmark_runtime::{
    Candidate, Stamp, Verdict as StampVerdict,
    stamp::{Kept, StampError},
};

use super::Setting;
use crate::gate::{Judgement, Verdict};

/// What is emitted, and what its stamp says.
pub(super) fn decide(
    setting: &Setting<'_>,
    finalists: &[Standing],
    judgement: Option<&Judgement>,
) -> Result<(Candidate, Stamp), StampError> {
    let Some(judgement) = judgement else {
        return Ok(match finalists.first() {
            Some(best) => (
                best.candidate.clone(),
                Stamp::Unverified {
                    reason: "the policy `explore` emits the best on visible rows and tests nothing"
                        .to_owned(),
                    undecided: vec![],
                },
            ),
            None => (Candidate::baseline(), Stamp::Kept(nothing_found(setting.optimizer.aim()))),
        });
    };
    match judgement.accepted() {
        Some(accepted) => {
            let candidate = finalists[accepted.position()].candidate.clone();
            Ok((candidate, accepted.stamp()?))
        }
        None => Ok((Candidate::baseline(), Stamp::Kept(kept(judgement)))),
    }
}

fn kept(judgement: &Judgement) -> Kept {
    let verdict = judgement.verdict();
    let (verdict_name, kind, n_needed) = match &verdict {
        Verdict::Accept => (StampVerdict::Accept, String::new(), None),
        Verdict::Reject { kind } => (StampVerdict::Reject, kind.name().to_owned(), None),
        Verdict::Inconclusive { kind, n_needed } => {
            (StampVerdict::Inconclusive, kind.name().to_owned(), Some(*n_needed as u64))
        }
    };
    Kept {
        verdict: verdict_name,
        kind,
        reason: judgement
            .disclosed()
            .first()
            .map_or_else(|| verdict.sentence(), |first| first.sentence.clone()),
        n_needed,
        finalists: serde_json::to_value(judgement.disclosed()).unwrap_or_default(),
    }
}

/// Why the baseline is kept where no candidate came before the gate.
fn nothing_found(aim: Aim) -> Kept {
    let found = match aim {
        Aim::Score => "is ahead of the old prompt",
        Aim::Brevity => "is shorter than the old prompt and does as well",
    };
    Kept {
        verdict: StampVerdict::Reject,
        kind: "nothing_found".to_owned(),
        reason: format!("The search found nothing that {found} on the rows it could see."),
        n_needed: None,
        finalists: serde_json::Value::Array(vec![]),
    }
}
