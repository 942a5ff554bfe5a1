//! A build without embedded models: nothing is downloaded.

/// The progress of a download, as the runtime has it where there are downloads.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Another process is fetching.
    Waiting,
    /// A source is asked for the file.
    Asking {
        /// The source.
        source: &'a str,
    },
    /// Bytes have arrived.
    Bytes {
        /// Bytes so far.
        done: u64,
        /// Bytes of the whole file, if known.
        total: Option<u64>,
    },
    /// The file is being hashed.
    Verifying,
}
