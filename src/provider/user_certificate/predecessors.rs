//! Objects that a replacement has deleted, until their successors are created.
//!
//! Terraform deletes the old object, plans again and creates the new one, all in one process. A create that fails
//! returns the old object with its error, so that state keeps a key that still works.

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
pub(super) struct Predecessor {
    pub(super) object: UserCertificate,
    pub(super) private: PrivateState,
}

/// The deleted objects of one run, first in, first out for each successor. A run is identified by the generation of its
/// provider configuration.
#[derive(Default)]
pub(super) struct Predecessors(Mutex<Held>);

type Held = HashMap<(u64, Successor), VecDeque<Predecessor>>;

impl Predecessors {
    pub(super) fn hold(&self, generation: u64, successor: Successor, predecessor: Predecessor) {
        self.of_run(generation).entry((generation, successor)).or_default().push_back(predecessor);
    }

    /// Whether a create of this configuration may have a predecessor. Its errors are then left to the create, because
    /// an error before it would lose the predecessor.
    pub(super) fn is_held(&self, generation: u64, config: &UserCertificate) -> bool {
        let held = self.of_run(generation);
        [Successor::new(config), Successor::Unknown].into_iter().any(|successor| {
            held.get(&(generation, successor)).is_some_and(|queue| !queue.is_empty())
        })
    }

    /// Takes the predecessor of an object.
    pub(super) fn take(&self, generation: u64, successor: &Successor) -> Option<Predecessor> {
        self.of_run(generation).get_mut(&(generation, successor.clone()))?.pop_front()
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
        assert!(!predecessors.is_held(1, &object("app", "")));
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
