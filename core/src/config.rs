//! Where the server is and who we are: `Config`, and kubeconfig from bytes.
