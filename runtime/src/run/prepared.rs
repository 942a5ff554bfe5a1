//! Modules made ready: everything that does not depend on the record is computed once.

use std::borrow::Cow;

use crate::{
    candidate::{Calibration, Demonstration},
    model::{Abilities, Message, Shape},
    nearest::Nearest,
    program::{BadCandidate, Module},
    prompt::{self, Format, Prompt, RenderError},
    signature::{Signature, Type},
    value::{Record, Value},
};

/// Inputs without content, for contextual calibration (Zhao et al. 2021, arXiv:2102.09690, section 5).
pub const CONTENT_FREE: [&str; 3] = ["N/A", "[MASK]", ""];

/// A module that is ready to run.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) name: String,
    /// The signature that is sent.
    signature: Signature,
    /// The signature for reading replies: outputs that the module's kind added are optional.
    pub(crate) reading: Signature,
    pub(crate) format: &'static dyn Format,
    demonstrations: Vec<Demonstration>,
    /// If only some are shown: an index over all, and the number shown.
    nearest: Option<(Nearest, usize)>,
    pub(crate) shape: Shape,
    /// Whether the model may write something unreadable.
    pub(crate) free: bool,
}

impl Prepared {
    pub(crate) fn new(module: &Module, abilities: Abilities) -> Result<Self, BadCandidate> {
        let signature = module.effective();
        let format = match &module.format {
            None => prompt::default_format(&signature, abilities),
            Some(name) => find_format(module, name, &signature)?,
        };
        let mut shape = format.shape(&signature);
        let free = match &shape {
            Shape::Free => true,
            Shape::Choice { .. } => !abilities.scores_choices,
            Shape::Schema(_) => !abilities.enforces_schema,
        };
        let reading = with_optional_additions(signature.clone(), &module.signature);
        let demonstrations = module.demonstrations.clone();
        let count = usize::try_from(module.nearest).unwrap_or(usize::MAX);
        let nearest =
            (0 < count && count < demonstrations.len()).then(|| (Nearest::new(&demonstrations), count));
        let mut prepared = Self {
            name: module.name.clone(),
            signature,
            reading,
            format,
            demonstrations,
            nearest,
            shape: Shape::Free,
            free,
        };
        if let (Shape::Choice { content_free, .. }, Calibration::Contextual) =
            (&mut shape, module.calibration)
        {
            *content_free = prepared.content_free().map_err(|error| BadCandidate::Misfit {
                path: format!("{}.format", module.name),
                problem: error.to_string(),
            })?;
        }
        prepared.shape = shape;
        Ok(prepared)
    }

    /// The messages for these inputs of the module.
    pub(crate) fn messages(&self, inputs: &Record) -> Result<Vec<Message>, RenderError> {
        let Self { signature, format, .. } = self;
        prompt::render(*format, &Prompt { signature, demonstrations: &self.shown(inputs), inputs })
    }

    /// The number of demonstrations that are shown and the number of all, if the input decides which are shown.
    pub(crate) fn chosen(&self) -> Option<[usize; 2]> {
        self.nearest.as_ref().map(|(_, count)| [*count, self.demonstrations.len()])
    }

    /// The demonstrations for these inputs.
    fn shown(&self, inputs: &Record) -> Cow<'_, [Demonstration]> {
        match &self.nearest {
            None => Cow::Borrowed(&self.demonstrations),
            Some((index, count)) => {
                let places = index.to(inputs, *count).into_iter();
                places.map(|place| self.demonstrations[place].clone()).collect()
            }
        }
    }

    /// The last message for inputs without content.
    fn content_free(&self) -> Result<Vec<String>, RenderError> {
        let contents = CONTENT_FREE.iter().map(|text| {
            let inputs = self.signature.inputs.iter().map(|field| (field.name.clone(), Value::from(*text)));
            let last = self.messages(&inputs.collect())?.pop();
            Ok(last.map(|message| message.content).unwrap_or_default())
        });
        contents.collect()
    }
}

fn find_format(
    module: &Module,
    name: &str,
    signature: &Signature,
) -> Result<&'static dyn Format, BadCandidate> {
    let misfit = |problem| BadCandidate::Misfit { path: format!("{}.format", module.name), problem };
    let format = prompt::find(name).ok_or_else(|| {
        let known: Vec<_> = prompt::ALL.iter().map(|format| format.name()).collect();
        misfit(format!("there is no format `{name}`; there are {}", known.join(", ")))
    })?;
    if format.fits(signature) {
        Ok(format)
    } else {
        Err(misfit(format!("`{name}` cannot carry the outputs of this module; try `fields` or `json`")))
    }
}

/// Makes the outputs that are not declared optional.
fn with_optional_additions(mut effective: Signature, declared: &Signature) -> Signature {
    for field in &mut effective.outputs {
        let is_declared = declared.outputs.iter().any(|other| other.name == field.name);
        if !is_declared && !matches!(field.ty, Type::Optional(_)) {
            field.ty = Type::Optional(Box::new(field.ty.clone()));
        }
    }
    effective
}
