//! The page's further modules, each fetched when it is first needed (`static/modules.js`).

use js_sys::Function;
use portolan::{Error, TransportErrorKind};
use portolan_wasm::browser::Functions;
use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen(raw_module = "./modules.js")]
extern "C" {
    /// By what a planted cluster is asked.
    type Planted;

    #[wasm_bindgen(method, getter)]
    fn fetch(this: &Planted) -> Function;

    #[wasm_bindgen(method, getter, js_name = WebSocket)]
    fn web_socket(this: &Planted) -> Function;

    #[wasm_bindgen(catch, js_name = plant)]
    async fn planted(pods: Option<u32>, rate: Option<f64>, seed: Option<u32>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = readYaml)]
    async fn yaml_read(text: &str) -> Result<JsValue, JsValue>;
}

/// Plants a cluster in memory of about so many pods, with so many changes a second, made of this seed.
pub(crate) async fn plant(
    pods: Option<u32>,
    rate: Option<f64>,
    seed: Option<u32>,
) -> Result<Functions, Error> {
    let planted: Planted =
        planted(pods, rate, seed).await.map_err(|thrown| unloaded(&thrown))?.unchecked_into();
    Ok(Functions { fetch: Some(planted.fetch()), web_socket: Some(planted.web_socket()) })
}

/// What `text` is as YAML, as the model wants to be told (`Question::Yaml`).
pub(crate) async fn read_yaml(text: &str) -> Result<Value, Error> {
    let told = yaml_read(text).await.map_err(|thrown| unloaded(&thrown))?.as_string().unwrap_or_default();
    serde_json::from_str(&told).map_err(|error| Error::decode(error.to_string()))
}

fn unloaded(thrown: &JsValue) -> Error {
    let text = thrown.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    Error::transport(TransportErrorKind::Connect, text.unwrap_or_else(|| format!("{thrown:?}")))
}
