//! What stands behind the functions a guest exports: two buffers and the guest.
//!
//! Soundness: there is no unsafe code here, only the attribute that fixes a function's name. The host writes into the
//! buffer that [`input`] made, through the pointer it gave; between that call and the next into the guest no Rust code
//! runs (wasm without threads has one stack), and the buffer, a vector of that length that is all initialised, is neither
//! moved nor read before. A host that writes elsewhere harms its own guest alone, as it could anyway.

use std::cell::RefCell;

use portolan::Error;
use portolan::portable::MaybeSend;

use crate::guest::{Guest, Host};

#[derive(Default)]
struct Instance {
    input: Vec<u8>,
    output: Vec<u8>,
    guest: Option<Guest>,
}

thread_local! {
    static INSTANCE: RefCell<Instance> = RefCell::default();
}

/// Where the host is to write its next `length` bytes.
pub fn input(length: u32) -> *mut u8 {
    INSTANCE.with_borrow_mut(|instance| {
        instance.input.clear();
        instance.input.resize(length as usize, 0);
        instance.input.as_mut_ptr()
    })
}

/// A turn of the guest that `main` is. Gives where its answer is: the length in four bytes, then so many bytes, which stay
/// as they are until the next call.
pub fn turn<F, Running>(main: F) -> *const u8
where
    F: FnOnce(Host) -> Running + Send + 'static,
    Running: Future<Output = Result<(), Error>> + MaybeSend + 'static,
{
    INSTANCE.with_borrow_mut(|instance| {
        let guest = instance.guest.get_or_insert_with(|| Guest::new(main));
        let answer = guest.turn(&instance.input);
        instance.output.clear();
        instance.output.extend(u32::try_from(answer.len()).unwrap_or(u32::MAX).to_le_bytes());
        instance.output.extend(answer);
        instance.output.as_ptr()
    })
}

/// Makes a wasm module a guest: `guest!(run)`, where `run` is an `async fn(Host) -> Result<(), portolan::Error>`.
///
/// It exports `portolan_version`, `portolan_input` and `portolan_turn`, and imports nothing.
///
/// ```
/// use portolan::Error;
/// use portolan_host::Host;
///
/// portolan_host::guest!(run);
///
/// async fn run(host: Host) -> Result<(), Error> {
///     let client = host.client()?;
///     host.say(format!("the server is {}", client.config().server));
///     Ok(())
/// }
/// # assert_eq!(portolan_version(), portolan_host::wire::VERSION);
/// ```
#[macro_export]
macro_rules! guest {
    ($main:path) => {
        /// The version of the border between guest and host.
        #[expect(unsafe_code, reason = "an exported name is what the host calls")]
        #[unsafe(no_mangle)]
        pub extern "C" fn portolan_version() -> u32 {
            $crate::wire::VERSION
        }

        /// Where the host writes what it says in the next turn, of this many bytes.
        #[expect(unsafe_code, reason = "an exported name is what the host calls")]
        #[unsafe(no_mangle)]
        pub extern "C" fn portolan_input(length: u32) -> *mut u8 {
            $crate::exports::input(length)
        }

        /// A turn; gives where the answer is, its length in four bytes before it.
        #[expect(unsafe_code, reason = "an exported name is what the host calls")]
        #[unsafe(no_mangle)]
        pub extern "C" fn portolan_turn() -> *const u8 {
            $crate::exports::turn($main)
        }
    };
}
