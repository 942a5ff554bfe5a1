//! Moves: small random changes to a good candidate. A move replaces demonstrations, reorders them, adds or drops one, edits
//! the wording, takes another option of the joint space, or takes one parameter of another good candidate.
//!
//! **Invariant:** a move changes one parameter of one module, so that a gain has a known cause.

use proofmark_runtime::{Candidate, Demonstration, Module, Param, ParamPath, Program, Slot};
use rand::{
    Rng, RngExt,
    seq::{IndexedRandom, SliceRandom},
};

use crate::{
    additive::Additive,
    demos::{self, ExamplePool, showing},
    edits,
    space::Space,
};

/// The source of moves.
pub struct Moves<'a> {
    /// The program as written.
    pub program: &'a Program,
    /// The joint space; its pools give the demonstrations.
    pub space: &'a Space,
    /// The learned effects of the options.
    pub model: &'a Additive,
    /// Other good candidates.
    pub others: &'a [Candidate],
}

/// The kinds of moves, the more useful ones several times: the choice of demonstrations matters most.
const KINDS: [Kind; 9] = [
    Kind::Substitute,
    Kind::Substitute,
    Kind::Substitute,
    Kind::Reorder,
    Kind::Resize,
    Kind::Edit,
    Kind::Edit,
    Kind::Option,
    Kind::Cross,
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Substitute,
    Reorder,
    Resize,
    Edit,
    Option,
    Cross,
}

impl Moves<'_> {
    /// Draws a move from `best`; returns the new candidate and a description, or none if the drawn kind does not apply.
    pub fn step(&self, best: &Candidate, rng: &mut impl Rng) -> Option<(Candidate, String)> {
        let module = self.program.modules().choose(rng)?;
        let (next, how) = match KINDS.choose(rng)? {
            Kind::Substitute => self.substitute(best, module, rng),
            Kind::Reorder => self.reorder(best, module, rng),
            Kind::Resize => self.resize(best, module, rng),
            Kind::Edit => edits::stride(best, module, &self.space.blocks[&module.name], 1, rng),
            Kind::Option => self.option(best, rng),
            Kind::Cross => self.cross(best, rng),
        }?;
        let how = if self.program.modules().len() > 1 { format!("{}: {how}", module.name) } else { how };
        (next != *best).then_some((next, how))
    }

    fn substitute(
        &self,
        best: &Candidate,
        module: &Module,
        rng: &mut impl Rng,
    ) -> Option<(Candidate, String)> {
        let mut set = shown(best, module)?;
        let count = rng.random_range(1..=set.len().div_ceil(4));
        let mut places: Vec<usize> = (0..set.len()).collect();
        places.shuffle(rng);
        let mut changed = 0;
        for at in places.into_iter().take(count) {
            let pool = self.pool(module, rng)?;
            if let Some(other) = pool.substitute(&set, at, rng) {
                set[at] = other;
                changed += 1;
            }
        }
        let how = format!("replaces {changed} demonstration{}", if changed == 1 { "" } else { "s" });
        (changed > 0).then(|| (showing(best.clone(), &module.name, set), how))
    }

    fn reorder(&self, best: &Candidate, module: &Module, rng: &mut impl Rng) -> Option<(Candidate, String)> {
        let mut set = shown(best, module)?;
        set.shuffle(rng);
        Some((showing(best.clone(), &module.name, set), "reorders the demonstrations".into()))
    }

    fn resize(&self, best: &Candidate, module: &Module, rng: &mut impl Rng) -> Option<(Candidate, String)> {
        let mut set = shown(best, module)?;
        let more = set.len() < demos::MOST && rng.random();
        if more {
            let at = rng.random_range(..set.len());
            let other = self.pool(module, rng)?.substitute(&set, at, rng)?;
            set.insert(rng.random_range(..=set.len()), other);
        } else {
            set.remove(rng.random_range(..set.len()));
        }
        let how = if more { "adds a demonstration" } else { "drops a demonstration" };
        Some((showing(best.clone(), &module.name, set), how.into()))
    }

    fn option(&self, best: &Candidate, rng: &mut impl Rng) -> Option<(Candidate, String)> {
        let point = self.model.draw(rng);
        let (place, dimension) =
            self.space.dimensions.iter().enumerate().collect::<Vec<_>>().choose(rng).copied()?;
        let choice = &dimension.options[point[place]].0;
        let module = self.program.module(&dimension.module)?;
        let path = ParamPath::new(&module.name, dimension.slot.clone());
        let how = self.space.phrase(module, choice).unwrap_or_else(|| format!("{path} as written"));
        Some((self.space.lay(best.clone().without(&path), module, choice, rng), how))
    }

    fn cross(&self, best: &Candidate, rng: &mut impl Rng) -> Option<(Candidate, String)> {
        let other =
            self.others.iter().filter(|other| *other != best).collect::<Vec<_>>().choose(rng).copied()?;
        let (path, param) = other.iter().collect::<Vec<_>>().choose(rng).copied()?;
        let how = format!("takes {path} from {}", other.id());
        Some((best.clone().with(path.clone(), param.clone()), how))
    }

    fn pool(&self, module: &Module, rng: &mut impl Rng) -> Option<&ExamplePool> {
        let mine = self.space.pools.iter().map(|(_, pool)| pool).filter(|pool| pool.module == module.name);
        mine.collect::<Vec<_>>().choose(rng).copied()
    }
}

/// The demonstrations that a candidate sets for a module; none if it sets no demonstrations.
fn shown(candidate: &Candidate, module: &Module) -> Option<Vec<Demonstration>> {
    match candidate.get(&ParamPath::new(&module.name, Slot::Demonstrations)) {
        Some(Param::Demonstrations(set)) if !set.is_empty() => Some(set.clone()),
        _ => None,
    }
}
