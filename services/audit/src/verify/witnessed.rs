//! What witnesses say of a log. The invariant: a witness's word counts only over a tree that the log has, so an operator
//! who showed a witness another log than the auditor is found out, whatever the times say.

use hefu_log::cosignature::distinct;
use hefu_log::{LogError, Note, Origin, WitnessKey, series};

use super::check::{Check, Stop};
use super::log::Log;
use super::tree::Tree;
use crate::cosigned::{Cosigning, Intervals, Word};

/// The witnesses whom the auditor trusts, and how many of them must have cosigned a log's checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Witnesses {
    keys: Vec<WitnessKey>,
    required: usize,
}

impl Witnesses {
    /// These witnesses, of whom so many are required.
    ///
    /// # Errors
    /// `Key` for one witness twice, or more required than there are.
    pub fn new(keys: Vec<WitnessKey>, required: usize) -> Result<Self, LogError> {
        distinct(&keys)?;
        if required > keys.len() {
            return Err(LogError::Key("more witnesses required than named"));
        }
        Ok(Self { keys, required })
    }

    /// The words on a checkpoint of so many events, of as many witnesses as are required.
    pub(super) fn words(&self, note: &Note, size: u64) -> Result<Vec<Word>, Stop> {
        let cosigning = self.read(note, size)?;
        match cosigning.witnesses() >= self.required {
            true => Ok(cosigning.words),
            false => Err(Stop::Failed(size, Check::Witnesses)),
        }
    }

    fn read(&self, note: &Note, size: u64) -> Result<Cosigning, Stop> {
        Cosigning::read(note, &self.keys).map_err(|_| Stop::Failed(size, Check::Cosigned))
    }
}

/// What was published of one log and cosigned, by size.
pub(super) struct Witnessed(Vec<Cosigning>);

impl Witnessed {
    /// Reads what was published of a log, and its present checkpoint where there is one. Without witnesses nobody's word
    /// counts, and nothing is read.
    pub(super) fn read(
        log: &Log<'_>,
        origin: &Origin,
        present: Option<&Note>,
        witnesses: &Witnesses,
    ) -> Result<Self, Stop> {
        if witnesses.keys.is_empty() {
            return Ok(Self(Vec::new()));
        }
        // One that is larger than all that was ever signed says nothing of this log, however many of them there are.
        let last = log.size.max(log.signed.map_or(0, |signed| signed.size));
        let mut cosigned = Vec::new();
        let mut from = 0;
        while from <= last
            && let Some(page) = log.published(from)?
        {
            let bad = || Stop::Failed(from, Check::Cosigned);
            let page = std::str::from_utf8(&page).map_err(|_| bad())?;
            let notes = series::read(page).map_err(|_| bad())?;
            for note in &notes {
                let one = witnesses.read(note, from)?;
                let size = one.checkpoint.size;
                if size < from || one.checkpoint.origin != *origin {
                    return Err(Stop::Failed(size, Check::Cosigned));
                }
                from = size + 1;
                if !one.words.is_empty() {
                    cosigned.push(one);
                }
            }
            if notes.is_empty() {
                break;
            }
        }
        if let Some(present) = present {
            cosigned.push(witnesses.read(present, from)?);
        }
        cosigned.sort_by_key(|one| one.checkpoint.size);
        Ok(Self(cosigned))
    }

    /// When the log's events were written, by the witnesses.
    pub(super) fn intervals(&self, origin: &Origin) -> Option<Intervals> {
        Intervals::new(origin, &self.0)
    }

    /// Holds every cosigned tree against the log's. Those that are larger than what was walked over are of events that a fork
    /// lost, or that were published while this was read.
    pub(super) fn holds(&self, tree: &Tree, log: &Log<'_>) -> Result<(), Stop> {
        let known = self.0.iter().map(|one| &one.checkpoint);
        let known = known.filter(|checkpoint| checkpoint.size <= tree.size());
        let (sizes, said): (Vec<u64>, Vec<_>) = known.map(|known| (known.size, known.root)).unzip();
        let roots = tree.roots(&sizes, log)?;
        let another = sizes.iter().zip(roots.iter().zip(&said));
        match another.into_iter().find(|(_, (root, said))| root != said) {
            Some((size, _)) => Err(Stop::Failed(*size, Check::Cosigned)),
            None => Ok(()),
        }
    }
}
