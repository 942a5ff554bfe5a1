//! Exit codes: a public contract, so that scripts can tell what happened.

/// What the process tells its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; for `compile` and `gate`: accepted.
    Ok = 0,
    /// A bug in Proofmark or a disk that failed.
    Internal = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The task file or the data is invalid.
    Invalid = 3,
    /// The model could not be reached or refused.
    Provider = 4,
    /// The budget was spent before anything was measured.
    Budget = 5,
    /// Rejected: the baseline was emitted.
    Rejected = 10,
    /// Inconclusive: the baseline was emitted.
    Inconclusive = 11,
    /// The model has drifted.
    Drift = 12,
    /// Stopped with Ctrl-C; the same command continues.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
