//! Text that people read: names of institutions and persons, sources of rules. It is kept as it was given, for two spellings that a
//! register tells apart must stay apart; but nothing in it may look like something else.

/// Whether a character hides or disguises what is written: control characters; zero-width space and byte order mark; line and
/// paragraph separators; every mark that changes the writing direction (Unicode standard annex 9). The joiners U+200C and U+200D are
/// letters' business in some scripts.
pub fn disguises(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
