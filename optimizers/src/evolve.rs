//! `evolve-ga` and `evolve-de`: EvoPrompt (Guo et al. 2023, "Connecting Large Language Models with Evolutionary
//! Algorithms", arXiv:2309.08532), genetic and by differential evolution.
//!
//! A population of ten starts as rewordings of the written instruction. Genetic: parents are drawn in proportion to their
//! score, the proposer joins their instructions and changes the result, and the best ten of parents and children form the
//! next generation. Differential: for every member, the proposer changes the differences of two others, puts the result into
//! the best instruction and joins that with the member; a child that beats the member takes its place. With several modules,
//! each generation evolves one of them.
//!
//! Cost: a question and twenty rows per child, ten children per generation, until the calls are spent or three generations
//! bring no change. The prompts show no mistakes: use these optimizers if the metric gives no remarks and the proposer has
//! ideas of its own. On the planted landscape of rules they score above random writing, because they join the findings of
//! several instructions, and below all optimizers that reflect. The paper picks the final prompt on its test set; here the
//! race picks it on visible rows.

use proofmark_runtime::{Candidate, Module, Program};
use rand::{
    rngs::ChaCha8Rng,
    seq::{IndexedRandom, IteratorRandom},
};

use crate::{
    Optimizer,
    effects::{Event, Stop},
    lab::Lab,
    proposer::{Proposer, Query, Rewrite, prompt::Prompt},
    rounds::{self, Rounds},
};

/// The number of members of the population.
const POPULATION: usize = 10;
/// The number of generations in a row without a change that end the search.
const PATIENCE: usize = 3;
/// The least fitness of a member, so that a member with score 0 can be a parent.
const LEAST_FITNESS: f64 = 0.01;

/// See the [module](self).
pub struct Evolve(pub Variant);

/// The two algorithms of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Section 3.2 of the paper.
    Genetic,
    /// Section 3.3 of the paper.
    Differential,
}

impl Optimizer for Evolve {
    fn name(&self) -> &'static str {
        match self.0 {
            Variant::Genetic => "evolve-ga",
            Variant::Differential => "evolve-de",
        }
    }

    fn about(&self) -> &'static str {
        match self.0 {
            Variant::Genetic => "a proposer crosses and mutates a population of instructions",
            Variant::Differential => "a proposer evolves instructions by what others differ in",
        }
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let rounds = Rounds::new(lab);
            let mut rng = lab.rng(self.name());
            let mut population = vec![Candidate::baseline()];
            let mut all = population.clone();
            let mut generation = 0;
            let mut idle = 0;
            while idle < PATIENCE {
                let count = rounds.room(lab, POPULATION, 1, 0);
                if count == 0 {
                    break;
                }
                let modules = lab.program().modules();
                let module = &modules[generation % modules.len()];
                generation += 1;
                lab.note(Event::Stage { name: format!("generation {generation}: {count} children") });
                let breeder = Breeder::new(lab, module, &population);
                let rewrites: Vec<Rewrite<'_>> =
                    (0..count).map(|place| breeder.child(self.0, place, &mut rng)).collect();
                let drafts = proposer.rewrite(lab, &rewrites)?;
                let children: Vec<(usize, Candidate)> =
                    drafts.into_iter().map(|draft| (draft.of, draft.candidate)).collect();
                let new: Vec<Candidate> = children.iter().map(|(_, child)| child.clone()).collect();
                let full = breeder.is_full();
                let fittest = rounds.add(lab, &mut all, new, POPULATION)?;
                let next = match self.0 {
                    Variant::Differential if full => replaced(lab, &population, children),
                    _ => fittest,
                };
                idle = if next == population { idle + 1 } else { 0 };
                population = next;
            }
            rounds.finish(lab, &all).map(|_| ())
        })
    }
}

/// The population after every child that beats the member it was made for has taken that member's place.
fn replaced(lab: &Lab<'_>, population: &[Candidate], children: Vec<(usize, Candidate)>) -> Vec<Candidate> {
    let mut next = population.to_vec();
    for (place, child) in children {
        if lab.board().beats(child.id(), next[place].id()) {
            next[place] = child;
        }
    }
    next
}

/// The material that children are made from.
struct Breeder<'b> {
    program: &'b Program,
    module: &'b Module,
    population: &'b [Candidate],
    /// The estimated scores in the order of the population.
    fitness: Vec<f64>,
}

impl<'b> Breeder<'b> {
    fn new<'a: 'b>(lab: &Lab<'a>, module: &'b Module, population: &'b [Candidate]) -> Self {
        let fitness = population.iter().map(|member| rounds::score(lab, member)).collect();
        Self { program: lab.program(), module, population, fitness }
    }

    fn is_full(&self) -> bool {
        self.population.len() >= POPULATION
    }

    fn child(&self, variant: Variant, place: usize, rng: &mut ChaCha8Rng) -> Rewrite<'b> {
        match variant {
            _ if !self.is_full() => self.reword(rng),
            Variant::Genetic => self.cross(rng),
            Variant::Differential => self.differ(place, rng),
        }
    }

    fn reword(&self, rng: &mut ChaCha8Rng) -> Rewrite<'b> {
        let base = self.parent(rng);
        let prompt = self.prompt().instruction("The instruction", base, self.module);
        let task = "Write a variant of this instruction: keep what it asks for, and say it in another way.";
        self.rewrite(base, vec![base], prompt.wants_instruction(task), "reworded")
    }

    fn cross(&self, rng: &mut ChaCha8Rng) -> Rewrite<'b> {
        let first = self.parent(rng);
        let second = self.parent(rng);
        let prompt = self.prompt().instruction("First instruction", second, self.module).instruction(
            "Second instruction",
            first,
            self.module,
        );
        let parents = if first == second { vec![first] } else { vec![first, second] };
        let task = "Join these two instructions into one that has the good of both. Then change one thing about the result \
                    that you think could be better.";
        self.rewrite(first, parents, prompt.wants_instruction(task), "crossed and mutated")
    }

    fn differ(&self, place: usize, rng: &mut ChaCha8Rng) -> Rewrite<'b> {
        let member = &self.population[place];
        let donors = self.population.iter().filter(|other| *other != member).sample(rng, 2);
        let best = (0..self.population.len()).max_by(|&a, &b| self.fitness[a].total_cmp(&self.fitness[b]));
        let best = best.map_or(member, |best| &self.population[best]);
        let mut prompt = self.prompt();
        for (title, donor) in ["Instruction A", "Instruction B"].iter().zip(&donors) {
            prompt = prompt.instruction(title, donor, self.module);
        }
        prompt = prompt.instruction("The best instruction", best, self.module).instruction(
            "The instruction at hand",
            member,
            self.module,
        );
        let task = "Find what A and B differ in and think of something new in its place. Put that into the best instruction \
                    where it has something of the kind. Then join the result with the instruction at hand.";
        let mut parents = vec![member];
        parents.extend(donors);
        if !parents.contains(&best) {
            parents.push(best);
        }
        self.rewrite(member, parents, prompt.wants_instruction(task), "evolved by a difference")
    }

    /// Draws a member in proportion to its score (roulette selection).
    fn parent(&self, rng: &mut ChaCha8Rng) -> &'b Candidate {
        let places: Vec<usize> = (0..self.population.len()).collect();
        let drawn = places.choose_weighted(rng, |&place| self.fitness[place].max(LEAST_FITNESS));
        &self.population[drawn.copied().unwrap_or(0)]
    }

    fn prompt(&self) -> Prompt {
        Prompt::on(self.program, self.module)
    }

    fn rewrite(
        &self,
        base: &'b Candidate,
        parents: Vec<&'b Candidate>,
        prompt: Prompt,
        how: &str,
    ) -> Rewrite<'b> {
        let query = Query { purpose: "instruction", prompt, temperature: 1.0, most: 1 };
        Rewrite { query, base, module: self.module, parents, how: how.to_owned() }
    }
}
