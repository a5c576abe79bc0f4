//! When to try again and how long to wait: pure rules, no waiting.
