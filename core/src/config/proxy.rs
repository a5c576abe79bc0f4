//! The proxy to go through, read as Go reads its address. After client-go's `clientcmd/helpers.go` (`parseProxyURL`), v0.37.
//!
//! Invariant: the name and the password in an address show in no error and no `Debug`.

use std::fmt;

use percent_encoding::percent_decode_str;

use super::{Secret, port_of};

/// A proxy's address. client-go's `rest.Config.Proxy`, for all requests alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUrl {
    /// How the proxy is spoken to.
    pub scheme: ProxyScheme,
    /// Its host, an IPv6 address in brackets.
    pub host: String,
    /// Its port: 80, 443 or 1080 unless the address has one.
    pub port: u16,
    /// The user's name and password.
    pub credentials: Option<(String, Secret)>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyScheme {
    /// HTTP in the clear: `CONNECT` for what is secured, whole addresses for what is not.
    Http,
    /// The same over TLS.
    Https,
    /// SOCKS 5; the proxy looks the host up.
    Socks5,
}

impl ProxyUrl {
    /// Reads an address such as `http://user:password@proxy:3128`; the error says what is wrong.
    pub fn parse(address: &str) -> Result<Self, String> {
        const EXAMPLE: &str = "give one such as http://proxy:3128, https://proxy or socks5://proxy:1080";
        let (scheme, rest) = address.trim().split_once("://").ok_or(format!("has no scheme: {EXAMPLE}"))?;
        let (scheme, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyScheme::Http, 80),
            "https" => (ProxyScheme::Https, 443),
            "socks5" | "socks5h" => (ProxyScheme::Socks5, 1080),
            _ => return Err(format!("has a scheme other than http, https and socks5: {EXAMPLE}")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let place: http::uri::Authority = place.parse().map_err(|_| format!("names no host: {EXAMPLE}"))?;
        if place.host().is_empty() {
            return Err(format!("names no host: {EXAMPLE}"));
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let credentials = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (decode(name), Secret::new(decode(password)))
        });
        let named = port_of(&place).map_err(|_| format!("has after its host what is no port: {EXAMPLE}"))?;
        let port = named.unwrap_or(port);
        Ok(Self { scheme, host: place.host().to_owned(), port, credentials })
    }

    /// The whole address, its secrets with it, for whoever has to go through the proxy too.
    pub(super) fn reveal(&self) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let user = self.credentials.as_ref().map(|(name, password)| match password.reveal() {
            "" => format!("{}@", encode(name)),
            password => format!("{}:{}@", encode(name), encode(password)),
        });
        format!("{}://{}{}:{}", self.scheme_text(), user.unwrap_or_default(), self.host, self.port)
    }

    fn scheme_text(&self) -> &'static str {
        match self.scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Https => "https",
            ProxyScheme::Socks5 => "socks5",
        }
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme_text(), self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        for (address, read) in [
            ("http://proxy", "http://proxy:80"),
            ("https://proxy/path?x", "https://proxy:443"),
            ("SOCKS5://[::1]", "socks5://[::1]:1080"),
            ("socks5h://proxy:9", "socks5://proxy:9"),
            ("http://jo:s3cr3t@proxy:3128", "http://proxy:3128"),
        ] {
            let proxy = ProxyUrl::parse(address).unwrap();
            assert_eq!(proxy.to_string(), read);
            assert!(!format!("{proxy:?}").contains("s3cr3t"));
        }
        let proxy = ProxyUrl::parse("http://j%6f:p%40ss@proxy").unwrap();
        assert_eq!(proxy.credentials, Some(("jo".to_owned(), Secret::new("p@ss"))));
        assert_eq!(proxy.reveal(), "http://jo:p%40ss@proxy:80");
        for wrong in [
            "",
            "example.com",
            "jo:s3cr3t@proxy:80",
            "socks6://jo:s3cr3t@proxy",
            "http://",
            "http://jo:s3cr3t@",
            "http://s3cr3t proxy",
            "http://jo:s3cr3t@proxy:99999",
            "http://jo:s3cr3t",
            "socks5://proxy:",
        ] {
            let error = ProxyUrl::parse(wrong).unwrap_err();
            assert!(error.contains(": give one such as") && !error.contains("s3cr3t"), "{error}");
        }
    }
}
