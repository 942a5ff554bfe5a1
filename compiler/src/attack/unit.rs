//! `unit`: units and currencies spelled out or shortened.

use super::lexicon::Lexicon;

/// See the [module](self).
pub(super) static UNIT: Lexicon = Lexicon {
    name: "unit",
    about: "kg for kilograms, hrs for hours, and back",
    pairs: &[
        ("kg", "kilograms"),
        ("km", "kilometres"),
        ("cm", "centimetres"),
        ("eur", "euros"),
        ("usd", "dollars"),
        ("percent", "per cent"),
        ("hours", "hrs"),
        ("minutes", "mins"),
        ("approximately", "approx."),
        ("versus", "vs."),
        ("and so on", "etc."),
        ("for example", "e.g."),
    ],
};
