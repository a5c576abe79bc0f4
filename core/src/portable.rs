//! What differs between a server and a wasm guest, whether values must be `Send` and `Sync`, and between processors.
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

/// Work whose steps are compiled once for each thing that a processor may or may not have: `run` and they are always inlined.
pub(crate) trait Work {
    /// What comes of it.
    type Outcome;

    /// Does it.
    fn run(self) -> Self::Outcome;
}

/// Does `work` by what this processor can, where that is more than its kind has at least.
#[cfg(target_arch = "x86_64")]
pub(crate) fn swiftest<W: Work>(work: W) -> W::Outcome {
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn swift<W: Work>(work: W) -> W::Outcome {
        work.run()
    }
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
    {
        #[expect(
            unsafe_code,
            reason = "without these, counting the bits of a mask takes a dozen instructions"
        )]
        // SAFETY: this processor has all that `swift` is compiled for.
        unsafe {
            swift(work)
        }
    } else {
        work.run()
    }
}

/// Does `work`: there is no more to ask for.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn swiftest<W: Work>(work: W) -> W::Outcome {
    work.run()
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
