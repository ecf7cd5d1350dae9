//! The fuzz targets for some seconds, with chance that comes out the same every time: nothing panics, takes memory out of
//! proportion to its input, or goes on for ever.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use fuzz_harness::{TARGETS, seeds};

/// Runs per target. A longer run: `FUZZ_RUNS=1000000 cargo test -p fuzz-harness --release`.
const RUNS: usize = 3000;
/// Longer inputs take longer for reasons of their own.
const LONGEST: usize = 16 << 10;
/// Tables, schemas, keys: what a call takes whatever its input.
const BASE: u64 = 512 << 10;
/// Bytes for each byte: a value of one byte on the wire takes some ten words in memory.
const FACTOR: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn no_input_panics_or_takes_memory_or_time_out_of_proportion() {
    let runs = std::env::var("FUZZ_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let mut dice = Dice(7);
        for run in 0..runs {
            let seed = &seeds[run % seeds.len()];
            let input = if run < seeds.len() {
                seed.clone()
            } else {
                dice.mutate(seed, &seeds)
            };
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
                begun.elapsed() < PATIENCE,
                "{name}: {:?} for {}",
                begun.elapsed(),
                shown(&input)
            );
        }
    }
}

fn shown(input: &[u8]) -> String {
    String::from_utf8_lossy(&input[..input.len().min(400)])
        .escape_debug()
        .to_string()
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }

    fn byte(&mut self) -> u8 {
        const TELLING: &[u8] = b"\0\x7f\x80\xff\"\\{}[],:%/-=.\n\r \x1b0919eE+";
        match self.roll(2) {
            0 => TELLING[self.roll(TELLING.len())],
            _ => u8::try_from(self.roll(256)).unwrap(),
        }
    }

    fn mutate(&mut self, seed: &[u8], seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seed.to_vec();
        for _ in 0..=self.roll(6) {
            let at = self.roll(input.len());
            let end = at + self.roll(input.len() - at);
            match self.roll(7) {
                0 => input.truncate(at),
                1 => input.insert(at, self.byte()),
                2 => drop(input.drain(at..end)),
                3 => {
                    let piece = input[at..end].repeat(1 + self.roll(20));
                    input.splice(at..at, piece);
                }
                4 => {
                    let other = &seeds[self.roll(seeds.len())];
                    let from = self.roll(other.len());
                    input.splice(at..end, other[from..].iter().copied());
                }
                _ if input.is_empty() => {}
                5 => input[at] ^= 1 << self.roll(8),
                _ => input[at] = self.byte(),
            }
        }
        input.truncate(LONGEST);
        input
    }
}
