//! `hefu call SERVICE/METHOD JSON`: any RPC from the shell, by the embedded descriptors. A stream prints a line per message.

use anyhow::{Context, bail};
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions,
};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::connect::Remote;

/// The largest answer that is taken: more than any page, so that one is never cut off by the 4 MB of a default client.
const MOST_ANSWER: usize = 64 << 20;

/// The RPCs that this build knows.
pub(crate) fn pool() -> anyhow::Result<DescriptorPool> {
    DescriptorPool::decode(hefu_wire::FILE_DESCRIPTOR_SET)
        .context("the embedded descriptors are damaged")
}

/// Finds `Service/Method`; the package may be left out.
fn method(pool: &DescriptorPool, name: &str) -> anyhow::Result<MethodDescriptor> {
    let Some((service, method)) = name.trim_start_matches('/').rsplit_once('/') else {
        bail!("an RPC is SERVICE/METHOD, for instance AuditService/GetHead, not {name:?}");
    };
    let full = if service.contains('.') {
        service.to_owned()
    } else {
        format!("voucher.v1.{service}")
    };
    let Some(service) = pool.get_service_by_name(&full) else {
        let known: Vec<String> = pool.services().map(|s| s.name().to_owned()).collect();
        bail!("no service {service:?}; there are {}", known.join(", "));
    };
    let found = service.methods().find(|m| m.name() == method);
    found.with_context(|| {
        let known: Vec<String> = service.methods().map(|m| m.name().to_owned()).collect();
        format!(
            "{} has no method {method:?}; it has {}",
            service.name(),
            known.join(", ")
        )
    })
}

/// Calls an RPC and prints what it answers as JSON, a line per message.
pub(crate) async fn call(remote: &Remote, name: &str, json: &str) -> anyhow::Result<()> {
    let pool = pool()?;
    let method = method(&pool, name)?;
    if method.is_client_streaming() {
        bail!("{name} takes a stream of messages, which this command cannot send");
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let request = DynamicMessage::deserialize(method.input(), &mut deserializer)
        .with_context(|| format!("the message is not a {}", method.input().full_name()))?;
    deserializer
        .end()
        .context("there is something after the message")?;
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name()).parse()?;
    let codec = DynamicCodec {
        output: method.output(),
    };
    let mut grpc =
        tonic::client::Grpc::new(remote.channel().await?).max_decoding_message_size(MOST_ANSWER);
    grpc.ready().await?;
    let request = remote.request(request)?;
    if method.is_server_streaming() {
        let mut stream = grpc
            .server_streaming(request, path, codec)
            .await
            .map_err(crate::connect::explain)?
            .into_inner();
        while let Some(message) = stream.message().await.map_err(crate::connect::explain)? {
            println!("{}", text(&message)?);
        }
    } else {
        let reply = grpc
            .unary(request, path, codec)
            .await
            .map_err(crate::connect::explain)?;
        println!("{}", text(reply.get_ref())?);
    }
    Ok(())
}

fn text(message: &DynamicMessage) -> anyhow::Result<String> {
    let mut out = Vec::new();
    let options = SerializeOptions::new()
        .skip_default_fields(true)
        .stringify_64_bit_integers(false);
    message.serialize_with_options(&mut serde_json::Serializer::new(&mut out), &options)?;
    Ok(String::from_utf8(out)?)
}

struct DynamicCodec {
    output: MessageDescriptor,
}

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = DynamicEncoder;
    type Decoder = DynamicDecoder;

    fn encoder(&mut self) -> DynamicEncoder {
        DynamicEncoder
    }

    fn decoder(&mut self) -> DynamicDecoder {
        DynamicDecoder(self.output.clone())
    }
}

struct DynamicEncoder;

impl Encoder for DynamicEncoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

struct DynamicDecoder(MessageDescriptor);

impl Decoder for DynamicDecoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        DynamicMessage::decode(self.0.clone(), buffer)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
