//! The region tree: which regions this deployment serves. Data that an official can read (`policy/regions-*.toml`).

use std::path::Path;

use hefu_domain::Region;
use serde::Deserialize;

use crate::config::ConfigError;

/// Jinzhong's tree, shipped for a first start.
pub const JINZHONG: &str = include_str!("../../../policy/regions-140700.toml");

/// A tree of regions.
#[derive(Debug, Clone, Deserialize)]
pub struct RegionTree {
    /// In order: a parent before its children.
    pub region: Vec<RegionEntry>,
}

/// One region.
#[derive(Debug, Clone, Deserialize)]
pub struct RegionEntry {
    /// GB/T 2260.
    pub code: Region,
    /// Chinese name.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Its parent, absent at the top.
    pub parent: Option<Region>,
}

impl RegionTree {
    /// Reads a tree from text; `path` is for the error.
    ///
    /// # Errors
    /// `Parse`: not a tree, a code that is none, a parent that does not come first.
    pub fn parse(text: &str, path: &Path) -> Result<RegionTree, ConfigError> {
        let wrong = |message: String| ConfigError::Parse {
            path: path.to_owned(),
            message,
        };
        let tree: RegionTree = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        for (i, entry) in tree.region.iter().enumerate() {
            let before = &tree.region[..i];
            if before.iter().any(|other| other.code == entry.code) {
                return Err(wrong(format!("region {} stands twice", entry.code)));
            }
            if let Some(parent) = entry
                .parent
                .as_ref()
                .filter(|parent| before.iter().all(|other| other.code != **parent))
            {
                return Err(wrong(format!(
                    "region {}: its parent {parent} must come before it",
                    entry.code
                )));
            }
        }
        Ok(tree)
    }

    /// Reads a tree from a file, or Jinzhong's when there is none.
    ///
    /// # Errors
    /// `Read`, `Parse`.
    pub fn read(path: Option<&Path>) -> Result<RegionTree, ConfigError> {
        match path {
            None => RegionTree::parse(JINZHONG, Path::new("policy/regions-140700.toml")),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                    path: path.to_owned(),
                    source,
                })?;
                RegionTree::parse(&text, path)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jinzhong_is_a_city_line_and_eleven_counties() {
        let tree = RegionTree::read(None).unwrap();
        assert_eq!(tree.region.len(), 12);
        assert_eq!(tree.region.iter().filter(|r| r.parent.is_none()).count(), 1);
    }
}
