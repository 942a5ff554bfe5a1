//! Applying a candidate to a program: the parameters, their values, and the checks of new values.

use super::{Module, Program, sound};
use crate::candidate::{Candidate, Param, ParamPath, Slot};

/// The error for a candidate that does not fit a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCandidate {
    /// A parameter that the program does not declare.
    #[error("the program has no parameter `{path}`")]
    Undeclared {
        /// Its path.
        path: String,
    },
    /// A value of another kind than the slot takes.
    #[error("the value given for `{path}` is of another kind")]
    WrongKind {
        /// Its path.
        path: String,
    },
    /// A value that does not fit the signature.
    #[error("the value given for `{path}` does not fit: {problem}")]
    Misfit {
        /// Its path.
        path: String,
        /// What does not fit.
        problem: String,
    },
}

impl Program {
    /// Every parameter that a candidate may set.
    pub fn parameters(&self) -> Vec<ParamPath> {
        self.parts.modules.iter().flat_map(Module::parameters).collect()
    }

    /// The program with the candidate's parameters. A vote gives a program with every module once for each member.
    ///
    /// # Errors
    /// The first parameter that is undeclared or does not fit.
    pub fn apply(&self, candidate: &Candidate) -> Result<Self, BadCandidate> {
        let first = self.lay(candidate)?;
        candidate.voters().iter().try_fold(first, |program, voter| Ok(program.joined(self.apply(voter)?)))
    }

    /// The program with the parameters of the first member of the vote.
    fn lay(&self, candidate: &Candidate) -> Result<Self, BadCandidate> {
        let mut program = self.clone();
        for (path, param) in candidate.iter() {
            let module = program.parts.modules.iter_mut().find(|module| module.name == path.module);
            let module = module.ok_or_else(|| BadCandidate::Undeclared { path: path.to_string() })?;
            module.set(path, param)?;
        }
        Ok(program)
    }
}

impl Module {
    /// The parameters of this module.
    pub fn parameters(&self) -> Vec<ParamPath> {
        let fields = self.signature.inputs.iter().chain(&self.signature.outputs);
        let mut slots = vec![Slot::Instruction, Slot::Demonstrations, Slot::Nearest, Slot::Format];
        if self.effective().sole_choice().is_some() {
            slots.push(Slot::Calibration);
        }
        slots.extend(fields.map(|field| Slot::About(field.name.clone())));
        slots.into_iter().map(|slot| ParamPath::new(&self.name, slot)).collect()
    }

    /// The value of every parameter that is set: the overlay that reproduces this module.
    pub fn values(&self) -> Vec<(Slot, Param)> {
        let fields = self.signature.inputs.iter().chain(&self.signature.outputs);
        let mut values = vec![
            (Slot::Instruction, Param::Instruction(self.signature.instructions.clone())),
            (Slot::Demonstrations, Param::Demonstrations(self.demonstrations.clone())),
            (Slot::Nearest, Param::Nearest(self.nearest)),
        ];
        values.extend(self.format.iter().map(|name| (Slot::Format, Param::Format(name.clone()))));
        if self.effective().sole_choice().is_some() {
            values.push((Slot::Calibration, Param::Calibration(self.calibration)));
        }
        values
            .extend(fields.map(|field| (Slot::About(field.name.clone()), Param::About(field.about.clone()))));
        values
    }

    fn set(&mut self, path: &ParamPath, param: &Param) -> Result<(), BadCandidate> {
        if !self.parameters().contains(path) {
            return Err(BadCandidate::Undeclared { path: path.to_string() });
        }
        let misfit = |problem: String| BadCandidate::Misfit { path: path.to_string(), problem };
        match (&path.slot, param) {
            (Slot::Instruction, Param::Instruction(text)) => {
                text.clone_into(&mut self.signature.instructions)
            }
            (Slot::Demonstrations, Param::Demonstrations(list)) => {
                if let Some((number, problem)) = sound::demonstration_misfit(&self.signature, list) {
                    return Err(misfit(format!("demonstration {number}: {problem}")));
                }
                self.demonstrations.clone_from(list);
            }
            (Slot::Nearest, Param::Nearest(count)) => self.nearest = *count,
            (Slot::Format, Param::Format(name)) => self.format = Some(name.clone()),
            (Slot::Calibration, Param::Calibration(calibration)) => self.calibration = *calibration,
            (Slot::About(name), Param::About(text)) => {
                let mut fields = self.signature.inputs.iter_mut().chain(&mut self.signature.outputs);
                if let Some(field) = fields.find(|field| field.name == *name) {
                    text.clone_into(&mut field.about);
                }
            }
            _ => return Err(BadCandidate::WrongKind { path: path.to_string() }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        candidate::Demonstration,
        signature::{Field, Signature, Type},
        value::Record,
    };

    #[test]
    fn a_candidate_may_set_declared_parameters_only() {
        let signature = Signature {
            instructions: "old".into(),
            inputs: vec![Field::new("q", Type::Text)],
            outputs: vec![Field::new("a", Type::Choice(vec!["x".into()]))],
        };
        let program = Program::single("main", "predict", signature, vec![]).unwrap();
        let set =
            |path: &str, param| program.apply(&Candidate::baseline().with(path.parse().unwrap(), param));
        let applied = set("main.instruction", Param::Instruction("new".into())).unwrap();
        assert_eq!(applied.modules()[0].signature.instructions, "new");
        assert!(matches!(
            set("other.instruction", Param::Instruction(String::new())),
            Err(BadCandidate::Undeclared { .. })
        ));
        assert!(matches!(
            set("main.about.zz", Param::About(String::new())),
            Err(BadCandidate::Undeclared { .. })
        ));
        assert!(matches!(
            set("main.format", Param::About(String::new())),
            Err(BadCandidate::WrongKind { .. })
        ));
        let wrong = Demonstration {
            origin: crate::candidate::Origin::Task,
            inputs: Record::new().with("q", "?"),
            outputs: Record::new().with("a", "not a choice"),
        };
        assert!(matches!(
            set("main.demonstrations", Param::Demonstrations(vec![wrong])),
            Err(BadCandidate::Misfit { .. })
        ));
    }
}
