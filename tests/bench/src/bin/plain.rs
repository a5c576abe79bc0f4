//! Portolan as a contestant.

fn main() -> Result<(), portolan::Error> {
    portolan_bench::contestant::run(|| None)
}
