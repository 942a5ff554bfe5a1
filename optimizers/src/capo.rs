//! `capo`: cost-aware evolution of instructions and demonstrations with racing (Zehle et al. 2025, "CAPO: Cost-Aware
//! Prompt Optimization", arXiv:2504.16005, algorithms 1 to 3).
//!
//! A population of eight starts as rewordings of the written instruction with random demonstrations. Two parents are drawn
//! with equal chances. The proposer crosses and mutates their instructions; their demonstrations are mixed, and then one is
//! added, one is dropped, or neither. Poor children cost one block of twenty rows; the better ones are measured on more. The
//! best eight of parents and children form the next generation. Candidates are ranked by the score less a penalty for length.
//!
//! The paper drops a candidate in a block if t-tests find eight others better. With a few thousand calls these tests find
//! almost none, and nearly all calls go to full measurements. So candidates race by their shrunken gains instead. The gate
//! gets them ranked by the score alone, shorter ones first among equals.
//!
//! Cost: per generation four questions, four times twenty rows and a few doublings; a third of the calls for the race at
//! the end. Use it if the length of prompts matters, or if demonstrations and wording both matter.

use proofmark_runtime::{Candidate, Demonstration, Module, Param, ParamPath, Program, Slot};
use rand::{
    RngExt,
    rngs::ChaCha8Rng,
    seq::{IndexedRandom, SliceRandom},
};

use crate::{
    Optimizer,
    bootstrap::ExamplePools,
    demos::{ExamplePool, showing, with_drawn_demonstrations},
    effects::{Event, Stop},
    lab::Lab,
    proposer::{Proposer, Query, Rewrite, prompt::Prompt},
    rounds::{self, Rounds},
};

/// The number of members of the population.
const POPULATION: usize = 8;
/// The number of children of a generation.
const CHILDREN: usize = 4;
/// The score that the length of the longest first member costs.
const PENALTY: f64 = 0.05;
/// Teachers get one call in `TEACHER_SHARE`, if some module needs traces.
const TEACHER_SHARE: u64 = 8;
/// The number of generations in a row without a new member that end the search.
const PATIENCE: usize = 6;

/// See the [module](self).
pub struct Capo;

impl Optimizer for Capo {
    fn name(&self) -> &'static str {
        "capo"
    }

    fn about(&self) -> &'static str {
        "a proposer evolves instructions together with demonstrations; races with a penalty for length"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let rounds = Rounds::new(lab);
            let pools = ExamplePools::one_per_module(lab, TEACHER_SHARE)?;
            let mut rng = lab.rng("capo");
            let mut population = first(lab, proposer, &rounds, &pools, &mut rng)?;
            let longest = population.iter().map(|member| characters(lab, member)).max().unwrap_or(1);
            #[expect(clippy::cast_precision_loss, reason = "a length")]
            let rounds = rounds.charging(PENALTY / longest.max(1) as f64);
            let mut generation = 0;
            let mut idle = 0;
            while idle < PATIENCE && rounds.room(lab, CHILDREN, 1, 0) > 0 {
                generation += 1;
                lab.note(Event::Stage {
                    name: format!("generation {generation}: {} members", population.len()),
                });
                let modules = lab.program().modules();
                let module = &modules[generation % modules.len()];
                let pool = pools.iter().find(|pool| pool.module == module.name);
                let count = rounds.room(lab, CHILDREN, 1, 0);
                let maker = ChildMaker { program: lab.program(), module, pool, population: &population };
                let children = maker.children(lab, proposer, count, &mut rng)?;
                let mut field = population.clone();
                let next = rounds.add(lab, &mut field, children, POPULATION)?;
                idle = if next == population { idle + 1 } else { 0 };
                population = next;
            }
            rounds.finish(lab, &population).map(|_| ())
        })
    }
}

/// The first population: the task as written, and rewordings of it with random demonstrations.
fn first(
    lab: &mut Lab<'_>,
    proposer: &mut Proposer,
    rounds: &Rounds,
    pools: &[ExamplePool],
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Candidate>, Stop> {
    let written = Candidate::baseline();
    let count = rounds.room(lab, POPULATION - 1, 1, 0);
    let modules = lab.program().modules();
    // Some begin without demonstrations.
    let bare = pools.iter().map(|pool| pool.sizes().len()).max().unwrap_or(0);
    let mut bases: Vec<Candidate> = Vec::with_capacity(count);
    for _ in 0..count {
        let rank = rng.random_range(0..=bare);
        let drawn = rank < bare;
        let base = written.clone();
        bases.push(if drawn { with_drawn_demonstrations(base, pools, rank, rng).0 } else { base });
    }
    let task = "Write a variant of this instruction: keep what it asks for, and say it in another way.";
    let mut rewrites = Vec::with_capacity(count);
    for (i, base) in bases.iter().enumerate() {
        let module = &modules[i % modules.len()];
        let prompt = Prompt::on(lab.program(), module).instruction("The instruction", &written, module);
        rewrites.push(Rewrite {
            query: query(prompt.wants_instruction(task)),
            base,
            module,
            parents: vec![&written],
            how: "reworded, with random demonstrations".into(),
        });
    }
    let drafts = proposer.rewrite(lab, &rewrites)?;
    let members: Vec<Candidate> = drafts.into_iter().map(|draft| draft.candidate).collect();
    rounds::screen(lab, &members)?;
    Ok(std::iter::once(Candidate::baseline()).chain(members).collect())
}

fn query(prompt: Prompt) -> Query {
    Query { purpose: "instruction", prompt, temperature: 1.0, most: 1 }
}

/// The material that children are made from.
struct ChildMaker<'p> {
    program: &'p Program,
    module: &'p Module,
    pool: Option<&'p ExamplePool>,
    population: &'p [Candidate],
}

impl ChildMaker<'_> {
    /// Makes children of random pairs, crossed and mutated.
    fn children(
        &self,
        lab: &mut Lab<'_>,
        proposer: &mut Proposer,
        count: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<Candidate>, Stop> {
        let pairs: Vec<(&Candidate, &Candidate)> = (0..count)
            .filter_map(|_| Some((self.population.choose(rng)?, self.population.choose(rng)?)))
            .collect();
        let bases: Vec<Candidate> = pairs
            .iter()
            .map(|(first, second)| self.with_demonstrations_of_both(first, second, rng))
            .collect();
        let task = "Join these two instructions into one that has the good of both and is as short as it can be. \
                    Then change one thing about the result that you think could be better.";
        let mut rewrites = Vec::with_capacity(pairs.len());
        for (&(first, second), base) in pairs.iter().zip(&bases) {
            let prompt = Prompt::on(self.program, self.module)
                .instruction("First instruction", second, self.module)
                .instruction("Second instruction", first, self.module);
            rewrites.push(Rewrite {
                query: query(prompt.wants_instruction(task)),
                base,
                module: self.module,
                parents: if first == second { vec![first] } else { vec![first, second] },
                how: "crossed and mutated".into(),
            });
        }
        Ok(proposer.rewrite(lab, &rewrites)?.into_iter().map(|draft| draft.candidate).collect())
    }

    /// The first parent with demonstrations of both parents: as many as they have on average, then one more, one less or
    /// neither.
    fn with_demonstrations_of_both(
        &self,
        first: &Candidate,
        second: &Candidate,
        rng: &mut ChaCha8Rng,
    ) -> Candidate {
        let path = ParamPath::new(&self.module.name, Slot::Demonstrations);
        let list = |candidate: &Candidate| match candidate.get(&path) {
            Some(Param::Demonstrations(list)) => list.clone(),
            _ => Vec::new(),
        };
        let mut set = list(first);
        let theirs = list(second);
        let size = (set.len() + theirs.len()) / 2;
        add_new(&mut set, theirs);
        set.shuffle(rng);
        set.truncate(size);
        match rng.random_range(0..3) {
            0 => {
                set.pop();
            }
            1 => add_new(&mut set, self.pool.map_or_else(Vec::new, |pool| pool.draw(1, rng))),
            _ => {}
        }
        if set.is_empty() {
            first.clone().without(&path)
        } else {
            showing(first.clone(), &self.module.name, set)
        }
    }
}

/// Adds the demonstrations whose origin is not in the set.
fn add_new(set: &mut Vec<Demonstration>, others: Vec<Demonstration>) {
    let new: Vec<Demonstration> =
        others.into_iter().filter(|one| set.iter().all(|other| other.origin != one.origin)).collect();
    set.extend(new);
}

/// The length of a candidate's prompts in characters.
fn characters(lab: &Lab<'_>, candidate: &Candidate) -> usize {
    lab.board().get(candidate.id()).map_or(0, |entry| entry.characters())
}
