//! The memory of a provider holds keys and credentials: it is nobody else's to read.

/// Keeps the memory of this process out of core files and, on Linux, from other processes of the same user.
///
/// A system that does not allow it is no reason not to serve.
pub(super) fn keep_memory_private() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        if let Err(error) = setrlimit(Resource::Core, none) {
            tracing::debug!(reason = %error, "core files cannot be switched off");
        }
    }
    // The limit says nothing about a core that is piped to a program.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::debug!(reason = %error, "the memory cannot be closed to other processes");
        }
    }
}
