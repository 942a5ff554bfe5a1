//! Stopping on request: Ctrl-C once stops cleanly, and the same command continues.

use std::sync::Arc;

use tokio::sync::watch;

/// Says when to stop.
#[derive(Clone, Debug)]
pub struct Cancel {
    sender: Arc<watch::Sender<bool>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { sender: Arc::new(watch::Sender::new(false)) }
    }
}

impl Cancel {
    /// Asks everything that listens to stop.
    pub fn cancel(&self) {
        self.sender.send_replace(true);
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        *self.sender.borrow()
    }

    /// Waits until somebody asks to stop.
    pub async fn cancelled(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = receiver.wait_for(|stop| *stop).await;
    }

    /// Cancels when the user presses Ctrl-C.
    pub fn on_ctrl_c(&self, runtime: &tokio::runtime::Handle) {
        let cancel = self.clone();
        runtime.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                cancel.cancel();
            }
        });
    }
}
