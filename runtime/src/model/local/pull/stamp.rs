//! Remembered checksums of files.
//!
//! Hashing a file of 98 MB takes 0.1 to 0.5 s, and one of several GB as many seconds, so the SHA-256 of a file is kept
//! in the cache folder together with the file's size and time of change, and is valid as long as both are unchanged. An
//! attacker who can reset a file's time can also write the cache folder, so trusting it adds no risk. Damage by a failing
//! disk is not found.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Places;
use crate::digest::digest;

/// The checksum of a file in a known state.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownChecksum {
    path: PathBuf,
    state: FileState,
    sha256: String,
}

/// The state of a file, which changes when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileState {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u128,
}

/// The SHA-256 of a file, in lower-case hexadecimal digits; remembered from the last time if the file has not changed.
///
/// # Errors
/// The file cannot be read.
pub fn checksum(path: &Path, places: &Places) -> io::Result<String> {
    let path = fs::canonicalize(path)?;
    let file = File::open(&path)?;
    let state = FileState::of(&file)?;
    if let Some(stamp) = read(&path, places).filter(|stamp| stamp.state == state && stamp.path == path) {
        return Ok(stamp.sha256);
    }
    let sha256 = hash(&file)?;
    // The checksum of a file that changed while it was hashed is not kept.
    if FileState::of(&file)? == state {
        write(&path, &sha256, places);
    }
    Ok(sha256)
}

/// The SHA-256 of a file from its start, in lower-case hexadecimal digits.
pub(super) fn hash(mut file: &File) -> io::Result<String> {
    io::Seek::rewind(&mut file)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Remembers a checksum. If that fails, the file is hashed again next time.
pub(super) fn write(path: &Path, sha256: &str, places: &Places) {
    try_write(path, sha256, places).ok();
}

fn try_write(path: &Path, sha256: &str, places: &Places) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let target = place(&path, places);
    let state = FileState::of(&File::open(&path)?)?;
    let known = serde_json::to_vec(&KnownChecksum { path, state, sha256: sha256.to_owned() })?;
    let folder = target.parent().unwrap_or(&target);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, &known)?;
    file.persist(&target)?;
    Ok(())
}

fn read(path: &Path, places: &Places) -> Option<KnownChecksum> {
    serde_json::from_slice(&fs::read(place(path, places)).ok()?).ok()
}

fn place(path: &Path, places: &Places) -> PathBuf {
    places.cache.join("checksums").join(format!("{}.json", digest(&path.to_string_lossy()).short()))
}

impl FileState {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self { bytes: metadata.len(), modified: modified.as_nanos() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_checksum_is_remembered_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let places =
            Places { models: None, cache: folder.path().join("cache"), hub: String::new(), token: None };
        fs::write(&path, "abc").unwrap();
        assert_eq!(checksum(&path, &places).unwrap(), ABC);

        // Other bytes of the same size and time: the stamp is believed, which shows that it is used.
        let then = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "abd").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(then).unwrap();
        assert_eq!(checksum(&path, &places).unwrap(), ABC);

        file.set_modified(then + Duration::from_nanos(1000)).unwrap();
        assert_ne!(checksum(&path, &places).unwrap(), ABC);
        assert!(checksum(folder.path(), &places).is_err() && checksum(Path::new("none"), &places).is_err());
    }
}
