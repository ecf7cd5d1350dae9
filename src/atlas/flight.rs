//! One call for many callers: whoever asks for the same thing while it is being fetched shares the
//! fetch, and a result is kept until it is outdated. Failures are shared and never kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument;

use super::error::Error;
use super::types::CallOptions;

/// A fetch under way.
pub(super) type Fetch<V> = Pin<Box<dyn Future<Output = Result<V, Error>> + Send>>;

/// Results by key, and the fetches that will bring more.
pub(super) struct Flights<K, V>(Arc<Mutex<HashMap<K, Slot<V>>>>);

struct Slot<V> {
    /// Rises whenever what was known is outdated; a fetch begun before that is not kept.
    epoch: u64,
    kept: Option<V>,
    flight: Option<Flight<V>>,
}

struct Flight<V> {
    landing: Landing<V>,
    /// Alive as long as anybody waits; the fetch is called off when nobody does.
    passengers: Weak<DropGuard>,
}

type Landing<V> = watch::Receiver<Option<Result<V, Error>>>;

/// How a caller comes to the result.
enum Boarding<V> {
    Kept(V),
    Waiting {
        landing: Landing<V>,
        seat: Arc<DropGuard>,
        started_it: bool,
    },
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// The kept result, or that of a fetch shared with everybody who asks meanwhile.
    ///
    /// `call` ends this caller's wait only; `gave_up` names the reason.
    pub(super) async fn get(
        &self,
        key: &K,
        call: &CallOptions,
        gave_up: impl Fn(GaveUp) -> Error,
        fetch: impl Fn(CallOptions) -> Fetch<V>,
    ) -> Result<V, Error> {
        loop {
            let (mut landing, _seat, started_it) = match self.board(key, call, &fetch) {
                Boarding::Kept(value) => return Ok(value),
                Boarding::Waiting {
                    landing,
                    seat,
                    started_it,
                } => (landing, seat, started_it),
            };
            let landed = tokio::select! {
                biased;
                landed = landing.wait_for(Option::is_some) => landed.ok().and_then(|l| l.clone()),
                () = call.cancel.cancelled() => return Err(gave_up(GaveUp::Stopped)),
                () = sleep_until(call.deadline) => return Err(gave_up(GaveUp::Deadline)),
            };
            match landed {
                // The one who began it had less time, or called off: that says nothing about us.
                Some(Err(error))
                    if !started_it && (error.is_cancelled() || error.is_deadline_exceeded()) => {}
                Some(result) => return result,
                None => return Err(gave_up(GaveUp::Broken)),
            }
        }
    }

    /// What is kept, without fetching.
    pub(super) fn peek(&self, key: &K) -> Option<V> {
        self.lock().get(key)?.kept.clone()
    }

    /// Keeps a result that came by another way, unless there is one already.
    pub(super) fn keep(&self, key: &K, value: V) {
        self.lock()
            .entry(key.clone())
            .or_default()
            .kept
            .get_or_insert(value);
    }

    /// Drops a kept result that `is_outdated`.
    pub(super) fn forget(&self, key: &K, is_outdated: impl Fn(&V) -> bool) {
        if let Some(slot) = self.lock().get_mut(key) {
            slot.kept.take_if(|value| is_outdated(value));
        }
    }

    /// Makes sure that nobody who asks from now on gets anything fetched before.
    pub(super) fn outdate(&self, key: &K) {
        let mut slots = self.lock();
        let slot = slots.entry(key.clone()).or_default();
        *slot = Slot {
            epoch: slot.epoch + 1,
            kept: None,
            flight: None,
        };
    }

    fn board(
        &self,
        key: &K,
        call: &CallOptions,
        fetch: impl Fn(CallOptions) -> Fetch<V>,
    ) -> Boarding<V> {
        let mut slots = self.lock();
        let slot = slots.entry(key.clone()).or_default();
        if let Some(value) = &slot.kept {
            return Boarding::Kept(value.clone());
        }
        if let Some(flight) = &slot.flight
            && let Some(seat) = flight.passengers.upgrade()
        {
            let landing = flight.landing.clone();
            return Boarding::Waiting {
                landing,
                seat,
                started_it: false,
            };
        }
        let stop = CancellationToken::new();
        let seat = Arc::new(stop.clone().drop_guard());
        let (sender, landing) = watch::channel(None);
        slot.flight = Some(Flight {
            landing: landing.clone(),
            passengers: Arc::downgrade(&seat),
        });
        let flying = fetch(CallOptions {
            deadline: call.deadline,
            cancel: stop,
            ..*call
        });
        let (slots, key, epoch) = (Arc::clone(&self.0), key.clone(), slot.epoch);
        let task = async move {
            let result = flying.await;
            let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(slot) = slots.get_mut(&key)
                && slot.epoch == epoch
            {
                slot.kept = result.as_ref().ok().cloned();
                slot.flight = None;
            }
            drop(slots);
            sender.send_replace(Some(result));
        };
        tokio::spawn(task.in_current_span());
        Boarding::Waiting {
            landing,
            seat,
            started_it: true,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Slot<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a caller no longer waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum GaveUp {
    Stopped,
    Deadline,
    /// The fetch ended in a bug. An error, because a caller may be looking for a certificate whose answer was lost.
    Broken,
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self {
            epoch: 0,
            kept: None,
            flight: None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::super::config::{ApiVersion, BaseUrl};
    use super::super::error::ErrorKind;
    use super::super::request::Requests;
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::sync::Semaphore;
    use tokio::time::Instant;

    /// Fetches that wait for the test to let them land.
    struct Airport {
        flights: Flights<u8, usize>,
        begun: Arc<AtomicUsize>,
        called_off: Arc<Semaphore>,
        clearance: Arc<Semaphore>,
    }

    impl Airport {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                flights: Flights::new(),
                begun: Arc::default(),
                called_off: Arc::new(Semaphore::new(0)),
                clearance: Arc::new(Semaphore::new(0)),
            })
        }

        async fn get(&self, call: &CallOptions) -> Result<usize, Error> {
            let fetch = |inner: CallOptions| -> Fetch<usize> {
                let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
                let clearance = Arc::clone(&self.clearance);
                let called_off = Arc::clone(&self.called_off);
                Box::pin(async move {
                    tokio::select! {
                        permit = clearance.acquire() => { permit.unwrap().forget(); Ok(number) }
                        () = inner.cancel.cancelled() => { called_off.add_permits(1); Err(failed(ErrorKind::Cancelled)) }
                        () = sleep_until(inner.deadline) => Err(failed(ErrorKind::Deadline)),
                    }
                })
            };
            let gave_up = |why| failed(ErrorKind::from(why));
            self.flights.get(&1, call, gave_up, fetch).await
        }

        fn ask(
            self: &Arc<Self>,
            call: &CallOptions,
        ) -> tokio::task::JoinHandle<Result<usize, Error>> {
            let (airport, call) = (Arc::clone(self), call.clone());
            tokio::spawn(async move { airport.get(&call).await })
        }
    }

    fn failed(kind: ErrorKind) -> Error {
        Error::new(
            &Requests::new(&BaseUrl::cloud(), ApiVersion::V1_0).token(),
            kind,
        )
    }

    fn within(seconds: u64) -> CallOptions {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        CallOptions {
            deadline,
            cancel: CancellationToken::new(),
            retry: crate::atlas::Retry::Default,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_share_one_fetch_and_later_ones_its_result() {
        let airport = Airport::new();
        let asked: Vec<_> = (0..50).map(|_| airport.ask(&within(60))).collect();
        tokio::task::yield_now().await;
        airport.clearance.add_permits(1);
        for answer in asked {
            assert_eq!(answer.await.unwrap().unwrap(), 1);
        }
        assert_eq!(airport.get(&within(60)).await.unwrap(), 1);
        assert_eq!(airport.begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_begun_before_it_got_outdated_is_neither_kept_nor_joined() {
        let airport = Airport::new();
        let early = airport.ask(&within(60));
        tokio::task::yield_now().await;
        airport.flights.outdate(&1);
        let late = airport.ask(&within(60));
        tokio::task::yield_now().await;
        airport.clearance.add_permits(2);
        assert_eq!(early.await.unwrap().unwrap(), 1);
        assert_eq!(late.await.unwrap().unwrap(), 2);
        assert_eq!(airport.flights.peek(&1), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_calls_off_ends_his_own_wait_and_the_last_one_ends_the_fetch() {
        let airport = Airport::new();
        let (first, second) = (within(60), within(60));
        let asked = [airport.ask(&first), airport.ask(&second)];
        tokio::task::yield_now().await;
        let [one, two] = asked;
        first.cancel.cancel();
        assert!(one.await.unwrap().unwrap_err().is_cancelled());
        assert_eq!(airport.called_off.available_permits(), 0);
        second.cancel.cancel();
        assert!(two.await.unwrap().unwrap_err().is_cancelled());
        airport.called_off.acquire().await.unwrap().forget();
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_ends_in_a_bug_is_an_error_and_the_next_one_begins_anew() {
        let flights = Flights::<u8, u8>::new();
        let call = within(60);
        let gave_up = |why| failed(ErrorKind::from(why));
        let broken = flights.get(&1, &call, gave_up, |_| Box::pin(async { panic!("a bug") }));
        let error = broken.await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InvalidBody { .. }),
            "{error}"
        );
        let next = flights.get(&1, &call, gave_up, |_| Box::pin(async { Ok(7) }));
        assert_eq!(next.await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_deadline_of_one_is_not_the_deadline_of_all() {
        let airport = Airport::new();
        let hurried = airport.ask(&within(1));
        tokio::task::yield_now().await;
        let patient = airport.ask(&within(60));
        assert!(hurried.await.unwrap().unwrap_err().is_deadline_exceeded());
        airport.clearance.add_permits(1);
        assert_eq!(patient.await.unwrap().unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_shared_and_not_kept() {
        let airport = Airport::new();
        let asked = airport.ask(&within(1));
        assert!(asked.await.unwrap().is_err());
        airport.clearance.add_permits(1);
        assert_eq!(airport.get(&within(1)).await.unwrap(), 2);
    }
}
