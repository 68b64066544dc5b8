//! Locking a mutex whatever happened to those who held it before.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex. One that a panic has poisoned is used all the same: what it protects is changed in single steps, so a
/// panic leaves nothing half changed.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
