//! The native transport: hyper, rustls, tokio; kubeconfig files and in-cluster configuration.
