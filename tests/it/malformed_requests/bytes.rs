//! Messages with random damage, and many calls at once.

use fastrand::Rng;
use local_atlas::{Endpoint, Fault, When};
use prost::Message as _;
use serde_json::json;
use tf_harness::{
    pb::tfplugin5::{self as pb, DynamicValue},
    plugin::Provider,
};
use tokio::{task::JoinSet, time::timeout};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{Bytes, http::uri::PathAndQuery},
};

use super::assert_alive;
use crate::support::{
    atlas::PROJECT,
    fixture::TYPE,
    in_process::{config, in_process, with},
    plugin::TIMEOUT,
};

#[tokio::test]
async fn damaged_empty_and_absurd_messages_get_a_response_or_a_status() {
    let ((atlas, host), mut rng) = (in_process(&[]).await, Rng::with_seed(1));
    host.command().await;
    let absurd = [
        Vec::new(),
        // An unknown field, and one that claims to be longer than the message.
        vec![0xfa, 0xff, 0x7f, 0x03, 1, 2, 3],
        vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
        // Known fields as numbers, and a number without end.
        (1..=15).flat_map(|field| [field << 3, 0x7f]).collect(),
        vec![0xff; 64],
        // Nested groups.
        vec![0x0b; 1 << 20],
        b"\x12\x06\x0a\x04\xff\xfe\xfd\xfc".to_vec(),
        b"\x0a\x03\xff\xfe\xfd".to_vec(),
    ];
    for method in METHODS.split(' ') {
        let whole = sample(method);
        let damaged = (0..150).map(|_| damaged(&whole, &mut rng));
        for message in damaged.chain(absurd.clone()) {
            send(&host.provider, method, message).await;
        }
    }
    assert_alive(&host.provider).await;
    assert_eq!(atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn thousand_concurrent_calls_are_all_answered() {
    let ((_atlas, core), mut rng) = (in_process(&["app"]).await, Rng::with_seed(2));
    core.command().await;
    let mut calls = JoinSet::new();
    for (number, method) in METHODS.split(' ').cycle().take(1000).enumerate() {
        let whole = sample(method);
        let damage = number % 3 == 0;
        let message = if damage { damaged(&whole, &mut rng) } else { whole };
        let provider = core.provider.clone();
        let call = calls.spawn(async move { send(&provider, method, message).await });
        if number % 7 == 0 {
            // Hosts cancel calls, before they are sent and afterwards.
            tokio::task::yield_now().await;
            call.abort();
        }
    }
    while let Some(ended) = calls.join_next().await {
        assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()));
    }
    // Among them were Stop and Configure: the next call is served.
    core.created(&config("app")).await;
    assert_alive(&core.provider).await;
}

#[tokio::test]
async fn stop_is_served_before_hundreds_of_waiting_calls() {
    let (atlas, host) = in_process(&["app"]).await;
    let instance = Some(host.created(&config("app")).await);
    let core = (*host).clone();
    let fault = Fault::on(Endpoint::ListCertificates).pause(When::Before);
    let pause = atlas.control().add_fault(fault.always());
    let mut reads = JoinSet::new();
    for _ in 0..500 {
        let (core, mut instance) = (core.clone(), instance.clone());
        reads.spawn(async move { core.resource(TYPE).refresh(&mut instance).await.unwrap() });
    }
    pause.reached().await;
    let stopped = timeout(TIMEOUT, async {
        core.stop().await.unwrap();
        while let Some(read) = reads.join_next().await {
            read.expect("no panic");
            pause.release(); // a read that began after the stop sends its own request
        }
    });
    stopped.await.expect("the reads end");
    assert_alive(&core.provider).await;
}

/// Sends the bytes as a message. The provider itself must answer in time.
async fn send(provider: &Provider, method: &str, message: Vec<u8>) {
    let path = PathAndQuery::try_from(format!("/tfplugin5.Provider/{method}")).unwrap();
    let mut client = Grpc::new(provider.connection().unwrap().channel());
    client.ready().await.expect("a provider");
    let call = client.unary(Request::new(Bytes::from(message)), path, Raw);
    if let Err(status) = timeout(TIMEOUT, call).await.expect("a response in time") {
        let broken = [Code::Unavailable, Code::Unknown, Code::DeadlineExceeded, Code::DataLoss];
        assert!(!broken.contains(&status.code()), "{method}: {status:?}");
    }
}

/// A message that the method accepts.
fn sample(method: &str) -> Vec<u8> {
    let config = with(&config("app"), json!({ "months_until_expiration": 3 }));
    let json = config.to_string().into_bytes();
    let raw_state = pb::RawState { json: json.clone(), ..Default::default() };
    let value = Some(DynamicValue { json, msgpack: Vec::new() });
    let type_name = TYPE.to_owned();
    match method {
        "CallFunction" => pb::call_function::Request {
            name: "split_pem".to_owned(),
            arguments: vec![DynamicValue { msgpack: b"\xa3PEM".to_vec(), json: Vec::new() }],
        }
        .encode_to_vec(),
        "UpgradeResourceState" => pb::upgrade_resource_state::Request {
            type_name,
            version: 0,
            raw_state: Some(raw_state),
        }
        .encode_to_vec(),
        "ImportResourceState" => pb::import_resource_state::Request {
            type_name,
            id: format!("{PROJECT}/app"),
            ..Default::default()
        }
        .encode_to_vec(),
        "MoveResourceState" => pb::move_resource_state::Request {
            source_provider_address: "registry.terraform.io/mongodb/mongodbatlas".to_owned(),
            source_type_name: "mongodbatlas_x509_authentication_database_user".to_owned(),
            source_state: Some(raw_state),
            target_type_name: type_name,
            ..Default::default()
        }
        .encode_to_vec(),
        // Name and values have the same field numbers in nearly all others.
        _ => pb::plan_resource_change::Request {
            type_name,
            prior_state: value.clone(),
            proposed_new_state: value.clone(),
            config: value,
            prior_private: b"{\"v\":1}".to_vec(),
            ..Default::default()
        }
        .encode_to_vec(),
    }
}

fn damaged(whole: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut message = whole.to_vec();
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(0..=message.len());
        match rng.u8(0..4) {
            0 => message.truncate(at),
            1 => message.insert(at, rng.u8(..)),
            2 => message.iter_mut().skip(at).take(1).for_each(|byte| *byte = rng.u8(..)),
            _ => {
                let end = rng.usize(at..=message.len());
                message.extend_from_within(at..end);
            }
        }
    }
    message
}

/// Every unary method, and one that does not exist.
const METHODS: &str = "GetSchema PrepareProviderConfig ValidateResourceTypeConfig ValidateDataSourceConfig \
    ValidateEphemeralResourceConfig UpgradeResourceState Configure ReadResource PlanResourceChange ApplyResourceChange \
    ImportResourceState MoveResourceState ReadDataSource OpenEphemeralResource RenewEphemeralResource \
    CloseEphemeralResource GetFunctions CallFunction GenerateResourceConfig NoSuchMethod Stop";

/// Messages as bytes.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put(buffer, message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        let length = prost::bytes::Buf::remaining(buffer);
        prost::bytes::Buf::advance(buffer, length);
        Ok(Some(()))
    }
}
