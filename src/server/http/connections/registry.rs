//! The open connections, and which one makes room for another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;

use super::activity::Activity;
use crate::server::support::sync::lock;

/// How often a waiting connection looks whether another one may be evicted by now.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The open connections.
#[derive(Default)]
pub struct Registry {
    connections: Mutex<Connections>,
    /// Notified when a connection has ended.
    connection_ended: Notify,
}

#[derive(Default)]
struct Connections {
    next_id: u64,
    open: HashMap<u64, (Arc<Activity>, Arc<Notify>)>,
}

/// A connection's entry in the registry, removed on drop.
pub struct Registration {
    registry: Arc<Registry>,
    id: u64,
    evicted: Arc<Notify>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Connections> {
        lock(&self.connections)
    }

    /// Enters a connection, until the returned value is dropped.
    pub fn register(self: &Arc<Self>, activity: Arc<Activity>) -> Registration {
        let evicted = Arc::new(Notify::new());
        let mut connections = self.lock();
        let id = connections.next_id;
        connections.next_id += 1;
        connections.open.insert(id, (activity, evicted.clone()));
        Registration { registry: self.clone(), id, evicted }
    }

    /// Waits until there is room for one more, evicting a connection if possible. If none may be evicted, waits until
    /// one ends.
    pub async fn wait_for_room(&self, max_connections: usize) {
        while !self.try_make_room(max_connections) {
            tokio::select! {
                () = self.connection_ended.notified() => {}
                () = tokio::time::sleep(RECHECK_INTERVAL) => {}
            }
        }
    }

    fn try_make_room(&self, max_connections: usize) -> bool {
        let mut connections = self.lock();
        if connections.open.len() < max_connections {
            return true;
        }
        let open = connections.open.iter();
        let candidates = open.filter_map(|(number, (activity, _))| Some((activity.eviction_priority()?, *number)));
        let Some((_, number)) = candidates.max() else { return false };
        if let Some((_, evicted)) = connections.open.remove(&number) {
            evicted.notify_one();
        }
        true
    }
}

impl Registration {
    /// Completes when the connection has to make room for another one.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.lock().open.remove(&self.id);
        self.registry.connection_ended.notify_one();
    }
}
