//! The subjects in turn, several times: what the machine does besides then meets all of them alike.

use super::{
    life::{COMMANDS, Life, Stage, Timing},
    progress::Progress,
    statistics::median,
    subject::Subject,
};
use crate::Failure;

/// The medians of one subject at one count.
pub(super) struct Medians {
    pub(super) subject: String,
    pub(super) count: usize,
    /// One entry for each of [`COMMANDS`].
    pub(super) commands: [Timing; 3],
}

/// Times every subject at every count.
pub(super) fn run(
    stage: &Stage<'_>,
    subjects: &[Subject],
    counts: &[usize],
    rounds: usize,
    progress: &Progress,
) -> Result<Vec<Medians>, Failure> {
    let mut all = Vec::new();
    for &count in counts {
        // A thousand resources take minutes of Terraform's own, which drown what differs between rounds.
        let rounds = if count >= LONG { 1 } else { rounds };
        let mut lives: Vec<Vec<Life>> = subjects.iter().map(|_| Vec::new()).collect();
        for round in 0..rounds {
            for turn in 0..subjects.len() {
                let index = (turn + round) % subjects.len();
                let subject = &subjects[index];
                progress.tell(&format!(
                    "{count} of {}, round {} of {rounds}",
                    subject.name,
                    round + 1
                ));
                lives[index].push(stage.time(subject, count)?);
            }
        }
        all.extend(
            subjects
                .iter()
                .zip(&lives)
                .map(|(subject, lives)| medians(subject, count, lives)),
        );
    }
    Ok(all)
}

fn medians(subject: &Subject, count: usize, lives: &[Life]) -> Medians {
    let mut commands = [Timing::default(); COMMANDS.len()];
    for (index, timing) in commands.iter_mut().enumerate() {
        let of = |part: fn(&Timing) -> std::time::Duration| {
            median(lives.iter().map(|life| part(&life.commands[index])))
        };
        *timing = Timing {
            wall: of(|t| t.wall),
            cpu: of(|t| t.cpu),
            atlas: of(|t| t.atlas),
        };
    }
    Medians {
        subject: subject.name.clone(),
        count,
        commands,
    }
}

const LONG: usize = 1000;
