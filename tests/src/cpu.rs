//! CPU time, for benchmarks whose work is spread over this process and PostgreSQL's.

use std::path::Path;

/// What this process and PostgreSQL's have used so far, those that ended included. Their own accounts count in 10 ms:
/// the sum of many turns is what tells.
pub fn cpu_seconds() -> f64 {
    let own = cpu_ticks(Path::new("/proc/self"));
    let others = std::fs::read_dir("/proc")
        .expect("/proc lists processes")
        .map(|entry| {
            let process = entry.expect("/proc lists processes").path();
            match std::fs::read_to_string(process.join("comm")) {
                Ok(name) if name.trim() == "postgres" => cpu_ticks(&process),
                // Other programs', what is no process, and what is not there any more.
                Ok(_) | Err(_) => 0.0,
            }
        });
    (own + others.sum::<f64>()) / 100.0
}

/// Ticks of a process, and of its children that ended.
fn cpu_ticks(process: &Path) -> f64 {
    let Ok(stat) = std::fs::read_to_string(process.join("stat")) else {
        return 0.0; // it ended meanwhile, and counts among its parent's
    };
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let times = fields.split_whitespace().skip(11).take(4);
    times
        .map(|field| field.parse::<f64>().expect("ticks"))
        .sum()
}
