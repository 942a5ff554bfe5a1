//! What is emitted, and what its stamp says.

use proofmark_optimizers::{Aim, Standing};
use proofmark_runtime::{
    Candidate, Stamp, Verdict as StampVerdict,
    stamp::{Accepted, Kept},
};

use super::Setting;
use crate::gate::{Certificate, Judgement, Verdict};

/// What is emitted, and what its stamp says.
pub(super) fn decide(
    setting: &Setting<'_>,
    finalists: &[Standing],
    judgement: Option<&Judgement>,
) -> (Candidate, Stamp) {
    let Some(judgement) = judgement else {
        return match finalists.first() {
            Some(best) => (
                best.candidate.clone(),
                Stamp::Unverified {
                    reason: "the policy `explore` emits the best on visible rows and tests nothing"
                        .to_owned(),
                    undecided: vec![],
                },
            ),
            None => (Candidate::baseline(), Stamp::Kept(nothing_found(setting.optimizer.aim()))),
        };
    };
    match (judgement.accepted(), judgement.certificate()) {
        (Some(position), Some(certificate)) => {
            let candidate = finalists[position].candidate.clone();
            let stamp = accepted(&candidate, certificate);
            (candidate, stamp)
        }
        _ => (Candidate::baseline(), Stamp::Kept(kept(judgement))),
    }
}

/// The stamp of a candidate that the gate accepted.
pub(super) fn accepted(candidate: &Candidate, certificate: &Certificate) -> Stamp {
    let (record, look) = (certificate.record(), certificate.look());
    Stamp::Accepted(Box::new(Accepted {
        candidate: candidate.id(),
        policy: record.policy.name().to_owned(),
        seeds: look.map_or(0, |look| look.seeds as u64),
        p: look.map_or(1.0, |look| look.p),
        lead: record.lead.estimate,
        lower95: record.lead.lower,
        certificate: serde_json::to_value(record).unwrap_or_default(),
    }))
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
        reason: judgement.shown().first().map_or_else(|| verdict.sentence(), |first| first.sentence.clone()),
        n_needed,
        finalists: serde_json::to_value(judgement.shown()).unwrap_or_default(),
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
