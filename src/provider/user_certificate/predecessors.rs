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

/// The planned successor of an object, as the plan of a create writes it into private data. A plain destroy has none.
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

/// The deleted objects of one run, first in, first out for each successor.
#[derive(Default)]
pub(crate) struct Predecessors(Mutex<HashMap<Successor, Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Predecessor>,
    /// Those that a create has taken.
    taken: VecDeque<Predecessor>,
}

impl Predecessors {
    /// Drops the objects of an earlier run: they must not reach another one in the same process.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn hold(&self, successor: Successor, predecessor: Predecessor) {
        self.lock().entry(successor).or_default().waiting.push_back(predecessor);
    }

    /// Whether a create of this configuration may have a predecessor. Its errors are then left to the create, because
    /// an error before it would lose the predecessor.
    pub(super) fn is_held(&self, config: &UserCertificate) -> bool {
        let held = self.lock();
        held.contains_key(&Successor::new(config)) || held.contains_key(&Successor::Unknown)
    }

    /// Takes the predecessor of an object: the first that no create has taken.
    pub(super) fn take(&self, successor: &Successor) -> Option<Predecessor> {
        let mut held = self.lock();
        let queue = held.get_mut(successor)?;
        let predecessor = queue.waiting.pop_front()?;
        queue.taken.push_back(predecessor.clone());
        Some(predecessor)
    }

    /// An object that another create has taken, which may have been a create of another resource.
    pub(super) fn taken(&self, successor: &Successor) -> Option<Predecessor> {
        let mut held = self.lock();
        let queue = held.get_mut(successor)?;
        queue.taken.rotate_left(1.min(queue.taken.len()));
        queue.taken.back().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Successor, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        predecessors.hold(successor, predecessor);
    }

    fn take(predecessors: &Predecessors, successor: &Successor) -> Option<String> {
        let taken = predecessors.take(successor)?;
        taken.object.certificate_id.known().cloned()
    }

    #[test]
    fn a_successor_takes_its_predecessors_in_order_and_no_others() {
        let predecessors = Predecessors::default();
        let (app, other) =
            (Successor::new(&object("app", "")), Successor::new(&object("other", "")));
        hold(&predecessors, app.clone(), "1");
        hold(&predecessors, app.clone(), "2");
        assert!(predecessors.is_held(&object("app", "")));
        assert!(!predecessors.is_held(&object("other", "")));
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
        assert!(predecessors.taken(&app).is_none());
        take(&predecessors, &app);
        take(&predecessors, &app);
        assert!(predecessors.is_held(&object("app", "")));
        let again = [1, 2, 3].map(|_| predecessors.taken(&app).unwrap().object.certificate_id);
        assert_eq!(again, ["1", "2", "1"].map(|id| Attr::Known(id.to_owned())));
    }

    #[test]
    fn an_object_whose_successor_was_unknown_is_held_for_every_configuration() {
        let predecessors = Predecessors::default();
        hold(&predecessors, Successor::new(&UserCertificate::default()), "1");
        assert!(predecessors.is_held(&object("app", "")));
        assert!(predecessors.is_held(&UserCertificate::default()));
        assert_eq!(take(&predecessors, &Successor::Unknown).as_deref(), Some("1"));
    }

    #[test]
    fn a_new_provider_configuration_drops_the_objects_of_an_earlier_run() {
        let predecessors = Predecessors::default();
        hold(&predecessors, Successor::Unknown, "1");
        predecessors.clear();
        assert!(!predecessors.is_held(&UserCertificate::default()));
        assert!(predecessors.take(&Successor::Unknown).is_none());
    }
}
