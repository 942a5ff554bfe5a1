//! `simba`: introspection where candidates disagree (DSPy's SIMBA, "Stochastic Introspective Mini-Batch Ascent").
//!
//! Several candidates run on the same rows of the pool. The rows that some get right and others wrong say most: from the
//! better run either a demonstration is taken, or the proposer compares it with the worse one and gives a piece of advice,
//! which is put after the instruction of a candidate drawn by its score. The candidates go on as a pool.
//!
//! DSPy lets one program answer at temperature 1 several times; here requests are deterministic and kept, so the runs are
//! those of different candidates, the first of them with demonstrations drawn at random. DSPy also shows the proposer the
//! labels and keeps what it says; here the copy check stands between.
//!
//! Cost: per step up to 64 rows of the pool, at most three questions, and twenty rows per child; a third of the calls for
//! the race at the end. Use it where demonstrations and advice both help; on the planted landscape of rules it is behind
//! [`gepa`](crate::gepa), which reads more mistakes per question.

use proofmark_runtime::{
    Candidate, Demonstration, ExampleId, Module, Origin, Param, ParamPath, Program, Slot,
};
use rand::{RngExt, rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    Optimizer,
    bootstrap::Shelves,
    demos::{Shelf, furnished, showing},
    effects::{Event, Stop},
    lab::Lab,
    outcome::Outcome,
    proposer::{
        Proposer, Question,
        cases::{Case, Deck, study},
        instruction,
        prompt::Prompt,
        worded,
    },
    rounds::{self, Rounds},
};

/// Rows of a step.
const BATCH: usize = 16;
/// Candidates that run on them.
const RUNNERS: usize = 4;
/// Candidates with random demonstrations to begin with.
const FIRST: usize = 3;
/// Children of a step.
const CHILDREN: usize = 6;
/// Candidates that sources are drawn from.
const SOURCES: usize = 6;
/// Most demonstrations that are appended to.
const MOST_SHOWN: usize = 12;
/// Temperature of drawing sources by their score.
const TEMPERATURE: f64 = 0.2;
/// Teachers get one in so many calls, where labels do not serve every module.
const TEACHER_SHARE: u64 = 8;
/// Steps in a row without a better candidate that end the search.
const PATIENCE: usize = 5;

/// See the [module](self).
pub struct Simba;

impl Optimizer for Simba {
    fn name(&self) -> &'static str {
        "simba"
    }

    fn about(&self) -> &'static str {
        "takes demonstrations and a proposer's advice from rows on which candidates disagree"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let rounds = Rounds::new(lab);
            let mut rng = lab.rng("simba");
            let mut deck = Deck::new(lab, "simba rows");
            let shelves = Shelves::one_each(lab, TEACHER_SHARE)?;
            let first = first(lab, (&rounds, &shelves), &mut rng)?;
            let mut pool = vec![Candidate::baseline()];
            let mut best = rounds.take_in(lab, &mut pool, (first, SOURCES))?;
            let (mut step, mut idle) = (0, 0);
            while idle < PATIENCE {
                let runs = (RUNNERS * BATCH * lab.program().calls_per_record()) as u64;
                let count = rounds.room(lab, CHILDREN, (1, runs));
                if count == 0 {
                    break;
                }
                step += 1;
                lab.note(Event::Stage { name: format!("step {step}: {} candidates", pool.len()) });
                let contrasts = contrasts(lab, &best, &deck.deal(BATCH))?;
                let modules = lab.program().modules();
                let module = &modules[step % modules.len()];
                let maker = Maker { module, sources: &best, contrasts: &contrasts };
                let children = maker.children(lab, proposer, count, &mut rng)?;
                let next = rounds.take_in(lab, &mut pool, (children, SOURCES))?;
                idle = if next.first() == best.first() { idle + 1 } else { 0 };
                best = next;
            }
            rounds.finish(lab, &pool).map(|_| ())
        })
    }
}

/// Candidates with random demonstrations.
fn first(
    lab: &mut Lab<'_>,
    (rounds, shelves): (&Rounds, &[Shelf]),
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Candidate>, Stop> {
    let mut first = Vec::new();
    for draw in 0..rounds.room(lab, if shelves.is_empty() { 0 } else { FIRST }, (0, 0)) {
        let (candidate, _) = furnished(Candidate::baseline(), shelves, draw, rng);
        lab.born(&candidate, &[&Candidate::baseline()], format!("random demonstrations, draw {}", draw + 1))?;
        first.push(candidate);
    }
    Ok(first)
}

/// The best and the worst run on one row.
struct Contrast<'a> {
    better: Case<'a>,
    worse: Case<'a>,
    mean: f64,
}

impl Contrast<'_> {
    /// What makes a row telling: the gap first, then how good the best is, alone and above the average.
    fn rank(&self) -> [f64; 3] {
        let best = self.better.score();
        [best - self.worse.score(), best, best - self.mean]
    }
}

/// The rows on which the first of the candidates and the baseline disagree, the most telling first.
fn contrasts<'a>(
    lab: &mut Lab<'a>,
    best: &[Candidate],
    rows: &[ExampleId],
) -> Result<Vec<Contrast<'a>>, Stop> {
    let baseline = Candidate::baseline();
    let others = best.iter().filter(|candidate| !candidate.is_baseline()).take(RUNNERS - 1);
    let mut runs = Vec::new();
    for runner in std::iter::once(&baseline).chain(others) {
        runs.push(study(lab, runner, rows)?);
    }
    let on = |row: &ExampleId| {
        let cases: Vec<&Case<'a>> =
            runs.iter().flatten().filter(|case: &&Case<'a>| case.example.id == *row).collect();
        let by_score = |a: &&&Case<'a>, b: &&&Case<'a>| a.score().total_cmp(&b.score());
        let (better, worse) = (cases.iter().max_by(by_score)?, cases.iter().min_by(by_score)?);
        let mean = crate::board::mean(&cases.iter().map(|case| case.score()).collect::<Vec<_>>());
        let contrast = Contrast { better: (*better).clone(), worse: (*worse).clone(), mean };
        (contrast.rank()[0] > 0.0).then_some(contrast)
    };
    let mut found: Vec<Contrast<'a>> = rows.iter().filter_map(on).collect();
    found.sort_by(|a, b| {
        let pairs = b.rank().into_iter().zip(a.rank());
        pairs.map(|(b, a)| b.total_cmp(&a)).fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    Ok(found)
}

/// What children are made from.
struct Maker<'m, 'a> {
    module: &'m Module,
    sources: &'m [Candidate],
    contrasts: &'m [Contrast<'a>],
}

impl Maker<'_, '_> {
    /// A child per contrast, by demonstration or advice in turn, with the lot deciding who begins.
    fn children(
        &self,
        lab: &mut Lab<'_>,
        proposer: &mut Proposer,
        count: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<Candidate>, Stop> {
        let mut children = Vec::new();
        let offset = usize::from(rng.random::<bool>());
        for (i, contrast) in self.contrasts.iter().take(count).enumerate() {
            let source = self.source(lab, rng);
            // Rows that are scored on are never shown.
            let may_show = lab.pool().contains(&contrast.better.example.id);
            let child = if may_show && (i + offset).is_multiple_of(2) {
                let child = appended(lab.program(), source, contrast, rng);
                let new = child.filter(|child| lab.board().get(child.id()).is_none());
                if let Some(child) = &new {
                    lab.born(child, &[source], "a demonstration from the better run")?;
                }
                new
            } else {
                self.advised(lab, proposer, (source, contrast))?
            };
            children.extend(child);
        }
        Ok(children)
    }

    /// A candidate by the softmax of its score.
    fn source(&self, lab: &Lab<'_>, rng: &mut ChaCha8Rng) -> &Candidate {
        let weight = |candidate: &&Candidate| (rounds::score(lab, candidate) / TEMPERATURE).exp();
        let all: Vec<&Candidate> = self.sources.iter().collect();
        all.choose_weighted(rng, weight).map_or(&self.sources[0], |candidate| candidate)
    }

    /// The source with the proposer's advice after its instruction.
    fn advised(
        &self,
        lab: &mut Lab<'_>,
        proposer: &mut Proposer,
        (source, contrast): (&Candidate, &Contrast<'_>),
    ) -> Result<Option<Candidate>, Stop> {
        let task = "Compare the two runs on the same input. Give one piece of advice for this step that would have turned the \
                    worse into the better, in one or two sentences, for all inputs of that kind and without naming this one.";
        let prompt = Prompt::on(lab.program(), self.module)
            .instruction("Its instruction", source, self.module)
            .cases("The better run", (lab, self.module), &[&contrast.better])
            .cases("The worse run", (lab, self.module), &[&contrast.worse])
            .wants_words(task);
        let question = Question { purpose: "advice", prompt, temperature: 0.7, most: 1 };
        let Some(advice) = proposer.consult(lab, &[question])?.concat().pop() else { return Ok(None) };
        let text = format!("{}\n{advice}", instruction(source, self.module).trim_end());
        let child = worded(source, self.module, &text);
        if instruction(source, self.module).contains(&advice) || !proposer.admits(lab, &child, &advice) {
            return Ok(None);
        }
        lab.born(&child, &[source], format!("advice for {}", self.module.name))?;
        Ok(Some(child))
    }
}

/// The source with the better run as one more demonstration of every module, in a random one's place if there are many.
fn appended(
    program: &Program,
    source: &Candidate,
    contrast: &Contrast<'_>,
    rng: &mut ChaCha8Rng,
) -> Option<Candidate> {
    let Outcome::Scored { trace, .. } = &contrast.better.outcome else { return None };
    let origin = Origin::Trace(contrast.better.example.id.clone());
    let mut child = source.clone();
    for step in trace {
        let path = ParamPath::new(&step.module, Slot::Demonstrations);
        let mut set = match child.get(&path) {
            Some(Param::Demonstrations(set)) => set.clone(),
            _ => program.module(&step.module)?.demonstrations.clone(),
        };
        let id = Some(&contrast.better.example.id);
        set.retain(|shown| match &shown.origin {
            Origin::Row(row) | Origin::Trace(row) => Some(row) != id,
            Origin::Task => true,
        });
        if set.len() >= MOST_SHOWN {
            set.remove(rng.random_range(..set.len()));
        }
        let (inputs, outputs) = (step.inputs.clone(), step.outputs.clone());
        set.push(Demonstration { origin: origin.clone(), inputs, outputs });
        child = showing(child, &step.module, set);
    }
    Some(child)
}
