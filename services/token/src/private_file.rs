//! Files that hold secrets. One is written whole or not at all, is readable by its owner only, and is never replaced:
//! a key that is lost cannot be made again.
//!
//! Their text is a title line and then `name: value` lines in a fixed order, so that an operator can read what a file
//! is, and a file of another kind or version is refused. No error carries anything of a file's contents.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::base64url;

/// No key file comes near this size, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Why a private file could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system said no.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A file of this name is there already.
    #[error("{} exists already; a key file is never replaced", .0.display())]
    Exists(PathBuf),
    /// Others than the owner may read or write it.
    #[error("{} may be used by others than its owner (mode {mode:03o}); check who has read it, then: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not the kind of file that it should be.
    #[error("{}: {rule}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        rule: String,
    },
}

/// Writes a new file of mode 0600 and returns once the file and its name are on the disk.
///
/// The bytes go to a temporary neighbour first, which then gets the name by a hard link: unlike a rename, that fails
/// if somebody else took the name meanwhile.
pub fn create(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let (mut file, temporary) = create_neighbour(path)?;
    let written = file
        .write_all(contents)
        .and_then(|()| file.sync_all())
        .map_err(io_error("write", &temporary))
        .and_then(|()| match fs::hard_link(&temporary, path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(FileError::Exists(path.to_owned()))
            }
            named => named.map_err(io_error("name", path)),
        });
    let tidied = fs::remove_file(&temporary).map_err(io_error("remove", &temporary));
    written?;
    tidied?;
    sync_folder(path)
}

fn create_neighbour(path: &Path) -> Result<(File, PathBuf), FileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // A crash may have left a neighbour behind; it was never named, so no data depends on it.
    for attempt in 0..1000 {
        let temporary =
            path.with_file_name(format!(".{name}.{}-{attempt}.new", std::process::id()));
        match options.open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(io_error("create", &temporary)(e)),
        }
    }
    Err(FileError::Exists(path.to_owned()))
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(io_error("sync", folder))
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> Result<(), FileError> {
    Ok(()) // Other systems give no handle to a folder; their file systems journal names themselves.
}

/// Reads a private file; the bytes are wiped when dropped. A file that others may use is refused: its secret must be
/// taken for known.
pub fn read(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    let size = check(path, &file)?;
    // Room for the whole file at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(size + 1));
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(io_error("read", path))?;
    Ok(text)
}

/// Refuses a file that others than its owner may read or write, for files that something else opens (SQLite).
pub fn refuse_exposed(path: &Path) -> Result<(), FileError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    refuse_exposed_mode(path, &file.metadata().map_err(io_error("inspect", path))?)
}

fn check(path: &Path, file: &File) -> Result<usize, FileError> {
    let metadata = file.metadata().map_err(io_error("inspect", path))?;
    refuse_exposed_mode(path, &metadata)?;
    match usize::try_from(metadata.len()) {
        Ok(size) if metadata.is_file() && metadata.len() < MAX_BYTES => Ok(size),
        Ok(_) | Err(_) => Err(malformed(
            path,
            "too large for a key file, or no file at all",
        )),
    }
}

#[cfg(unix)]
fn refuse_exposed_mode(path: &Path, metadata: &fs::Metadata) -> Result<(), FileError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(FileError::Exposed {
            path: path.to_owned(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn refuse_exposed_mode(_path: &Path, _metadata: &fs::Metadata) -> Result<(), FileError> {
    Ok(()) // Access lists are the operator's there.
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io {
        doing,
        path,
        source,
    }
}

fn malformed(path: &Path, rule: impl Into<String>) -> FileError {
    FileError::Malformed {
        path: path.to_owned(),
        rule: rule.into(),
    }
}

/// Writes the text of a key file: a title, then `name: value` lines. Wiped when dropped.
pub struct Writer(Zeroizing<String>);

impl Writer {
    /// Starts with the title line, which names the kind and the version.
    pub fn new(title: &str) -> Writer {
        let mut text = Zeroizing::new(String::with_capacity(2048));
        text.push_str(title);
        text.push('\n');
        Writer(text)
    }

    /// One line.
    pub fn field(mut self, name: &str, value: &str) -> Writer {
        for part in [name, ": ", value, "\n"] {
            self.0.push_str(part);
        }
        self
    }

    /// One line with 32 secret bytes in base64url.
    pub fn secret(self, name: &str, value: &[u8; 32]) -> Writer {
        let text = Zeroizing::new(base64url::encode(value));
        self.field(name, &text)
    }

    /// Writes the file; see [`create`].
    pub fn create(self, path: &Path) -> Result<(), FileError> {
        create(path, self.0.as_bytes())
    }
}

/// Reads the text of a key file, line by line in the order in which it was written.
pub struct Reader<'a> {
    path: &'a Path,
    lines: std::str::Lines<'a>,
}

impl<'a> Reader<'a> {
    /// Checks the title line.
    pub fn new(path: &'a Path, text: &'a str, title: &str) -> Result<Reader<'a>, FileError> {
        let mut lines = text.lines();
        if lines.next() == Some(title) {
            Ok(Reader { path, lines })
        } else {
            Err(malformed(
                path,
                format!("the first line is not \"{title}\""),
            ))
        }
    }

    /// The value of the next line, which must bear this name.
    pub fn field(&mut self, name: &str) -> Result<&'a str, FileError> {
        self.lines
            .next()
            .and_then(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .ok_or_else(|| self.refuse(format!("no line \"{name}\" where it should be")))
    }

    /// The 32 secret bytes of the next line, which must bear this name.
    pub fn secret(&mut self, name: &str) -> Result<Zeroizing<[u8; 32]>, FileError> {
        let mut bytes = Zeroizing::new([0; 32]);
        if base64url::decode_array(self.field(name)?, &mut bytes) {
            Ok(bytes)
        } else {
            Err(self.refuse(format!("\"{name}\" is not 32 bytes in base64url")))
        }
    }

    /// Nothing may follow the last line.
    pub fn end(mut self) -> Result<(), FileError> {
        match self.lines.next() {
            None => Ok(()),
            Some(_) => Err(self.refuse("lines after the last one")),
        }
    }

    /// An error about this file.
    pub fn refuse(&self, rule: impl Into<String>) -> FileError {
        malformed(self.path, rule)
    }
}
