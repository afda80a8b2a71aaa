//! One cell: from what a spreadsheet keeps to what its column says.

use hefu_domain::{
    Date, InstitutionId, Occupation, Reference, SkillLevel, disguises, identity_check,
};

use crate::columns::Kind;
use crate::fault::{self, Fault};

/// The skill levels by name, ordinal 1 to 8 (DOMAIN, section 9).
pub(crate) const LEVELS: [&str; 8] = [
    "学徒工",
    "初级工",
    "中级工",
    "高级工",
    "技师",
    "高级技师",
    "特级技师",
    "首席技师",
];

/// The names of five levels before 2022, 初级工 to 高级技师.
const OLD_LEVELS: [&str; 5] = ["五级", "四级", "三级", "二级", "一级"];

/// What a spreadsheet keeps in a cell.
#[derive(Clone, PartialEq)]
pub(crate) enum Raw {
    Empty,
    Text(String),
    Number(f64),
    Day(Option<Date>),
    Bool(bool),
    Error,
}

/// What a cell says. Not `Debug`: it may be anybody's number.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Text, and codes that are text.
    Text(String),
    /// A day.
    Day(Date),
    /// A whole number.
    Whole(u32),
    /// An amount.
    Fen(i64),
    /// The code of a word.
    Code(&'static str),
    /// A skill level.
    Level(SkillLevel),
}

impl Value {
    /// As it enters the hash of what a sheet says.
    pub(crate) fn canonical(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Day(day) => day.to_string(),
            Value::Whole(number) => number.to_string(),
            Value::Fen(fen) => fen.to_string(),
            Value::Code(code) => (*code).to_owned(),
            Value::Level(level) => level.ordinal().to_string(),
        }
    }
}

/// Text as it was meant: full-width letters and digits narrowed, spaces at its ends and what nobody sees gone.
fn plain(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{3000}' | '\u{a0}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    let seen = |c: &char| !matches!(c, '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}');
    let text: String = text.chars().filter(seen).map(narrow).collect();
    text.trim().to_owned()
}

/// The same, without any space.
fn solid(text: &str) -> String {
    plain(text).split_whitespace().collect()
}

/// Reads a cell; `None` where it is empty.
pub(crate) fn read(kind: Kind, raw: &Raw) -> Result<Option<Value>, Fault> {
    match raw {
        Raw::Error => return Err(fault::cell_error()),
        Raw::Empty => return Ok(None),
        Raw::Text(text) if plain(text).is_empty() => return Ok(None),
        Raw::Text(_) | Raw::Number(_) | Raw::Day(_) | Raw::Bool(_) => {}
    }
    filled(kind, raw).map(Some)
}

fn filled(kind: Kind, raw: &Raw) -> Result<Value, Fault> {
    match kind {
        Kind::Identity => identity(&as_text(raw, fault::numeric_identity)?),
        Kind::Account => {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            let text = solid(&as_text(raw, fault::numeric_account)?);
            let good = (6..=40).contains(&text.len()) && text.bytes().all(fits);
            of(good, Value::Text(text), fault::account)
        }
        Kind::Certificate => {
            let text = solid(&as_text(raw, fault::numeric_code)?);
            let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
            let good = (4..=40).contains(&text.len()) && text.bytes().all(fits);
            of(good, Value::Text(text), fault::certificate)
        }
        Kind::Reference => {
            let text = solid(&as_text(raw, fault::numeric_code)?);
            let good = text.parse::<Reference>().is_ok();
            of(good, Value::Text(text), fault::reference)
        }
        Kind::Phone => {
            let text = solid(&as_short_text(raw, fault::phone)?);
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            let good = text.len() == 11 && text.starts_with('1') && digits;
            of(good, Value::Text(text), fault::phone)
        }
        Kind::CreditCode => {
            let text = solid(&as_text(raw, fault::numeric_code)?).to_ascii_uppercase();
            let good = text
                .parse::<InstitutionId>()
                .is_ok_and(|id| !id.is_sealed());
            of(good, Value::Text(text), fault::credit_code)
        }
        Kind::Occupation => {
            let text = solid(&as_text(raw, fault::occupation)?);
            let good = text.parse::<Occupation>().is_ok_and(|o| !o.is_sealed());
            of(good, Value::Text(text), fault::occupation)
        }
        Kind::Hash => {
            let text = solid(&as_text(raw, fault::hash)?).to_ascii_lowercase();
            let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
            of(good, Value::Text(text), fault::hash)
        }
        Kind::Id => {
            let text = solid(&as_text(raw, fault::id)?);
            let good = text.parse::<hefu_domain::SheetId>().is_ok();
            of(good, Value::Text(text), fault::id)
        }
        Kind::Name => text(&as_text(raw, fault::name)?, 50, fault::name),
        Kind::Text(most) => text(&as_short_text(raw, fault::text)?, most, fault::text),
        Kind::Shown => Ok(Value::Text(String::new())),
        Kind::Level => level(raw),
        Kind::Day => day(raw),
        Kind::Whole(min, max) => whole(raw, min, max),
        Kind::Yuan => yuan(raw),
        Kind::Words(words) => {
            let unknown = || fault::word(words.iter().map(|(zh, _)| *zh));
            let text = plain(&as_text(raw, unknown)?);
            let known = words.iter().find(|(zh, code)| text == *zh || text == *code);
            let (_, code) = known.ok_or_else(unknown)?;
            Ok(Value::Code(code))
        }
    }
}

fn of(good: bool, value: Value, otherwise: impl Fn() -> Fault) -> Result<Value, Fault> {
    if good { Ok(value) } else { Err(otherwise()) }
}

/// A cell that must be text, since a number would have lost digits.
fn as_text(raw: &Raw, otherwise: impl Fn() -> Fault) -> Result<String, Fault> {
    match raw {
        Raw::Text(text) => Ok(text.clone()),
        Raw::Empty | Raw::Number(_) | Raw::Day(_) | Raw::Bool(_) | Raw::Error => Err(otherwise()),
    }
}

/// A cell that may be a number as well, of so few digits that none is lost.
fn as_short_text(raw: &Raw, otherwise: impl Fn() -> Fault) -> Result<String, Fault> {
    match raw {
        Raw::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Ok(format!("{number:.0}"))
        }
        raw => as_text(raw, otherwise),
    }
}

fn text(given: &str, most: usize, otherwise: impl Fn() -> Fault) -> Result<Value, Fault> {
    let text = given.trim_matches(|c: char| c.is_whitespace()).to_owned();
    let good = text.chars().count() <= most && !text.chars().any(disguises);
    of(good, Value::Text(text), otherwise)
}

fn identity(given: &str) -> Result<Value, Fault> {
    let text = solid(given).to_ascii_uppercase();
    if text.chars().count() != 18 {
        return Err(fault::identity_length());
    }
    let bytes = text.as_bytes();
    let digits = bytes.len() == 18 && bytes[..17].iter().all(u8::is_ascii_digit);
    let last = bytes[bytes.len() - 1];
    if !digits || bytes[0] == b'0' || !(last.is_ascii_digit() || last == b'X') {
        return Err(fault::identity_digits());
    }
    let body = <&[u8; 17]>::try_from(&bytes[..17]).map_err(|_| fault::identity_digits())?;
    if identity_check(body) != Some(last) {
        return Err(fault::identity_check());
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i16>().unwrap_or_default();
    let small = |from, to| i8::try_from(number(from, to)).unwrap_or_default();
    let born = Date::new(number(6, 10), small(10, 12), small(12, 14));
    let good = born.is_ok_and(|born| born.year() >= 1800);
    of(good, Value::Text(text), fault::identity_birth)
}

fn level(raw: &Raw) -> Result<Value, Fault> {
    let text = solid(&as_short_text(raw, fault::level)?);
    let by_name = LEVELS.iter().position(|name| *name == text);
    let by_old = OLD_LEVELS.iter().position(|name| {
        let (before, after) = (format!("{name}/"), format!("/{name}"));
        *name == text || text.starts_with(&before) || text.ends_with(&after)
    });
    let ordinal = by_name
        .map(|at| at + 1)
        .or(by_old.map(|at| at + 2))
        .or_else(|| text.parse().ok());
    let ordinal = ordinal.and_then(|ordinal| u8::try_from(ordinal).ok());
    let level = ordinal.and_then(|ordinal| SkillLevel::try_from(ordinal).ok());
    level.map(Value::Level).ok_or_else(fault::level)
}

/// A day: the spreadsheet's own, or text as offices write it. A bare number is one only where it reads `20230601`.
fn day(raw: &Raw) -> Result<Value, Fault> {
    let day = match raw {
        Raw::Day(day) => *day,
        Raw::Text(text) => written_day(&solid(text)),
        Raw::Number(number) if number.fract() == 0.0 && (1e7..1e8).contains(number) => {
            written_day(&format!("{number:.0}"))
        }
        Raw::Empty | Raw::Number(_) | Raw::Bool(_) | Raw::Error => None,
    };
    let day = day.filter(|day| (1900..=2199).contains(&day.year()));
    day.map(Value::Day).ok_or_else(fault::date)
}

/// `2023-06-01`, `2023/6/1`, `2023.6.1`, `2023年6月1日`, `20230601`.
fn written_day(text: &str) -> Option<Date> {
    let parts: Vec<&str> = if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        vec![&text[..4], &text[4..6], &text[6..]]
    } else {
        let text = text.strip_suffix('日').unwrap_or(text);
        text.split(['-', '/', '.', '年', '月']).collect()
    };
    let [year, month, day] = parts[..] else {
        return None;
    };
    let year = year.parse().ok().filter(|_| year.len() == 4)?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

fn whole(raw: &Raw, min: u32, max: u32) -> Result<Value, Fault> {
    let wrong = || fault::whole(min, max);
    let text = solid(&as_short_text(raw, wrong)?);
    let number = text.parse().ok().filter(|n| (min..=max).contains(n));
    number.map(Value::Whole).ok_or_else(wrong)
}

/// Yuan with at most two decimals, exactly: a number must be within a millionth of a fen of one.
fn yuan(raw: &Raw) -> Result<Value, Fault> {
    let fen = match raw {
        Raw::Number(yuan) => {
            let fen = (yuan * 100.0).round();
            let exact = (yuan * 100.0 - fen).abs() < 1e-6 && fen.abs() < 1e14;
            exact.then_some(fen as i64)
        }
        Raw::Text(text) => written_yuan(&solid(text)),
        Raw::Empty | Raw::Day(_) | Raw::Bool(_) | Raw::Error => None,
    };
    let fen = fen.filter(|fen| *fen > 0);
    fen.map(Value::Fen).ok_or_else(fault::yuan)
}

fn written_yuan(text: &str) -> Option<i64> {
    let text = text.strip_suffix('元').unwrap_or(text).replace(',', "");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || cents.len() > 2 || !digits(whole) || !digits(cents) {
        return None;
    }
    let cents: i64 = format!("{cents:0<2}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 100 + cents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: Kind, text: &str) -> Result<String, String> {
        match read(kind, &Raw::Text(text.to_owned())) {
            Ok(Some(value)) => Ok(value.canonical()),
            Ok(None) => Ok(String::new()),
            Err(fault) => Err(fault.en),
        }
    }

    fn number(kind: Kind, number: f64) -> Result<String, String> {
        match read(kind, &Raw::Number(number)) {
            Ok(value) => Ok(value.map(|value| value.canonical()).unwrap_or_default()),
            Err(fault) => Err(fault.en),
        }
    }

    #[test]
    fn an_identity_number_is_taken_as_people_type_it_and_never_as_a_number() {
        let good = Ok("11010519491231002X".to_owned());
        for typed in [
            "11010519491231002X",
            " 11010519491231002x ",
            "１１０１０５１９４９１２３１００２Ｘ",
            "110105 19491231 002X",
            "\u{feff}11010519491231002X\u{200b}",
        ] {
            assert_eq!(said(Kind::Identity, typed), good, "{typed}");
        }
        let lost = number(Kind::Identity, 440_524_188_001_010_000.0).unwrap_err();
        assert!(lost.contains("15 digits"), "{lost}");
        for (typed, why) in [
            ("11010519491231002", "18 characters"),
            ("110105194912310021", "does not fit"),
            ("1101051949123100X2", "17 digits"),
            ("身份证号码身份证号码身份证号码身份", "18 characters"),
            ("身份证号码身份证号码身份证号码身份证", "17 digits"),
            ("=1+1", "18 characters"),
        ] {
            let told = said(Kind::Identity, typed).unwrap_err();
            assert!(told.contains(why), "{typed}: {told}");
        }
    }

    #[test]
    fn days_are_taken_as_offices_write_them() {
        for typed in [
            "2023-06-01",
            "2023/6/1",
            "2023.6.1",
            "2023年6月1日",
            "20230601",
            "２０２３年６月１日",
        ] {
            assert_eq!(
                said(Kind::Day, typed),
                Ok("2023-06-01".to_owned()),
                "{typed}"
            );
        }
        assert_eq!(number(Kind::Day, 20_230_601.0), Ok("2023-06-01".to_owned()));
        for typed in [
            "2023-02-30",
            "6/1/2023",
            "23-6-1",
            "昨天",
            "2023-06",
            "0001-01-01",
        ] {
            assert!(said(Kind::Day, typed).is_err(), "{typed}");
        }
        // A day's number that is not formatted as a day may be anything.
        assert!(number(Kind::Day, 45_078.0).is_err());
    }

    #[test]
    fn yuan_become_fen_without_a_rounding() {
        for (typed, fen) in [
            ("1500", "150000"),
            ("1,500.5", "150050"),
            ("0.01", "1"),
            ("３００元", "30000"),
        ] {
            assert_eq!(said(Kind::Yuan, typed), Ok(fen.to_owned()), "{typed}");
        }
        assert_eq!(number(Kind::Yuan, 1234.56), Ok("123456".to_owned()));
        for typed in ["0", "-5", "1.234", "1e3", "", "一百"] {
            assert!(
                said(Kind::Yuan, typed).is_err() || typed.is_empty(),
                "{typed}"
            );
        }
        assert!(number(Kind::Yuan, 0.001).is_err());
    }

    #[test]
    fn levels_go_by_name_old_name_or_ordinal() {
        for (typed, ordinal) in [
            ("中级工", "3"),
            ("四级", "3"),
            ("四级/中级工", "3"),
            ("中级工/四级", "3"),
            ("3", "3"),
            ("首席技师", "8"),
        ] {
            assert_eq!(said(Kind::Level, typed), Ok(ordinal.to_owned()), "{typed}");
        }
        assert_eq!(number(Kind::Level, 4.0), Ok("4".to_owned()));
        for typed in ["9", "0", "高工", "2.5"] {
            assert!(said(Kind::Level, typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn words_go_by_word_or_code_and_the_error_names_them() {
        let kind = Kind::Words(&[("成功", "paid"), ("退回", "returned")]);
        assert_eq!(said(kind, " 成功 "), Ok("paid".to_owned()));
        assert_eq!(said(kind, "returned"), Ok("returned".to_owned()));
        assert!(said(kind, "好的").unwrap_err().contains("成功, 退回"));
    }
}
