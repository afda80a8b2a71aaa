//! Who runs the server: initdb and postgres refuse root.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::ClusterError;

/// The user that stands in for root; nobody, where we are not root.
pub(crate) struct Owner(Option<String>);

impl Owner {
    pub(crate) fn find() -> Result<Owner, ClusterError> {
        if output("id", &["-u"]).as_deref() != Some("0") {
            return Ok(Owner(None));
        }
        let known = ["postgres", "nobody"]
            .into_iter()
            .find(|user| output("id", &["-u", user]).is_some());
        match known {
            Some(user) => Ok(Owner(Some(user.to_owned()))),
            None => Err(ClusterError::NoOwner),
        }
    }

    pub(crate) fn adopt(&self, folder: &Path) -> Result<(), ClusterError> {
        match &self.0 {
            Some(user) => run(Command::new("chown").arg(user).arg(folder), "chown"),
            None => Ok(()),
        }
    }

    pub(crate) fn command(&self, program: &Path) -> Result<Command, ClusterError> {
        let Some(user) = &self.0 else {
            return Ok(Command::new(program));
        };
        let group = output("id", &["-g", user]).ok_or(ClusterError::NoOwner)?;
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"));
        command.arg("--clear-groups").arg("--").arg(program);
        Ok(command)
    }
}

/// Runs a command that must end well.
pub(crate) fn run(command: &mut Command, name: &str) -> Result<(), ClusterError> {
    let failed = |said: String| ClusterError::Failed {
        command: name.to_owned(),
        said,
    };
    let output = command.current_dir("/").stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
