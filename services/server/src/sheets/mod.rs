//! Filled-in spreadsheets: received, checked, and turned into the moves that their rows ask for, with the caller's own grant. Nothing is
//! decided here: a row is a request like any other, and what the rules say of it is told beside its cell.
//!
//! The invariant: no row is written while another is known to be wrong, and a sheet that was imported is known again by what it says.

mod attendance;
mod certificates;
mod payouts;
mod refused;
mod roster;
mod targets;

use std::collections::HashSet;
use std::io::Cursor;

use hefu_domain::state::Key;
use hefu_domain::{CredentialId, ImportId, Reference, Region, Rpc};
use hefu_spreadsheet::{
    CellFault, Fault, Filled, Limits, Row, Template, Unreadable, column_letter,
};
use hefu_store::RequestKey;
use hefu_wire::{Move, Reply, names, v1};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tonic::{Status, Streaming};

use crate::api::{Api, bad};
use crate::errors;
use crate::limits::Counted;

/// The most bytes of one message of a file that comes or goes.
const CHUNK: usize = 512 << 10;
/// Rows that are named as held.
const MOST_HELD: usize = 1_000;
/// Sheets that are read at the same time: each takes memory.
const AT_ONCE: usize = 2;
/// How many are read now.
static READING: Semaphore = Semaphore::const_new(AT_ONCE);

/// What is wrong with a row besides its cells: the column's key, and what.
type Wrong = Vec<(&'static str, Fault)>;

/// A sheet that is being imported.
pub(crate) struct Import {
    api: Api,
    by: CredentialId,
    region: Region,
    template: Template,
    dry: bool,
    _held: Counted<CredentialId>,
}

/// A file as it came in.
type File = std::sync::Arc<Vec<u8>>;

/// What came of a sheet.
struct Outcome {
    filled: Filled,
    written: bool,
    new_parts: u32,
    old_parts: u32,
    held_rows: Vec<u32>,
    held_days: u32,
    registered: u32,
}

impl Outcome {
    fn of(filled: Filled) -> Outcome {
        Outcome {
            filled,
            written: false,
            new_parts: 0,
            old_parts: 0,
            held_rows: Vec::new(),
            held_days: 0,
            registered: 0,
        }
    }

    fn is_wrong(&self) -> bool {
        !self.filled.faults.is_empty()
    }

    fn message(&self) -> v1::SheetOutcome {
        v1::SheetOutcome {
            rows: self.filled.rows,
            wrong_rows: self.filled.wrong_rows,
            errors: self.filled.faults.iter().map(error).collect(),
            written: self.written,
            new_parts: self.new_parts,
            old_parts: self.old_parts,
            held_rows: self.held_rows.clone(),
            held_days: self.held_days,
            registered: self.registered,
        }
    }
}

fn error(fault: &CellFault) -> v1::SheetError {
    v1::SheetError {
        row: fault.row,
        column: fault.column.map(column_letter).unwrap_or_default(),
        heading: fault.heading.to_owned(),
        zh: fault.fault.zh.clone(),
        en: fault.fault.en.clone(),
    }
}

/// The answer to a sheet of which no row can be read.
fn unreadable(why: &Unreadable) -> v1::SheetOutcome {
    let told = why.to_string();
    let (zh, en) = told.split_once(" / ").unwrap_or((&told, &told));
    v1::SheetOutcome {
        errors: vec![v1::SheetError {
            zh: zh.to_owned(),
            en: en.to_owned(),
            ..v1::SheetError::default()
        }],
        ..v1::SheetOutcome::default()
    }
}

impl Import {
    /// Reads what is to be imported: the first message says it, all of them hold the file.
    pub(crate) async fn receive(
        api: &Api,
        by: CredentialId,
        mut stream: Streaming<v1::ImportSheetRequest>,
    ) -> Result<(Import, File), Status> {
        let Some(first) = stream.message().await? else {
            return Err(bad("parent", "the first message says what comes"));
        };
        let region = names::parse_region(&first.parent).map_err(|rule| bad("parent", rule))?;
        api.sight_of(Rpc::ImportSheet, &by, &region).await?;
        let template = Template::named(&first.template).ok_or_else(|| {
            let known: Vec<&str> = Template::ALL.iter().map(|one| one.name()).collect();
            bad("template", format!("must be one of {}", known.join(", ")))
        })?;
        // Whoever may not make the moves learns nothing of what was imported.
        api.sight_of(asks_for(template), &by, &region).await?;
        let _held = api.gate.sheet(&by)?;
        let most = usize::try_from(Limits::default().bytes).unwrap_or(usize::MAX);
        let mut file = first.chunk;
        while let Some(next) = stream.message().await? {
            if file.len() + next.chunk.len() > most {
                return Err(bad("chunk", format!("the file has at most {most} bytes")));
            }
            file.extend(next.chunk);
        }
        let import = Import {
            api: api.clone(),
            by,
            region,
            template,
            dry: first.validate_only,
            _held,
        };
        Ok((import, File::new(file)))
    }

    /// Imports the file, and sends what came of it.
    pub(crate) async fn run(
        self,
        file: File,
        answer: Sender<Result<v1::ImportSheetResponse, Status>>,
    ) -> Result<(), Status> {
        let _reading = READING.acquire().await.map_err(|_| errors::internal())?;
        let outcome = match self.imported(&file).await? {
            Ok(outcome) => outcome,
            Err(why) => {
                send(
                    &answer,
                    v1::import_sheet_response::Part::Outcome(unreadable(&why)),
                )
                .await;
                return Ok(());
            }
        };
        let told = v1::import_sheet_response::Part::Outcome(outcome.message());
        send(&answer, told).await;
        if outcome.is_wrong() {
            let marked = self.marked(file, outcome.filled).await?;
            for chunk in marked.chunks(CHUNK) {
                let chunk = v1::import_sheet_response::Part::Marked(chunk.to_vec());
                send(&answer, chunk).await;
            }
        }
        Ok(())
    }

    async fn imported(&self, file: &File) -> Result<Result<Outcome, Unreadable>, Status> {
        match self.template {
            Template::Roster => self.roster(file).await,
            Template::Certificates => self.certificates(file).await,
            Template::Attendance => self.attendance(file).await,
            Template::Targets => self.targets(file).await,
            Template::PayoutAnswers => self.payouts(file).await,
        }
    }

    /// Reads the sheet beside the runtime's own threads, a `T` for each good row.
    async fn rows<T: Send + 'static>(
        &self,
        file: &File,
        mut each: impl FnMut(Row) -> Result<T, Wrong> + Send + 'static,
    ) -> Result<Result<(Filled, Vec<T>), Unreadable>, Status> {
        let (file, template) = (file.clone(), self.template);
        let work = move || {
            let mut rows = Vec::new();
            let read = |row| match each(row) {
                Ok(row) => {
                    rows.push(row);
                    Vec::new()
                }
                Err(wrong) => wrong,
            };
            let file = Cursor::new(file.as_slice());
            let filled = hefu_spreadsheet::read(file, template, &Limits::default(), read)?;
            Ok((filled, rows))
        };
        let work = tokio::task::spawn_blocking(work).await;
        work.map_err(|_| errors::internal())
    }

    async fn marked(&self, file: File, filled: Filled) -> Result<Vec<u8>, Status> {
        let template = self.template;
        let work = move || {
            let mut out = Cursor::new(Vec::new());
            let source = Cursor::new(file.as_slice());
            let (faults, limits) = (&filled.faults, Limits::default());
            hefu_spreadsheet::mark(source, template, &filled.context, faults, &limits, &mut out)?;
            Ok::<_, hefu_spreadsheet::Written>(out.into_inner())
        };
        let work = tokio::task::spawn_blocking(work).await;
        let written = work.map_err(|_| errors::internal())?;
        written.map_err(|error| {
            tracing::warn!(%error, "a marked copy could not be written");
            errors::internal()
        })
    }

    /// By what the sheet is known again: a keyed hash of what it says, which tells nobody else anything of it.
    fn list(&self, filled: &Filled) -> Result<Reference, Status> {
        let secrets = self.api.engine.people().secrets();
        let digest = secrets.request_digest("ImportSheet", &filled.hash);
        format!("sheet-{digest}")
            .parse()
            .map_err(|_| errors::internal())
    }

    fn parent(&self) -> String {
        names::region(&self.region)
    }

    /// Whether that part of the list was imported already, by whomever.
    async fn is_imported(&self, kind: &str, list: &Reference, part: u16) -> Result<bool, Status> {
        let key = Key::Import(ImportId::of(&self.region, kind, list, part));
        let is_there = |world: &hefu_domain::World, _| Ok(world.get(&key)?.is_some());
        self.api.look(&self.region, is_there).await
    }

    /// Which of the caller's requests were done already.
    async fn done(&self, requests: &[String]) -> Result<HashSet<String>, Status> {
        let subject = |world: &hefu_domain::World, _| hefu_domain::subject(world, &self.by);
        let caller = self.api.look(&self.region, subject).await?;
        let key = |request: &String| RequestKey {
            region: self.region.to_string(),
            caller: caller.clone(),
            request: request.clone(),
        };
        let mut done = HashSet::new();
        for some in requests.chunks(200) {
            let keys: Vec<RequestKey> = some.iter().map(key).collect();
            let rows = self.api.engine.store().requests(&keys).await;
            done.extend(
                rows.map_err(errors::store)?
                    .into_iter()
                    .map(|row| row.request),
            );
        }
        Ok(done)
    }

    /// Asks for these moves: all of them are tried first, and only if none is refused is any made.
    async fn moves<M: Move, R: Reply>(
        &self,
        outcome: &mut Outcome,
        moves: Vec<Asked<M>>,
        with: impl Fn(&M, bool) -> M,
    ) -> Result<(), Status> {
        let (new, old) = self.tried::<M, R>(outcome, moves, with).await?;
        outcome.old_parts = old;
        if self.dry || outcome.is_wrong() {
            return Ok(());
        }
        self.make::<M, R>(outcome, &new).await?;
        outcome.written = true;
        Ok(())
    }

    /// Tries moves: those that were not made before, and how many were. Those made before, by an import of the same sheet that was cut
    /// off, would be refused.
    async fn tried<M: Move, R: Reply>(
        &self,
        outcome: &mut Outcome,
        moves: Vec<Asked<M>>,
        with: impl Fn(&M, bool) -> M,
    ) -> Result<(Vec<Asked<M>>, u32), Status> {
        let id = |one: &Asked<M>| one.message.request_id().to_owned();
        let done = self.done(&moves.iter().map(id).collect::<Vec<_>>()).await?;
        let all = moves.len();
        let mut new = moves;
        new.retain(|one| !done.contains(one.message.request_id()));
        for one in &new {
            let tried = with(&one.message, true);
            if let Err(status) = self.api.made::<M, R>(&self.by, &self.region, &tried).await {
                for (row, key, fault) in refused::faults(status, one)? {
                    outcome.filled.add(self.template, row, key, fault);
                }
            }
        }
        let old = u32::try_from(all - new.len()).unwrap_or(u32::MAX);
        Ok((new, old))
    }

    /// Makes moves, one after the other.
    async fn make<M: Move, R: Reply>(
        &self,
        outcome: &mut Outcome,
        moves: &[Asked<M>],
    ) -> Result<(), Status> {
        for one in moves {
            let made = self.api.made::<M, R>(&self.by, &self.region, &one.message);
            made.await?;
            outcome.new_parts += 1;
        }
        Ok(())
    }
}

/// The move that a template's rows ask for.
fn asks_for(template: Template) -> Rpc {
    match template {
        Template::Roster => Rpc::ImportRoster,
        Template::Certificates => Rpc::ImportCertificates,
        Template::Attendance => Rpc::RecordAttendance,
        Template::Targets => Rpc::SetTargets,
        Template::PayoutAnswers => Rpc::RecordPayout,
    }
}

/// A move that rows ask for.
struct Asked<M> {
    message: M,
    /// The rows, each with what a refusal calls it (a seat), if it does.
    rows: Vec<(String, u32)>,
    /// The column beside which a refusal is told.
    column: &'static str,
}

async fn send(
    answer: &Sender<Result<v1::ImportSheetResponse, Status>>,
    part: v1::import_sheet_response::Part,
) {
    // The reader may have gone; what was written stays written.
    let _ = answer
        .send(Ok(v1::ImportSheetResponse { part: Some(part) }))
        .await;
}
