//! Coalesces concurrent fetches of the same key.
//!
//! A successful result is cached until it is removed. An error is returned to all current waiters and not cached. A
//! caller that is canceled or reaches its own deadline while it fetches does not affect the others: a waiter starts again.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OnceCell;

use super::{
    config::CallOptions,
    error::{Error, RequestInfo},
};

type Cell<V> = Arc<OnceCell<Result<V, Error>>>;

/// Cached values that are fetched once for concurrent callers.
pub(super) struct Shared<K, V>(Mutex<HashMap<K, Cell<V>>>);

impl<K: Clone + Eq + Hash, V: Clone> Shared<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Returns the cached value, or that of the fetch in progress, or fetches it. Waits within the caller's own deadline;
    /// `request` is what an error about that names.
    pub(super) async fn get(
        &self,
        key: &K,
        request: &RequestInfo,
        options: &CallOptions,
        fetch: impl AsyncFnOnce() -> Result<V, Error>,
    ) -> Result<V, Error> {
        let cell = Arc::clone(self.lock().entry(key.clone()).or_default());
        let shared = cell.get_or_try_init(|| async {
            match fetch().await {
                Err(error) if error.is_cancelled() || error.is_deadline_exceeded() => Err(error),
                result => Ok(result),
            }
        });
        let result = tokio::select! {
            biased;
            result = shared => result.cloned()?,
            kind = options.ended() => return Err(Error::new(request, 0, kind)),
        };
        if result.is_err() {
            self.lock().retain(|_, current| !Arc::ptr_eq(current, &cell));
        }
        result
    }

    /// Caches a value in place of the present one.
    pub(super) fn insert(&self, key: K, value: V) {
        self.lock().insert(key, Arc::new(OnceCell::new_with(Some(Ok(value)))));
    }

    /// Removes the cached value and returns it. A fetch in progress reaches no later caller.
    pub(super) fn remove(&self, key: &K) -> Option<V> {
        let cell = self.lock().remove(key)?;
        cell.get()?.as_ref().ok().cloned()
    }

    /// Removes the cached values for which the condition holds. A fetch in progress is unaffected.
    pub(super) fn remove_if(&self, condition: impl Fn(&V) -> bool) {
        let is_removed = |cell: &Cell<V>| matches!(cell.get(), Some(Ok(value)) if condition(value));
        self.lock().retain(|_, cell| !is_removed(cell));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Cell<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use tokio::time::sleep;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::atlas::{error::ErrorKind, request, tests::unit_config};

    struct Fixture {
        shared: Arc<Shared<u8, usize>>,
        fetches: Arc<AtomicUsize>,
    }

    impl Fixture {
        fn new() -> Self {
            let fetches = Arc::default();
            Self { shared: Arc::new(Shared::new()), fetches }
        }

        /// Starts a caller of key 1, whose fetch takes a second and returns the number of fetches before it.
        fn call(
            &self,
            options: &CallOptions,
            fails: bool,
        ) -> tokio::task::JoinHandle<Result<usize, Error>> {
            let (shared, fetches) = (Arc::clone(&self.shared), Arc::clone(&self.fetches));
            let options = options.clone();
            tokio::spawn(async move {
                let fetch = async || {
                    let number = fetches.fetch_add(1, Ordering::SeqCst);
                    sleep(Duration::from_secs(1)).await;
                    if fails { Err(Error::new(&info(), 1, ErrorKind::Setup)) } else { Ok(number) }
                };
                shared.get(&1, &info(), &options, fetch).await
            })
        }

        fn fetches(&self) -> usize {
            self.fetches.load(Ordering::SeqCst)
        }
    }

    fn info() -> RequestInfo {
        request::token(&unit_config()).info
    }

    fn within(seconds: u64) -> CallOptions {
        CallOptions::within(Duration::from_secs(seconds), &CancellationToken::new())
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_callers_share_one_fetch_and_its_value_is_kept_until_it_is_invalidated() {
        let fixture = Fixture::new();
        let calls: Vec<_> = (0..10).map(|_| fixture.call(&within(5), false)).collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), 0);
        }
        assert_eq!(fixture.call(&within(5), false).await.unwrap().unwrap(), 0);
        fixture.shared.remove_if(|value| *value > 0);
        assert_eq!(fixture.shared.remove(&1), Some(0));
        assert_eq!(fixture.call(&within(5), false).await.unwrap().unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_is_returned_to_all_waiters_and_not_kept() {
        let fixture = Fixture::new();
        let calls: Vec<_> = (0..10).map(|_| fixture.call(&within(5), true)).collect();
        for call in calls {
            assert!(call.await.unwrap().is_err());
        }
        assert_eq!(fixture.fetches(), 1);
        assert!(fixture.call(&within(5), false).await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_cancelled_or_late_does_not_affect_the_others() {
        let fixture = Fixture::new();
        let first = within(5);
        let calls = [fixture.call(&first, false), fixture.call(&within(5), false)];
        tokio::task::yield_now().await;
        first.cancel.cancel();
        let [cancelled, other] = calls.map(async |call| call.await.unwrap());
        assert!(cancelled.await.unwrap_err().is_cancelled());
        assert_eq!(other.await.unwrap(), 1);

        fixture.shared.remove(&1);
        let calls = [fixture.call(&within(0), false), fixture.call(&within(5), false)];
        let [late, other] = calls.map(async |call| call.await.unwrap());
        assert!(late.await.unwrap_err().is_deadline_exceeded());
        assert!(other.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_in_progress_reaches_no_caller_after_an_invalidation() {
        let fixture = Fixture::new();
        let before = fixture.call(&within(5), false);
        tokio::task::yield_now().await;
        fixture.shared.remove(&1);
        let after = fixture.call(&within(5), false);
        assert_eq!(before.await.unwrap().unwrap(), 0);
        assert_eq!(after.await.unwrap().unwrap(), 1);
        assert_eq!(fixture.shared.remove(&1), Some(1));
    }
}
