//! Memory, file descriptors and threads of a process, and whether they grow.

use std::fs;

use anyhow::{Context, Result};

/// The figures of one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) memory_kib: u64,
    pub(super) descriptors: u64,
    pub(super) threads: u64,
}

impl Usage {
    /// Reads the files of a process on Linux.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))
            .context("soak needs Linux and a running provider")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        // The provider closes its files to other users than root; the size of its descriptor table is public.
        let open = fs::read_dir(format!("/proc/{pid}/fd"))
            .ok()
            .and_then(|open| open.count().try_into().ok());
        Ok(Self {
            memory_kib: field("VmRSS:").context("VmRSS")?,
            descriptors: open.or_else(|| field("FDSize:")).context("FDSize")?,
            threads: field("Threads:").context("Threads")?,
        })
    }
}

/// Name, figure, and the margin for a value.
type Figure = (&'static str, fn(&Usage) -> u64, fn(u64) -> u64);

/// The figures whose median in the last quarter exceeds that in the second quarter, apart from a margin. The first quarter is
/// for warming up.
pub(super) fn growth(samples: &[Usage]) -> Vec<String> {
    let quarter = samples.len() / 4;
    let (second, last) = (&samples[quarter..2 * quarter], &samples[samples.len() - quarter..]);
    let figures: [Figure; 3] = [
        ("memory in KiB", |usage| usage.memory_kib, |before| before / 20 + 1024),
        // Connections to Atlas that are open at one moment and closed at another.
        ("file descriptors", |usage| usage.descriptors, |_| 16),
        // Threads for blocking work.
        ("threads", |usage| usage.threads, |_| 4),
    ];
    let grown = figures.iter().filter_map(|(name, of, margin)| {
        let (before, after) = (median(second, *of), median(last, *of));
        (after > before + margin(before)).then(|| format!("{name} from {before} to {after}"))
    });
    grown.collect()
}

fn median(samples: &[Usage], of: fn(&Usage) -> u64) -> u64 {
    let mut figures: Vec<u64> = samples.iter().map(of).collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grows(of: impl Fn(u64) -> (u64, u64, u64)) -> bool {
        let samples: Vec<Usage> = (0..20)
            .map(|n| {
                let (memory_kib, descriptors, threads) = of(n);
                Usage { memory_kib, descriptors, threads }
            })
            .collect();
        !growth(&samples).is_empty()
    }

    #[test]
    fn fluctuation_and_warming_up_are_flat_and_a_rise_is_growth() {
        assert!(!grows(|n| (20_000 + n % 3 * 300, 20 + n % 5, 4 + n % 2)));
        assert!(!grows(|n| (if n < 5 { 8_000 } else { 20_000 }, 20, 4)));
        assert!(grows(|n| (20_000 + n * 400, 20, 4)));
        assert!(grows(|n| (20_000, 20 + 3 * n, 4)));
        assert!(grows(|n| (20_000, 20, 4 + n)));
        assert!(growth(&[]).is_empty());
    }
}
