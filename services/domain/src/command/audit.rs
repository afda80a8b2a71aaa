//! What the logs say of one another.

use crate::audit::RegionTree;

moves! {
    /// Records the signed trees of the logs of regions below this one.
    RecordCheckpoints {
        /// By region, each once.
        checkpoints: Vec<RegionTree>,
    }
}
