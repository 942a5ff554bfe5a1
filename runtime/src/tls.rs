//! The one way to make an HTTP client, for models and downloads alike.
//!
//! **Invariant:** TLS is always rustls over ring with the certificates that the operating system trusts; proxies are
//! taken from the usual environment variables.

/// A client builder with TLS set up for this process.
pub(crate) fn client() -> reqwest::ClientBuilder {
    // An error means that the process has a provider already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().user_agent(concat!("proofmark/", env!("CARGO_PKG_VERSION")))
}
