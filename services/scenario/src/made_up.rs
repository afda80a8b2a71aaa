//! Made-up people and institutions, with valid check digits. Nobody here exists: identity numbers carry sequence codes drawn from a
//! seed, names are put together from lists.

use jiff::civil::{Date, date};
use sha2::{Digest, Sha256};

/// A person who does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeUpPerson {
    /// GB 11643 identity number.
    pub identity: String,
    /// A Chinese name.
    pub name: String,
    /// A mobile number.
    pub phone: String,
}

const SURNAMES: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文";
const GIVEN: &str = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰建国华玉梅红春燕海波晓东志辉文斌亮鹏飞宇浩然子涵雨欣怡诗琪俊熙晨阳思远博雅";
const FIRST_BIRTHDAY: Date = date(1969, 1, 1);
/// Days on which made-up people are born: 1969 to 2003, of working age in 2023.
const BIRTHDAYS: u64 = 12_780;
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The `index`th person of a seed, of the region whose code their number begins with. Two indexes below eleven million never share a number.
pub fn person(seed: u64, region: &str, index: u64) -> MadeUpPerson {
    let draw = draw(seed, "person", index);
    // Multiplying by a number prime to BIRTHDAYS walks through all days before it comes back to one.
    let day = (index * 7_919 + seed % BIRTHDAYS) % BIRTHDAYS;
    let sequence = 100 + index / BIRTHDAYS % 900;
    let born = FIRST_BIRTHDAY
        .checked_add(jiff::Span::new().days(i64::try_from(day).unwrap_or(0)))
        .unwrap_or(FIRST_BIRTHDAY);
    let body = format!(
        "{region}{:04}{:02}{:02}{sequence:03}",
        born.year(),
        born.month(),
        born.day()
    );
    let identity = format!("{body}{}", identity_check(&body));
    let pick = |list: &str, n: usize| {
        list.chars()
            .nth(usize::from(draw[n]) * 7 % list.chars().count())
            .unwrap_or('王')
    };
    let mut name = String::from(pick(SURNAMES, 0));
    name.push(pick(GIVEN, 1));
    if !draw[2].is_multiple_of(4) {
        name.push(pick(GIVEN, 3));
    }
    let phone = format!(
        "1{}{:09}",
        3 + u64::from(draw[4]) % 7,
        (index * 1_000_003 + seed) % 1_000_000_000
    );
    MadeUpPerson {
        identity,
        name,
        phone,
    }
}

fn identity_check(body: &str) -> char {
    let sum: u32 = body
        .bytes()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    char::from(b"10X98765432"[sum as usize % 11])
}

/// The `index`th institution of a region: a unified social credit code (GB 32100).
pub fn credit_code(region: &str, index: u32) -> String {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let body = format!("91{region}MA0{index:06}");
    let mut weight = 1;
    let mut sum = 0;
    for b in body.bytes() {
        sum += ALPHABET.iter().position(|&a| a == b).unwrap_or(0) * weight;
        weight = weight * 3 % 31;
    }
    format!("{body}{}", char::from(ALPHABET[(31 - sum % 31) % 31]))
}

/// 32 bytes that a seed and a label decide.
pub fn draw(seed: u64, label: &str, index: u64) -> [u8; 32] {
    Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(label)
        .chain_update(index.to_be_bytes())
        .finalize()
        .into()
}

/// A number below `below` that a seed and a label decide.
pub fn pick(seed: u64, label: &str, index: u64, below: u64) -> u64 {
    let bytes = draw(seed, label, index);
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_be_bytes(word) % below.max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_standards_own_number_has_the_check_digit_that_we_compute() {
        assert_eq!(identity_check("11010519491231002"), 'X');
    }

    #[test]
    fn forty_thousand_people_have_forty_thousand_numbers_and_phones() {
        let people: Vec<_> = (0..40_000).map(|i| person(7, "140725", i)).collect();
        assert_eq!(
            people
                .iter()
                .map(|p| &p.identity)
                .collect::<HashSet<_>>()
                .len(),
            40_000
        );
        assert_eq!(
            people
                .iter()
                .map(|p| &p.phone)
                .collect::<HashSet<_>>()
                .len(),
            40_000
        );
        assert!(
            people
                .iter()
                .all(|p| p.identity.len() == 18 && p.phone.len() == 11)
        );
    }

    #[test]
    fn a_credit_code_has_eighteen_characters() {
        assert_eq!(credit_code("140725", 3).len(), 18);
    }
}
