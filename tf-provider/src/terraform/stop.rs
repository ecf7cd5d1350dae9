use tokio_util::sync::CancellationToken;

/// The user's wish to stop, as one operation sees it.
///
/// It ends waits and what has not been sent; an operation that has taken effect returns what it brought. Operations that
/// begin after a stop are not stopped by it.
#[derive(Debug, Clone, Default)]
pub struct Stop(CancellationToken);

impl Stop {
    /// A wish that was not uttered yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Resolves when the user wants to stop.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Whether the user wants to stop.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// The token behind it, for code that takes one.
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }

    /// Utters the wish.
    pub fn request(&self) {
        self.0.cancel();
    }
}
