//! Page tokens: where a list goes on, authenticated, so that a caller can neither make one up nor use one list's for
//! another. A caller can read the place in it, but only that: put row keys in, nothing personal.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::mac::mac16;
use crate::secrets::Secrets;

const TAG_BYTES: usize = 16;
/// Longer than any place in a list, in characters.
const MAX_CHARACTERS: usize = 1024;

impl Secrets {
    /// The token of a place in a list. `list` names the list and everything that its order and its rows depend on
    /// (the method, the filter, the caller's scope); the same must be given to open the token.
    pub fn page_seal(&self, list: &str, place: &[u8]) -> String {
        let mut bytes = place.to_vec();
        bytes.extend(self.page_tag(list, place));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that a token names, or `None` if this list never gave out this token.
    pub fn page_open(&self, list: &str, token: &str) -> Option<Vec<u8>> {
        if token.len() > MAX_CHARACTERS {
            return None;
        }
        let mut place = URL_SAFE_NO_PAD.decode(token).ok()?;
        let tag = place.split_off(place.len().checked_sub(TAG_BYTES)?);
        let genuine: bool = self.page_tag(list, &place).as_slice().ct_eq(&tag).into();
        genuine.then_some(place)
    }

    fn page_tag(&self, list: &str, place: &[u8]) -> [u8; TAG_BYTES] {
        mac16(&self.page, "hefu/page/v1", &[list.as_bytes(), place])
    }
}
