//! Jinja chat templates, as Hugging Face's tools render them.
//!
//! A template comes with the model file and is not trusted. It gets fuel for a number of steps and no huge widths, and it
//! sees no clock, no file and no content. A text that it doubles in a loop is the one way to much memory that is left.

use minijinja::{
    Environment, Error, ErrorKind, State, Value, context, filters, syntax::SyntaxConfig, value::Rest,
};

use super::TemplatePiece;
use crate::model::{Message, Role, local::tokenizer::Tokenizer};

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

const NAME: &str = "chat";

/// The steps that a template may take. Hundreds of messages need about ten thousand.
const FUEL: u64 = 10_000_000;

/// Most characters of an indentation or a padding. The engine sets no limit, and a padding of 2^60 characters would end
/// the process.
const WIDEST: usize = 1000;

const ENGINE_INDENT: &str = "engine_indent";
const ENGINE_TOJSON: &str = "engine_tojson";
const ENGINE_FORMAT: &str = "engine_format";

/// White space around a placeholder. A template that trims a content trims it. No template writes it itself.
const EDGE: char = '\u{2003}';

/// The mark before and after the number of a message: a private character that no template writes itself.
const MARK: char = '\u{f8ff}';

impl Template {
    pub(super) fn new(source: &str, tokenizer: &Tokenizer) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_unknown_method_callback(method);
        environment.add_filter(ENGINE_INDENT, filters::indent);
        environment.add_filter(ENGINE_TOJSON, filters::tojson);
        environment.add_filter(ENGINE_FORMAT, filters::format);
        environment.add_filter("indent", indent);
        environment.add_filter("tojson", tojson);
        environment.add_filter("format", format_filter);
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

    /// Renders the conversation; with `ask`, up to the beginning of the model's next message.
    ///
    /// For a template that refuses system messages, they are put at the head of the next message.
    pub(super) fn render(&self, messages: &[Message], ask: bool) -> Result<Vec<TemplatePiece>, Error> {
        let apart = messages.iter().enumerate().map(|(i, message)| (message.role, placeholder(i))).collect();
        self.render_turns(apart, messages.len(), ask)
            .or_else(|error| self.render_turns(fold_system(messages).ok_or(error)?, messages.len(), ask))
    }

    fn render_turns(
        &self,
        turns: Vec<(Role, String)>,
        messages: usize,
        ask: bool,
    ) -> Result<Vec<TemplatePiece>, Error> {
        let turns = turns.into_iter().map(|(role, content)| context!(role => role.to_string(), content));
        let text = self.environment.get_template(NAME)?.render(context! {
            messages => turns.collect::<Vec<Value>>(),
            add_generation_prompt => ask,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            // Replies are constrained or scored from their first token on, which leaves no room for reasoning.
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

/// Whether each content occurs exactly once, in any order: some templates write the system message into the last turn.
fn written_once(pieces: &[TemplatePiece], messages: usize) -> bool {
    let mut contents: Vec<usize> = pieces
        .iter()
        .filter_map(|piece| match piece {
            TemplatePiece::Content { message, .. } => Some(*message),
            TemplatePiece::Template(_) => None,
        })
        .collect();
    contents.sort_unstable();
    contents.into_iter().eq(0..messages)
}

fn placeholder(index: usize) -> String {
    format!("{EDGE}{MARK}{index}{MARK}{EDGE}")
}

/// The turns with each system message put at the head of the next message; none if there is no system message or no
/// message after it.
fn fold_system(messages: &[Message]) -> Option<Vec<(Role, String)>> {
    let mut turns = Vec::new();
    let mut head = String::new();
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
fn cut(text: &str) -> Vec<TemplatePiece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, message, after)) = next_placeholder(rest) {
        let kept_start = before.strip_suffix(EDGE);
        let kept_end = after.strip_prefix(EDGE);
        pieces.push(TemplatePiece::Template(kept_start.unwrap_or(before).to_owned()));
        pieces.push(TemplatePiece::Content {
            message,
            trimmed_start: kept_start.is_none(),
            trimmed_end: kept_end.is_none(),
        });
        rest = kept_end.unwrap_or(after);
    }
    pieces.push(TemplatePiece::Template(rest.to_owned()));
    pieces.retain(|piece| !matches!(piece, TemplatePiece::Template(text) if text.is_empty()));
    pieces
}

fn next_placeholder(text: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = text.split_once(MARK)?;
    let (index, after) = rest.split_once(MARK)?;
    Some((before, index.parse().ok()?, after))
}

/// Python's methods of texts, lists and maps.
fn method(state: &mut State<'_, '_>, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    if method == "format" {
        check_format(value)?;
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

fn indent(state: &mut State<'_, '_>, args: Rest<Value>) -> Result<Value, Error> {
    args.iter().skip(1).try_for_each(check_width)?;
    state.apply_filter(ENGINE_INDENT, &args)
}

fn tojson(state: &mut State<'_, '_>, args: Rest<Value>) -> Result<Value, Error> {
    args.iter().skip(1).try_for_each(check_width)?;
    state.apply_filter(ENGINE_TOJSON, &args)
}

fn format_filter(state: &mut State<'_, '_>, args: Rest<Value>) -> Result<Value, Error> {
    args.first().map_or(Ok(()), check_format)?;
    state.apply_filter(ENGINE_FORMAT, &args)
}

/// Refuses a number above [`WIDEST`], also among keyword arguments.
fn check_width(argument: &Value) -> Result<(), Error> {
    if argument.as_usize().is_some_and(|width| width > WIDEST) {
        return Err(Error::new(ErrorKind::InvalidOperation, "the indentation is too wide"));
    }
    if argument.is_kwargs() {
        for name in argument.try_iter()? {
            check_width(&argument.get_item(&name)?)?;
        }
    }
    Ok(())
}

/// Refuses a format whose widths have more than three digits or come from arguments.
fn check_format(format: &Value) -> Result<(), Error> {
    let text = format.as_str().unwrap_or_default().replace("{{", "");
    let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    let nested = text.split('}').any(|field| field.matches('{').count() > 1);
    if longest > 3 || text.contains('*') || nested {
        return Err(Error::new(ErrorKind::InvalidOperation, "the format is too wide"));
    }
    Ok(())
}

fn raise_exception(message: &str) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.to_owned()))
}

/// The fixed date of Llama's own template, because a prompt must not depend on the day of its use.
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
