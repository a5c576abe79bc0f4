//! A Kubernetes API server in memory, as a transport.
