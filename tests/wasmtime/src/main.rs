//! Runs a WASI component in wasmtime: `wasmtime-host COMPONENT ARGUMENTS…`. Its output and its exit are the component's;
//! how much memory it holds is told on standard error, each time it takes more.

use std::net::IpAddr;
use std::process::ExitCode;

use http_body_util::BodyExt;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Result, Store, bail};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    default_send_request,
};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, ..] = arguments.as_slice() else { bail!("which component?") };
    let engine = Engine::default();
    let component = Component::from_file(&engine, path)?;
    let mut linker = Linker::<Host>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    let mut store = Store::new(&engine, Host::new(&arguments));
    store.limiter(|host| &mut host.memory);
    let command = Command::instantiate_async(&mut store, &component, &linker).await?;
    match command.wasi_cli_run().call_run(&mut store).await {
        Ok(Ok(())) => Ok(ExitCode::SUCCESS),
        Ok(Err(())) => Ok(ExitCode::FAILURE),
        Err(error) => match error.downcast_ref() {
            Some(I32Exit(0)) => Ok(ExitCode::SUCCESS),
            Some(I32Exit(_)) => Ok(ExitCode::FAILURE),
            None => Err(error),
        },
    }
}

/// What a component is given: arguments and output, clocks, random numbers, HTTP; no files, sockets or environment.
struct Host {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    loopback: Loopback,
    table: ResourceTable,
    memory: Memory,
}

impl Host {
    fn new(arguments: &[String]) -> Self {
        Self {
            wasi: WasiCtx::builder().inherit_stdout().inherit_stderr().args(arguments).build(),
            http: WasiHttpCtx::new(),
            loopback: Loopback,
            table: ResourceTable::new(),
            memory: Memory,
        }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.loopback }
    }
}

/// Sends to addresses of loopback alone, given as numbers: a name may lead elsewhere.
struct Loopback;

type Work = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Work), Error>> + Send>;

impl WasiHttpHooks for Loopback {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Work,
    ) -> Sending {
        Box::new(async move {
            let address = request.uri().host().and_then(|host| host.parse::<IpAddr>().ok());
            if !address.is_some_and(|address| address.is_loopback()) {
                return Err(Error::HttpRequestDenied);
            }
            let (response, work) = default_send_request(request, options).await?;
            Ok((response.map(BodyExt::boxed_unsync), Box::new(work) as Work))
        })
    }
}

/// Lets a component take memory, and tells how much it holds.
struct Memory;

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        eprintln!("memory: {desired}");
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(true)
    }
}
