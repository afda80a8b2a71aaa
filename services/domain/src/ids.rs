//! Identifiers and codes. Every one is checked where it is made, so the rules never meet a malformed one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;

/// A text that is not the code it claims to be; the message names the rule that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCode(pub String);

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadCode;
            fn from_str(text: &str) -> Result<Self, BadCode> {
                // Only the hyphenated lower-case form: one thing has one name.
                match Uuid::try_parse(text) {
                    Ok(id) if id.to_string() == text => Ok($name(id)),
                    _ => Err(BadCode("not a lower-case hyphenated UUID".to_owned())),
                }
            }
        }
    )+};
}

uuid_ids! {
    /// A voucher (电子券).
    VoucherId,
    /// A class (班期).
    ClassId,
    /// An assessment session (评价场次): what a class is for training.
    SessionId,
    /// A claim sheet (申领表).
    SheetId,
    /// A person as one region knows them: random per region, never derived from the identity number.
    PersonId,
    /// An objection raised during a public notice (公示).
    ObjectionId,
    /// A request for more money (追加、专项申请).
    TopUpId,
    /// A part of a list that was imported: it follows from the list, see [`ImportId::of`].
    ImportId,
    /// A planned sample (抽查).
    SampleId,
    /// An unannounced inspection of a class (检查).
    InspectionId,
    /// What an inspection or a check found.
    FindingId,
    /// What a fraud rule saw; made from what it saw, so that it is the same wherever the rule runs.
    FlagId,
}

impl ImportId {
    /// The id of a part of a list in a region: the same part of the same list has the same id whoever imports it, and how often.
    pub fn of(region: &Region, kind: &str, list: &Reference, part: u16) -> ImportId {
        use sha2::Digest as _;
        let text = format!("hefu import\n{region}\n{kind}\n{list}\n{part}\n");
        let hash: [u8; 32] = sha2::Sha256::digest(text).into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        ImportId(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The id as that of a nullifier's holder, which is a voucher's or an imported list's.
    pub fn as_holder(self) -> VoucherId {
        VoucherId(self.0)
    }
}

macro_rules! text_codes {
    ($($(#[$doc:meta])* $name:ident: $check:expr),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadCode;
            fn from_str(text: &str) -> Result<Self, BadCode> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadCode;
            fn try_from(text: String) -> Result<Self, BadCode> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                // Only the rule: what somebody typed into the wrong field may be anybody's name.
                check(&text).map_err(|rule| BadCode(rule.to_owned()))?;
                Ok($name(text))
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> String {
                code.0
            }
        }
    )+};
}

text_codes! {
    /// A region: GB/T 2260 code, six digits.
    Region: |t| holds(t.len() == 6 && t.bytes().all(|b| b.is_ascii_digit()) && !t.starts_with('0'), "a region is six digits (GB/T 2260)"),
    /// An institution by its unified social credit code (GB 32100), or a classified unit by a commitment to it.
    InstitutionId: |t| if sealed(t) { Ok(()) } else { uscc(t) },
    /// An occupation (职业工种), `d-dd-dd-dd`, or a classified unit's by a commitment to it.
    Occupation: |t| holds(occupation(t) || sealed(t), "an occupation is d-dd-dd-dd with a first digit of 1 to 8"),
    /// A coded reason; free text never enters an event.
    Reason: |t| holds(upper_code(t), "a reason is a code of 2 to 64 characters A-Z, 0-9 and _"),
    /// A caller's credential: the SHA-256 of an API key, base64url without padding. The key itself is never sent.
    CredentialId: |t| holds(t.len() == 43 && t.bytes().all(base64url), "a credential is the base64url SHA-256 of the key, 43 characters"),
    /// A caller's subject: stable while its keys change. Request ids are unique per region and subject. Within an institution it is
    /// `CREDIT-CODE/subject`.
    SubjectId: |t| holds(slug(within_institution(t)) && names_nobody(t), "a subject is 1 to 64 characters a-z, 0-9, - and _, and no identity number"),
    /// A member of staff, by a code of the bureau's choosing, or `CREDIT-CODE/code` by one of the institution's choosing: two schools
    /// may both call somebody `desk`. Duties are kept apart by it, not by account.
    StaffId: |t| holds(slug(within_institution(t)) && names_nobody(t), "a person is named by a code of 1 to 64 characters a-z, 0-9, - and _, never by a name or an identity number"),
    /// A caller's request id.
    RequestId: |t| holds((8..=64).contains(&t.len()) && names_nobody(t) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "a request id is 8 to 64 characters A-Z, a-z, 0-9, -, _ and ., and no identity number"),
    /// A department outside the bureau that trains people of its own (`agriculture`, `veterans`, …).
    Department: |t| holds(slug(t), "a department is a code, a-z, 0-9, - and _"),
    /// A local brand of training (地方特色品牌, "一县一品"), defined by the policy.
    Brand: |t| holds(slug(t), "a brand is a code of the policy, a-z, 0-9, - and _"),
    /// A worker's category (人员类别), defined by the policy.
    Category: |t| holds(slug(t), "a category is a code of the policy, a-z, 0-9, - and _"),
    /// A source of money (资金来源): `city`, `county`, or an earmarked sector's.
    Source: |t| holds(slug(t), "a source is a code of the policy, a-z, 0-9, - and _"),
    /// What an outside register was asked (`real_name`, `pension`, `job_seeker`, …).
    Check: |t| holds(slug(t), "a check is a code of the policy, a-z, 0-9, - and _"),
    /// What an outside register answered (`match`, `none`, …).
    Answer: |t| holds(slug(t), "an answer is a code of the policy, a-z, 0-9, - and _"),
    /// A trainer, examiner, room or other thing that cannot be in two places: a salted commitment or the region's code for it.
    Resource: |t| holds((1..=64).contains(&t.len()) && names_nobody(t) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "a resource is a code of 1 to 64 characters A-Z, a-z, 0-9, - and _, and no identity number"),
    /// A reference number of another system (treasury, bank): letters, digits and `-_./` only, so that nobody hides a name in it.
    Reference: |t| holds((1..=64).contains(&t.len()) && names_nobody(t) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)), "a reference is 1 to 64 characters A-Z, a-z, 0-9 and -_./, and no identity number"),
}

fn holds(ok: bool, rule: &'static str) -> Result<(), &'static str> {
    if ok { Ok(()) } else { Err(rule) }
}

fn base64url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}

fn slug(t: &str) -> bool {
    (1..=64).contains(&t.len())
        && t.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// The check character of an identity number's first 17 digits (GB 11643-1999, section 4.4); `None` if they are not digits.
pub fn identity_check(body: &[u8; 17]) -> Option<u8> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let digits = body.iter().all(u8::is_ascii_digit);
    let sum: u32 = body
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit.wrapping_sub(b'0')) * weight)
        .sum();
    digits.then(|| CHECKS[(sum % 11) as usize])
}

/// Whether no part of a code is somebody's identity number: it would stand in the log for ever. A few harmless numbers look like one;
/// whoever chose such a number chooses another.
fn names_nobody(t: &str) -> bool {
    let born = |body: &[u8; 17]| {
        let two = |at: usize| (body[at] - b'0') * 10 + (body[at + 1] - b'0');
        matches!(two(6), 18..=20) && matches!(two(10), 1..=12) && matches!(two(12), 1..=31)
    };
    !t.as_bytes().windows(18).any(|window| {
        window
            .split_last_chunk::<1>()
            .is_some_and(|(body, [check])| {
                <&[u8; 17]>::try_from(body).is_ok_and(|body| {
                    identity_check(body) == Some(check.to_ascii_uppercase()) && born(body)
                })
            })
    })
}

impl Region {
    /// Whether the other one lies within this one, as GB/T 2260 codes say: a province's ends in four zeros, a city's in two.
    pub fn contains(&self, other: &Region) -> bool {
        let own = self.0.strip_suffix("0000").or(self.0.strip_suffix("00"));
        own.is_some_and(|own| other.0.starts_with(own) && other != self)
    }

    /// Whether it is a county (县、区、市), as GB/T 2260 codes say: no city's, no province's.
    pub fn is_county(&self) -> bool {
        !self.0.ends_with("00")
    }
}

/// What stands behind an institution's own code.
fn within_institution(t: &str) -> &str {
    match t.split_once('/') {
        Some((institution, code)) if sealed(institution) || uscc(institution).is_ok() => code,
        Some(_) | None => t,
    }
}

macro_rules! of_institutions {
    ($($name:ident)+) => {$(
        impl $name {
            /// Whether it names no institution.
            pub fn is_plain(&self) -> bool {
                !self.0.contains('/')
            }

            /// A plain code as it reads outside the institution that chose it.
            pub fn of(&self, institution: Option<&InstitutionId>) -> $name {
                match institution {
                    Some(institution) => $name(format!("{institution}/{}", self.0)),
                    None => self.clone(),
                }
            }
        }
    )+};
}

of_institutions! { SubjectId StaffId }

/// What a sealed code begins with; behind it stands the commitment.
pub const SEALED: &str = "sealed-";

/// Whether a code is sealed: `sealed-` and a commitment, 43 characters of base64url.
fn sealed(t: &str) -> bool {
    commitment(t).is_some()
}

/// The commitment behind a sealed code.
fn commitment(t: &str) -> Option<Digest> {
    t.strip_prefix(SEALED)?.parse().ok()
}

macro_rules! sealable {
    ($($name:ident)+) => {$(
        impl $name {
            /// What stands in a classified unit's events in its place ("涉密单位"): a salted commitment to it.
            pub fn sealed(commitment: Digest) -> $name {
                $name(format!("{SEALED}{commitment}"))
            }

            /// The commitment that it is, where it is sealed.
            pub fn commitment(&self) -> Option<Digest> {
                commitment(&self.0)
            }

            /// Whether it is sealed.
            pub fn is_sealed(&self) -> bool {
                sealed(&self.0)
            }
        }
    )+};
}

sealable! { InstitutionId Occupation }

impl Resource {
    /// Whether it is a salted commitment and no code that somebody could read.
    pub fn is_commitment(&self) -> bool {
        self.0.parse::<Digest>().is_ok()
    }
}

fn upper_code(t: &str) -> bool {
    (2..=64).contains(&t.len())
        && t.as_bytes()[0].is_ascii_uppercase()
        && t.bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

fn occupation(t: &str) -> bool {
    t.len() == 10
        && t.bytes().enumerate().all(|(i, b)| match i {
            0 => (b'1'..=b'8').contains(&b),
            1 | 4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        })
}

/// GB 32100: 18 characters; check character = (31 - Σ value × 3^(i-1) mod 31) mod 31.
fn uscc(t: &str) -> Result<(), &'static str> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const SHAPE: &str = "a unified social credit code is 18 characters of GB 32100's alphabet";
    if t.len() != 18 {
        return Err(SHAPE);
    }
    let mut sum = 0;
    let mut weight = 1;
    let mut last = 0;
    for (i, b) in t.bytes().enumerate() {
        let value = ALPHABET.iter().position(|&a| a == b).ok_or(SHAPE)?;
        if i < 17 {
            sum += value * weight;
            weight = weight * 3 % 31;
        } else {
            last = value;
        }
    }
    holds(
        (31 - sum % 31) % 31 == last,
        "the unified social credit code's check character is wrong",
    )
}

impl Region {
    /// The prefecture-level city's own code, by which a county's parent is recognised (`140725` → `140700`).
    pub fn city(&self) -> String {
        format!("{}00", &self.0[..4])
    }
}

/// A skill level (技能等级), ordinal 1 (学徒工) to 8 (首席技师).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct SkillLevel(u8);

impl SkillLevel {
    /// The level's ordinal, 1 to 8.
    pub fn ordinal(self) -> u8 {
        self.0
    }

    /// 高级工 or above (2023 notice, part 2).
    pub fn is_high_skilled(self) -> bool {
        self.0 >= 4
    }
}

impl TryFrom<u8> for SkillLevel {
    type Error = BadCode;
    fn try_from(ordinal: u8) -> Result<Self, BadCode> {
        if (1..=8).contains(&ordinal) {
            Ok(SkillLevel(ordinal))
        } else {
            Err(BadCode(format!("a skill level is 1 to 8, not {ordinal}")))
        }
    }
}

impl From<SkillLevel> for u8 {
    fn from(level: SkillLevel) -> u8 {
        level.0
    }
}

/// A plan year (计划年度).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct PlanYear(u16);

impl PlanYear {
    /// The calendar year of its name.
    pub fn number(self) -> u16 {
        self.0
    }

    /// The year into whose account this one's money is carried over (滚存).
    pub fn next(self) -> PlanYear {
        PlanYear(self.0 + 1)
    }
}

impl TryFrom<u16> for PlanYear {
    type Error = BadCode;
    fn try_from(year: u16) -> Result<Self, BadCode> {
        if (2000..=2199).contains(&year) {
            Ok(PlanYear(year))
        } else {
            Err(BadCode(format!("a plan year is 2000 to 2199, not {year}")))
        }
    }
}

impl From<PlanYear> for u16 {
    fn from(year: PlanYear) -> u16 {
        year.0
    }
}

impl fmt::Display for PlanYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! byte_codes {
    ($($(#[$doc:meta])* $name:ident: $len:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(into = "String")]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base64url_text(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadCode;
            fn from_str(text: &str) -> Result<Self, BadCode> {
                base64url_bytes(text)
                    .map($name)
                    .ok_or_else(|| BadCode(format!("not {} bytes in base64url without padding", $len)))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                /// A log has hashes by the million: they are read where they lie.
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "{} bytes in base64url without padding", $len)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                from.deserialize_str(Text)
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> String {
                code.to_string()
            }
        }
    )+};
}

byte_codes! {
    /// A SHA-256, or a salted commitment to something that must not stand in an event.
    Digest: 32,
    /// A keyed tag: a nullifier, or the lookup tag of an identity; HMAC-SHA-256 truncated to 128 bits (RFC 2104 section 5).
    Tag: 16,
}

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What stands in the table below for a byte that is none of the alphabet's.
const NO_VALUE: u8 = 0xff;

/// The value of each byte: a log has hashes by the million, each of 43 characters.
const BASE64URL_VALUES: [u8; 256] = {
    let mut values = [NO_VALUE; 256];
    let mut value = 0;
    while value < BASE64URL.len() {
        values[BASE64URL[value] as usize] = value as u8;
        value += 1;
    }
    values
};

fn base64url_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |w, &b| (w << 8) | u32::from(b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            text.push(char::from(BASE64URL[(word >> (18 - 6 * i)) as usize & 63]));
        }
    }
    text
}

fn base64url_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    let mut bytes = [0; N];
    let mut next = bytes.iter_mut();
    let mut word = 0u32;
    let mut bits = 0;
    for b in text.bytes() {
        let value = BASE64URL_VALUES[usize::from(b)];
        if value == NO_VALUE {
            return None;
        }
        word = (word << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *next.next()? = (word >> bits) as u8;
            word &= (1 << bits) - 1;
        }
    }
    // Left-over bits must be zero: each value has one spelling.
    (word == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_credit_code_passes_and_its_neighbour_fails() {
        assert!("91350100M000100Y43".parse::<InstitutionId>().is_ok());
        assert!("91350100M000100Y44".parse::<InstitutionId>().is_err());
        assert!("91350100M000100I43".parse::<InstitutionId>().is_err());
    }

    #[test]
    fn a_seal_stands_where_a_credit_code_or_an_occupation_does_and_has_one_spelling() {
        let seal = Digest([7; 32]);
        let unit = InstitutionId::sealed(seal);
        assert_eq!(unit.as_str().parse::<InstitutionId>(), Ok(unit.clone()));
        assert_eq!((unit.commitment(), unit.is_sealed()), (Some(seal), true));
        let trade = Occupation::sealed(seal);
        assert_eq!(trade.as_str().parse::<Occupation>(), Ok(trade.clone()));
        let clear: Occupation = "6-31-03-09".parse().unwrap();
        assert_eq!((clear.commitment(), clear.is_sealed()), (None, false));
        let desk: StaffId = "desk".parse().unwrap();
        let desk = desk.of(Some(&unit));
        assert_eq!(desk.as_str().parse::<StaffId>(), Ok(desk.clone()));
        for bad in [
            "sealed-".to_owned(),
            format!("sealed-{}", "A".repeat(42)),
            format!("sealed-{}", "A".repeat(44)),
            // Left-over bits: another spelling of the same bytes.
            format!("sealed-{}B", "A".repeat(42)),
            format!("Sealed-{}", "A".repeat(43)),
        ] {
            assert!(bad.parse::<InstitutionId>().is_err(), "{bad}");
            assert!(bad.parse::<Occupation>().is_err(), "{bad}");
            assert!(format!("{bad}/desk").parse::<StaffId>().is_err(), "{bad}");
        }
        let room = |text: &str| text.parse::<Resource>().unwrap();
        assert!(room(&seal.to_string()).is_commitment());
        assert!(!room("room-1").is_commitment() && !room(&"z".repeat(43)).is_commitment());
    }

    #[test]
    fn no_code_hides_an_identity_number_and_no_error_repeats_what_was_typed() {
        for hidden in [
            "11010519491231002X",
            "req-440105199001010017.1",
            "id_11010519491231002x",
        ] {
            assert!(hidden.parse::<RequestId>().is_err(), "{hidden}");
        }
        assert!("zhang-440105199001010017".parse::<StaffId>().is_err());
        for harmless in [
            "pay-440105199001010016",
            "pay-440105199013010017",
            "0190a5e0-0000-7000",
        ] {
            assert!(harmless.parse::<Reference>().is_ok(), "{harmless}");
        }
        let told = "张三".parse::<StaffId>().unwrap_err().0;
        assert!(!told.contains("张三"), "{told}");
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = Digest([0xfb; 32]);
        let text = digest.to_string();
        assert_eq!(text.len(), 43);
        assert_eq!(text.parse::<Digest>(), Ok(digest));
        let other = format!("{}{}", &text[..42], "_");
        assert!(other == text || other.parse::<Digest>().is_err());
        assert!("AA".parse::<Digest>().is_err());
    }

    #[test]
    fn codes_name_the_rule_that_failed() {
        assert!(
            "14072"
                .parse::<Region>()
                .unwrap_err()
                .0
                .contains("six digits")
        );
        assert!("6-31-01-0".parse::<Occupation>().is_err());
        assert!("6-31-01-03".parse::<Occupation>().is_ok());
        assert!("张三".parse::<StaffId>().is_err());
        assert!("TOO_LATE".parse::<Reason>().is_ok());
        assert!("too late".parse::<Reason>().is_err());
        assert!(
            "0190A5E0-0000-7000-8000-000000000000"
                .parse::<VoucherId>()
                .is_err()
        );
    }
}
