//! A host that has lost its mind: damaged, enormous, contradictory and abandoned calls. Each gets an answer or a clean status, and the
//! process lives on.

use std::time::Duration;

use local_atlas::{Endpoint, Fault, When};
use prost::Message;
use serde_json::json;
use tf_host::{
    pb::tfplugin5::{self as pb, DynamicValue},
    provider::Provider,
};
use tokio::task::JoinSet;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{Bytes, http::uri::PathAndQuery},
};

use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{PATIENCE, Temporary, configured},
};

const TYPE: &str = "atlas_user_certificate";

#[tokio::test]
async fn damaged_messages_get_an_answer_or_a_status() {
    let temporary = Temporary::new();
    let (atlas, mut dice) = (atlas(&[]), Dice(1));
    let core = configured(&atlas, temporary.options()).await;
    for method in METHODS {
        let whole = sample(method);
        for _ in 0..150 {
            send(core.provider(), method, dice.damage(&whole)).await;
        }
    }
    alive(core.provider()).await;
    assert_eq!(atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn empty_and_absurd_messages_get_an_answer_or_a_status() {
    let temporary = Temporary::new();
    let provider = Provider::spawn(temporary.options()).await.unwrap();
    let absurd = [
        Vec::new(),
        // A field that nobody knows, and one that claims to be longer than it is.
        vec![0xfa, 0xff, 0x7f, 0x03, 1, 2, 3],
        vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
        // Known fields as numbers, and numbers without end.
        (1..=15).flat_map(|field| [field << 3, 0x7f]).collect(),
        vec![0xff; 64],
        // Groups in groups in groups.
        vec![0x0b; 1 << 20],
        b"\x12\x06\x0a\x04\xff\xfe\xfd\xfc".to_vec(),
        b"\x0a\x03\xff\xfe\xfd".to_vec(),
    ];
    for method in METHODS {
        for message in &absurd {
            send(&provider, method, message.clone()).await;
        }
    }
    alive(&provider).await;
}

#[tokio::test]
async fn a_thousand_calls_of_every_kind_at_once_are_all_answered() {
    let temporary = Temporary::new();
    let atlas = atlas(&["app"]);
    let core = configured(&atlas, temporary.options()).await;
    let mut calls = JoinSet::new();
    let mut dice = Dice(2);
    for number in 0..1000_usize {
        let method = METHODS[number % METHODS.len()];
        let whole = sample(method);
        let message = if number % 3 == 0 {
            dice.damage(&whole)
        } else {
            whole
        };
        let provider = core.provider().clone();
        let call = calls.spawn(async move { send(&provider, method, message).await });
        if number % 7 == 0 {
            // Hosts give calls up, before they are sent and afterwards.
            tokio::task::yield_now().await;
            call.abort();
        }
    }
    while let Some(ended) = calls.join_next().await {
        assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()));
    }
    // Among them were a Stop and a Configure: the next call is served all the same.
    core.configure(json!({})).await.unwrap().ok().unwrap();
    let config = json!({ "project_id": PROJECT, "username": "app" });
    core.apply_config(TYPE, &mut None, config)
        .await
        .unwrap()
        .ok()
        .unwrap();
    alive(core.provider()).await;
}

#[tokio::test]
async fn a_stop_overtakes_hundreds_of_calls_that_wait() {
    let temporary = Temporary::new();
    let atlas = atlas(&["app"]);
    let core = configured(&atlas, temporary.options()).await;
    let mut instance = None;
    let config = json!({ "project_id": PROJECT, "username": "app" });
    core.apply_config(TYPE, &mut instance, config)
        .await
        .unwrap()
        .ok()
        .unwrap();
    let pause = atlas.control().add_fault(
        Fault::on(Endpoint::ListCertificates)
            .pause(When::Before)
            .always(),
    );
    let mut reads = JoinSet::new();
    for _ in 0..500 {
        let (core, mut instance) = (core.clone(), instance.clone());
        reads.spawn(async move { core.refresh(TYPE, &mut instance).await.expect("an answer") });
    }
    pause.reached().await;
    let waiting = tokio::time::timeout(PATIENCE, async {
        core.stop().await.expect("an answer");
        while let Some(read) = reads.join_next().await {
            // One that came after the stop asks for itself.
            let _ = read.expect("no panic");
            pause.release();
        }
    });
    waiting.await.expect("a stop is heard");
    alive(core.provider()).await;
}

#[tokio::test]
async fn sixty_four_megabytes_in_any_field_are_answered() {
    let temporary = Temporary::new();
    let provider = Provider::spawn(temporary.options()).await.unwrap();
    let huge = vec![b'['; 64 << 20];
    let raw_state = pb::RawState {
        json: huge.clone(),
        ..Default::default()
    };
    let upgrade = pb::upgrade_resource_state::Request {
        type_name: TYPE.to_owned(),
        version: 0,
        raw_state: Some(raw_state),
    };
    let answer = provider.upgrade_resource_state(upgrade).await.unwrap();
    assert!(answer.diagnostics[0].detail.len() < 1000);

    let config = DynamicValue {
        msgpack: huge,
        json: Vec::new(),
    };
    let validate = pb::validate_resource_type_config::Request {
        type_name: TYPE.to_owned(),
        config: Some(config),
        client_capabilities: None,
    };
    let answer = provider
        .validate_resource_type_config(validate)
        .await
        .unwrap();
    assert!(answer.diagnostics[0].detail.len() < 1000);

    let read = pb::read_resource::Request {
        type_name: "x".repeat(64 << 20),
        ..Default::default()
    };
    let answer = provider.read_resource(read).await.unwrap();
    let told: usize = answer.diagnostics.iter().map(Message::encoded_len).sum();
    assert!(told < 10_000, "the name is repeated: {told} bytes");
    alive(&provider).await;
}

/// Sends these bytes as a message. Whatever it is, it must be answered by the provider itself.
async fn send(provider: &Provider, method: &str, message: Vec<u8>) {
    let channel = provider.connection().expect("a connection").channel();
    let path = PathAndQuery::try_from(format!("/tfplugin5.Provider/{method}")).unwrap();
    let mut client = Grpc::new(channel);
    client.ready().await.expect("the provider is there");
    let call = client.unary(Request::new(Bytes::from(message)), path, Raw);
    let answer = tokio::time::timeout(PATIENCE, call)
        .await
        .expect("an answer in time");
    if let Err(status) = answer {
        assert!(!is_broken(&status), "{method}: {status:?}");
    }
}

/// Whether a call failed for want of a provider that works.
fn is_broken(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Unknown | Code::DeadlineExceeded | Code::DataLoss
    )
}

/// The process has neither ended nor met a bug.
async fn alive(provider: &Provider) {
    provider
        .get_schema(pb::get_provider_schema::Request {})
        .await
        .expect("an answer");
    let process = provider.process().expect("a process");
    let log = process.stderr.lines().join("\n");
    assert!(!log.contains("panic"), "{log}");
    assert!(process.wait(Duration::ZERO).await.is_none());
}

/// A message that the method understands.
fn sample(method: &str) -> Vec<u8> {
    let config = json!({ "project_id": PROJECT, "username": "app", "months_until_expiration": 3 });
    let value = || {
        Some(DynamicValue {
            json: config.to_string().into_bytes(),
            msgpack: Vec::new(),
        })
    };
    // Name and values stand in the same fields of nearly all of them.
    let resource = pb::plan_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: value(),
        proposed_new_state: value(),
        config: value(),
        prior_private: b"{\"v\":1}".to_vec(),
        provider_meta: None,
        ..Default::default()
    };
    match method {
        "CallFunction" => pb::call_function::Request {
            name: "split_pem".to_owned(),
            arguments: vec![DynamicValue {
                msgpack: b"\xa3PEM".to_vec(),
                json: Vec::new(),
            }],
        }
        .encode_to_vec(),
        "UpgradeResourceState" => pb::upgrade_resource_state::Request {
            type_name: TYPE.to_owned(),
            version: 0,
            raw_state: Some(pb::RawState {
                json: config.to_string().into_bytes(),
                ..Default::default()
            }),
        }
        .encode_to_vec(),
        "ImportResourceState" => pb::import_resource_state::Request {
            type_name: TYPE.to_owned(),
            id: format!("{PROJECT}/app"),
            ..Default::default()
        }
        .encode_to_vec(),
        "MoveResourceState" => pb::move_resource_state::Request {
            source_provider_address: "registry.terraform.io/mongodb/mongodbatlas".to_owned(),
            source_type_name: "mongodbatlas_x509_authentication_database_user".to_owned(),
            source_state: Some(pb::RawState {
                json: config.to_string().into_bytes(),
                ..Default::default()
            }),
            target_type_name: TYPE.to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        _ => resource.encode_to_vec(),
    }
}

/// Every method that takes one message and gives one.
const METHODS: [&str; 22] = [
    "GetMetadata",
    "GetSchema",
    "PrepareProviderConfig",
    "ValidateResourceTypeConfig",
    "ValidateDataSourceConfig",
    "ValidateEphemeralResourceConfig",
    "UpgradeResourceState",
    "Configure",
    "ReadResource",
    "PlanResourceChange",
    "ApplyResourceChange",
    "ImportResourceState",
    "MoveResourceState",
    "ReadDataSource",
    "OpenEphemeralResource",
    "RenewEphemeralResource",
    "CloseEphemeralResource",
    "GetFunctions",
    "CallFunction",
    "GenerateResourceConfig",
    "NoSuchMethod",
    "Stop",
];

/// Chance that comes out the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }

    fn damage(&mut self, whole: &[u8]) -> Vec<u8> {
        let mut message = whole.to_vec();
        for _ in 0..=self.roll(4) {
            let at = self.roll(message.len());
            match self.roll(4) {
                0 => message.truncate(at),
                1 => message.insert(at, self.byte()),
                _ if message.is_empty() => {}
                2 => message[at] = self.byte(),
                _ => {
                    let end = at + self.roll(message.len() - at);
                    let copy = message[at..end].to_vec();
                    message.extend(copy);
                }
            }
        }
        message
    }
}

/// Messages as bytes, unread.
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
