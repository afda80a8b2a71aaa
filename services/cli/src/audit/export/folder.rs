//! The folder of an export. The invariant: a file is there whole or not at all, since it gets its name when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// What a file is called until it is complete.
const UNFINISHED: &str = "part";

/// The folder.
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at that path, made if it is missing.
    pub(super) fn open(root: &Path) -> anyhow::Result<Folder> {
        fs::create_dir_all(root)
            .with_context(|| format!("cannot make the folder {}", root.display()))?;
        Ok(Folder {
            root: root.to_owned(),
        })
    }

    /// A file's place.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A file's bytes, if it is there.
    pub(super) fn read(&self, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let at = self.at(path);
        match fs::read(&at) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", at.display())),
        }
    }

    /// Writes a file. After a power cut it may be damaged, which the next export finds and mends.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut file = self.begin(path)?;
        file.out
            .write_all(bytes)
            .with_context(|| format!("cannot write {}", file.at.display()))?;
        file.finish(false)
    }

    /// Writes a file that must survive a power cut from here on.
    pub(super) fn write_synced(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut file = self.begin(path)?;
        file.out
            .write_all(bytes)
            .with_context(|| format!("cannot write {}", file.at.display()))?;
        file.finish(true)
    }

    /// Begins a file that is written bit by bit.
    pub(super) fn begin(&self, path: &str) -> anyhow::Result<Unfinished> {
        let at = self.at(path);
        if let Some(parent) = at.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        }
        let mut name = at.clone().into_os_string();
        name.push(format!(".{UNFINISHED}"));
        let part = PathBuf::from(name);
        let out =
            File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
        Ok(Unfinished {
            out: BufWriter::new(out),
            part: Part(part),
            at,
        })
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, path: &str) -> anyhow::Result<()> {
        let at = self.at(path);
        match fs::remove_file(&at) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", at.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Gives a file or folder another name, if it is there.
    pub(super) fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let (from, to) = (self.at(from), self.at(to));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        }
        match fs::rename(&from, &to) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).with_context(|| {
                format!("cannot give {} the name {}", from.display(), to.display())
            }),
        }
    }

    /// Removes the partial tiles of an earlier export of the same log: those that are not of these paths.
    pub(super) fn remove_partial(&self, prefix: &str, keep: &[String]) -> anyhow::Result<()> {
        let keep: Vec<PathBuf> = keep
            .iter()
            .map(|path| self.at(&format!("{prefix}/{path}")))
            .collect();
        remove_partial(&self.at(&format!("{prefix}/tile")), &keep)
    }
}

fn remove_partial(folder: &Path, keep: &[PathBuf]) -> anyhow::Result<()> {
    let cannot = || format!("cannot tidy up {}", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if !path.is_dir() {
            continue;
        }
        if path.extension().is_some_and(|extension| extension == "p") {
            for width in fs::read_dir(&path).with_context(cannot)? {
                let width = width.with_context(cannot)?.path();
                if !keep.contains(&width) {
                    fs::remove_file(&width).with_context(cannot)?;
                }
            }
            // A folder that is not empty stays.
            let _ = fs::remove_dir(&path);
        } else {
            remove_partial(&path, keep)?;
        }
    }
    Ok(())
}

/// A file without its name yet.
pub(super) struct Unfinished {
    pub(super) out: BufWriter<File>,
    part: Part,
    at: PathBuf,
}

/// What an unfinished file is called; what is never finished is removed.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Finished, it has another name by now.
        let _ = fs::remove_file(&self.0);
    }
}

impl Unfinished {
    /// Where it will stand.
    pub(super) fn at(&self) -> &Path {
        &self.at
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self, synced: bool) -> anyhow::Result<()> {
        let written = self.out.flush();
        let written = match synced {
            true => written.and_then(|()| self.out.get_ref().sync_all()),
            false => written,
        };
        written.with_context(|| format!("cannot write {}", self.part.0.display()))?;
        drop(self.out);
        fs::rename(&self.part.0, &self.at).with_context(|| {
            format!(
                "cannot give {} its name {}",
                self.part.0.display(),
                self.at.display()
            )
        })
    }
}
