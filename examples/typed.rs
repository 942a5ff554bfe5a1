//! A prompt program as a Rust type: declare it, ask a model, get the answer typed.
//!
//!     cargo run --release -p proofmark-examples --example typed -- local/smollm2-135m-instruct "I was charged twice."
//!
//! Any model will do: `ollama/qwen3`, `openai/gpt-5-mini` with OPENAI_API_KEY set, `scripted:answers.json`, ...

use std::{env, error::Error};

use proofmark_runtime::{
    Candidate, Choice, Program, Signature,
    model::{
        Sampling,
        providers::{self, Settings},
    },
    run::Runner,
    typed::AsSignature,
};

/// Route the customer's message to the team that handles it.
#[derive(Debug, Signature)]
struct Route {
    /// What the customer wrote.
    #[input(max_length = 4000)]
    message: String,
    /// The team that has to act.
    #[output]
    team: Team,
}

#[derive(Debug, Choice)]
enum Team {
    Billing,
    Shipping,
    #[choice("technical support")]
    Support,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(model), Some(message)) = (arguments.next(), arguments.next()) else {
        return Err("usage: typed MODEL MESSAGE".into());
    };
    let model = providers::open(&model, &Settings::default())?;
    let program = Program::single("route", "predict", Route::signature(), vec![])
        .map_err(|unsound| listed(&unsound))?;
    let runner = Runner::new(&program, &Candidate::baseline(), model, Sampling::default())?;

    let inputs = Route::inputs(message);
    let run = runner.run(&inputs, 0).await?;
    let route = Route::from_records(&inputs, &run.outputs).map_err(|misfits| listed(&misfits))?;
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("{:?} for {:?}", route.team, route.message);
    }
    Ok(())
}

fn listed(problems: &[impl ToString]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
