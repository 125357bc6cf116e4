//! What strangers call their files, written so that a person reads what is there.

use core::fmt::{self, Write as _};

/// A text that somebody else chose. Whatever would move the cursor, begin another line, turn letters around or
/// stay unseen is escaped.
#[derive(Clone, Copy, Debug)]
pub struct Legible<'a>(pub &'a str);

impl fmt::Display for Legible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            if deceives(letter) {
                write!(f, "{}", letter.escape_unicode())?;
            } else {
                f.write_char(letter)?;
            }
        }
        Ok(())
    }
}

/// Control characters; line and paragraph separators; marks, embeddings, overrides and isolates of the
/// bidirectional algorithm (Unicode, annex 9); characters without width, among them tags.
fn deceives(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_turn_letters_around_is_escaped() {
        let name = "x\n\nEverything that was asserted holds.\n\u{1b}[8m\u{61c}\u{202e}é";
        assert_eq!(
            Legible(name).to_string(),
            "x\\u{a}\\u{a}Everything that was asserted holds.\\u{a}\\u{1b}[8m\\u{61c}\\u{202e}é"
        );
    }
}
