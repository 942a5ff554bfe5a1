//! Programs with their choices in another order.

use super::Program;
use crate::signature::{Field, Type};

impl Program {
    /// The same program with these choices in this order, in every field that has exactly these choices. Labels keep their
    /// names, and candidates fit as before.
    #[must_use]
    pub fn listing(&self, choices: &[String]) -> Self {
        let mut listed = self.clone();
        let parts = &mut listed.parts;
        let modules = parts.modules.iter_mut();
        let fields = modules
            .flat_map(|module| module.signature.inputs.iter_mut().chain(&mut module.signature.outputs));
        for Field { ty, .. } in fields.chain(&mut parts.inputs) {
            relist(ty, choices);
        }
        listed
    }
}

fn relist(ty: &mut Type, choices: &[String]) {
    match ty {
        Type::Choice(listed) => {
            let same = listed.len() == choices.len() && choices.iter().all(|choice| listed.contains(choice));
            if same {
                *listed = choices.to_vec();
            }
        }
        Type::List(inner) | Type::Optional(inner) => relist(inner, choices),
        Type::Record(fields) => fields.iter_mut().for_each(|field| relist(&mut field.ty, choices)),
        Type::Text | Type::Integer | Type::Number | Type::Boolean => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{program::Parts, signature::Signature};

    fn choice(names: &[&str]) -> Type {
        Type::Choice(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn only_fields_with_exactly_these_choices_change() {
        let signature = Signature {
            instructions: "Choose.".into(),
            inputs: vec![
                Field::new("before", choice(&["a", "b", "c"])),
                Field::new("flag", choice(&["a", "b"])),
            ],
            outputs: vec![Field::new("now", Type::Optional(Box::new(choice(&["a", "b", "c"]))))],
        };
        let program = Program::single("main", "predict", signature, vec![]).unwrap();
        let order = ["c", "a", "b"].map(str::to_owned);
        let listed = program.listing(&order);
        let main = &listed.modules()[0].signature;
        let types: Vec<_> = main.inputs.iter().chain(&main.outputs).map(|field| field.ty.clone()).collect();
        let expected = [
            choice(&["c", "a", "b"]),
            choice(&["a", "b"]),
            Type::Optional(Box::new(choice(&["c", "a", "b"]))),
        ];
        assert_eq!(types, expected);
        assert!(Program::new(Parts::from(listed.clone())).is_ok(), "it is as sound as before");
        assert_eq!(listed.listing(&["a", "b", "c"].map(str::to_owned)), program);
        assert_eq!(program.listing(&["a", "b", "d"].map(str::to_owned)), program);
    }
}
