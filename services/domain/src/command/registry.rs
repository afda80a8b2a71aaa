//! Institutions, their accounts and their lines in the catalogues.

use std::collections::BTreeSet;

use crate::ids::*;
use crate::policy::Capacity;
use crate::state::*;

moves! {
    /// Registers an institution.
    RegisterInstitution {
        /// Its credit code.
        institution: InstitutionId,
        /// Its registered name.
        name: String,
        /// What it is.
        capacities: BTreeSet<Capacity>,
        /// Occupations that its licence covers.
        licence: BTreeSet<Occupation>,
        /// Institutions under the same control.
        related: BTreeSet<InstitutionId>,
        /// The division whose government it belongs to, if it belongs to one.
        affiliation: Option<Region>,
    }
    /// Changes what an institution is registered as; all of it is given anew.
    ChangeInstitution {
        /// Which.
        institution: InstitutionId,
        /// Its registered name.
        name: String,
        /// What it is.
        capacities: BTreeSet<Capacity>,
        /// Occupations that its licence covers.
        licence: BTreeSet<Occupation>,
        /// Institutions under the same control.
        related: BTreeSet<InstitutionId>,
        /// The division whose government it belongs to, if it belongs to one.
        affiliation: Option<Region>,
    }
    /// Registers a unit that the city listed as classified: its code, name and occupations by commitments only.
    RegisterClassified {
        /// Its credit code, sealed.
        institution: InstitutionId,
        /// Commitment to its registered name.
        name: Digest,
        /// What it is.
        capacities: BTreeSet<Capacity>,
        /// Occupations that its licence covers, sealed, in the order given.
        licence: Vec<Occupation>,
        /// Hash of the secrecy authority's document.
        document: Digest,
    }
    /// Registers or changes an institution's corporate account (maker).
    RegisterAccount {
        /// Whose.
        institution: InstitutionId,
        /// Salted commitment to account name and number.
        commitment: Digest,
        /// Keyed tag of the same: the same account has the same tag wherever it stands.
        tag: Tag,
    }
    /// Confirms a corporate account (checker).
    ConfirmAccount {
        /// Whose.
        institution: InstitutionId,
        /// Hash of the change that the checker saw; must be the pending one's.
        proposal: Digest,
    }
    /// Files a catalogue line.
    FileCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// What it says of itself.
        details: Option<CatalogueDetails>,
    }
    /// Files a change of a catalogue line.
    ChangeCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// What it says of itself from its approval on.
        details: CatalogueDetails,
    }
    /// Approves a catalogue line, or a change of one.
    ApproveCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// Hash of what the reviewer saw; must be that of what waits. None where the line says nothing of itself.
        proposal: Option<Digest>,
    }
    /// Refuses a catalogue line, or a change of one.
    RefuseCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// Why.
        reason: Reason,
    }
    /// Suspends a catalogue line, or lifts its suspension.
    SuspendCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// Suspended, or back in force.
        suspended: bool,
        /// Why.
        reason: Reason,
    }
    /// Strikes a catalogue line off.
    StrikeOffCatalogueEntry {
        /// Which.
        entry: CatalogueEntryId,
        /// Why.
        reason: Reason,
    }
    /// Suspends an institution, or lifts its suspension.
    SuspendInstitution {
        /// Which.
        institution: InstitutionId,
        /// Why.
        reason: Reason,
        /// Suspended, or back in good standing.
        suspended: bool,
    }
    /// Strikes an institution off.
    StrikeOffInstitution {
        /// Which.
        institution: InstitutionId,
        /// Why.
        reason: Reason,
    }
}
