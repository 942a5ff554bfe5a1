//! `capo`: cost-aware evolution of instructions and demonstrations with racing (Zehle et al. 2025, "CAPO: Cost-Aware
//! Prompt Optimization", arXiv:2504.16005, algorithms 1 to 3).
//!
//! A population of eight starts as rewordings of the written instruction with random demonstrations. Two parents, drawn
//! evenly, are crossed and mutated by the proposer; their demonstrations are mixed, and one is added, taken away or
//! neither. Hopeless children cost one block of twenty rows, the better ones are measured on more, and the best eight of
//! parents and children live on. What counts is the score less a penalty for length.
//!
//! The paper drops a candidate in a block when t-tests find eight others better; with a few thousand calls they find
//! next to none, and nearly all is spent on full measurements. So candidates are raced by their shrunken leads instead.
//! Which of them are handed to the gate is decided by the score alone, shorter ones first among equals.
//!
//! Cost: per generation four questions, four times twenty rows and a few doublings; a third of the calls for the race at
//! the end. Use it where prompts are paid by their length, or where demonstrations and wording both matter.

use proofmark_runtime::{Candidate, Demonstration, Module, Param, ParamPath, Program, Slot};
use rand::{
    RngExt,
    rngs::ChaCha8Rng,
    seq::{IndexedRandom, SliceRandom},
};

use crate::{
    Optimizer,
    bootstrap::Shelves,
    demos::{Shelf, furnished, showing},
    effects::{Event, Stop},
    lab::Lab,
    proposer::{Proposer, Question, Rewrite, prompt::Prompt},
    rounds::{self, Rounds},
};

/// Members of the population.
const POPULATION: usize = 8;
/// Children of a generation.
const CHILDREN: usize = 4;
/// What being as long as the longest first member costs in score.
const PENALTY: f64 = 0.05;
/// Teachers get one in so many calls, where labels do not serve every module.
const TEACHER_SHARE: u64 = 8;
/// Generations in a row without a new member that end the search.
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
            let shelves = Shelves::one_each(lab, TEACHER_SHARE)?;
            let mut rng = lab.rng("capo");
            let mut population = first(lab, proposer, (&rounds, &shelves), &mut rng)?;
            let longest = population.iter().map(|member| characters(lab, member)).max().unwrap_or(1);
            #[expect(clippy::cast_precision_loss, reason = "a length")]
            let rounds = rounds.charging(PENALTY / longest.max(1) as f64);
            let (mut generation, mut idle) = (0, 0);
            while idle < PATIENCE && rounds.room(lab, CHILDREN, (1, 0)) > 0 {
                generation += 1;
                lab.note(Event::Stage {
                    name: format!("generation {generation}: {} members", population.len()),
                });
                let modules = lab.program().modules();
                let module = &modules[generation % modules.len()];
                let shelf = shelves.iter().find(|shelf| shelf.module == module.name);
                let count = rounds.room(lab, CHILDREN, (1, 0));
                let parts = Parts { program: lab.program(), module, shelf, population: &population };
                let children = parts.children(lab, proposer, count, &mut rng)?;
                let mut field = population.clone();
                let next = rounds.take_in(lab, &mut field, (children, POPULATION))?;
                idle = if next == population { idle + 1 } else { 0 };
                population = next;
            }
            rounds.finish(lab, &population).map(|_| ())
        })
    }
}

/// The task as written, and rewordings of it with random demonstrations.
fn first(
    lab: &mut Lab<'_>,
    proposer: &mut Proposer,
    (rounds, shelves): (&Rounds, &[Shelf]),
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Candidate>, Stop> {
    let written = Candidate::baseline();
    let count = rounds.room(lab, POPULATION - 1, (1, 0));
    let modules = lab.program().modules();
    // Some begin without demonstrations.
    let bare = shelves.iter().map(|shelf| shelf.sizes().len()).max().unwrap_or(0);
    let shown: Vec<Candidate> = (0..count)
        .map(|_| match rng.random_range(0..=bare) {
            rank if rank < bare => furnished(written.clone(), shelves, rank, rng).0,
            _ => written.clone(),
        })
        .collect();
    let task = "Write a variant of this instruction: keep what it asks for, and say it in another way.";
    let reword = |(i, base): (usize, &'_ Candidate)| {
        let module = &modules[i % modules.len()];
        let prompt = Prompt::on(lab.program(), module).instruction("The instruction", &written, module);
        (module, prompt.wants_instruction(task), base.clone())
    };
    let parts: Vec<(&Module, Prompt, Candidate)> = shown.iter().enumerate().map(reword).collect();
    let rewrites: Vec<Rewrite<'_>> = parts
        .iter()
        .map(|(module, prompt, base)| Rewrite {
            question: question(prompt.clone()),
            base,
            module,
            parents: vec![&written],
            how: "reworded, with random demonstrations".into(),
        })
        .collect();
    let drafts = proposer.rewrite(lab, &rewrites)?;
    let members: Vec<Candidate> = drafts.into_iter().map(|draft| draft.candidate).collect();
    rounds::screen(lab, &members)?;
    Ok(std::iter::once(Candidate::baseline()).chain(members).collect())
}

fn question(prompt: Prompt) -> Question {
    Question { purpose: "instruction", prompt, temperature: 1.0, most: 1 }
}

/// What children are made from.
struct Parts<'p> {
    program: &'p Program,
    module: &'p Module,
    shelf: Option<&'p Shelf>,
    population: &'p [Candidate],
}

impl Parts<'_> {
    /// Crossed and mutated children.
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
        let bases: Vec<Candidate> = pairs.iter().map(|&pair| self.shots(pair, rng)).collect();
        let rewrites: Vec<Rewrite<'_>> = pairs
            .iter()
            .zip(&bases)
            .map(|(&(first, second), base)| {
                let prompt = Prompt::on(self.program, self.module)
                    .instruction("First instruction", second, self.module)
                    .instruction("Second instruction", first, self.module);
                let task = "Join these two instructions into one that has the good of both and is as short as it can be. \
                            Then change one thing about the result that you think could be better.";
                Rewrite {
                    question: question(prompt.wants_instruction(task)),
                    base,
                    module: self.module,
                    parents: if first == second { vec![first] } else { vec![first, second] },
                    how: "crossed and mutated".into(),
                }
            })
            .collect();
        Ok(proposer.rewrite(lab, &rewrites)?.into_iter().map(|draft| draft.candidate).collect())
    }

    /// The first parent with demonstrations of both: as many as they have on average, then one more, one less or neither.
    fn shots(&self, (first, second): (&Candidate, &Candidate), rng: &mut ChaCha8Rng) -> Candidate {
        let path = ParamPath::new(&self.module.name, Slot::Demonstrations);
        let list = |candidate: &Candidate| match candidate.get(&path) {
            Some(Param::Demonstrations(list)) => list.clone(),
            _ => Vec::new(),
        };
        let (mine, theirs) = (list(first), list(second));
        let size = (mine.len() + theirs.len()) / 2;
        let mut set: Vec<Demonstration> = mine;
        set.extend(
            theirs
                .into_iter()
                .filter(|one| !set.iter().any(|other| other.origin == one.origin))
                .collect::<Vec<_>>(),
        );
        set.shuffle(rng);
        set.truncate(size);
        match rng.random_range(0..3) {
            0 => {
                set.pop();
            }
            1 => {
                let drawn = self.shelf.map_or_else(Vec::new, |shelf| shelf.draw(1, rng));
                set.extend(
                    drawn
                        .into_iter()
                        .filter(|new| !set.iter().any(|old| old.origin == new.origin))
                        .collect::<Vec<_>>(),
                );
            }
            _ => {}
        }
        if set.is_empty() {
            first.clone().without(&path)
        } else {
            showing(first.clone(), &self.module.name, set)
        }
    }
}

fn characters(lab: &Lab<'_>, candidate: &Candidate) -> usize {
    lab.board().get(candidate.id()).map_or(0, |entry| entry.characters())
}
