//! Model files from Hugging Face, or from a server with the same protocol.
//!
//! A broken download resumes where it stopped, in the same call or in a later one. The whole file is downloaded again from
//! a server that does not serve parts of files, or whose parts did not add up to the right file.

use std::{error::Error, fs, fs::File, io, io::Write as _, path::Path, time::Duration};

use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_RANGE, RANGE},
    redirect::Policy,
};
use secrecy::ExposeSecret as _;

use super::{Download, FetchError, ModelFile, Places, Progress};
use crate::tls;

/// The time limit for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest pause in a download.
const SILENCE: Duration = Duration::from_secs(30);

/// The largest number of attempts, each of which makes progress.
const ATTEMPTS: u32 = 10;

/// The end of an attempt.
enum Arrival {
    /// All bytes have arrived; `resumed` if some of them are from an earlier attempt.
    Whole { resumed: bool },
    /// The connection broke after some bytes.
    Broken { reason: String },
}

/// The address of a file.
pub(super) fn url(places: &Places, repository: &str, file: &str) -> String {
    format!("{}/{repository}/resolve/main/{file}", places.hub)
}

/// Downloads a file and blocks until it is done.
pub(super) fn fetch(url: &str, job: &mut Download<'_>) -> Result<ModelFile, FetchError> {
    // A thread of its own can enter a runtime even if the caller is inside one.
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(FetchError::Cache)?.block_on(download(url, job))
        });
        fetching.join().unwrap_or_else(|_| Err(FetchError::Source("the download crashed".to_owned())))
    })
}

async fn download(url: &str, job: &mut Download<'_>) -> Result<ModelFile, FetchError> {
    let part = job.part();
    if job.sha256.is_none() {
        job.sha256 = published_checksum(url, job.places).await?;
    }
    if job.sha256.is_none() {
        // Without a checksum, two halves of different files could not be told from one file.
        remove(&part)?;
    }
    let mut broken = String::new();
    for _ in 0..ATTEMPTS {
        match attempt(url, job).await? {
            Arrival::Broken { reason } => broken = reason,
            Arrival::Whole { resumed } => match job.accept(&part) {
                Err(FetchError::Source(reason)) => {
                    remove(&part)?;
                    if !resumed {
                        return Err(FetchError::Source(reason));
                    }
                    broken = reason;
                }
                done => return done,
            },
        }
    }
    Err(FetchError::Source(broken))
}

/// Downloads the missing bytes and appends them.
async fn attempt(url: &str, job: &Download<'_>) -> Result<Arrival, FetchError> {
    let part = job.part();
    let mut have = fs::metadata(&part).map_or(0, |metadata| metadata.len());
    if have > 0 && job.bytes == Some(have) {
        return Ok(Arrival::Whole { resumed: true });
    }
    let mut request = request(Method::GET, url, job.places, Policy::default())?;
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = request.send().await.map_err(|error| FetchError::Source(explain(error)))?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&response) == Some(have) => {}
        StatusCode::OK => have = 0,
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
            remove(&part)?;
            return Ok(Arrival::Broken { reason: "the server has no such part of the file".to_owned() });
        }
        status => return Err(FetchError::Source(refusal(status))),
    }
    let total = response.content_length().map(|rest| have + rest);
    if let (Some(total), Some(wanted)) = (total, job.bytes)
        && total != wanted
    {
        return Err(FetchError::Source(format!("the file there has {total} bytes, not {wanted}")));
    }
    receive(response, have, total.or(job.bytes), job).await
}

/// Appends the bytes that arrive to the first `have` bytes.
async fn receive(
    mut response: Response,
    have: u64,
    total: Option<u64>,
    job: &Download<'_>,
) -> Result<Arrival, FetchError> {
    let mut file = File::options().create(true).append(true).open(job.part()).map_err(FetchError::Cache)?;
    file.set_len(have).map_err(FetchError::Cache)?;
    let mut done = have;
    loop {
        (job.watch)(Progress::Bytes { done, total });
        match response.chunk().await {
            Ok(Some(bytes)) => {
                file.write_all(&bytes).map_err(FetchError::Cache)?;
                done += bytes.len() as u64;
                if let Some(total) = total.filter(|&total| done > total) {
                    return Err(FetchError::Source(format!(
                        "the server sent more than the {total} bytes of the file"
                    )));
                }
            }
            Ok(None) if total.is_none_or(|total| total == done) => {
                return Ok(Arrival::Whole { resumed: have > 0 });
            }
            Ok(None) => {
                return Ok(Arrival::Broken { reason: format!("the connection ended after {done} bytes") });
            }
            Err(error) if done > have => return Ok(Arrival::Broken { reason: explain(error) }),
            Err(error) => return Err(FetchError::Source(explain(error))),
        }
    }
}

/// The SHA-256 that Hugging Face publishes for a large file, in the redirect to its storage.
async fn published_checksum(url: &str, places: &Places) -> Result<Option<String>, FetchError> {
    let response = request(Method::HEAD, url, places, Policy::none())?.send().await;
    let response = response.map_err(|error| FetchError::Source(explain(error)))?;
    let tag = response.headers().get("x-linked-etag").and_then(|tag| tag.to_str().ok());
    let sha256 = tag.map(|tag| tag.trim_matches('"').to_ascii_lowercase());
    Ok(sha256.filter(|sha256| sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit())))
}

fn request(
    method: Method,
    url: &str,
    places: &Places,
    redirects: Policy,
) -> Result<RequestBuilder, FetchError> {
    let client = tls::client()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .redirect(redirects)
        .no_gzip()
        .build()
        .map_err(|error| FetchError::Source(explain(error)))?;
    let request = client.request(method, url).header(ACCEPT_ENCODING, "identity");
    Ok(match &places.token {
        Some(token) => request.bearer_auth(token.expose_secret()),
        None => request,
    })
}

/// The first byte of a partial answer: `bytes 100-199/200` starts at 100.
fn starts_at(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

fn refusal(status: StatusCode) -> String {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "; if it needs a login, set HF_TOKEN",
        StatusCode::NOT_FOUND => "; there is no such file",
        StatusCode::TOO_MANY_REQUESTS => "; wait a while",
        _ => "",
    };
    format!("the server answered {status}{hint}")
}

/// An error with all its causes, of which the last is the reason. The address is reported elsewhere.
fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FetchError::Cache(error)),
        _ => Ok(()),
    }
}
