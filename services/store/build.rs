//! The migrations are compiled in; a new one makes this crate build again.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
