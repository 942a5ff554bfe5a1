//! From a run to the data of its report.
//!
//! **Invariant:** of sealed rows only what the gate allows to be shown gets here: the certificate of an accepted
//! candidate, or coarse lines. Single rows come from the rows that the search could see.

use proofmark_optimizers::{Event, Outcome, Score, Step};
use proofmark_runtime::{
    Candidate, CandidateId, Example, Program, Record, Source, Stamp, Value, Verdict as Judged,
    artifact::{ArtifactError, ModulePrompt},
};

use super::data::{
    Case, Conclusion, Contestant, Cost, Effects, Fact, Fate, Group, GroupKind, Line, LineChange, Moment,
    PromptDiff, Proof, Rate, ReportData, SealedLead, Verdict, VisibleLead,
};
use super::held::held;
use crate::{
    attack,
    compile::Compiled,
    data::NATURAL,
    diff::{Change, changes},
    gate::{Accepted, Certificate, CertificateRecord, Tally},
};

/// Cases of each sort that are shown.
const CASES: usize = 8;
/// Characters of a value that are shown.
const LONGEST: usize = 600;
/// Contestants that are listed.
const CONTESTANTS: usize = 40;
/// The tables of all clean rows and of all perturbed ones.
const WHOLES: [&str; 2] = ["clean", "primary"];

impl ReportData {
    /// The data of a run's report.
    ///
    /// # Errors
    /// If the prompts cannot be rendered.
    pub fn of(compiled: &Compiled) -> Result<Self, ArtifactError> {
        let Compiled { artifact, judgement, spent, .. } = compiled;
        let best = compiled.best();
        let record = judgement.as_ref().and_then(|judgement| judgement.certificate()).map(|c| c.record());
        Ok(Self {
            task: artifact.parts().name.clone(),
            graded: compiled.is_graded(),
            conclusion: conclusion(compiled),
            visible: visible(compiled, best.id()),
            sealed: sealed(compiled),
            proof: record.and_then(|record| proof(compiled, record)),
            held: record.map(held).unwrap_or_default(),
            groups: record.map(|record| groups(record, &compiled.sealed.own)).unwrap_or_default(),
            prompts: prompts(compiled, &best)?,
            effects: effects(compiled, &best)?,
            course: compiled.events.iter().filter_map(moment).collect(),
            contestants: contestants(compiled),
            cost: Cost {
                task: spent.task,
                proposer: spent.proposer,
                gate: spent.gate,
                input_tokens: spent.usage.input,
                output_tokens: spent.usage.output,
                per_row: compiled.calls_per_row(&best),
            },
            facts: facts(compiled),
        })
    }
}

fn conclusion(compiled: &Compiled) -> Conclusion {
    let how = compiled.how(compiled.best().id());
    let (verdict, kind, sentence, advice) = match compiled.artifact.stamp() {
        Stamp::Accepted(_) => (
            Verdict::Accept,
            None,
            accepted(compiled),
            "Use the new prompt; compile again with fresh rows when the inputs change.".to_owned(),
        ),
        Stamp::Kept(kept) => {
            let verdict =
                if kept.verdict == Judged::Reject { Verdict::Reject } else { Verdict::Inconclusive };
            let advice = match kept.n_needed {
                Some(needed) => format!(
                    "About {needed} sealed seeds would settle it; there are {}. Label more rows and go on with it: proofmark gate --candidate candidate.json --more ROWS.",
                    compiled.sealed.seeds
                ),
                None if compiled.finalists.is_empty() => {
                    "Keep the old prompt. More rows to learn from, a larger budget or a stronger model may find more."
                        .to_owned()
                }
                None => format!("Keep the old prompt; {}.", compiled.advice()),
            };
            (verdict, Some(kept.kind.clone()), kept.reason.clone(), advice)
        }
        Stamp::Unverified { reason, .. } => (
            Verdict::Unverified,
            None,
            format!("Nothing was proven: {reason}."),
            "Try a larger budget or a stronger model.".to_owned(),
        ),
    };
    Conclusion { verdict, kind, tried: !compiled.finalists.is_empty(), sentence, advice, how }
}

/// What acceptance means, and what it says about the target, if there is one.
fn accepted(compiled: &Compiled) -> String {
    let certificate = compiled.judgement.as_ref().and_then(|judgement| judgement.certificate());
    let Some(record) = certificate.map(Certificate::record) else { return String::new() };
    let proven = record.policy.proven();
    record.target.map_or_else(|| proven.to_owned(), |rate| format!("{proven} {}", rate.sentence()))
}

fn visible(compiled: &Compiled, best: CandidateId) -> Option<VisibleLead> {
    let (board, baseline) = (&compiled.board, Candidate::baseline().id());
    let rows = board.depth(best).min(board.depth(baseline));
    let mean = |id| board.scores(id, rows).iter().sum::<f64>() / rows.max(1) as f64;
    (rows > 0 && best != baseline).then(|| VisibleLead { rows, baseline: mean(baseline), best: mean(best) })
}

fn sealed(compiled: &Compiled) -> Option<SealedLead> {
    let judgement = compiled.judgement.as_ref()?;
    if let Some(certificate) = judgement.certificate() {
        let CertificateRecord { gain: lead, tables, search, .. } = certificate.record();
        let wholes = tables.iter().filter(|tally| WHOLES.contains(&tally.name.as_str()));
        let rows = wholes.map(|tally| tally.rows).sum();
        return Some(SealedLead {
            rows,
            estimate: lead.estimate,
            bounds: Some([lead.lower, lead.upper]),
            kept: search.and_then(|search| search.kept(lead.estimate)),
        });
    }
    let first = judgement.disclosed().into_iter().next()?;
    Some(SealedLead { rows: compiled.sealed.rows, estimate: first.gain?, bounds: None, kept: None })
}

fn proof(compiled: &Compiled, record: &CertificateRecord) -> Option<Proof> {
    let look = record.looks.last()?;
    Some(Proof {
        p: look.p,
        level: look.level,
        look: record.looks.len(),
        looks: record.plan.len(),
        seeds: look.units,
        of: compiled.sealed.seeds,
        turn: record.turn,
        policy: record.policy.name().to_owned(),
    })
}

fn groups(record: &CertificateRecord, own: &[(String, String)]) -> Vec<Group> {
    let rate = |rate: crate::gate::Rate| Rate { mean: rate.mean, lower: rate.lower, upper: rate.upper };
    let group = |tally: &Tally| {
        let (kind, name, about) = match (tally.name.as_str(), family(&tally.name, own)) {
            ("clean", _) => {
                (GroupKind::Whole, "as written".to_owned(), "the sealed rows as they are".to_owned())
            }
            ("primary", _) => (
                GroupKind::Whole,
                "attacked".to_owned(),
                "all perturbed variants of the sealed rows".to_owned(),
            ),
            (name, Some(about)) => (GroupKind::Family, name.to_owned(), about.to_owned()),
            (name, None) => (GroupKind::Slice, name.replacen('=', ": ", 1), String::new()),
        };
        Group {
            kind,
            name,
            about,
            rows: tally.rows,
            baseline: rate(tally.baseline),
            best: rate(tally.finalist),
            lead: tally.gain,
        }
    };
    let mut groups: Vec<_> = record.tables.iter().filter(|tally| tally.rows > 0).map(group).collect();
    // What was decided on comes first.
    groups.sort_by_key(|group| group.name != "attacked");
    groups
}

/// One line about a family; nothing if there is none of that name.
fn family<'a>(name: &str, own: &'a [(String, String)]) -> Option<&'a str> {
    let known = attack::ALL.iter().find(|family| family.name() == name).map(|family| family.about());
    let mine = || own.iter().find(|(own, _)| own == name).map(|(_, about)| about.as_str());
    match name {
        attack::COMPOSED => Some("two perturbations at once"),
        NATURAL => Some("hard rows of yours, hand-written or natural"),
        _ => known.or_else(mine),
    }
}

fn prompts(compiled: &Compiled, best: &Candidate) -> Result<Vec<PromptDiff>, ArtifactError> {
    let artifact = &compiled.artifact;
    let (old, new) = (artifact.rendered(&Candidate::baseline())?, artifact.rendered(best)?);
    // A vote has all prompts once for each member.
    Ok(old.iter().cycle().zip(&new).map(|(old, new)| prompt(old, new)).collect())
}

fn prompt(old: &ModulePrompt, new: &ModulePrompt) -> PromptDiff {
    /// Starts the line that names the speaker of a message; no text of a prompt contains it.
    const HEADING: char = '\u{1}';
    let text = |prompt: &ModulePrompt| {
        let message = |message: &proofmark_runtime::model::Message| {
            format!("{HEADING}{}\n{}\n", message.role, message.content.replace(HEADING, ""))
        };
        prompt.messages.iter().map(message).collect::<String>()
    };
    let (before, after) = (text(old), text(new));
    let line = |(change, line): (Change, &str)| Line {
        change: match change {
            Change::Same => LineChange::Same,
            Change::Removed => LineChange::Removed,
            Change::Added => LineChange::Added,
        },
        heading: line.starts_with(HEADING),
        text: line.trim_start_matches(HEADING).to_owned(),
    };
    PromptDiff {
        module: new.module.clone(),
        formats: [old.format.clone(), new.format.clone()],
        nearest: new.nearest,
        lines: changes(&before, &after).into_iter().map(line).collect(),
    }
}

fn effects(compiled: &Compiled, best: &Candidate) -> Result<Effects, ArtifactError> {
    let (board, baseline, id) = (&compiled.board, Candidate::baseline().id(), best.id());
    let program = &compiled.artifact.parts().program;
    let programs = (program, &program.apply(best)?);
    let mut effects = Effects::default();
    for example in &compiled.visible {
        let outcomes = (board.outcome(baseline, &example.id), board.outcome(id, &example.id));
        let (Some(before), Some(after)) = outcomes else { continue };
        effects.rows += 1;
        let (old, new): (Score, Score) = (before.worth(), after.worth());
        if new > old {
            effects.fixed += 1;
            effects.fixed_cases.push(case(programs, example, (before, after)));
        } else if new < old {
            effects.broken += 1;
            effects.broken_cases.push(case(programs, example, (before, after)));
        }
    }
    effects.fixed_cases.truncate(CASES);
    effects.broken_cases.truncate(CASES);
    Ok(effects)
}

fn case(programs: (&Program, &Program), example: &Example, (before, after): (&Outcome, &Outcome)) -> Case {
    let told = |program: &Program, outcome: &Outcome| match outcome {
        Outcome::Scored { trace, .. } => values(&outputs(program, example, trace), ", "),
        Outcome::Failed { message, .. } => message.clone(),
    };
    Case {
        id: example.id.to_string(),
        input: values(&example.inputs, "\n"),
        expected: values(&example.outputs, ", "),
        before: told(programs.0, before),
        after: told(programs.1, after),
    }
}

/// What a program gave: its outputs, without what its modules only think or hand on. Outputs that no row labels are
/// left out, as nothing is expected of them.
fn outputs(program: &Program, example: &Example, trace: &[Step]) -> Record {
    let labelled = program.outputs().iter().filter(|output| example.outputs.get(&output.name).is_some());
    let value = |source: &Source| match source {
        Source::Input(name) => example.inputs.get(name),
        Source::Output { module, field } => {
            trace.iter().find(|step| step.module == *module).and_then(|step| step.outputs.get(field))
        }
    };
    labelled.map(|output| (output.name.clone(), output.value(value))).collect()
}

/// The only value, or all with their names; long ones are cut.
fn values(record: &Record, separator: &str) -> String {
    let short = |value: &Value| {
        let text = value.to_string();
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{} …", &text[..end]),
            None => text,
        }
    };
    match record.len() {
        1 => record.iter().map(|(_, value)| short(value)).collect(),
        _ => record
            .iter()
            .map(|(name, value)| format!("{name}: {}", short(value)))
            .collect::<Vec<_>>()
            .join(separator),
    }
}

fn moment(event: &Event) -> Option<Moment> {
    match event {
        Event::Stage { name } => Some(Moment::Stage { text: name.clone() }),
        Event::Remark { text } => Some(Moment::Remark { text: text.clone() }),
        Event::Rung { rows, candidates, kept, best } => {
            Some(Moment::Rung { rows: *rows, candidates: *candidates, kept: *kept, best: *best })
        }
        Event::Born(_) => None,
    }
}

fn contestants(compiled: &Compiled) -> Vec<Contestant> {
    let (board, baseline) = (&compiled.board, Candidate::baseline().id());
    let shown = compiled.judgement.as_ref().map(|judgement| judgement.disclosed()).unwrap_or_default();
    let accepted =
        compiled.judgement.as_ref().and_then(|judgement| judgement.accepted()).map(Accepted::position);
    let mut ids: Vec<_> =
        board.entries().map(|entry| entry.candidate().id()).filter(|id| board.depth(*id) > 0).collect();
    ids.sort_by(|a, b| {
        let key = |id: &CandidateId| (board.depth(*id), board.mean(*id).unwrap_or(0.0));
        let ((a_rows, a_mean), (b_rows, b_mean)) = (key(a), key(b));
        b_rows.cmp(&a_rows).then(b_mean.total_cmp(&a_mean)).then(a.cmp(b))
    });
    let place =
        |id: CandidateId| compiled.finalists.iter().position(|standing| standing.candidate.id() == id);
    // Who came before the gate stands first, in the order of the trials.
    ids.sort_by_key(|id| place(*id).unwrap_or(usize::MAX));
    let contestant = |id: CandidateId| {
        let position = place(id);
        let (fate, told) = match position {
            _ if id == baseline => (Fate::Baseline, "what was to be beaten".to_owned()),
            Some(place) if Some(place) == accepted => (Fate::Accepted, "accepted by the gate".to_owned()),
            Some(place) => match shown.get(place) {
                Some(shown) => (Fate::Refused, shown.sentence.clone()),
                None => (Fate::Spare, "a finalist that the gate did not have to try".to_owned()),
            },
            None => (Fate::Dropped, "dropped by the search".to_owned()),
        };
        Contestant {
            id: id.to_string(),
            how: compiled.how(id).unwrap_or_else(|| "as written".to_owned()),
            rows: board.depth(id),
            mean: board.mean(id),
            fate,
            told,
        }
    };
    let keep = |id: &CandidateId| *id == baseline;
    let (base, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(keep);
    others.into_iter().take(CONTESTANTS).chain(base).map(contestant).collect()
}

fn facts(compiled: &Compiled) -> Vec<Fact> {
    let (artifact, parts) = (&compiled.artifact, compiled.artifact.parts());
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let mut facts = vec![
        fact("tool", artifact.tool().to_owned()),
        fact("model", format!("{} ({})", artifact.model().name, artifact.model().fingerprint)),
        fact("seed", parts.seed.to_string()),
    ];
    let shown = compiled.judgement.as_ref().map(|judgement| judgement.disclosed()).unwrap_or_default();
    let read = shown.iter().filter_map(|shown| shown.read.as_ref()).map(|read| read.told().join("; "));
    facts.extend(read.map(|told| fact("what was read", told)));
    let certificate = compiled.judgement.as_ref().and_then(|judgement| judgement.certificate());
    let audited = certificate.and_then(|certificate| certificate.record().audited);
    facts.extend(audited.map(|audited| fact("variants read", audited.sentence())));
    facts.extend(parts.data.iter().map(|split| {
        fact(&format!("{} rows", split.name), format!("{}, {}", split.rows, split.fingerprint))
    }));
    facts
}
