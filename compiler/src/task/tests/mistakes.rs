//! Every mistake that a task file can have, and the messages about it.

use super::{MINIMAL, WIRED, parse};

/// A mistake: the file, the text that is replaced, its replacement, and all messages.
type Broken = (&'static str, &'static str, &'static str, &'static [&'static str]);

const BROKEN: &[Broken] = &[
    // Not TOML, not this format, nothing in it.
    (
        MINIMAL,
        "instructions = \"Route.\"",
        "instructions = \"Route.",
        &["4: invalid basic string, expected `\"`"],
    ),
    (MINIMAL, "[data]", "[data", &["8: unclosed table, expected `]`"]),
    (MINIMAL, "[data]\n", "[data]\nfile = \"a\"\n", &["10: duplicate key"]),
    (
        MINIMAL,
        MINIMAL,
        "",
        &[
            "1: the task file needs `format` (format = 1: the version of this file format)",
            "1: the task file needs `data` (data = { ... }: the files of rows)",
            "1: the task has no program (add [signature] with instructions, inputs and outputs, or several [[module]])",
        ],
    ),
    (
        MINIMAL,
        "format = 1",
        "",
        &["1: the task file needs `format` (format = 1: the version of this file format)"],
    ),
    (MINIMAL, "format = 1", "format = 2", &["1: `format` is 2, but must be 1 (such as 1)"]),
    // Names.
    (MINIMAL, "[data]", "[dta]", &["8: the task file has no key `dta` (did you mean `data`?)"]),
    (
        MINIMAL,
        "instructions",
        "instruction",
        &["4: `signature` has no key `instruction` (did you mean `instructions`?)"],
    ),
    (MINIMAL, "\"choice\"", "\"choise\"", &["6: there is no type `choise` (did you mean `choice`?)"]),
    (
        MINIMAL,
        "[data]",
        "[optimizer]\nname = \"boostrap\"\n[data]",
        &["9: there is no optimizer `boostrap` (did you mean `bootstrap`?)"],
    ),
    (
        MINIMAL,
        "[data]",
        "[gate]\nfamilies = [\"typo\", \"wihtespace\"]\npolicy = \"lax\"\n[data]",
        &[
            "9: there is no perturbation family `wihtespace` (did you mean `whitespace`?)",
            "10: there is no policy `lax` (known: `strict`, `balanced`, `noninferior`, `explore`)",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[metric]\nkind = \"exakt\"\n[data]",
        &["9: there is no metric `exakt` (did you mean `exact`?)"],
    ),
    // Types and bounds.
    (
        MINIMAL,
        "\"Route.\"",
        "7",
        &["4: `signature.instructions` is 7, but must be a text in quotes (such as \"...\")"],
    ),
    (
        MINIMAL,
        "{ message = \"text\" }",
        "[\"message\"]",
        &["5: `signature.inputs` is a list, but must be a table (such as { ... })"],
    ),
    (
        MINIMAL,
        "[data]",
        "[model]\nname = \"openai/x\"\ntemperature = 3.5\nmax_tokens = 0\n[data]",
        &[
            "10: `model.temperature` is 3.5, but must be a number from 0 to 2 (such as 1)",
            "11: `model.max_tokens` is 0, but must be a whole number from 1 to 1000000 (such as 1)",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[optimizer]\nbudget = { calls = \"many\", euro = 3, usd = 2 }\n[data]",
        &[
            "9: `optimizer.budget.calls` is a text, but must be a whole number, at least 1 (such as 1)",
            "9: `optimizer.budget` has no key `euro` (known: `calls`, `pruning`)",
            "9: `optimizer.budget.usd` is not supported (Proofmark does not know the prices of models; set calls = ..., `proofmark check` shows how many calls a run makes)",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[data]\nslices = \"channel\"",
        &["9: `data.slices` is a text, but must be a list of texts (such as [\"...\", \"...\"])"],
    ),
    // Fields.
    (
        MINIMAL,
        ", choices = [\"a\", \"b\"]",
        "",
        &[
            "6: `signature.outputs.team` needs `choices` (choices = [\"...\", \"...\"]: the texts to choose from)",
        ],
    ),
    (
        MINIMAL,
        "[\"a\", \"b\"]",
        "[\"a\", \"A\", \"\", \"a\"]",
        &[
            "6: \"A\" differs only in case or spaces from another choice of `team`",
            "6: `team` has an empty choice",
            "6: `team` has the choice \"a\" twice",
        ],
    ),
    (
        MINIMAL,
        "[\"a\", \"b\"]",
        "[]",
        &["6: choice `team` has no choices ({ type = \"choice\", choices = [\"...\", \"...\"] })"],
    ),
    (
        MINIMAL,
        "\"text\"",
        "{ type = \"text\", choices = [\"x\"] }",
        &["5: `signature.inputs.message` has no key `choices` (`choices` goes with type = \"choice\")"],
    ),
    (
        MINIMAL,
        "message =",
        "\"the message\" =",
        &[
            "5: `the message` cannot be the name of a field (letters, digits and `_`, not starting with a digit)",
        ],
    ),
    (
        MINIMAL,
        "message =",
        "team =",
        &["6: `team` is the name of an input and of an output (give one of them another name)"],
    ),
    (
        MINIMAL,
        "\"text\"",
        "{ type = \"integer\", min = 3, max = 2 }",
        &["5: `message` has max 2 below min 3"],
    ),
    (
        MINIMAL,
        "\"text\"",
        "{ type = \"record\", fields = {} }",
        &["5: record `message` has no fields (fields = { city = \"text\", ... })"],
    ),
    (
        MINIMAL,
        "[\"a\", \"b\"]",
        "[\"a\"]",
        &["6: choice `team` has only one choice (list all answers that are possible, at least two)"],
    ),
    (
        MINIMAL,
        "\"Route.\"",
        "\" \"\nkind = \"predictt\"",
        &[
            "4: the instructions of `main` are empty (say in a sentence what the model should do)",
            "5: there is no kind of module `predictt` (did you mean `predict`?)",
        ],
    ),
    // Demands.
    (
        MINIMAL,
        "[data]",
        "[gate]\npolicy = \"explore\"\ntarget = 0.9\n[data]",
        &[
            "10: policy `explore` tests nothing, so `target` has no effect (use another policy, such as policy = \"strict\")",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[gate]\npolicy = \"explore\"\n[[guard]]\nname = \"tone\"\n[data]",
        &[
            "10: policy `explore` tests nothing, so `guard` has no effect (use another policy, such as policy = \"strict\")",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[[guard]]\nname = \"tone\"\n[[guard]]\nname = \"tone\"\n[[guard]]\nmargin = 2\n[data]",
        &[
            "11: another guard is named `tone` (give this guard another name)",
            "12: `guard` needs `name` (name = \"...\": its name in reports)",
            "13: `guard.margin` is 2, but must be a number from 0.001 to 1 (such as 0.03)",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[[guard]]\nname = \"tone\"\nkind = \"rouge\"\n[data]",
        &[
            "10: `rouge` cannot score `team`, which is one of a, b (use exact, such as outputs.team = { kind = \"exact\" })",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[[guard]]\nname = \"clean rows\"\n[[guard]]\nname = \" \"\n[data]",
        &[
            "9: the gate uses the name `clean rows` itself (give this guard another name)",
            "11: a guard needs a name (such as name = \"tone\")",
        ],
    ),
    // Demonstrations.
    (
        MINIMAL,
        "[data]",
        "[[demos]]\nmesage = \"x\"\nteam = \"c\"\n[data]",
        &[
            "9: the signature has no field `mesage` (did you mean `message`?)",
            "10: `team` is \"c\", but must be one of a, b",
        ],
    ),
    // Data.
    (MINIMAL, "rows.jsonl", "row.jsonl", &["9: there is no file `row.jsonl` (did you mean `rows.jsonl`?)"]),
    (
        MINIMAL,
        "file = \"rows.jsonl\"",
        "train = \"rows.jsonl\"",
        &[
            "9: `data` has no `gate`, the file of the test rows (name `train` and `gate`, or one `file` that Proofmark splits)",
        ],
    ),
    (
        MINIMAL,
        "file =",
        "gate = \"rows.jsonl\"\nfile =",
        &[
            "10: `data` has both `file` and `gate` (name one `file` that Proofmark splits, or your own `train` and `gate`)",
        ],
    ),
    (MINIMAL, "file = \"rows.jsonl\"", "", &["1: `data` names no file (such as file = \"rows.jsonl\")"]),
    (
        MINIMAL,
        "file =",
        "inputs = { mesage = \"text\" }\nfile =",
        &["9: the program has no input `mesage` (field = \"column\"; did you mean `message`?)"],
    ),
    // Families.
    (
        MINIMAL,
        "[data]",
        "[gate]\nfamilies = [\"typo\", \"filler\", \"typo\"]\n[data]",
        &["9: `typo` is listed twice (remove one of them)"],
    ),
    (
        MINIMAL,
        "[data]",
        "[[attack]]\nname = \"clean\"\nreplace = { the = \"that\" }\n[[attack]]\nname = \"natural\"\nreplace = {}\n[data]",
        &[
            "9: `clean` is the name of the unperturbed rows (give your family another name)",
            "12: `natural` is the name of your adversarial rows (give your family another name)",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[[attack]]\nname = \"typo\"\nreplace = { the = \"that\" }\n[[attack]]\nname = \"mine\"\nreplace = {}\n[data]",
        &[
            "9: there is already a family `typo` (give your family another name)",
            "13: `replace` is empty, so this family changes nothing (such as replace = { car = \"automobile\" })",
        ],
    ),
    // Templates, whose own mistakes compiler/src/attack/templates/tests.rs holds.
    (
        MINIMAL,
        "[data]",
        "[[attack]]\nname = \"redrawn\"\nkind = \"templates\"\n[data]",
        &[
            "8: `attack` needs `file` (file = \"...\": JSON lines with one template each: `text` with holes such as {n}, `draw`, `answer` and optionally `where`)",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[[attack]]\nname = \"redrawn\"\nkind = \"templates\"\nfile = \"row.jsonl\"\nreplace = {}\n[data]",
        &[
            "11: there is no file `row.jsonl` (did you mean `rows.jsonl`?)",
            "12: `attack` has no key `replace` (`replace` goes with kind = \"rules\")",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[[attack]]\nname = \"redrawn\"\nkind = \"templates\"\nfile = \"rows.jsonl\"\n[data]",
        &[
            "11: rows.jsonl:1: unknown field `message`, expected one of `text`, `draw`, `where`, `answer` (a template is a line such as {\"text\": \"{name} buys {n} pens at {p} dollars each. How much does {name} pay?\", \"draw\": {\"name\": [\"Ann\", \"Omar\"], \"n\": {\"from\": 2, \"to\": 40}, \"p\": {\"from\": 1, \"to\": 9}}, \"answer\": \"n * p\"})",
        ],
    ),
    // Models.
    (
        MINIMAL,
        "[data]",
        "[model]\nname = \"gpt-5\"\nkey_env = \"sk-123-456\"\nbase_url = \"localhost\"\n[data]",
        &[
            "10: `key_env` is not the name of an environment variable (the name of the variable that holds the key, never the key itself)",
            "11: `localhost` is not a web address (such as \"http://localhost:11434/v1\")",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[model]\nname = \"opnai/gpt-5\"\n[proposer]\nname = \"local/smolm\"\n[data]",
        &[
            "9: `opnai/gpt-5` does not begin with a known provider (did you mean `openai/`? With `base_url` any name is allowed)",
            "11: there is no model `local/smolm`; known: `local/smollm2-135m-instruct`; a file of your own is `local:/path/to/model.gguf`",
        ],
    ),
    // Metrics.
    (
        MINIMAL,
        "[data]",
        "[metric]\nkind = \"f1\"\n[data]",
        &[
            "9: `f1` cannot score `team`, which is one of a, b (use exact, such as outputs.team = { kind = \"exact\" })",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[metric]\ntolerance = 0.1\noutputs = { tem = {} }\n[data]",
        &[
            "9: `metric` has no key `tolerance` (`tolerance` goes with kind = \"number\")",
            "10: the program has no output `tem` (did you mean `team`?)",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[metric]\noutputs = { team = { weight = 0 } }\n[data]",
        &["9: every output has weight 0, so nothing is scored"],
    ),
    (
        MINIMAL,
        "[data]",
        "[metric]\nkind = \"command\"\n[data]",
        &[
            "8: `metric` needs `command` (command = [\"...\", \"...\"]: the program and its arguments, run in the folder of the task)",
        ],
    ),
    (
        MINIMAL,
        "[data]",
        "[metric]\nkind = \"command\"\ncommand = [\"./judge.py\"]\n[data]",
        &["10: there is no file `./judge.py`"],
    ),
    (
        WIRED,
        "kind = \"f1\"\npass = 0.8",
        "kind = \"regex\"\npattern = \"(\"",
        &["36: `pattern` is not a regular expression: found open group without closing ')'"],
    ),
    // Programs of several modules.
    (
        WIRED,
        "\"extract.summary\"",
        "\"extract.sumary\"",
        &["19: there is no source `extract.sumary` (did you mean `extract.summary`?)"],
    ),
    (
        WIRED,
        "{ document = \"document\" }",
        "{ document = \"answer.answer\" }",
        &["5: no module reads the input `document` (wire it to a module or remove it)"],
    ),
    (
        WIRED,
        "facts = { from = \"extract.summary\", about = \"what is known\" }",
        "facts = \"document\"",
        &["8: nothing reads the outputs of module `extract` (wire one of them, or remove the module)"],
    ),
    (
        WIRED,
        "name = \"extract\"",
        "name = \"answer\"",
        &[
            "15: there are two modules `answer`",
            "19: there is no source `extract.summary` (known: `answer.answer`, `answer.score`, `answer.summary`, `document`, `question`)",
        ],
    ),
    (
        WIRED,
        "[inputs]\n",
        "[signature]\ninstructions = \"x\"\ninputs = {}\noutputs = {}\n[inputs]\n",
        &[
            "12: a task has either `signature` or `module`, not both (turn [signature] into one more [[module]])",
        ],
    ),
    (
        WIRED,
        "[[module.demos]]",
        "[[demos]]",
        &["24: `demos` at the top goes with [signature] (write [[module.demos]] below the module)"],
    ),
];

#[test]
fn every_mistake_is_reported_once_with_line_and_hint() {
    for (file, from, to, expected) in BROKEN {
        assert!(file.contains(from), "{from}");
        let errors = parse(&file.replacen(from, to, 1)).expect_err(to).to_string();
        let messages =
            errors.lines().map(|line| line.split_once("task.toml:").map_or(line, |(_, rest)| rest));
        let messages: Vec<_> = messages.collect();
        assert_eq!(messages, *expected, "{from:?} -> {to:?}");
    }
}
