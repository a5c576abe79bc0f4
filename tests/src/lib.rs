//! The harness of the workspace tests.
