//! Portolan in a page and under Node, for the benchmark: the smallest module that has an informer in it, whose size is a
//! figure too.

#[cfg(target_family = "wasm")]
mod informer;
#[cfg(all(target_family = "wasm", feature = "more"))]
mod intake;

#[cfg(all(target_family = "wasm", feature = "more"))]
pub use informer::CompactInformer;
#[cfg(target_family = "wasm")]
pub use informer::Informer;
#[cfg(all(target_family = "wasm", feature = "more"))]
pub use intake::Intake;

#[cfg(target_family = "wasm")]
use portolan::{meta::Object, object::Lazy};

/// The sum that proves the work: src/contestant.rs tells of what.
#[cfg(target_family = "wasm")]
fn proof<'a, T: Held>(objects: impl Iterator<Item = &'a std::sync::Arc<T>>) -> f64 {
    let hashes = objects.map(|object| {
        let (meta, deep) = (object.meta(), object.deep());
        let parts = [meta.name.as_bytes(), &[0], meta.resource_version.as_bytes(), &[0], deep.as_bytes()];
        let bytes = parts.into_iter().flatten();
        f64::from(
            bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)),
        )
    });
    hashes.sum()
}

/// A form in which objects are held here.
#[cfg(target_family = "wasm")]
trait Held: Object {
    /// The field deep inside that proves that the object is there.
    fn deep(&self) -> String;
}

#[cfg(target_family = "wasm")]
const DEEP: &str = "spec.containers[0].image";

#[cfg(target_family = "wasm")]
impl Held for Lazy {
    fn deep(&self) -> String {
        self.text(DEEP).unwrap_or_default().into_owned()
    }
}

#[cfg(all(target_family = "wasm", feature = "more"))]
impl Held for portolan::object::Compact {
    fn deep(&self) -> String {
        self.text(DEEP).unwrap_or_default()
    }
}

#[cfg(target_family = "wasm")]
#[expect(clippy::needless_pass_by_value, reason = "map_err hands the error over")]
fn thrown(error: portolan::Error) -> wasm_bindgen::JsError {
    wasm_bindgen::JsError::new(&error.to_string())
}
