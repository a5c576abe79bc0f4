//! kube-rs as a contestant.

mod contestant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    contestant::run(|| None)
}
