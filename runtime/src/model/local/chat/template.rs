//! Jinja chat templates, as Hugging Face's tools render them.
//!
//! A template comes with the model file and is not trusted: it gets fuel, sees no clock, no file and no content.

use minijinja::{Environment, Error, ErrorKind, Value, context, syntax::SyntaxConfig};

use super::Piece;
use crate::model::{Message, Role, local::tokenizer::Tokenizer};

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

const NAME: &str = "chat";

/// Steps that a template may take; hundreds of messages need some ten thousand.
const FUEL: u64 = 10_000_000;

/// Around a placeholder. A template that trims a content trims this white space, which no template writes itself.
const EDGE: char = '\u{2003}';

/// Opens and closes the number of a message; a private character that no template writes itself.
const MARK: char = '\u{f8ff}';

impl Template {
    pub(super) fn new(source: &str, tokenizer: &Tokenizer) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment.add_template_owned(NAME, source.to_owned())?;
        let name = |id: Option<u32>| id.map(|id| tokenizer.name(id).to_owned()).unwrap_or_default();
        Ok(Self {
            environment,
            bos: name(tokenizer.bos().map(|(bos, _)| bos)),
            eos: name(Some(tokenizer.eos())),
        })
    }

    /// Renders the conversation; with `ask`, up to where the model's next message begins.
    ///
    /// A template that refuses system messages gets them at the head of the next message.
    pub(super) fn render(&self, messages: &[Message], ask: bool) -> Result<Vec<Piece>, Error> {
        let apart = messages.iter().enumerate().map(|(i, message)| (message.role, placeholder(i))).collect();
        self.render_turns(apart, messages.len(), ask)
            .or_else(|error| self.render_turns(fold_system(messages).ok_or(error)?, messages.len(), ask))
    }

    fn render_turns(
        &self,
        turns: Vec<(Role, String)>,
        messages: usize,
        ask: bool,
    ) -> Result<Vec<Piece>, Error> {
        let turns = turns.into_iter().map(|(role, content)| context!(role => role.to_string(), content));
        let text = self.environment.get_template(NAME)?.render(context! {
            messages => turns.collect::<Vec<Value>>(),
            add_generation_prompt => ask,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            // Replies are constrained or scored from their first token on: no room for a block of reasoning.
            enable_thinking => false,
        })?;
        let pieces = cut(&text);
        if written_once(&pieces, messages) {
            Ok(pieces)
        } else {
            Err(Error::new(ErrorKind::InvalidOperation, "it does not write every message once"))
        }
    }
}

/// Whether each content stands there exactly once. The order is the template's business: some write the system's
/// message into the last turn.
fn written_once(pieces: &[Piece], messages: usize) -> bool {
    let mut contents: Vec<usize> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Content { message, .. } => Some(*message),
            Piece::Template(_) => None,
        })
        .collect();
    contents.sort_unstable();
    contents.into_iter().eq(0..messages)
}

fn placeholder(index: usize) -> String {
    format!("{EDGE}{MARK}{index}{MARK}{EDGE}")
}

/// The turns with each system message put before the message that follows it; none if there is nothing to fold.
fn fold_system(messages: &[Message]) -> Option<Vec<(Role, String)>> {
    let (mut turns, mut head) = (Vec::new(), String::new());
    for (i, message) in messages.iter().enumerate() {
        head += &placeholder(i);
        match message.role {
            Role::System => head += "\n\n",
            role => turns.push((role, std::mem::take(&mut head))),
        }
    }
    (head.is_empty() && turns.len() < messages.len()).then_some(turns)
}

/// Cuts a rendered text at its placeholders.
fn cut(text: &str) -> Vec<Piece> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, message, after)) = next_placeholder(rest) {
        let (kept_start, kept_end) = (before.strip_suffix(EDGE), after.strip_prefix(EDGE));
        pieces.push(Piece::Template(kept_start.unwrap_or(before).to_owned()));
        pieces.push(Piece::Content {
            message,
            trimmed_start: kept_start.is_none(),
            trimmed_end: kept_end.is_none(),
        });
        rest = kept_end.unwrap_or(after);
    }
    pieces.push(Piece::Template(rest.to_owned()));
    pieces.retain(|piece| !matches!(piece, Piece::Template(text) if text.is_empty()));
    pieces
}

fn next_placeholder(text: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = text.split_once(MARK)?;
    let (index, after) = rest.split_once(MARK)?;
    Some((before, index.parse().ok()?, after))
}

fn raise_exception(message: &str) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.to_owned()))
}

/// The day that Llama's own template falls back to: a prompt must not depend on the day it is used.
fn strftime_now(format: &str) -> String {
    const DAY: &[(&str, &str)] = &[
        ("%d", "26"),
        ("%m", "07"),
        ("%b", "Jul"),
        ("%B", "July"),
        ("%Y", "2024"),
        ("%y", "24"),
        ("%A", "Friday"),
        ("%a", "Fri"),
        ("%H", "00"),
        ("%M", "00"),
        ("%S", "00"),
    ];
    DAY.iter().fold(format.to_owned(), |text, (code, value)| text.replace(code, value))
}
