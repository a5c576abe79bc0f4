//! Whoever writes the bytes: mutated and made-up input, a fixed number of rounds from a fixed seed.
//!
//! Nothing may panic, two ways of reading must agree, what is printed must read as the same, and no error may show what
//! the input holds. `PORTOLAN_FUZZ=N` runs N times as many rounds, each further one on other chance.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and tells its round")]

mod formats;
mod json;
mod texts;

use portolan::policy::Random;

/// What stands in every seed input where a secret would, and must stand in no error.
const SECRET: &str = "c2VjcmV0";

/// Calls `round` as often as told, with chance of its own for each.
fn rounds(least: u64, mut round: impl FnMut(&mut Random)) {
    let times: u64 = std::env::var("PORTOLAN_FUZZ").ok().map_or(1, |text| text.parse().unwrap());
    for number in 0..least * times {
        let chance = &mut Random::new(number);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| round(chance)));
        if let Err(failure) = outcome {
            println!("round {number} fails");
            std::panic::resume_unwind(failure);
        }
    }
}

fn below(chance: &mut Random, bound: usize) -> usize {
    usize::try_from(chance.below(bound as u64)).unwrap()
}

fn pick<'a, T>(chance: &mut Random, of: &'a [T]) -> &'a T {
    &of[below(chance, of.len())]
}

/// Changes, drops, doubles or puts in a few pieces.
fn mutate(chance: &mut Random, bytes: &mut Vec<u8>, tokens: &[&[u8]]) {
    for _ in 0..=below(chance, 4) {
        if bytes.is_empty() {
            return;
        }
        let at = below(chance, bytes.len());
        let to = (at + 1 + below(chance, 8)).min(bytes.len());
        match below(chance, 7) {
            0 => bytes[at] ^= 1 << below(chance, 8),
            1 => bytes[at] = *pick(chance, &[0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b'}']),
            2 => drop(bytes.drain(at..to)),
            3 => {
                let copy = bytes[at..to].to_vec();
                bytes.splice(at..at, copy);
            }
            4 => bytes.truncate(at),
            5 => {
                let other = below(chance, bytes.len());
                bytes.swap(at, other);
            }
            _ => {
                let token = pick(chance, tokens).to_vec();
                bytes.splice(at..at, token);
            }
        }
    }
}

fn hides_secrets(error: &portolan::Error) {
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
}
