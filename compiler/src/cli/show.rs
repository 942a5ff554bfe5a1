//! `proofmark show ARTIFACT`: the exact messages, what changed against the baseline, and what each change does.

mod why;

use std::path::PathBuf;

use clap::Args;
use proofmark_runtime::{
    Candidate, Stamp,
    artifact::{Approval, ModulePrompt},
    stamp::{Against, AskedBy},
};
use serde_json::json;

use super::{Common, Failure, artifacts, say, screen};
use crate::{diff, exit::Exit};

/// Show the exact messages of an artifact.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The artifact file
    artifact: PathBuf,
    /// Show what changed against the baseline, line by line
    #[arg(long)]
    diff: bool,
    /// Show what each change does, with its 90 % interval
    #[arg(long, conflicts_with = "diff")]
    why: bool,
    #[command(flatten)]
    common: Common,
}

impl Show {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let artifact = artifacts::read(&self.artifact)?;
        if self.common.json {
            return screen::document(&json!({
                "name": artifact.parts().name, "tool": artifact.tool(), "model": artifact.model(),
                "verified": artifact.stamp().is_verified(), "prompts": artifact.prompts(),
                "stamp": artifact.stamp(), "lineage": artifact.parts().lineage,
                "edits": artifact.parts().edits, "approval": artifact.parts().approval,
                "against": against(artifact.stamp()),
            }));
        }
        let state = if artifact.stamp().is_verified() { "verified" } else { "not verified" };
        let state = match &artifact.parts().approval {
            None => state.to_owned(),
            Some(Approval::Pending) => format!("{state}, waiting for an approval"),
            Some(Approval::Given { by, note }) if note.is_empty() => format!("{state}, approved by {by}"),
            Some(Approval::Given { by, note }) => format!("{state}, approved by {by}: {note}"),
        };
        if !self.common.quiet {
            say(&format!("{} for {}, {state}", artifact.parts().name, artifact.model().name));
            if let Some(line) = baseline(artifact.stamp()) {
                say(&line);
            }
        }
        if self.why {
            why::lines(&artifact).iter().try_for_each(|line| screen::line(line))?;
            return Ok(Exit::Ok);
        }
        let before = artifact.rendered(&Candidate::baseline())?;
        let votes = artifact.parts().candidate.votes();
        if votes > 1 && !self.common.quiet {
            say(&format!(
                "a vote of {votes}: what most of them answer, at {} calls per row",
                artifact.prompts().len()
            ));
        }
        // A vote has all prompts once for each member.
        for (prompt, old) in artifact.prompts().iter().zip(before.iter().cycle()) {
            if self.diff {
                screen::line(&diff::lines(&text(old), &text(prompt)))?;
            } else {
                screen::line(&text(prompt))?;
            }
        }
        Ok(Exit::Ok)
    }
}

/// What an accepted prompt was judged against, where that is recorded.
fn against(stamp: &Stamp) -> Option<&Against> {
    match stamp {
        Stamp::Accepted(accepted) => accepted.against(),
        Stamp::Kept(_) | Stamp::Unverified { .. } => None,
    }
}

/// The baseline that an accepted prompt has beaten, as a line for the terminal.
fn baseline(stamp: &Stamp) -> Option<String> {
    if !stamp.is_verified() {
        return None;
    }
    Some(match against(stamp) {
        None => "baseline not recorded: an older version wrote this artifact".to_owned(),
        Some(Against { baseline, asked, .. }) => {
            let asked = match asked {
                AskedBy::Compile => "compile",
                AskedBy::Gate => "gate",
                AskedBy::Continuation => "gate --more",
                AskedBy::Compare => "compare",
                AskedBy::Table => "score tables",
            };
            format!("judged against baseline {} by {asked}", baseline.short())
        }
    })
}

fn text(prompt: &ModulePrompt) -> String {
    let mut text = format!("=== module {} ({})\n", prompt.module, prompt.format);
    if let Some([shown, of]) = prompt.nearest {
        text += &format!(
            "=== shows the {shown} of {of} demonstrations that are nearest to the input; for example\n"
        );
    }
    for message in &prompt.messages {
        text += &format!("--- {}\n{}\n", message.role, message.content);
    }
    text
}
