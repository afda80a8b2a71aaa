//! What the signer remembers of a log: the last tree that it signed, or was about to sign. It stands on the disk before
//! the signature leaves, so that whatever comes back later, from whichever backup, is held against it.
//!
//! ```text
//! hefu signer state, version 1
//! origin: hefu.local/140725/0
//! key: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
//! size: 5
//! root: <base64url>
//! frontier: <base64url of the tree's right edge>
//! ```

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hefu_log::{Frontier, Origin};
use hefu_token::private_file::{FileError, Reader};

const TITLE: &str = "hefu signer state, version 1";

/// One log's last signed tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Which log.
    pub origin: Origin,
    /// The name of the key that signs it.
    pub key: String,
    /// The tree: its size, and all that is needed to go on from it.
    pub tree: Frontier,
}

impl Memory {
    /// The file's text.
    pub(crate) fn text(&self) -> String {
        format!(
            "{TITLE}\norigin: {}\nkey: {}\nsize: {}\nroot: {}\nfrontier: {}\n",
            self.origin,
            self.key,
            self.tree.size(),
            self.tree.root(),
            BASE64_URL_SAFE_NO_PAD.encode(self.tree.to_bytes()),
        )
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// `Malformed` with the line that is not as it should be, or where the lines contradict each other.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Memory, FileError> {
        let mut reader = Reader::new(path, text, TITLE)?;
        let origin: Origin = match reader.field("origin")?.parse() {
            Ok(origin) => origin,
            Err(_) => return Err(reader.refuse("\"origin\" is no log's")),
        };
        let key = reader.field("key")?.to_owned();
        let (size, root) = (reader.field("size")?, reader.field("root")?);
        let edge = BASE64_URL_SAFE_NO_PAD.decode(reader.field("frontier")?);
        let tree = edge
            .ok()
            .and_then(|edge| Frontier::from_bytes(&edge).ok())
            .filter(|tree| tree.size().to_string() == size && tree.root().to_string() == root);
        let Some(tree) = tree else {
            return Err(reader.refuse("size, root and frontier are not those of one tree"));
        };
        reader.end()?;
        Ok(Memory { origin, key, tree })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hefu_log::leaf_hash;

    fn memory() -> Memory {
        let mut tree = Frontier::new();
        (0..5_u8).for_each(|n| tree.push(leaf_hash(&[n])));
        Memory {
            origin: "hefu.example.org/140725/3".parse().unwrap(),
            key: "k".repeat(43),
            tree,
        }
    }

    #[test]
    fn what_was_kept_is_read_back() {
        let memory = memory();
        let read = Memory::parse(Path::new("140725.state"), &memory.text());
        assert_eq!(read.unwrap(), memory);
    }

    #[test]
    fn a_file_that_contradicts_itself_or_was_cut_is_refused() {
        let text = memory().text();
        let refused = |text: &str| Memory::parse(Path::new("140725.state"), text).is_err();
        assert!(refused(&text.replace("size: 5", "size: 6")));
        assert!(refused(&text.replace("/140725/3", "/140725")));
        assert!(refused(&text[..text.len() - 9]));
        assert!(refused(&format!("{text}more: 1\n")));
        assert!(refused(""));
    }
}
