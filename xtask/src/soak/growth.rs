//! Whether figures stay flat. Pure.

use std::fmt;

use super::sample::Sample;

/// What three figures did from the second quarter of the time to the last; the first warms up.
#[derive(Debug)]
pub(super) struct Verdict([Figure; 3]);

#[derive(Debug)]
struct Figure {
    name: &'static str,
    early: u64,
    late: u64,
    /// How much more is no growth: what is in use differs from moment to moment.
    slack: u64,
}

impl Verdict {
    pub(super) fn of(samples: &[Sample]) -> Self {
        let quarter = samples.len() / 4;
        let early = &samples[quarter..(2 * quarter).max(quarter + 1).min(samples.len())];
        let late = &samples[samples.len() - quarter.max(1).min(samples.len())..];
        let figure = |name, of: fn(&Sample) -> u64, slack: fn(u64) -> u64| {
            let (early, late) = (median(early, of), median(late, of));
            Figure {
                name,
                early,
                late,
                slack: slack(early),
            }
        };
        Self([
            figure(
                "memory KiB",
                |sample| sample.memory,
                |early| early / 20 + 1024,
            ),
            figure(
                "descriptors",
                |sample| sample.descriptors,
                |_| 2 * CONNECTIONS,
            ),
            figure("threads", |sample| sample.threads, |_| BLOCKING),
        ])
    }

    pub(super) fn is_flat(&self) -> bool {
        self.0.iter().all(Figure::is_flat)
    }
}

impl Figure {
    fn is_flat(&self) -> bool {
        self.late <= self.early + self.slack
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for figure in &self.0 {
            let word = if figure.is_flat() { "flat" } else { "GROWS" };
            let Figure {
                name,
                early,
                late,
                slack,
            } = figure;
            writeln!(
                f,
                "  {name:12}  {early:8} -> {late:8}  (slack {slack})  {word}"
            )?;
        }
        Ok(())
    }
}

fn median(samples: &[Sample], of: fn(&Sample) -> u64) -> u64 {
    let mut figures: Vec<u64> = samples.iter().map(of).collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

/// Connections to Atlas that may be open at one moment and not at another.
const CONNECTIONS: u64 = 8;
/// Threads for what blocks come and go.
const BLOCKING: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(of: impl Fn(u64) -> Sample) -> bool {
        Verdict::of(&(0..20).map(of).collect::<Vec<_>>()).is_flat()
    }

    #[test]
    fn what_wavers_is_flat_and_what_climbs_is_not() {
        assert!(verdict(|n| Sample::of(
            20_000 + n % 3 * 300,
            20 + n % 5,
            4 + n % 2
        )));
        assert!(
            verdict(|n| Sample::of(if n < 5 { 8000 } else { 20_000 }, 20, 4)),
            "warming up"
        );
        assert!(!verdict(|n| Sample::of(20_000 + n * 400, 20, 4)));
        assert!(!verdict(|n| Sample::of(20_000, 20 + 3 * n, 4)));
        assert!(!verdict(|n| Sample::of(20_000, 20, 4 + n)));
    }

    #[test]
    fn few_samples_are_judged_as_well() {
        assert!(Verdict::of(&[Sample::of(1, 1, 1)]).is_flat());
        assert!(!Verdict::of(&[Sample::of(1, 1, 1), Sample::of(1, 1, 99)]).is_flat());
    }
}
