//! Whose secret it is. The owner's name is part of every seal and every wrapped key, so one person's ciphertext cannot
//! be passed off as another's. It holds nothing personal and may be shown.

use std::fmt;
use std::str::FromStr;

use hefu_domain::{BadCode, Digest, PersonId, Region};

/// The owner of a data key: what is erased together is sealed under one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A person as one region knows them.
    Person(Region, PersonId),
    /// A value that stands in the region's log as this commitment: an account's or a certificate's number.
    Committed(Region, Digest),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Person(region, id) => write!(f, "{region}/person/{id}"),
            Owner::Committed(region, commitment) => write!(f, "{region}/committed/{commitment}"),
        }
    }
}

impl FromStr for Owner {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Owner, BadCode> {
        let mut parts = text.splitn(3, '/');
        let (Some(region), Some(kind), Some(id)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(BadCode(format!(
                "an owner is region/kind/id, not {text:.60}"
            )));
        };
        let region = region.parse()?;
        match kind {
            "person" => Ok(Owner::Person(region, id.parse()?)),
            "committed" => Ok(Owner::Committed(region, id.parse()?)),
            _ => Err(BadCode(format!("no such kind of owner: {kind:.60}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_one_name() {
        for text in [
            "140725/person/0190a5e0-0000-7000-8000-000000000001",
            "140725/committed/qGvgdcDwp_13vJ7ziqcs33LOW8TOx55SL6M_HAKaKBg",
        ] {
            assert_eq!(text.parse::<Owner>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "140725/person",
            "140725/people/0190a5e0-0000-7000-8000-000000000001",
            "140725/person/0190A5E0-0000-7000-8000-000000000001",
            "140725/person/0190a5e0-0000-7000-8000-000000000001/",
            "14072/person/0190a5e0-0000-7000-8000-000000000001",
        ] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }
}
