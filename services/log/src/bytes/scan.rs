//! Reading canonical JSON in one pass, without a copy. The invariant: a cursor goes over exactly the spelling that
//! [`canonical`](super::canonical) writes, so what it has passed needs no second look; every spelling is unique, so
//! two strings are equal if their spellings are.

use std::borrow::Cow;

use super::{MAX_DEPTH, MAX_INTEGER};

/// The text is not what `canonical` would have written from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misspelt;

type Scanned<T> = Result<T, Misspelt>;

/// A place in a text.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Passes exactly these characters.
    #[inline(always)] // their number is known then, and no call compares them
    pub(crate) fn pass(&mut self, expected: &str) -> Scanned<()> {
        if self.try_pass(expected) {
            Ok(())
        } else {
            Err(Misspelt)
        }
    }

    /// Passes these characters if they are next.
    #[inline(always)] // as above
    pub(crate) fn try_pass(&mut self, expected: &str) -> bool {
        let next = self.rest().starts_with(expected.as_bytes());
        if next {
            self.at += expected.len();
        }
        next
    }

    /// Passes this character if it is next: most are looked for one by one.
    fn try_byte(&mut self, expected: u8) -> bool {
        let next = self.rest().first() == Some(&expected);
        self.at += usize::from(next);
        next
    }

    fn byte(&mut self, expected: u8) -> Scanned<()> {
        if self.try_byte(expected) {
            Ok(())
        } else {
            Err(Misspelt)
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Scanned<()> {
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(Misspelt)
        }
    }

    /// Passes a string; what stands between its quotes, as spelt.
    pub(crate) fn string(&mut self) -> Scanned<&'a str> {
        self.byte(b'"')?;
        let from = self.at;
        loop {
            self.at += plain(self.rest()).ok_or(Misspelt)?;
            if self.try_byte(b'"') {
                return Ok(&self.text[from..self.at - 1]);
            }
            self.escape()?;
        }
    }

    /// RFC 8785, 3.2.2.2: each character that must be escaped has one escape.
    fn escape(&mut self) -> Scanned<()> {
        self.at += match self.rest() {
            [b'\\', b'b' | b't' | b'n' | b'f' | b'r' | b'"' | b'\\', ..] => 2,
            [b'\\', b'u', b'0', b'0', high, low, ..] => match (high, low) {
                // These five have short forms.
                (b'0', b'8' | b'9' | b'a' | b'c' | b'd') => return Err(Misspelt),
                (b'0' | b'1', b'0'..=b'9' | b'a'..=b'f') => 6,
                _ => return Err(Misspelt),
            },
            _ => return Err(Misspelt),
        };
        Ok(())
    }

    /// Passes an integer: no sign but a minus, no zero in front, at most ±(2^53 - 1).
    pub(crate) fn integer(&mut self) -> Scanned<i64> {
        let negative = self.try_byte(b'-');
        let digits = self.rest();
        let mut number = 0_u64;
        let mut length = 0;
        for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
            // Sixteen digits hold 2^53 - 1, and no more of them could overflow before that is seen.
            number = number * 10 + u64::from(digit - b'0');
            length += 1;
            if length > 16 {
                return Err(Misspelt);
            }
        }
        let zero_in_front = digits.first() == Some(&b'0') && (length > 1 || negative);
        if length == 0 || zero_in_front || number > MAX_INTEGER {
            return Err(Misspelt);
        }
        self.at += length;
        Ok(if negative {
            -(number as i64)
        } else {
            number as i64
        })
    }

    /// Passes any value inside `depth` others; its text.
    pub(crate) fn value(&mut self, depth: usize) -> Scanned<&'a str> {
        let from = self.at;
        match self.rest().first() {
            Some(b'"') => self.string().map(drop)?,
            Some(b'{') => self.object(depth + 1)?,
            Some(b'[') => self.list(depth + 1)?,
            Some(b't') => self.pass("true")?,
            Some(b'f') => self.pass("false")?,
            Some(b'-' | b'0'..=b'9') => self.integer().map(drop)?,
            Some(_) | None => return Err(Misspelt),
        }
        Ok(&self.text[from..self.at])
    }

    fn list(&mut self, depth: usize) -> Scanned<()> {
        self.enter(b'[', depth)?;
        if self.try_byte(b']') {
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if !self.try_byte(b',') {
                return self.byte(b']');
            }
        }
    }

    fn object(&mut self, depth: usize) -> Scanned<()> {
        self.enter(b'{', depth)?;
        if self.try_byte(b'}') {
            return Ok(());
        }
        let mut last = None;
        loop {
            let key = self.string()?;
            if last.is_some_and(|last| !comes_before(last, key)) {
                return Err(Misspelt);
            }
            last = Some(key);
            self.byte(b':')?;
            self.value(depth)?;
            if !self.try_byte(b',') {
                return self.byte(b'}');
            }
        }
    }

    fn enter(&mut self, bracket: u8, depth: usize) -> Scanned<()> {
        if depth > MAX_DEPTH {
            return Err(Misspelt);
        }
        self.byte(bracket)
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }
}

/// How many bytes stand before the first that ends a string or must be escaped in one. Eight are looked at together:
/// most of a log is strings.
fn plain(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The high bit of the lowest byte below `n` that has none itself, and of none before it.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let (quote, slash) = (ONES * u64::from(b'"'), ONES * u64::from(b'\\'));
        let found = below(word, 0x20) | below(word ^ quote, 1) | below(word ^ slash, 1);
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let stops = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let at = rest.iter().position(stops)?;
    Some(bytes.len() - rest.len() + at)
}

/// The order of an object's keys: by UTF-16 code units of what they spell (RFC 8785, 3.2.3).
fn comes_before(one: &str, other: &str) -> bool {
    let plain = |key: &str| key.bytes().all(|byte| byte.is_ascii() && byte != b'\\');
    if plain(one) && plain(other) {
        return one < other;
    }
    spelt(one).encode_utf16().lt(spelt(other).encode_utf16())
}

/// What a string spells. It has been passed, so each of its escapes is one of those that `escape` takes.
fn spelt(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(next) = rest.next() {
        text.push(match next {
            '\\' => match rest.next() {
                Some('b') => '\u{8}',
                Some('t') => '\t',
                Some('n') => '\n',
                Some('f') => '\u{c}',
                Some('r') => '\r',
                Some('u') => {
                    let code = (0..4).filter_map(|_| rest.next()?.to_digit(16));
                    char::from(code.fold(0, |code, digit| code * 16 + digit) as u8)
                }
                Some(itself) => itself,
                None => break,
            },
            other => other,
        });
    }
    Cow::Owned(text)
}
