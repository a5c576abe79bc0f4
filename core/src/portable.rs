//! What differs between a server and a wasm guest: whether values must be `Send` and `Sync`.
//!
//! Invariant: the only `cfg(target…)` of the crate, beside the paired `cfg_attr(…, async_trait)` lines.
//! The switch is the target family, never a Cargo feature, so that features stay additive.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures::{Sink, Stream};

/// `Send` natively, nothing on the wasm family, where there is one thread.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_family = "wasm"))]
impl<T: Send + ?Sized> MaybeSend for T {}

/// `Send` natively, nothing on the wasm family, where there is one thread.
#[cfg(target_family = "wasm")]
pub trait MaybeSend {}
#[cfg(target_family = "wasm")]
impl<T: ?Sized> MaybeSend for T {}

/// `Sync` natively, nothing on the wasm family, where there is one thread.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSync: Sync {}
#[cfg(not(target_family = "wasm"))]
impl<T: Sync + ?Sized> MaybeSync for T {}

/// `Sync` natively, nothing on the wasm family, where there is one thread.
#[cfg(target_family = "wasm")]
pub trait MaybeSync {}
#[cfg(target_family = "wasm")]
impl<T: ?Sized> MaybeSync for T {}

/// An `Arc` of what is shared between threads where there are any: on every target the same type, for a caller's code is
/// the same.
pub fn share<T>(value: T) -> Arc<T> {
    Arc::new(value)
}

/// A boxed future, `Send` natively.
#[cfg(not(target_family = "wasm"))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A boxed future, `Send` natively.
#[cfg(target_family = "wasm")]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A boxed stream, `Send` natively.
#[cfg(not(target_family = "wasm"))]
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;
/// A boxed stream, `Send` natively.
#[cfg(target_family = "wasm")]
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + 'a>>;

/// A boxed sink, `Send` natively.
#[cfg(not(target_family = "wasm"))]
pub type BoxSink<'a, T, E> = Pin<Box<dyn Sink<T, Error = E> + Send + 'a>>;
/// A boxed sink, `Send` natively.
#[cfg(target_family = "wasm")]
pub type BoxSink<'a, T, E> = Pin<Box<dyn Sink<T, Error = E> + 'a>>;
