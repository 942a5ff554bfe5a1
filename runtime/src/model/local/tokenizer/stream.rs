//! Text from bytes that arrive in pieces: a token may end in the middle of a character.

/// A collector of bytes that returns whole characters.
///
/// **Invariant:** the returned texts joined are [`String::from_utf8_lossy`] of all bytes.
#[derive(Clone, Debug, Default)]
pub struct TextStream {
    pending: Vec<u8>,
}

impl TextStream {
    /// Takes bytes and returns the complete characters.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let begun = begun(&self.pending);
        let rest = self.pending.split_off(self.pending.len() - begun);
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending = rest;
        text
    }

    /// The rest at the end: U+FFFD if a character is incomplete.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

/// The number of bytes at the end that begin a character and do not complete it.
fn begun(bytes: &[u8]) -> usize {
    let Some(last) = bytes.utf8_chunks().last() else { return 0 };
    let tail = last.invalid();
    match std::str::from_utf8(tail) {
        Err(error) if error.error_len().is_none() => tail.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_waits_for_its_last_byte() {
        let mut stream = TextStream::default();
        let [a, b, c] = *"猫".as_bytes() else { panic!() };
        assert_eq!(stream.push(&[b'x', a]), "x");
        assert_eq!(stream.push(&[b]), "");
        assert_eq!(stream.push(&[c, b'!', a]), "猫!");
        assert_eq!(stream.finish(), "\u{fffd}");
        assert_eq!(stream.finish(), "");
    }

    proptest! {
        #[test]
        fn the_texts_joined_are_the_lossy_text(
            pieces in prop::collection::vec(prop::collection::vec(prop_oneof![any::<u8>(), 0x80..0xf5_u8], 0..4), 0..12),
        ) {
            let mut stream = TextStream::default();
            let mut text: String = pieces.iter().map(|piece| stream.push(piece)).collect();
            text += &stream.finish();
            let bytes = pieces.concat();
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }
    }
}
