//! The fuzz targets for some seconds with a fixed seed: no input panics, takes memory out of proportion to its length, or runs
//! without end. The first inputs are the files of `fuzz/seeds`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use fastrand::Rng;
use fuzz_harness::TARGETS;

/// Runs per target. A longer run: `FUZZ_RUNS=1000000 cargo test -p fuzz-harness --release`.
const RUNS: usize = 3000;
/// The longest input.
const LONGEST: usize = 16 << 10;
/// Bytes that a call may take for any input: tables, schemas, keys.
const BASE: u64 = 512 << 10;
/// More bytes for each byte of the input: a value of one byte takes some ten words in memory.
const FACTOR: u64 = 200;
const TIMEOUT: Duration = Duration::from_secs(5);

#[test]
fn no_input_panics_or_takes_memory_or_time_out_of_proportion() {
    let runs = std::env::var("FUZZ_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let mut rng = Rng::with_seed(7);
        for run in 0..runs {
            let seed = &seeds[run % seeds.len()];
            let input =
                if run < seeds.len() { seed.clone() } else { mutated(seed, &seeds, &mut rng) };
            let begun = Instant::now();
            let taken = allocation_counter::measure(|| target(&input));
            let allowed = BASE + FACTOR * u64::try_from(input.len()).unwrap();
            assert!(
                taken.bytes_max <= allowed,
                "{name}: {} bytes for {}: {}",
                taken.bytes_max,
                input.len(),
                shown(&input)
            );
            assert!(
                begun.elapsed() < TIMEOUT,
                "{name}: {:?} for {}",
                begun.elapsed(),
                shown(&input)
            );
        }
    }
}

fn shown(input: &[u8]) -> String {
    String::from_utf8_lossy(&input[..input.len().min(400)]).escape_debug().to_string()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let entries = fs::read_dir(folder.join(target)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn mutated(seed: &[u8], seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    const SYNTAX: &[u8] = b"\0\x7f\x80\xff\"\\{}[],:%/-=.\n\r \x1b0919eE+";
    let mut input = seed.to_vec();
    for _ in 0..rng.u8(1..7) {
        let at = rng.usize(0..=input.len());
        let end = rng.usize(at..=input.len());
        let byte = if rng.bool() { rng.u8(..) } else { SYNTAX[rng.usize(0..SYNTAX.len())] };
        match rng.u8(0..7) {
            0 => input.truncate(at),
            1 => input.insert(at, byte),
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].repeat(rng.usize(1..21));
                input.splice(at..at, piece);
            }
            4 => {
                let other = &seeds[rng.usize(0..seeds.len())];
                let from = rng.usize(0..=other.len());
                input.splice(at..end, other[from..].iter().copied());
            }
            kind => {
                if let Some(old) = input.get_mut(at) {
                    *old = if kind == 5 { *old ^ (1 << rng.u8(0..8)) } else { byte };
                }
            }
        }
    }
    input.truncate(LONGEST);
    input
}
