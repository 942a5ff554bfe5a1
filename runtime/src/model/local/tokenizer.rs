//! Text to tokens and back.

mod letters;

pub use self::letters::letter;
