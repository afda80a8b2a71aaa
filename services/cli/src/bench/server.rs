//! The server that is measured, under a made-up clock that we set: `hefu serve` as a process of its own, or one that runs elsewhere.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use super::collector::Collector;

/// Rates are for strangers: one client is everybody here. The rest of the limits stays as it is delivered.
const CONFIG: &str = r#"# Written by `hefu bench`.
deployment = "bench.hefu.local"
log = "warn"

[limits]
caller_per_second = 10000000
caller_burst = 10000000
address_per_second = 10000000
address_burst = 10000000
calls_per_connection = 1024
"#;

/// Ticks of CPU time in a second, as /proc counts them on every Linux.
const TICKS: f64 = 100.0;

/// A line to a server elsewhere is on its way for so long at the most: nothing comes back.
const ON_THE_WAY: Duration = Duration::from_secs(1);

/// The name of the only server, or of the first.
pub(crate) const FIRST: &str = "server";

/// A server. One of our own ends with this value.
pub(crate) struct Server {
    /// None, where the server is not ours.
    child: Option<Child>,
    clock: Clock,
    pub(crate) address: String,
    /// The operator's key.
    pub(crate) operator: String,
}

/// Where a server's clock is set.
enum Clock {
    /// Its standard input and what it says. It ends when the input closes.
    Ours(Option<ChildStdin>, BufReader<ChildStdout>),
    /// A connection whose lines go there.
    Elsewhere(TcpStream),
}

impl Server {
    /// Starts one of that name on a database, with its other files in a folder, at an instant in milliseconds since 1970. Another of
    /// the same folder shares its keys. Its metrics go to the collector, if there is one.
    pub(crate) fn start(
        folder: &Path,
        name: &str,
        database: &str,
        at: i64,
        collector: Option<&Collector>,
    ) -> anyhow::Result<Server> {
        let config = folder.join(format!("{name}.toml"));
        let log_file = folder.join(format!("{name}.log"));
        let (mut told, mut environment) = (CONFIG.to_owned(), Vec::new());
        if let Some(collector) = collector {
            told += &format!(
                "\n[telemetry]\notlp_endpoint = {:?}\n",
                collector.endpoint()
            );
            environment.extend(Collector::environment());
        }
        std::fs::write(&config, told)
            .with_context(|| format!("cannot write {}", config.display()))?;
        let state = folder.join("state");
        let log = std::fs::File::create(&log_file)?;
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut child = Command::new(program)
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .args(["--database", database, "--listen", "127.0.0.1:0"])
            .arg("--state")
            .arg(&state)
            .args(["--made-up-clock", &at.to_string()])
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start `hefu serve`")?;
        let (clock, said) = (child.stdin.take(), child.stdout.take());
        let said = BufReader::new(said.context("the server has no output")?);
        let mut server = Server {
            child: Some(child),
            clock: Clock::Ours(clock, said),
            address: String::new(),
            operator: String::new(),
        };
        let line = server.hear("hefu serves on ").with_context(|| {
            let log = std::fs::read_to_string(&log_file).unwrap_or_default();
            format!("`hefu serve` did not start: {}", log.trim())
        })?;
        server.address = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
        let key = std::fs::read_to_string(state.join("operator.key"))
            .context("the server wrote no operator's key")?;
        let key = key
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("hefu_"));
        server.operator = key.context("operator.key holds no key")?.to_owned();
        Ok(server)
    }

    /// A server elsewhere, whose standard input takes what is sent to `clock` (HOST:PORT).
    pub(crate) fn elsewhere(
        address: String,
        operator: String,
        clock: &str,
    ) -> anyhow::Result<Server> {
        let line = TcpStream::connect(clock).with_context(|| {
            format!("nobody takes lines for the server's clock at {clock}; start the server there with `nc -l PORT | hefu serve --made-up-clock …`")
        })?;
        Ok(Server {
            child: None,
            clock: Clock::Elsewhere(line),
            address,
            operator,
        })
    }

    /// What stands behind a beginning, once the server says it.
    fn hear(&mut self, begins: &str) -> anyhow::Result<String> {
        let Clock::Ours(_, said) = &mut self.clock else {
            return Ok(String::new());
        };
        let mut line = String::new();
        while said.read_line(&mut line)? > 0 {
            if let Some(rest) = line.trim_end().strip_prefix(begins) {
                return Ok(rest.to_owned());
            }
            line.clear();
        }
        bail!("the server ended by itself")
    }

    /// Sets the server's clock forward.
    pub(crate) fn set_clock(&mut self, at: i64) -> anyhow::Result<()> {
        match &mut self.clock {
            Clock::Ours(clock, _) => {
                let clock = clock.as_mut().context("the server is stopped")?;
                writeln!(clock, "{at}").context("the server ended by itself")?;
                self.hear(&format!("clock {at}")).map(|_| ())
            }
            Clock::Elsewhere(line) => {
                writeln!(line, "{at}").context("the server's clock cannot be set any more")?;
                std::thread::sleep(ON_THE_WAY);
                Ok(())
            }
        }
    }

    /// A file of the process, where it is ours.
    fn read(&self, file: &str) -> anyhow::Result<Option<String>> {
        let Some(child) = &self.child else {
            return Ok(None);
        };
        let path = format!("/proc/{}/{file}", child.id());
        let read = std::fs::read_to_string(&path);
        read.map(Some)
            .with_context(|| format!("cannot read {path}"))
    }

    /// CPU time that it used so far.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<Option<f64>> {
        let Some(stat) = self.read("stat")? else {
            return Ok(None);
        };
        let ticks = cpu_ticks(&stat).context("/proc/…/stat is not as expected")?;
        Ok(Some(ticks / TICKS))
    }

    /// The memory that it has, in megabytes.
    pub(crate) fn rss_mb(&self) -> anyhow::Result<Option<f64>> {
        let kilobytes = self.number_in("status", "VmRSS:")?;
        Ok(kilobytes.map(|kilobytes| kilobytes as f64 / 1_024.0))
    }

    /// The most memory that it had so far, in megabytes.
    pub(crate) fn peak_rss_mb(&self) -> anyhow::Result<Option<f64>> {
        let kilobytes = self.number_in("status", "VmHWM:")?;
        Ok(kilobytes.map(|kilobytes| kilobytes as f64 / 1_024.0))
    }

    /// What it had written to storage so far, in bytes; 0 where its files are in memory.
    pub(crate) fn written_bytes(&self) -> anyhow::Result<Option<u64>> {
        self.number_in("io", "write_bytes:")
    }

    fn number_in(&self, file: &str, name: &str) -> anyhow::Result<Option<u64>> {
        let Some(lines) = self.read(file)? else {
            return Ok(None);
        };
        let number = number(&lines, name);
        number
            .map(Some)
            .with_context(|| format!("/proc/…/{file} is not as expected"))
    }

    /// Lets calls under way end, and waits for the process to end.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        if let Clock::Ours(clock, _) = &mut self.clock {
            drop(clock.take());
        }
        let Some(child) = &mut self.child else {
            return Ok(());
        };
        let status = child.wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Of a server that was stopped nothing is left to end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// User and system time of a `/proc/…/stat`, whose second field is a name that may hold anything.
fn cpu_ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let user: f64 = times.next()?.parse().ok()?;
    let system: f64 = times.next()?.parse().ok()?;
    Some(user + system)
}

/// The number behind a name, in a file of lines.
fn number(lines: &str, name: &str) -> Option<u64> {
    let line = lines.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 9 9 20 0 4 0";
        assert_eq!(cpu_ticks(stat), Some(300.0));
        assert_eq!(
            number("VmPeak:\t 9 kB\nVmHWM:\t 2048 kB\n", "VmHWM:"),
            Some(2_048)
        );
    }

    #[test]
    fn what_the_server_is_told_is_a_configuration_that_it_takes() {
        let config: hefu_server::Config = toml::from_str(CONFIG).unwrap();
        config.check().unwrap();
    }
}
