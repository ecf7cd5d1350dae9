//! Objects that a replacement has deleted, until their successors are created.
//!
//! Terraform deletes the old object, plans again and creates the new one, all in one process. A create that fails
//! returns the old object with its error, so that state keeps a key that still works.
//!
//! A create does not know whether it belongs to a replacement: it may be of another resource of the same user. So an
//! object stays held after a create has taken it, and a later create that fails returns it, too. State may then have
//! the object twice, which loses no key.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{model::UserCertificate, private_state::PrivateState};

/// The planned successor of an object, as the plan of a create writes it into the private data. A plain destroy has
/// none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Successor {
    /// Project or user were unknown in the plan.
    Unknown,
    User {
        project_id: String,
        username: String,
    },
}

impl Successor {
    /// The object that this configuration creates.
    pub(super) fn new(config: &UserCertificate) -> Self {
        config.user().map_or(Self::Unknown, |user| Self::User {
            project_id: user.project.to_string(),
            username: user.username.to_string(),
        })
    }
}

/// A deleted object, with its private data if the host passed it.
#[derive(Clone)]
pub(super) struct Predecessor {
    pub(super) object: UserCertificate,
    pub(super) private: PrivateState,
}

/// The deleted objects of one run, first in, first out for each successor. A run is identified by the generation of its
/// provider configuration.
#[derive(Default)]
pub(super) struct Predecessors(Mutex<Held>);

type Held = HashMap<(u64, Successor), Queue>;

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Predecessor>,
    /// Those that a create has taken.
    taken: VecDeque<Predecessor>,
}

impl Predecessors {
    pub(super) fn hold(&self, generation: u64, successor: Successor, predecessor: Predecessor) {
        let mut held = self.of_run(generation);
        held.entry((generation, successor)).or_default().waiting.push_back(predecessor);
    }

    /// Whether a create of this configuration may have a predecessor. Its errors are then left to the create, because
    /// an error before it would lose the predecessor.
    pub(super) fn is_held(&self, generation: u64, config: &UserCertificate) -> bool {
        let held = self.of_run(generation);
        [Successor::new(config), Successor::Unknown]
            .into_iter()
            .any(|successor| held.contains_key(&(generation, successor)))
    }

    /// Takes the predecessor of an object: the first that no create has taken.
    pub(super) fn take(&self, generation: u64, successor: &Successor) -> Option<Predecessor> {
        let mut held = self.of_run(generation);
        let queue = held.get_mut(&(generation, successor.clone()))?;
        let predecessor = queue.waiting.pop_front()?;
        queue.taken.push_back(predecessor.clone());
        Some(predecessor)
    }

    /// An object that another create has taken, which may have been a create of another resource.
    pub(super) fn taken(&self, generation: u64, successor: &Successor) -> Option<Predecessor> {
        let mut held = self.of_run(generation);
        let queue = held.get_mut(&(generation, successor.clone()))?;
        queue.taken.rotate_left(1.min(queue.taken.len()));
        queue.taken.back().cloned()
    }

    /// The objects of this run. Those of an earlier one are dropped.
    fn of_run(&self, generation: u64) -> MutexGuard<'_, Held> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(run, _), _| *run == generation);
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        atlas::{ProjectId, Username},
        provider::{arguments::UserId, user_certificate::model::Attr},
    };

    fn object(user: &str, id: &str) -> UserCertificate {
        let project = ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap();
        UserCertificate {
            certificate_id: Attr::Known(id.to_owned()),
            ..UserCertificate::new(UserId { project, username: Username::parse(user).unwrap() })
        }
    }

    fn hold(predecessors: &Predecessors, successor: Successor, id: &str) {
        let predecessor =
            Predecessor { object: object("old", id), private: PrivateState::default() };
        predecessors.hold(1, successor, predecessor);
    }

    fn take(predecessors: &Predecessors, successor: &Successor) -> Option<String> {
        let taken = predecessors.take(1, successor)?;
        taken.object.certificate_id.known().cloned()
    }

    #[test]
    fn a_successor_takes_its_predecessors_in_order_and_no_others() {
        let predecessors = Predecessors::default();
        let (app, other) =
            (Successor::new(&object("app", "")), Successor::new(&object("other", "")));
        hold(&predecessors, app.clone(), "1");
        hold(&predecessors, app.clone(), "2");
        assert!(predecessors.is_held(1, &object("app", "")));
        assert!(!predecessors.is_held(1, &object("other", "")));
        assert_eq!(take(&predecessors, &other), None);
        assert_eq!(take(&predecessors, &app).as_deref(), Some("1"));
        assert_eq!(take(&predecessors, &app).as_deref(), Some("2"));
        assert_eq!(take(&predecessors, &app), None);
    }

    #[test]
    fn an_object_that_a_create_has_taken_stays_held_for_a_create_that_fails_later() {
        let predecessors = Predecessors::default();
        let app = Successor::new(&object("app", ""));
        hold(&predecessors, app.clone(), "1");
        hold(&predecessors, app.clone(), "2");
        assert!(predecessors.taken(1, &app).is_none());
        take(&predecessors, &app);
        take(&predecessors, &app);
        assert!(predecessors.is_held(1, &object("app", "")));
        let again = [1, 2, 3].map(|_| predecessors.taken(1, &app).unwrap().object.certificate_id);
        assert_eq!(again, ["1", "2", "1"].map(|id| Attr::Known(id.to_owned())));
    }

    #[test]
    fn an_object_whose_successor_was_unknown_is_held_for_every_configuration() {
        let predecessors = Predecessors::default();
        hold(&predecessors, Successor::new(&UserCertificate::default()), "1");
        assert!(predecessors.is_held(1, &object("app", "")));
        assert!(predecessors.is_held(1, &UserCertificate::default()));
        assert_eq!(take(&predecessors, &Successor::Unknown).as_deref(), Some("1"));
    }

    #[test]
    fn a_new_provider_configuration_drops_the_objects_of_an_earlier_run() {
        let predecessors = Predecessors::default();
        hold(&predecessors, Successor::Unknown, "1");
        assert!(!predecessors.is_held(2, &UserCertificate::default()));
        assert!(predecessors.take(2, &Successor::Unknown).is_none());
    }
}
