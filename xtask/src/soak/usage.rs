//! Memory, file descriptors and threads of a process, and whether they grow.

use std::fs;

use anyhow::{Context, Result};

use crate::bench::usage::of_status;

/// The figures of one moment, in the order of [`FIGURES`].
pub(super) type Usage = [u64; 3];

/// The margin for a value.
type Margin = fn(u64) -> u64;

/// Name and margin of each figure.
const FIGURES: [(&str, Margin); 3] = [
    ("memory in KiB", |before| before / 20 + 1024),
    // Connections to Atlas that are open at one moment and closed at another.
    ("file descriptors", |_| 16),
    // Threads for blocking work.
    ("threads", |_| 4),
];

/// Reads the files of a process on Linux.
pub(super) fn usage(pid: u32) -> Result<Usage> {
    let field = |name| of_status(pid, name).context("soak needs Linux and a running provider");
    // The provider closes its files to other users than root; the size of its descriptor table is public.
    let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(open) => open.count().try_into()?,
        Err(_) => field("FDSize:")?,
    };
    Ok([field("VmRSS:")?, descriptors, field("Threads:")?])
}

/// The figures whose median in the last quarter exceeds that in the second quarter, apart from a margin. The first quarter is
/// for warming up.
pub(super) fn growth(samples: &[Usage]) -> Vec<String> {
    let quarter = samples.len() / 4;
    let (second, last) = (&samples[quarter..2 * quarter], &samples[samples.len() - quarter..]);
    let grown = FIGURES.iter().enumerate().filter_map(|(figure, (name, margin))| {
        let [before, after] = [second, last].map(|samples| {
            let mut values: Vec<u64> = samples.iter().map(|sample| sample[figure]).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or_default()
        });
        (after > before + margin(before)).then(|| format!("{name} from {before} to {after}"))
    });
    grown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fluctuation_and_warming_up_are_flat_and_a_rise_is_growth() {
        let grows = |of: fn(u64) -> Usage| !growth(&(0..20).map(of).collect::<Vec<_>>()).is_empty();
        assert!(!grows(|n| [20_000 + n % 3 * 300, 20 + n % 5, 4 + n % 2]));
        assert!(!grows(|n| [if n < 5 { 8_000 } else { 20_000 }, 20, 4]));
        assert!(grows(|n| [20_000 + n * 400, 20, 4]));
        assert!(grows(|n| [20_000, 20 + 3 * n, 4]));
        assert!(grows(|n| [20_000, 20, 4 + n]));
        assert!(growth(&[]).is_empty());
    }
}
