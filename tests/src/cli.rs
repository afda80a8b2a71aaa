//! The `hefu` command as somebody runs it, for tests of what it prints and exits with.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The command itself, which `tests/run` builds before the tests.
pub fn hefu() -> Command {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.parent().and_then(Path::parent);
    let folder = folder.expect("tests stand below the folder of the command");
    let mut command = Command::new(folder.join(format!("hefu{}", std::env::consts::EXE_SUFFIX)));
    command.env_remove("HEFU_STATE");
    command
}

/// `hefu audit` with these arguments.
pub fn audit(arguments: &[&str]) -> Output {
    let mut command = hefu();
    command.arg("audit").args(arguments);
    command.output().expect("the command runs")
}

/// Exit code and JSON of a run that says what it found.
pub fn audit_json(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = audit(&[arguments, &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let found = serde_json::from_slice(&output.stdout);
    (
        output.status.code(),
        found.unwrap_or_else(|_| panic!("{said}")),
    )
}

/// Exit code and everything that was printed.
pub fn audit_text(arguments: &[&str]) -> (Option<i32>, String) {
    let output = audit(arguments);
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8(said).expect("the command prints text"),
    )
}
