//! What a column of a template holds.

/// A word that a clerk chooses, and the code that it stands for.
pub type Word = (&'static str, &'static str);

/// What may stand in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, at most so many characters; it is not kept unless the import says so.
    Text(usize),
    /// A person's name.
    Name,
    /// An identity number (GB 11643). Text, never a number.
    Identity,
    /// A mobile number.
    Phone,
    /// A unified social credit code (GB 32100).
    CreditCode,
    /// An occupation, `d-dd-dd-dd`.
    Occupation,
    /// A skill level, by name or ordinal.
    Level,
    /// A day.
    Day,
    /// A whole number from one to another.
    Whole(u32, u32),
    /// An amount in yuan, taken as fen.
    Yuan,
    /// One of these words, or the code of one.
    Words(&'static [Word]),
    /// A bank account's number. Text, never a number.
    Account,
    /// A reference number of another system.
    Reference,
    /// A certificate's number.
    Certificate,
    /// An id that the system gave.
    Id,
    /// A SHA-256 in hexadecimal.
    Hash,
    /// Filled in by the system for the reader, and not read again.
    Shown,
}

impl Kind {
    /// Whether the cells are formatted as text, so that no spreadsheet takes digits away.
    pub(crate) fn is_text(self) -> bool {
        match self {
            Kind::Day | Kind::Whole(..) | Kind::Yuan => false,
            Kind::Text(_)
            | Kind::Name
            | Kind::Identity
            | Kind::Phone
            | Kind::CreditCode
            | Kind::Occupation
            | Kind::Level
            | Kind::Words(_)
            | Kind::Account
            | Kind::Reference
            | Kind::Certificate
            | Kind::Id
            | Kind::Hash
            | Kind::Shown => true,
        }
    }
}

/// A column of a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// By which the import asks for it.
    pub key: &'static str,
    /// Its heading.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be filled in.
    pub required: bool,
    /// Whether the system filled it in already: a row in which nothing else stands is none.
    pub prefilled: bool,
    /// Its width, in characters of which a Chinese one takes two.
    pub width: f64,
    /// An example, for the sheet of notes.
    pub example: &'static str,
}

impl Column {
    pub(crate) const fn new(
        key: &'static str,
        (zh, en): (&'static str, &'static str),
        kind: Kind,
        width: f64,
        example: &'static str,
    ) -> Column {
        Column {
            key,
            zh,
            en,
            kind,
            required: true,
            prefilled: false,
            width,
            example,
        }
    }

    pub(crate) const fn optional(self) -> Column {
        Column {
            required: false,
            ..self
        }
    }

    pub(crate) const fn prefilled(self) -> Column {
        Column {
            prefilled: true,
            ..self
        }
    }
}
