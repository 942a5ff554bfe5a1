//! `simba`: introspection on rows where candidates disagree (DSPy's SIMBA, "Stochastic Introspective Mini-Batch Ascent").
//!
//! Several candidates run on the same rows of the pool. The most informative rows are those that some candidates answer
//! correctly and others not. The better run on such a row becomes a demonstration, or the proposer compares it with the worse
//! run and gives a piece of advice. The demonstration or the advice is added to a candidate drawn by its score.
//!
//! In DSPy one program answers several times at temperature 1. Here requests are deterministic and stored, so the runs come
//! from different candidates, the first of them with random demonstrations. DSPy also shows the proposer the labels and keeps
//! every reply; here the copy check drops replies that quote a row.
//!
//! Cost: per step up to 64 rows of the pool, at most three questions, and twenty rows per child; a third of the calls for
//! the race at the end. Use it if demonstrations and advice both help. On the planted landscape of rules it scores below
//! [`gepa`](crate::gepa), which reads more mistakes per question.

use proofmark_runtime::{
    Candidate, Demonstration, ExampleId, Module, Origin, Param, ParamPath, Program, Slot,
};
use rand::{RngExt, rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    Optimizer,
    board::mean,
    bootstrap::ExamplePools,
    demos::{ExamplePool, showing, with_drawn_demonstrations},
    effects::{Event, Stop},
    lab::Lab,
    outcome::Outcome,
    proposer::{
        Proposer, Query,
        cases::{Case, RowSampler, study},
        instruction,
        prompt::Prompt,
        worded,
    },
    rounds::{self, Rounds},
};

/// The number of rows of a step.
const BATCH: usize = 16;
/// The number of candidates that run on these rows.
const RUNNERS: usize = 4;
/// The number of first candidates with random demonstrations.
const FIRST: usize = 3;
/// The number of children of a step.
const CHILDREN: usize = 6;
/// The number of candidates that children are made from.
const SOURCES: usize = 6;
/// The greatest number of demonstrations of a child.
const MOST_SHOWN: usize = 12;
/// The temperature of the softmax that draws sources by their score.
const TEMPERATURE: f64 = 0.2;
/// Teachers get one call in `TEACHER_SHARE`, if some module needs traces.
const TEACHER_SHARE: u64 = 8;
/// The number of steps in a row without a better candidate that end the search.
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
            let mut sampler = RowSampler::new(lab, "simba rows");
            let pools = ExamplePools::one_per_module(lab, TEACHER_SHARE)?;
            let first = first(lab, &rounds, &pools, &mut rng)?;
            let mut candidates = vec![Candidate::baseline()];
            let mut best = rounds.add(lab, &mut candidates, first, SOURCES)?;
            let mut step = 0;
            let mut idle = 0;
            while idle < PATIENCE {
                let runs = (RUNNERS * BATCH * lab.program().calls_per_record()) as u64;
                let count = rounds.room(lab, CHILDREN, 1, runs);
                if count == 0 {
                    break;
                }
                step += 1;
                lab.note(Event::Stage { name: format!("step {step}: {} candidates", candidates.len()) });
                let contrasts = contrasts(lab, &best, &sampler.next_rows(BATCH))?;
                let modules = lab.program().modules();
                let module = &modules[step % modules.len()];
                let introspection = Introspection { module, sources: &best, contrasts: &contrasts };
                let children = introspection.children(lab, proposer, count, &mut rng)?;
                let next = rounds.add(lab, &mut candidates, children, SOURCES)?;
                idle = if next.first() == best.first() { idle + 1 } else { 0 };
                best = next;
            }
            rounds.finish(lab, &candidates).map(|_| ())
        })
    }
}

/// Makes the first candidates, with random demonstrations.
fn first(
    lab: &mut Lab<'_>,
    rounds: &Rounds,
    pools: &[ExamplePool],
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Candidate>, Stop> {
    let mut first = Vec::new();
    for draw in 0..rounds.room(lab, if pools.is_empty() { 0 } else { FIRST }, 0, 0) {
        let (candidate, _) = with_drawn_demonstrations(Candidate::baseline(), pools, draw, rng);
        lab.register(
            &candidate,
            &[&Candidate::baseline()],
            format!("random demonstrations, draw {}", draw + 1),
        )?;
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
    /// The keys that rows are ranked by, in this order: the gap between best and worst, the best score, and the gap between
    /// the best and the mean.
    fn rank(&self) -> [f64; 3] {
        let best = self.better.score();
        [best - self.worse.score(), best, best - self.mean]
    }
}

/// Runs the baseline and the first candidates on these rows; returns the rows where they disagree, best ranked first.
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
    let mut found: Vec<Contrast<'a>> = Vec::new();
    for row in rows {
        let cases: Vec<&Case<'a>> = runs.iter().flatten().filter(|case| case.example.id == *row).collect();
        found.extend(contrast(&cases).filter(|contrast| contrast.rank()[0] > 0.0));
    }
    found.sort_by(|a, b| {
        let pairs = b.rank().into_iter().zip(a.rank());
        pairs.map(|(b, a)| b.total_cmp(&a)).fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    Ok(found)
}

/// The best and the worst of the runs on one row.
fn contrast<'a>(cases: &[&Case<'a>]) -> Option<Contrast<'a>> {
    let better = cases.iter().max_by(|a, b| a.score().total_cmp(&b.score()))?;
    let worse = cases.iter().min_by(|a, b| a.score().total_cmp(&b.score()))?;
    let scores: Vec<f64> = cases.iter().map(|case| case.score()).collect();
    Some(Contrast { better: (*better).clone(), worse: (*worse).clone(), mean: mean(&scores) })
}

/// The material that children are made from.
struct Introspection<'m, 'a> {
    module: &'m Module,
    sources: &'m [Candidate],
    contrasts: &'m [Contrast<'a>],
}

impl Introspection<'_, '_> {
    /// Makes a child per contrast, by demonstration and by advice in turn; which of the two begins is random.
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
            // Common rows never become demonstrations.
            let may_show = lab.pool().contains(&contrast.better.example.id);
            let child = if may_show && (i + offset).is_multiple_of(2) {
                let child = appended(lab.program(), source, contrast, rng);
                let new = child.filter(|child| lab.board().get(child.id()).is_none());
                if let Some(child) = &new {
                    lab.register(child, &[source], "a demonstration from the better run")?;
                }
                new
            } else {
                self.advised(lab, proposer, source, contrast)?
            };
            children.extend(child);
        }
        Ok(children)
    }

    /// Draws a candidate by the softmax of its score.
    fn source(&self, lab: &Lab<'_>, rng: &mut ChaCha8Rng) -> &Candidate {
        let weight = |candidate: &&Candidate| (rounds::score(lab, candidate) / TEMPERATURE).exp();
        let all: Vec<&Candidate> = self.sources.iter().collect();
        all.choose_weighted(rng, weight).map_or(&self.sources[0], |candidate| candidate)
    }

    /// Asks for advice and puts it after the source's instruction.
    fn advised(
        &self,
        lab: &mut Lab<'_>,
        proposer: &mut Proposer,
        source: &Candidate,
        contrast: &Contrast<'_>,
    ) -> Result<Option<Candidate>, Stop> {
        let task = "Compare the two runs on the same input. Give one piece of advice for this step that would have turned the \
                    worse into the better, in one or two sentences, for all inputs of that kind and without naming this one.";
        let prompt = Prompt::on(lab.program(), self.module)
            .instruction("Its instruction", source, self.module)
            .cases("The better run", lab.program(), self.module, &[&contrast.better])
            .cases("The worse run", lab.program(), self.module, &[&contrast.worse])
            .wants_words(task);
        let query = Query { purpose: "advice", prompt, temperature: 0.7, most: 1 };
        let Some(advice) = proposer.consult(lab, &[query])?.concat().pop() else { return Ok(None) };
        let text = format!("{}\n{advice}", instruction(source, self.module).trim_end());
        let child = worded(source, self.module, &text);
        if instruction(source, self.module).contains(&advice) || !proposer.admits(lab, &child, &advice) {
            return Ok(None);
        }
        lab.register(&child, &[source], format!("advice for {}", self.module.name))?;
        Ok(Some(child))
    }
}

/// The source with the better run as a further demonstration of every module. With [`MOST_SHOWN`] demonstrations it replaces
/// a random one.
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
        set.push(Demonstration {
            origin: origin.clone(),
            inputs: step.inputs.clone(),
            outputs: step.outputs.clone(),
        });
        child = showing(child, &step.module, set);
    }
    Some(child)
}
