//! The alphabet of byte-level BPE: every byte is written as one printable character (GPT-2, Radford et al. 2019,
//! `bytes_to_unicode`). Printable Latin-1 bytes stand for themselves, the 68 others for U+0100 and on, in order.

/// The character that stands for a byte.
pub fn letter(byte: u8) -> char {
    let shifted = match byte {
        0..=0x20 => 0x100 + u32::from(byte),
        0x7f..=0xa0 => 0x121 + u32::from(byte - 0x7f),
        0xad => 0x143,
        _ => byte.into(),
    };
    // Every code point up to U+0143 is a character.
    char::from_u32(shifted).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that a character stands for.
pub(super) fn byte(letter: char) -> Option<u8> {
    Some(match u32::from(letter) {
        code @ 0x100..=0x120 => (code - 0x100) as u8,
        code @ 0x121..=0x142 => (code - 0x121) as u8 + 0x7f,
        0x143 => 0xad,
        code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => code as u8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_letter() {
        let letters: std::collections::BTreeSet<char> = (0..=255).map(letter).collect();
        assert_eq!(letters.len(), 256);
        assert!((0..=255).all(|b| byte(letter(b)) == Some(b)));
        assert_eq!((letter(b' '), letter(b'\n'), letter(b'a')), ('Ġ', 'Ċ', 'a'));
        assert_eq!((byte(' '), byte('\u{144}'), byte('猫')), (None, None, None));
    }
}
