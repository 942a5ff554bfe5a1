//! A model for the tests of layers.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::model::{
    Abilities, CallError, Finish, Identity, Message, Model, Pending, Reply, Request, Role, Sampling, Shape,
    Usage,
};

pub(super) fn request() -> Request {
    Request {
        messages: vec![Message::new(Role::User, "?")],
        sampling: Sampling::default(),
        shape: Shape::Free,
        replicate: 0,
    }
}

/// A model that returns its failures one by one and then answers, after a pause each time.
pub(super) struct TestModel {
    identity: Identity,
    pause: Duration,
    failures: Mutex<Vec<CallError>>,
    asked: AtomicUsize,
    running: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl TestModel {
    pub(super) fn slow(pause: Duration) -> Self {
        Self {
            identity: Identity { name: "test".into(), fingerprint: String::new() },
            pause,
            failures: Mutex::default(),
            asked: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        }
    }

    pub(super) fn failing(mut failures: Vec<CallError>) -> Self {
        failures.reverse();
        Self { failures: Mutex::new(failures), ..Self::slow(Duration::ZERO) }
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

impl Model for TestModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn complete<'a>(&'a self, _: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(running, Ordering::SeqCst);
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
            self.running.fetch_sub(1, Ordering::SeqCst);
            match self.failures.lock().unwrap().pop() {
                Some(failure) => Err(failure),
                None => Ok(Reply {
                    text: "!".into(),
                    finish: Finish::Stop,
                    usage: Usage::default(),
                    choice_logprob: None,
                    logprobs: None,
                }),
            }
        })
    }
}
