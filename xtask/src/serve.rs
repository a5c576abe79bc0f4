//! A static file server on 127.0.0.1 for the dashboard. It never serves a file outside its directory.

use std::fmt::Display;
use std::fs::File;
use std::path::{Component, Path, PathBuf};

use anyhow::{Error, Result, anyhow};
use tiny_http::{Header, Method, Request, Response};

/// A bound server.
pub(crate) struct Server(tiny_http::Server);

impl Server {
    /// Binds `port` on 127.0.0.1; 0 takes a free one.
    pub(crate) fn bind(port: u16) -> Result<Self> {
        let server = tiny_http::Server::http(("127.0.0.1", port)).map_err(|error| taken(port, &error))?;
        Ok(Self(server))
    }

    /// The port it is bound to.
    pub(crate) fn port(&self) -> u16 {
        self.0.server_addr().to_ip().map_or(0, |address| address.port())
    }

    /// Serves the files of `directory` until the process ends.
    pub(crate) fn run(&self, directory: &Path) {
        for request in self.0.incoming_requests() {
            answer(directory, request);
        }
    }
}

/// Why a port cannot be listened on, and what to do.
pub(crate) fn taken(port: u16, error: &dyn Display) -> Error {
    anyhow!("listening on 127.0.0.1:{port}: {error}; --port=0 takes a free port")
}

fn answer(directory: &Path, request: Request) {
    // A browser that went away is no concern of ours.
    let _ = match (request.method(), file(directory, request.url())) {
        (Method::Get | Method::Head, Some(path)) => match File::open(&path) {
            Ok(content) => request.respond(with_headers(Response::from_file(content), &path)),
            Err(_) => request.respond(Response::from_string("not found").with_status_code(404)),
        },
        (Method::Get | Method::Head, None) => {
            request.respond(Response::from_string("not found").with_status_code(404))
        }
        _ => request.respond(Response::from_string("only GET is served").with_status_code(405)),
    };
}

fn with_headers<R: std::io::Read>(mut response: Response<R>, path: &Path) -> Response<R> {
    let headers = [
        ("content-type", content_type(path)),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
    ];
    for (name, value) in headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    response
}

/// The file that `url` names below `directory`; none when it would lie elsewhere or is none.
fn file(directory: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let mut file = directory.join(path);
    if file.is_dir() {
        file.push("index.html");
    }
    (inside && file.is_file()).then_some(file)
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    #[test]
    fn serves_files_of_its_directory_and_nothing_else() {
        let outer = std::env::temp_dir().join(format!("portolan-serve-{}", std::process::id()));
        let directory = outer.join("site");
        std::fs::create_dir_all(directory.join("deep")).unwrap();
        std::fs::write(directory.join("index.html"), "the page").unwrap();
        std::fs::write(directory.join("deep/a.wasm"), "the module").unwrap();
        std::fs::write(outer.join("secret"), "the secret").unwrap();
        let server = Server::bind(0).unwrap();
        let port = server.port();
        assert!(Server::bind(port).is_err_and(|error| error.to_string().contains("--port=0")));
        std::thread::spawn(move || server.run(&directory));

        let page = ask(port, "GET", "/?source=proxy");
        assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("the page"), "{page}");
        let module = ask(port, "GET", "/deep/a.wasm");
        assert!(module.to_lowercase().contains("content-type: application/wasm"), "{module}");
        for url in ["/../secret", "/deep/../../secret", "//secret", "/deep/", "/none"] {
            let answer = ask(port, "GET", url);
            assert!(answer.starts_with("HTTP/1.1 404"), "{url}: {answer}");
        }
        assert!(ask(port, "POST", "/").starts_with("HTTP/1.1 405"));
        std::fs::remove_dir_all(outer).unwrap();
    }

    fn ask(port: u16, method: &str, url: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(stream, "{method} {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}
