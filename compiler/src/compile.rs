//! Compiling: the whole way from a task to an artifact, as prose. Read this first.
//!
//! **Invariant:** nothing is changed after the gate has judged it, and an artifact that is stamped as accepted holds a
//! candidate for which the gate made a certificate. The same task, data, model and seed give the same artifact bytes,
//! whether or not a run was killed in between.

use std::collections::BTreeSet;

use proofmark_optimizers::{Aim, Board, Effects, Event, Optimizer, Standing, Stop};
use proofmark_runtime::{
    Candidate, CandidateId, Digest, Example, Program,
    artifact::{self, Ancestor, Approval, Artifact, ArtifactError, Cost, Parts, Split},
    digest,
    model::Abilities,
    program::BadCandidate,
    stamp::{self, StampError},
    store::{Store, StoreError},
};

use crate::{
    attack::{PlanError, audit},
    data::Splits,
    engine::{Backend, Bench as _, Engine, GateAdapter, GateError, Spent},
    gate::{
        Accepted, Audited, Evidence, Finalist, Gate, Judgement, Policy, Reading, Sealed, Subject, Verdict,
        ensure_sealed,
    },
    ledger::StoredLedger,
    prune::Pruning,
    task::Task,
    verify::Recorded,
    watch::Calls,
};

pub(crate) use emission::Judged;
pub(crate) use searching::Search;
pub use tokens::Tokens;

/// Finalists that the gate tries at most.
pub(crate) const FINALISTS: usize = 3;

/// What a run is about, beside the task.
pub struct Setting<'a> {
    /// The task.
    pub task: &'a Task,
    /// The program as it is to be beaten: as written, or with a shipped candidate laid over it.
    pub program: Program,
    /// Who searches.
    pub optimizer: &'static dyn Optimizer,
    /// Calls that the search may spend.
    pub budget: u64,
    /// The seed of every random stream of the run.
    pub seed: u64,
    /// The name of the run.
    pub run: &'a str,
    /// Whether somebody has to approve what is emitted before it is used.
    pub approval: bool,
}

impl Setting<'_> {
    /// How strictly finalists are judged: as the task says, but a search that is after a shorter prompt finds no better
    /// one, so it is asked for the proof that it can give.
    pub fn policy(&self) -> Option<Policy> {
        policy(self.task, self.optimizer)
    }
}

/// See [`Setting::policy`].
pub(crate) fn policy(task: &Task, optimizer: &dyn Optimizer) -> Option<Policy> {
    match optimizer.aim() {
        Aim::Score => task.gate.policy,
        Aim::Brevity => Some(Policy::Noninferior),
    }
}

/// What came of a run.
pub struct Compiled {
    /// What is emitted.
    pub artifact: Artifact,
    /// What the gate found; none if nothing came before it.
    pub judgement: Option<Judgement>,
    /// Every candidate and what it did.
    pub board: Board,
    /// The finalists in the order in which they were tried.
    pub finalists: Vec<Standing>,
    /// What the parts of the first finalist do, unless there was none or nothing was to be spent on it.
    pub pruning: Option<Pruning>,
    /// What the emitted prompt does on visible rows, so that it can be verified later.
    pub recorded: Recorded,
    /// Why the search stopped early, if it did.
    pub stopped: Option<Stop>,
    /// What the search told.
    pub events: Vec<Event>,
    /// What the run cost, replayed calls included.
    pub spent: Spent,
    /// What a row costs before and after; none if nothing was accepted or the model does not count tokens.
    pub tokens: Option<Tokens>,
    /// Calls that were really made, and replayed.
    pub calls: Calls,
    /// What the sealed rows are.
    pub sealed: SealedRows,
    /// The rows that the search could see.
    pub visible: Vec<Example>,
}

impl Compiled {
    /// The candidate that the run is about: the accepted one, else the first finalist, else the baseline.
    pub fn best(&self) -> Candidate {
        let accepted = self.judgement.as_ref().and_then(Judgement::accepted).map_or(0, Accepted::position);
        self.finalists.get(accepted).map_or_else(Candidate::baseline, |standing| standing.candidate.clone())
    }

    /// What to do where nothing was accepted.
    pub fn advice(&self) -> &'static str {
        match self.judgement.as_ref().map(Judgement::verdict) {
            Some(Verdict::Reject { kind } | Verdict::Inconclusive { kind, .. }) => kind.advice(),
            Some(Verdict::Accept) | None => {
                "more rows to learn from, a larger budget or a stronger model may find more"
            }
        }
    }

    /// Whether answers can be partly right: some score on visible rows is neither 0 nor 1.
    pub fn is_graded(&self) -> bool {
        let outcomes = self.board.entries().flat_map(|entry| entry.outcomes().values());
        outcomes.map(|outcome| outcome.worth().get()).any(|score| score > 0.0 && score < 1.0)
    }

    /// Calls that a row takes with the old prompt and with this candidate.
    pub fn calls_per_row(&self, candidate: &Candidate) -> [usize; 2] {
        let old = self.artifact.parts().program.calls_per_record();
        [old, old * candidate.votes()]
    }

    /// What a candidate is made of, in words: how its ancestors and it were made, in order.
    pub fn how(&self, id: CandidateId) -> Option<String> {
        how(&self.board, id)
    }
}

/// What may be said about sealed rows.
#[derive(Clone, Debug)]
pub struct SealedRows {
    /// Units of the test.
    pub seeds: usize,
    /// Rows with their variants.
    pub rows: usize,
    /// Rows per slice and family.
    pub slices: Vec<(String, usize)>,
    /// Families of the user's that perturbed them: name and one line about it.
    pub own: Vec<(String, String)>,
}

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The search was stopped before anything was measured, or for good.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// The gate could not judge.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The artifact could not be made.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The certificate makes no stamp.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// The variants that a person read could not be made again.
    #[error(transparent)]
    Attack(#[from] PlanError),
    /// What a person said about them could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compiles a task.
///
/// # Errors
/// [`CompileError`]. Everything that was paid for is in the store; the same call goes on from there.
pub fn compile(
    setting: &Setting<'_>,
    splits: Splits,
    backend: &Backend,
    store: &Store,
) -> Result<Compiled, CompileError> {
    let Splits { train, val, gate: sealed } = splits;
    if setting.policy().is_some() {
        ensure_sealed(&sealed, &StoredLedger::new(store, setting.run))?;
    }
    let data = [("train", train.examples()), ("val", val.examples())].map(|(name, rows)| split(name, rows));

    let visible: Vec<_> = train.examples().iter().chain(val.examples()).collect();
    let service = (store.clone(), setting.run.to_owned(), setting.budget);
    let mut engine = Engine::new(backend.clone(), &setting.program, visible.iter().copied(), service);
    engine.note(Event::Stage { name: format!("Searching with `{}`", setting.optimizer.name()) });
    let search = Search {
        task: setting.task,
        program: &setting.program,
        train: &train,
        val: &val,
        sealed: &sealed,
        optimizer: setting.optimizer,
        seed: setting.seed,
    };
    let (mut board, stopped) = search.run(&mut engine);
    let stopped = ended(stopped, engine.spent())?;

    let mut finalists = board.finalists(FINALISTS);
    let pruning = pruning::prune_first(setting, (&mut board, &mut finalists), &visible, &mut engine)?;
    let named = finalists.iter().map(|standing| finalist(&setting.program, (&board, standing), &visible));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let audited = audited(setting.task, &visible, store)?;
    backend.finish()?;
    let judgement = judge(setting, (&sealed, &board), (&finalists, &named), (&mut engine, store))?
        .map(|judgement| judgement.with_audit(audited));
    let (candidate, stamp) = stamping::decide(setting, &finalists, judgement.as_ref())?;
    let chose = if candidate.is_baseline() { BTreeSet::new() } else { board.common().iter().collect() };
    let recorded = recording::record((&setting.program, &candidate), (&visible, &chose), &mut engine)?;
    backend.finish()?;
    let spent = engine.spent();
    let certificate = judgement.as_ref().and_then(Judgement::certificate);
    let tokens = certificate.and_then(|certificate| Tokens::of(certificate, spent));
    let artifact = Artifact::emit(
        Parts {
            name: setting.task.name.clone(),
            program: setting.program.clone(),
            lineage: lineage(&board, candidate.id()),
            candidate,
            sampling: backend.sampling.clone(),
            data: data.into_iter().chain([sealed_split(&sealed)]).collect(),
            cost: Cost { task: spent.task, proposer: spent.proposer, gate: spent.gate, usage: spent.usage },
            seed: setting.seed,
            edits: pruning.as_ref().and_then(|pruning| serde_json::to_value(pruning).ok()),
            recorded: serde_json::to_value(&recorded).ok(),
            approval: setting.approval.then_some(Approval::Pending),
        },
        backend.model.as_ref(),
        stamp,
    )?;
    let rows = SealedRows {
        seeds: sealed.units(),
        rows: sealed.calls(),
        slices: sealed.slices().map(|(name, rows)| (name.to_owned(), rows)).collect(),
        own: setting.task.attacks.iter().map(|own| (own.name().to_owned(), own.about().to_owned())).collect(),
    };
    let (events, calls) = (engine.events().to_vec(), engine.calls());
    let visible = visible.into_iter().cloned().collect();
    Ok(Compiled {
        artifact,
        judgement,
        board,
        finalists,
        pruning,
        recorded,
        stopped,
        events,
        spent,
        tokens,
        calls,
        sealed: rows,
        visible,
    })
}

/// Why a search stopped early, if what it found can be used all the same.
///
/// # Errors
/// If the user cancelled, something failed for good, or the budget did not last for one answer.
pub(crate) fn ended(stopped: Option<Stop>, spent: Spent) -> Result<Option<Stop>, Stop> {
    match stopped {
        Some(stop @ (Stop::Cancelled | Stop::Failed { .. } | Stop::Broken { .. })) => Err(stop),
        Some(Stop::Budget) if spent.task == 0 => Err(Stop::Budget),
        used => Ok(used),
    }
}

/// What a person found who read variants of visible rows, if anybody did.
///
/// # Errors
/// If the store fails, or a family that is a program of the user's.
pub(crate) fn audited(
    task: &Task,
    visible: &[&Example],
    store: &Store,
) -> Result<Option<Audited>, CompileError> {
    let said = store.audited()?;
    if said.is_empty() {
        return Ok(None);
    }
    let cases = audit::cases(&task.plan()?, visible)?;
    Ok(audit::audited(&audit::sample(&cases), &said))
}

/// Has the gate judge the finalists, if there are any and the policy asks for it.
fn judge(
    setting: &Setting<'_>,
    (sealed, board): (&Sealed, &Board),
    (finalists, named): (&[Standing], &[Finalist]),
    (engine, store): (&mut Engine<'_>, &Store),
) -> Result<Option<Judgement>, CompileError> {
    let Some(policy) = setting.policy() else { return Ok(None) };
    if finalists.is_empty() {
        return Ok(None);
    }
    engine.note(Event::Stage {
        name: format!(
            "Judging {} finalists on {} sealed rows, {} with their rewritten variants",
            finalists.len(),
            sealed.units(),
            sealed.calls()
        ),
    });
    let (context, demands) = (engine.context(), setting.task.demands());
    let subject = subject(setting.task, &setting.program, engine.abilities(), stamp::AskedBy::Compile)?;
    let gate = Gate { policy, demands, context, seed: setting.seed, evidence: evidence(board), subject };
    let candidates = finalists.iter().map(|standing| standing.candidate.clone()).collect();
    let mut stand = GateAdapter::new(engine, Candidate::baseline(), candidates);
    Ok(Some(gate.judge(sealed, named, &mut stand, &mut StoredLedger::new(store, setting.run))?))
}

/// What the certificate of a question says that its finalists were judged against.
pub(crate) fn subject(
    task: &Task,
    baseline: &Program,
    abilities: Abilities,
    asked: stamp::AskedBy,
) -> Result<Subject, Stop> {
    let broken = |error: BadCandidate| Stop::Broken { message: error.to_string() };
    let baseline = artifact::baseline_digest(baseline, abilities).map_err(broken)?;
    // The model is not part of it: a task replayed from a recording is the same task.
    let task = digest(&("task", &task.name, &task.program, task.metric.identity()));
    Ok(Subject { baseline, task: Some(task), asked })
}

/// A finalist as the gate takes it: named, and its prompt read against the one that it is to beat.
pub(crate) fn finalist(
    program: &Program,
    (board, standing): (&Board, &Standing),
    visible: &[&Example],
) -> Result<Finalist, Stop> {
    let id = standing.candidate.id();
    let reading = reading(program, &standing.candidate, visible)?;
    Ok(Finalist { name: how(board, id).unwrap_or_else(|| id.to_string()), id: id.0, reading })
}

/// The prompts of a candidate, read against the program that it is to beat.
pub(crate) fn reading(
    program: &Program,
    candidate: &Candidate,
    visible: &[&Example],
) -> Result<Reading, Stop> {
    let members = candidate.members();
    let members: Result<Vec<Program>, _> = members.iter().map(|member| program.apply(member)).collect();
    let members = members.map_err(|error| Stop::Broken { message: error.to_string() })?;
    Ok(Reading::of_each(program, &members, visible))
}

/// What the search measured: every candidate that got as far as the finalists, against the baseline.
pub(crate) fn evidence(board: &Board) -> Evidence {
    let baseline = Candidate::baseline().id();
    let depth = board.depth(baseline);
    let base = board.scores(baseline, depth);
    let rivals = board.entries().map(|entry| entry.candidate().id()).filter(|&id| id != baseline);
    let full = rivals.filter(|&id| board.depth(id) >= depth && depth > 0);
    let lead = |id: CandidateId| {
        let leads =
            board.scores(id, depth).into_iter().zip(&base).map(|(score, base)| score - base).collect();
        (id.0, leads)
    };
    Evidence { gains: full.map(lead).collect() }
}

/// The ancestors of a candidate, oldest first, itself last.
fn lineage(board: &Board, id: CandidateId) -> Vec<Ancestor> {
    let mut found: Vec<Ancestor> = Vec::new();
    let mut waiting = vec![id];
    while let Some(id) = waiting.pop() {
        if found.iter().any(|ancestor| ancestor.id == id) {
            continue;
        }
        if let Some(lineage) = board.get(id).and_then(|entry| entry.lineage()) {
            waiting.extend(&lineage.parents);
            found.push(Ancestor { id, parents: lineage.parents.clone(), how: lineage.how.clone() });
        }
    }
    found.reverse();
    found
}

/// How a candidate and its ancestors were made, oldest first; of a vote each of its members.
pub(crate) fn how(board: &Board, id: CandidateId) -> Option<String> {
    let entry = board.get(id)?;
    let members = entry.candidate().members();
    if members.len() > 1 {
        let made = |member: &Candidate| how(board, member.id()).unwrap_or_else(|| member.id().to_string());
        let made = members.iter().zip(1..).map(|(member, place)| format!("({place}) {}", made(member)));
        let vote = entry.lineage().map_or("a vote", |lineage| &lineage.how);
        return Some(format!("{vote}: {}", made.collect::<Vec<_>>().join("; ")));
    }
    let steps: Vec<_> = lineage(board, id).into_iter().map(|ancestor| ancestor.how).collect();
    (!steps.is_empty()).then(|| steps.join("; then "))
}

fn split(name: &str, examples: &[Example]) -> Split {
    let mut rows: Vec<Digest> = examples.iter().map(|row| digest(&(&row.inputs, &row.outputs))).collect();
    rows.sort_unstable();
    Split { name: name.to_owned(), rows: rows.len() as u64, fingerprint: digest(&rows) }
}

fn sealed_split(sealed: &Sealed) -> Split {
    Split { name: "gate".to_owned(), rows: sealed.units() as u64, fingerprint: sealed.fingerprint() }
}

mod emission;
mod pruning;
mod recording;
mod searching;
mod stamping;
mod tokens;

#[cfg(test)]
mod planted;
