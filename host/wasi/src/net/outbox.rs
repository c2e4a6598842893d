//! What guests have written to connections and the kernel has not taken yet.
//!
//! A write to a stream never blocks and takes all it was permitted, so what does not fit into the kernel's buffer has to wait
//! somewhere; also when the guest has dropped its handles or shut the connection down by then. There is no thread behind it:
//! whenever the guest waits for anything, its waiting serves these connections too. When the guest's context is dropped the
//! kernel is offered the rest once more, and what it does not take then is lost, as with a process that is killed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tcp::Connection;
use crate::readiness::Readiness;

/// The connections of one guest that have something left to send.
#[derive(Default)]
pub(crate) struct Outbox(Mutex<Vec<Arc<Connection>>>);

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes care of `connection` until it has sent all.
    pub fn add(&self, connection: &Arc<Connection>) {
        let mut waiting = self.lock();
        if !waiting.iter().any(|other| Arc::ptr_eq(other, connection)) {
            waiting.push(connection.clone());
        }
    }

    /// Sends what can be sent now, and says when more can.
    pub fn serve(&self) -> Vec<Readiness> {
        let mut waiting = self.lock();
        waiting.retain(|connection| connection.send_more());
        waiting
            .iter()
            .map(|connection| Readiness::Writable(connection.fd()))
            .collect()
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.serve();
    }
}
