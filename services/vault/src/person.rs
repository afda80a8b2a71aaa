//! A person's name and telephone number: checked where they are made, wiped when dropped, shown only masked.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

/// What is wrong with something personal: names the rule, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPersonal {
    /// GB 11643: the length.
    #[error("an identity number has 18 characters")]
    IdentityLength,
    /// GB 11643: the characters.
    #[error("an identity number is 17 digits, not beginning with 0, and a last digit or capital X")]
    IdentityCharacters,
    /// GB 11643: the check character.
    #[error("the identity number's last character does not fit the others")]
    IdentityCheck,
    /// GB 11643: characters 7 to 14.
    #[error("the identity number's characters 7 to 14 are not a day of the calendar")]
    IdentityBirthDate,
    /// The length of a name.
    #[error("a name has 1 to 50 characters")]
    NameLength,
    /// Characters that hide or disguise what is written.
    #[error(
        "a name holds no control characters, invisible characters or changes of writing direction, and no space at its ends"
    )]
    NameCharacters,
    /// A telephone number's form.
    #[error("a mobile number is 11 digits beginning with 1")]
    Phone,
}

/// A person's name as on the card, 1 to 50 characters. Kept as it was given: no normalisation, which could merge two
/// names that a register tells apart.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(Zeroizing<String>);

impl PersonName {
    /// The name in clear. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for PersonName {
    type Err = BadPersonal;

    fn from_str(text: &str) -> Result<PersonName, BadPersonal> {
        if !(1..=50).contains(&text.chars().count()) {
            return Err(BadPersonal::NameLength);
        }
        if text.chars().any(hefu_domain::disguises) || text.trim() != text {
            return Err(BadPersonal::NameCharacters);
        }
        Ok(PersonName(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Display for PersonName {
    /// Masked: the first character, and one star whatever the length; a name of one character is a star.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        match (characters.next(), characters.next()) {
            (Some(first), Some(_)) => write!(f, "{first}*"),
            (Some(_) | None, None) | (None, Some(_)) => f.write_str("*"),
        }
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonName({self})")
    }
}

/// A mobile number of mainland China: 11 digits beginning with 1, without country code.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber(Zeroizing<String>);

impl PhoneNumber {
    /// The number in clear. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = BadPersonal;

    fn from_str(text: &str) -> Result<PhoneNumber, BadPersonal> {
        if text.len() == 11 && text.starts_with('1') && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(PhoneNumber(Zeroizing::new(text.to_owned())))
        } else {
            Err(BadPersonal::Phone)
        }
    }
}

impl fmt::Display for PhoneNumber {
    /// Masked: the first three digits and the last four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}****{}", &self.0[..3], &self.0[7..])
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_peoples_pass_and_are_kept_as_given() {
        for text in [
            "张三",
            "欧阳娜娜",
            "阿卜杜拉·买买提",
            "O’Neill Smith",
            "𬱖",
            "Zoe\u{308}",
        ] {
            assert_eq!(text.parse::<PersonName>().unwrap().expose(), text);
        }
        assert!("字".repeat(50).parse::<PersonName>().is_ok());
    }

    #[test]
    fn names_that_hide_something_are_refused() {
        assert_eq!("".parse::<PersonName>(), Err(BadPersonal::NameLength));
        assert_eq!(
            "字".repeat(51).parse::<PersonName>(),
            Err(BadPersonal::NameLength)
        );
        for text in [
            "张\n三",
            "张\0三",
            "张\u{85}三",
            "张\u{202e}三",
            "张\u{2066}三\u{2069}",
            "\u{200f}张三",
            "张\u{200b}三",
            "\u{feff}张三",
            "张\u{2028}三",
            " 张三",
            "张三\u{3000}",
        ] {
            assert_eq!(
                text.parse::<PersonName>(),
                Err(BadPersonal::NameCharacters),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_phone_number_is_eleven_digits_beginning_with_one() {
        assert_eq!(
            "13812345678".parse::<PhoneNumber>().unwrap().expose(),
            "13812345678"
        );
        for text in [
            "",
            "1381234567",
            "138123456789",
            "23812345678",
            "+8613812345678",
            "1381234567x",
            "138 1234567",
            "138123456七",
        ] {
            assert_eq!(
                text.parse::<PhoneNumber>(),
                Err(BadPersonal::Phone),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_shown_is_masked() {
        let name = |text: &str| text.parse::<PersonName>().unwrap();
        assert_eq!(name("张三").to_string(), "张*");
        assert_eq!(name("欧阳娜娜").to_string(), "欧*");
        assert_eq!(name("三").to_string(), "*");
        assert_eq!(format!("{:?}", name("张三")), "PersonName(张*)");
        let phone: PhoneNumber = "13812345678".parse().unwrap();
        assert_eq!(phone.to_string(), "138****5678");
        assert_eq!(format!("{phone:?}"), "PhoneNumber(138****5678)");
    }
}
