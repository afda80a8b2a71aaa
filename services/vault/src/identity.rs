//! The identity number (公民身份号码, GB 11643-1999): checked where it is made, wiped when dropped, shown only masked.
//! A number that passes is well-formed; whether it is a person's is a register's answer, never a check digit's.

use std::fmt;
use std::str::FromStr;

use hefu_domain::Date;
use zeroize::Zeroizing;

use crate::person::BadPersonal;

/// A well-formed identity number. Not serialisable, on purpose: it leaves the vault by [`Identity::expose`] only.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    digits: Zeroizing<[u8; 18]>,
    birth: Date,
}

impl Identity {
    /// The number in clear. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&*self.digits).expect("the digits were checked to be ASCII")
    }

    /// The birth date that the number carries: personal data, as the number itself.
    pub fn birth_date(&self) -> Date {
        self.birth
    }
}

impl FromStr for Identity {
    type Err = BadPersonal;

    /// Takes the 18 characters as printed on the card. The first six are a region of the time of issue, which need not
    /// exist today, so only their form is checked. A lower-case `x` is refused: one person has one spelling.
    fn from_str(text: &str) -> Result<Identity, BadPersonal> {
        let mut digits = Zeroizing::new([0; 18]);
        if text.len() != digits.len() {
            return Err(BadPersonal::IdentityLength);
        }
        digits.copy_from_slice(text.as_bytes());
        let mut body = Zeroizing::new([0; 17]);
        body.copy_from_slice(&digits[..17]);
        let last = digits[17];
        let wanted = hefu_domain::identity_check(&body).filter(|_| body[0] != b'0');
        let formed = last.is_ascii_digit() || last == b'X';
        match wanted {
            None => return Err(BadPersonal::IdentityCharacters),
            Some(_) if !formed => return Err(BadPersonal::IdentityCharacters),
            Some(check) if check != last => return Err(BadPersonal::IdentityCheck),
            Some(_) => {}
        }
        let birth = birth_date(&*body).ok_or(BadPersonal::IdentityBirthDate)?;
        Ok(Identity { digits, birth })
    }
}

/// Characters 7 to 14, `YYYYMMDD`; a real day from 1800 on.
fn birth_date(body: &[u8]) -> Option<Date> {
    let number = |digits: &[u8]| {
        digits
            .iter()
            .fold(0i16, |n, d| n * 10 + i16::from(d - b'0'))
    };
    let (year, month, day) = (
        number(&body[6..10]),
        number(&body[10..12]),
        number(&body[12..14]),
    );
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(year, month, day)
        .ok()
        .filter(|date| date.year() >= 1800)
}

impl fmt::Display for Identity {
    /// Masked: the first two characters (a province) and the last two. No birth date, no county.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.expose();
        write!(f, "{}**************{}", &text[..2], &text[16..])
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, because: BadPersonal) {
        assert_eq!(text.parse::<Identity>(), Err(because), "{text}");
    }

    /// A number with its right check character.
    fn with_check(body: &str) -> String {
        // The standard's own weights and check characters, written out once more.
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let sum: u32 = body
            .bytes()
            .zip(weights)
            .map(|(d, w)| u32::from(d - b'0') * w)
            .sum();
        format!("{body}{}", char::from(b"10X98765432"[(sum % 11) as usize]))
    }

    #[test]
    fn the_standards_own_numbers_pass() {
        for text in ["11010519491231002X", "440524188001010014"] {
            let identity: Identity = text.parse().unwrap();
            assert_eq!(identity.expose(), text);
        }
        let identity: Identity = "11010519491231002X".parse().unwrap();
        assert_eq!(identity.birth_date().to_string(), "1949-12-31");
    }

    #[test]
    fn every_single_wrong_digit_is_refused() {
        let good = "11010519491231002X";
        for position in 0..17 {
            for digit in b'0'..=b'9' {
                let mut bytes = good.as_bytes().to_vec();
                bytes[position] = digit;
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(text.parse::<Identity>().is_ok(), text == good, "{text}");
            }
        }
        for check in "0123456789".chars() {
            refused(
                &format!("{}{check}", &good[..17]),
                BadPersonal::IdentityCheck,
            );
        }
    }

    #[test]
    fn a_birth_date_must_be_a_real_day() {
        assert!(with_check("14072520000229001").parse::<Identity>().is_ok());
        for body in [
            "14072520010229001",
            "14072520231301001",
            "14072520230001001",
            "14072520230100001",
            "14072520230431001",
            "14072517991231001",
        ] {
            refused(&with_check(body), BadPersonal::IdentityBirthDate);
        }
    }

    #[test]
    fn a_number_has_one_spelling() {
        refused("11010519491231002x", BadPersonal::IdentityCharacters);
        refused("1101051949123100X2", BadPersonal::IdentityCharacters);
        refused("110105491231002", BadPersonal::IdentityLength);
        refused(" 11010519491231002", BadPersonal::IdentityCharacters);
        refused("11010519491231002X ", BadPersonal::IdentityLength);
        refused("", BadPersonal::IdentityLength);
        refused("一一〇一〇五", BadPersonal::IdentityCharacters);
        refused(
            &with_check("01010519491231002"),
            BadPersonal::IdentityCharacters,
        );
    }

    #[test]
    fn what_is_shown_tells_no_birth_date() {
        let identity: Identity = "11010519491231002X".parse().unwrap();
        assert_eq!(identity.to_string(), "11**************2X");
        assert_eq!(format!("{identity:?}"), "Identity(11**************2X)");
    }
}
