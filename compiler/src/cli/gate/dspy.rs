//! The saved state of a DSPy program (`program.save("state.json")`) as a candidate over the task's program.
//!
//! A state has, for each predictor, its instruction, its demonstrations and the descriptions of its fields, which come in
//! order and without names. What it was saved from is not in it: signatures, types and modules are the task's.
//!
//! **Invariant:** everything that the state says about a prompt is in the candidate, or it is refused with the place.

use proofmark_runtime::{
    Candidate, Demonstration, Module, Origin, Param, ParamPath, Program, Record, Slot, Value,
};
use serde_json::{Map, Value as Json};

/// A JSON object.
type Object = Map<String, Json>;

/// Keys of a demonstration that are no fields.
const MARKS: [&str; 3] = ["augmented", "dspy_uuid", "dspy_split"];

/// The predictors of a state with their names; none if it is no state.
fn predictors(state: &Json) -> Vec<(&str, &Object)> {
    holding(state, |object| object.contains_key("signature") && object.contains_key("demos"))
}

/// The whole state if it is what is looked for, else those of its entries that are, by name.
fn holding(state: &Json, is_wanted: impl Fn(&Object) -> bool) -> Vec<(&str, &Object)> {
    let Some(state) = state.as_object() else { return vec![] };
    if is_wanted(state) {
        return vec![("", state)];
    }
    let entries = state.iter().filter_map(|(name, entry)| Some((name.as_str(), entry.as_object()?)));
    entries.filter(|(_, entry)| is_wanted(entry)).collect()
}

/// Whether this is the state of a DSPy program.
pub(super) fn is_state(json: &Json) -> bool {
    json.get("format").is_none() && !predictors(json).is_empty()
}

/// Whether this is the state of a program as DSPy saved it before 2.5.3: its predictors have no `signature`, at most parts of it.
pub(super) fn is_outdated(json: &Json) -> bool {
    let is_old = |object: &Object| {
        ["demos", "traces", "lm"].iter().all(|key| object.contains_key(*key))
            && !object.contains_key("signature")
    };
    json.get("format").is_none() && !is_state(json) && !holding(json, is_old).is_empty()
}

/// The candidate that a state stands for.
///
/// # Errors
/// What does not belong to the program, in words.
pub(super) fn candidate(program: &Program, state: &Json) -> Result<Candidate, String> {
    let predictors = predictors(state);
    let modules = program.modules();
    let alone = modules.len() == 1 && predictors.len() == 1;
    let names = |names: Vec<&str>| names.join(", ");
    if modules.len() != predictors.len() {
        return Err(format!(
            "the state has the predictors {}, the task has the modules {}",
            names(predictors.iter().map(|(name, _)| *name).collect()),
            names(modules.iter().map(|module| module.name.as_str()).collect())
        ));
    }
    predictors.into_iter().try_fold(Candidate::baseline(), |candidate, (name, predictor)| {
        let own = name.strip_suffix(".predict").unwrap_or(name);
        let module = modules.iter().find(|module| alone || module.name == own).ok_or_else(|| {
            let known = names(modules.iter().map(|module| module.name.as_str()).collect());
            format!("no module is named like the predictor `{name}`; the task has {known}")
        })?;
        laid(candidate, module, predictor).map_err(|problem| format!("predictor `{name}`: {problem}"))
    })
}

/// Lays a predictor over a module.
fn laid(candidate: Candidate, module: &Module, predictor: &Object) -> Result<Candidate, String> {
    let signature = predictor["signature"].as_object().ok_or("its signature is no object")?;
    let instruction = signature.get("instructions").and_then(Json::as_str).ok_or("it has no instructions")?;
    let path = |slot| ParamPath::new(&module.name, slot);
    let candidate =
        candidate.with(path(Slot::Instruction), Param::Instruction(instruction.trim().to_owned()));
    let fields = signature.get("fields").and_then(Json::as_array).ok_or("its signature has no fields")?;
    let candidate = described(candidate, module, fields)?;
    let demos = predictor["demos"].as_array().ok_or("its demos are no list")?;
    let read = |(i, demo): (usize, &Json)| {
        demonstration(module, demo).map_err(|problem| format!("demonstration {}: {problem}", i + 1))
    };
    let demos = demos.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(candidate.with(path(Slot::Demonstrations), Param::Demonstrations(demos)))
}

/// Lays the descriptions over the fields, which stand in the order of the signature; `${name}` is DSPy's for none.
fn described(candidate: Candidate, module: &Module, fields: &[Json]) -> Result<Candidate, String> {
    let effective = module.effective();
    let own: Vec<_> = effective.inputs.iter().chain(&effective.outputs).collect();
    let described: Vec<&str> =
        fields.iter().map(|field| field.get("description").and_then(Json::as_str).unwrap_or("")).collect();
    let placeholder = |text: &str| Some(text.strip_prefix("${")?.strip_suffix('}')?.to_owned());
    let unlike = || {
        let theirs: Vec<_> =
            described.iter().map(|text| placeholder(text).unwrap_or_else(|| format!("{text:?}"))).collect();
        let own: Vec<_> = own.iter().map(|field| field.name.as_str()).collect();
        let thinks = theirs.iter().any(|name| name == "reasoning") && !own.contains(&"reasoning");
        let hint =
            if thinks { "; a module of kind \"chain_of_thought\" has a field for its reasoning" } else { "" };
        format!("its fields are {}, those of the module are {}{hint}", theirs.join(", "), own.join(", "))
    };
    if described.len() != own.len() {
        return Err(unlike());
    }
    let written = module.signature.inputs.iter().chain(&module.signature.outputs);
    own.iter().zip(&described).try_fold(candidate, |candidate, (field, text)| match placeholder(text) {
        Some(name) if name == field.name => Ok(candidate),
        Some(_) => Err(unlike()),
        // The reasoning of a module that thinks is no field of its signature.
        None if text.is_empty() || !written.clone().any(|own| own.name == field.name) => Ok(candidate),
        None => {
            let path = ParamPath::new(&module.name, Slot::About(field.name.clone()));
            Ok(candidate.with(path, Param::About((*text).to_owned())))
        }
    })
}

fn demonstration(module: &Module, demo: &Json) -> Result<Demonstration, String> {
    let demo = demo.as_object().ok_or("it is no object")?;
    let effective = module.effective();
    let (mut inputs, mut outputs) = (Record::new(), Record::new());
    for (name, value) in demo.iter().filter(|(name, _)| !MARKS.contains(&name.as_str())) {
        let is = |field: &&proofmark_runtime::Field| field.name == *name;
        let input = effective.inputs.iter().find(is);
        let Some(field) = input.or_else(|| effective.outputs.iter().find(is)) else { continue };
        let value = Value::from(value);
        field.check(Some(&value)).map_err(|misfit| misfit.to_string())?;
        if input.is_some() {
            inputs.insert(name.as_str(), value)
        } else {
            outputs.insert(name.as_str(), value)
        }
    }
    match effective.inputs.iter().find(|field| inputs.get(&field.name).is_none()) {
        Some(missing) => Err(format!("it lacks the input `{}`", missing.name)),
        None => Ok(Demonstration { origin: Origin::Task, inputs, outputs }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::task::Task;

    fn program(kind: &str) -> Program {
        let text = format!(
            "format = 1\n[inputs]\nmessage = \"text\"\n[[module]]\nname = \"route\"\nkind = \"{kind}\"\n\
             instructions = \"Route.\"\ninputs = {{ message = \"message\" }}\n[module.outputs]\n\
             team = {{ type = \"choice\", choices = [\"a\", \"b\"] }}\n[data]\nfile = \"rows.jsonl\"\n"
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rows.jsonl"), "").unwrap();
        Task::parse(text, &folder.path().join("task.toml"))
            .unwrap_or_else(|errors| panic!("{errors}"))
            .program
    }

    fn field(description: &str) -> Json {
        json!({"prefix": "Prefix:", "description": description})
    }

    fn predictor(fields: &[&str], demos: Json) -> Json {
        let fields: Vec<_> = fields.iter().map(|text| field(text)).collect();
        json!({"traces": [], "train": [], "demos": demos, "lm": null,
               "signature": {"instructions": "Send it to the right team.", "fields": fields}})
    }

    #[test]
    fn instruction_demonstrations_and_descriptions_are_taken() {
        let demos = json!([{"message": "m", "reasoning": "since", "team": "b", "augmented": true}, {"message": "n", "team": "a"}]);
        let state = json!({
            "route.predict": predictor(&["${message}", "${reasoning}", "who does it"], demos),
            "metadata": {"dependency_versions": {"dspy": "3.4.1"}},
        });
        assert!(
            is_state(&state) && !is_state(&json!({"format": 1, "program": {}})) && !is_state(&json!([1]))
        );
        let program = program("chain_of_thought");
        let applied = program.apply(&candidate(&program, &state).unwrap()).unwrap();
        let module = &applied.modules()[0];
        assert_eq!(module.signature.instructions, "Send it to the right team.");
        assert_eq!(module.signature.outputs[0].about, "who does it");
        assert_eq!(module.demonstrations.len(), 2);
        assert_eq!(module.demonstrations[0].outputs.get("reasoning"), Some(&Value::from("since")));
        assert_eq!(module.demonstrations[1].outputs.get("reasoning"), None);
    }

    #[test]
    fn a_state_of_an_older_form_is_known_and_not_read() {
        let old = json!({
            "traces": [], "train": [], "demos": [], "lm": null,
            "signature_instructions": "Route.", "signature_prefix": "Team:",
        });
        let bare = json!({"traces": [], "train": [], "demos": [], "lm": null});
        for state in [old.clone(), json!({"retrieve": {"k": 3}, "route[0]": old}), json!({"prog": bare})] {
            assert!(is_outdated(&state) && !is_state(&state), "{state}");
        }
        for other in
            [json!({"format": 1, "demos": [], "lm": null}), json!({"demos": []}), json!([]), json!({"a": 1})]
        {
            assert!(!is_outdated(&other), "{other}");
        }
        assert!(!is_outdated(&predictor(&["${message}", "${team}"], json!([]))));
    }

    #[test]
    fn a_single_predictor_needs_no_name() {
        let state = predictor(&["${message}", "${team}"], json!([]));
        let program = program("predict");
        assert!(is_state(&state));
        assert!(candidate(&program, &state).is_ok());
        assert!(candidate(&program, &json!({"anything": state})).is_ok());
    }

    #[test]
    fn what_does_not_belong_is_told() {
        let program = program("predict");
        let told = |state: Json| candidate(&program, &state).unwrap_err();
        let two = predictor(&["${message}", "${team}"], json!([]));
        assert!(told(json!({"x": two, "y": two})).contains("predictors x, y"));
        let thinking = told(predictor(&["${message}", "${reasoning}", "${team}"], json!([])));
        assert!(thinking.contains("chain_of_thought"), "{thinking}");
        let other = told(predictor(&["${text}", "${team}"], json!([])));
        assert!(
            other.contains("its fields are text, team, those of the module are message, team"),
            "{other}"
        );
        let misfit = told(predictor(&["${message}", "${team}"], json!([{"message": "m", "team": "z"}])));
        assert!(misfit.contains("demonstration 1"), "{misfit}");
        let lacking = told(predictor(&["${message}", "${team}"], json!([{"team": "a"}])));
        assert!(lacking.contains("lacks the input `message`"), "{lacking}");
    }
}
