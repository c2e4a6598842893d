//! `wasi:http`, refused: some guests of other languages import it whether they use it or not, and can be linked with it on
//! request.
//!
//! Whatever a guest puts together of a request is taken, and the request is denied when it is sent. Of what only an answered
//! request, or an incoming one, would give there are no handles; the functions on it are there to be linked.

use wasmer_component::{
    ComponentType, Error, Lift, Linker, LinkerInstance, Lower, Resource, Result,
};

use super::interface;
use super::io::{Input, Output, Pollable};
use crate::stream::{NullOutput, StreamFailure};
use crate::{WasiCtx, WasiView};

#[derive(Clone, ComponentType, Lift, Lower)]
#[component(variant)]
enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Other(String),
}

#[derive(Clone, ComponentType, Lift, Lower)]
#[component(variant)]
enum Scheme {
    #[component(name = "HTTP")]
    Http,
    #[component(name = "HTTPS")]
    Https,
    Other(String),
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct DnsErrorPayload {
    rcode: Option<String>,
    info_code: Option<u16>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct TlsAlertReceivedPayload {
    alert_id: Option<u8>,
    alert_message: Option<String>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct FieldSizePayload {
    field_name: Option<String>,
    field_size: Option<u32>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum ErrorCode {
    #[component(name = "DNS-timeout")]
    DnsTimeout,
    #[component(name = "DNS-error")]
    DnsError(DnsErrorPayload),
    DestinationNotFound,
    DestinationUnavailable,
    #[component(name = "destination-IP-prohibited")]
    DestinationIpProhibited,
    #[component(name = "destination-IP-unroutable")]
    DestinationIpUnroutable,
    ConnectionRefused,
    ConnectionTerminated,
    ConnectionTimeout,
    ConnectionReadTimeout,
    ConnectionWriteTimeout,
    ConnectionLimitReached,
    #[component(name = "TLS-protocol-error")]
    TlsProtocolError,
    #[component(name = "TLS-certificate-error")]
    TlsCertificateError,
    #[component(name = "TLS-alert-received")]
    TlsAlertReceived(TlsAlertReceivedPayload),
    #[component(name = "HTTP-request-denied")]
    HttpRequestDenied,
    #[component(name = "HTTP-request-length-required")]
    HttpRequestLengthRequired,
    #[component(name = "HTTP-request-body-size")]
    HttpRequestBodySize(Option<u64>),
    #[component(name = "HTTP-request-method-invalid")]
    HttpRequestMethodInvalid,
    #[component(name = "HTTP-request-URI-invalid")]
    HttpRequestUriInvalid,
    #[component(name = "HTTP-request-URI-too-long")]
    HttpRequestUriTooLong,
    #[component(name = "HTTP-request-header-section-size")]
    HttpRequestHeaderSectionSize(Option<u32>),
    #[component(name = "HTTP-request-header-size")]
    HttpRequestHeaderSize(Option<FieldSizePayload>),
    #[component(name = "HTTP-request-trailer-section-size")]
    HttpRequestTrailerSectionSize(Option<u32>),
    #[component(name = "HTTP-request-trailer-size")]
    HttpRequestTrailerSize(FieldSizePayload),
    #[component(name = "HTTP-response-incomplete")]
    HttpResponseIncomplete,
    #[component(name = "HTTP-response-header-section-size")]
    HttpResponseHeaderSectionSize(Option<u32>),
    #[component(name = "HTTP-response-header-size")]
    HttpResponseHeaderSize(FieldSizePayload),
    #[component(name = "HTTP-response-body-size")]
    HttpResponseBodySize(Option<u64>),
    #[component(name = "HTTP-response-trailer-section-size")]
    HttpResponseTrailerSectionSize(Option<u32>),
    #[component(name = "HTTP-response-trailer-size")]
    HttpResponseTrailerSize(FieldSizePayload),
    #[component(name = "HTTP-response-transfer-coding")]
    HttpResponseTransferCoding(Option<String>),
    #[component(name = "HTTP-response-content-coding")]
    HttpResponseContentCoding(Option<String>),
    #[component(name = "HTTP-response-timeout")]
    HttpResponseTimeout,
    #[component(name = "HTTP-upgrade-failed")]
    HttpUpgradeFailed,
    #[component(name = "HTTP-protocol-error")]
    HttpProtocolError,
    LoopDetected,
    ConfigurationError,
    InternalError(Option<String>),
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum HeaderError {
    InvalidSyntax,
    Forbidden,
    Immutable,
}

type Outcome<T, E> = std::result::Result<T, E>;
type Value = Vec<u8>;

/// `fields`. Names keep their spelling and are compared without regard to case.
#[derive(Clone, Default)]
struct Fields(Vec<(String, Value)>);

impl Fields {
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let fields = self.0.iter();
        fields.filter_map(move |(other, value)| Fields::same(other, name).then_some(value))
    }

    fn same(one: &str, other: &str) -> bool {
        one.eq_ignore_ascii_case(other)
    }

    /// A name is a token (RFC 9110), a value anything without line ends and NUL.
    fn check(name: &str, value: &[u8]) -> Outcome<(), HeaderError> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let name = !name.is_empty() && name.bytes().all(is_token);
        let value = !value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        if name && value {
            Ok(())
        } else {
            Err(HeaderError::InvalidSyntax)
        }
    }

    fn append(&mut self, name: String, value: Value) -> Outcome<(), HeaderError> {
        Fields::check(&name, &value)?;
        self.0.push((name, value));
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Outcome<(), HeaderError> {
        Fields::check(name, b"")?;
        self.0.retain(|(other, _)| !Fields::same(other, name));
        Ok(())
    }
}

/// `outgoing-request`.
struct OutgoingRequest {
    headers: Fields,
    method: Method,
    path_with_query: Option<String>,
    scheme: Option<Scheme>,
    authority: Option<String>,
    body_taken: bool,
}

/// `outgoing-response`: could be made, and given to nobody.
struct OutgoingResponse {
    headers: Fields,
    status: u16,
    body_taken: bool,
}

/// `outgoing-body`: takes everything.
struct OutgoingBody {
    stream_taken: bool,
}

/// `request-options`.
#[derive(Default)]
struct RequestOptions {
    connect: Option<u64>,
    first_byte: Option<u64>,
    between_bytes: Option<u64>,
}

/// `incoming-request`.
struct IncomingRequest;
/// `incoming-response`.
struct IncomingResponse;
/// `incoming-body`.
struct IncomingBody;
/// `future-trailers`.
struct FutureTrailers;
/// `future-incoming-response`.
struct FutureIncomingResponse;
/// `response-outparam`.
struct ResponseOutparam;

/// Defines `wasi:http/types` and `wasi:http/outgoing-handler` in a linker that has the other interfaces already; every request is
/// `HTTP-request-denied`.
///
/// Errors: one of them is defined there already.
pub fn add_http_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<()> {
    let mut types = linker.instance(&interface("wasi:http/types"))?;
    fields(&mut types)?;
    outgoing(&mut types)?;
    incoming(&mut types)?;
    types.func_wrap("http-error-code", |_cx, _: (Resource<StreamFailure>,)| {
        Ok((None::<ErrorCode>,))
    })?;

    linker
        .instance(&interface("wasi:http/outgoing-handler"))?
        .func_wrap(
            "handle",
            |mut cx,
             (request, options): (Resource<OutgoingRequest>, Option<Resource<RequestOptions>>)| {
                let table = &mut cx.data_mut().wasi().table;
                table.delete(request)?;
                options.map(|options| table.delete(options)).transpose()?;
                let denied: Outcome<Resource<FutureIncomingResponse>, ErrorCode> =
                    Err(ErrorCode::HttpRequestDenied);
                Ok((denied,))
            },
        )?;
    Ok(())
}

fn resource<R: Send + 'static, T: WasiView>(
    types: &mut LinkerInstance<'_, T>,
    name: &str,
) -> Result<()> {
    types.resource::<R>(name, |mut cx, rep| {
        let table = &mut cx.data_mut().wasi().table;
        table.delete(Resource::<R>::new_own(rep)).map(drop)
    })?;
    Ok(())
}

/// A method that needs nothing but its own thing.
macro_rules! method {
    ($types:ident, $type:ty, $name:literal, |$this:ident $(, $param:ident: $ty:ty)*| $body:expr) => {
        $types.func_wrap($name, |mut cx, (this, $($param,)*): (Resource<$type>, $($ty,)*)| {
            let $this = cx.data_mut().wasi().table.get_mut(&this)?;
            Ok(($body,))
        })?;
    };
}

/// A function on something that nobody has.
macro_rules! unreachable_function {
    ($types:ident, $name:literal, ($($param:ty),*) $(-> $result:ty)?) => {
        $types.func_wrap($name, |_cx, _: ($($param,)*)| -> Result<($($result,)?)> {
            Err(Error::trap("an HTTP message was used and none was ever there"))
        })?;
    };
}

/// A copy of header fields as a resource of its own.
fn copy(ctx: &mut WasiCtx, fields: Fields) -> Result<(Resource<Fields>,)> {
    Ok((ctx.table.push(fields)?,))
}

fn fields<T: WasiView>(types: &mut LinkerInstance<'_, T>) -> Result<()> {
    resource::<Fields, T>(types, "fields")?;
    types.func_wrap("[constructor]fields", |mut cx, (): ()| {
        copy(cx.data_mut().wasi(), Fields::default())
    })?;
    types.func_wrap(
        "[static]fields.from-list",
        |mut cx, (entries,): (Vec<(String, Value)>,)| {
            let checked = entries
                .iter()
                .try_for_each(|(name, value)| Fields::check(name, value));
            Ok((match checked {
                Ok(()) => Ok(cx.data_mut().wasi().table.push(Fields(entries))?),
                Err(error) => Err(error),
            },))
        },
    )?;
    method!(types, Fields, "[method]fields.get", |this, name: String| {
        this.named(&name).cloned().collect::<Vec<Value>>()
    });
    method!(types, Fields, "[method]fields.has", |this, name: String| {
        this.named(&name).next().is_some()
    });
    method!(
        types,
        Fields,
        "[method]fields.set",
        |this, name: String, values: Vec<Value>| {
            let checked = values
                .iter()
                .try_for_each(|value| Fields::check(&name, value));
            checked.and_then(|()| this.delete(&name)).map(|()| {
                let entries = values.into_iter().map(|value| (name.clone(), value));
                this.0.extend(entries);
            })
        }
    );
    method!(
        types,
        Fields,
        "[method]fields.delete",
        |this, name: String| this.delete(&name)
    );
    method!(
        types,
        Fields,
        "[method]fields.append",
        |this, name: String, value: Value| this.append(name, value)
    );
    method!(types, Fields, "[method]fields.entries", |this| this
        .0
        .clone());
    types.func_wrap(
        "[method]fields.clone",
        |mut cx, (this,): (Resource<Fields>,)| {
            let ctx = cx.data_mut().wasi();
            let fields = ctx.table.get(&this)?.clone();
            copy(ctx, fields)
        },
    )?;
    Ok(())
}

/// The body of a message that has one once.
fn body(ctx: &mut WasiCtx, taken: bool) -> Result<Outcome<Resource<OutgoingBody>, ()>> {
    Ok(if taken {
        Err(())
    } else {
        Ok(ctx.table.push(OutgoingBody {
            stream_taken: false,
        })?)
    })
}

fn outgoing<T: WasiView>(types: &mut LinkerInstance<'_, T>) -> Result<()> {
    resource::<OutgoingRequest, T>(types, "outgoing-request")?;
    resource::<OutgoingResponse, T>(types, "outgoing-response")?;
    resource::<OutgoingBody, T>(types, "outgoing-body")?;
    resource::<RequestOptions, T>(types, "request-options")?;

    types.func_wrap(
        "[constructor]outgoing-request",
        |mut cx, (headers,): (Resource<Fields>,)| {
            let table = &mut cx.data_mut().wasi().table;
            let request = OutgoingRequest {
                headers: table.delete(headers)?,
                method: Method::Get,
                path_with_query: None,
                scheme: None,
                authority: None,
                body_taken: false,
            };
            Ok((table.push(request)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.body",
        |mut cx, (this,): (Resource<OutgoingRequest>,)| {
            let ctx = cx.data_mut().wasi();
            let taken = std::mem::replace(&mut ctx.table.get_mut(&this)?.body_taken, true);
            Ok((body(ctx, taken)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.headers",
        |mut cx, (this,): (Resource<OutgoingRequest>,)| {
            let ctx = cx.data_mut().wasi();
            let headers = ctx.table.get(&this)?.headers.clone();
            copy(ctx, headers)
        },
    )?;
    macro_rules! property {
        ($get:literal, $set:literal, $field:ident: $ty:ty) => {
            method!(types, OutgoingRequest, $get, |this| this.$field.clone());
            method!(types, OutgoingRequest, $set, |this, value: $ty| {
                this.$field = value;
                Outcome::<(), ()>::Ok(())
            });
        };
    }
    property!("[method]outgoing-request.method", "[method]outgoing-request.set-method", method: Method);
    property!("[method]outgoing-request.path-with-query", "[method]outgoing-request.set-path-with-query", path_with_query: Option<String>);
    property!("[method]outgoing-request.scheme", "[method]outgoing-request.set-scheme", scheme: Option<Scheme>);
    property!("[method]outgoing-request.authority", "[method]outgoing-request.set-authority", authority: Option<String>);

    types.func_wrap(
        "[constructor]outgoing-response",
        |mut cx, (headers,): (Resource<Fields>,)| {
            let table = &mut cx.data_mut().wasi().table;
            let response = OutgoingResponse {
                headers: table.delete(headers)?,
                status: 200,
                body_taken: false,
            };
            Ok((table.push(response)?,))
        },
    )?;
    method!(
        types,
        OutgoingResponse,
        "[method]outgoing-response.status-code",
        |this| this.status
    );
    method!(
        types,
        OutgoingResponse,
        "[method]outgoing-response.set-status-code",
        |this, status: u16| {
            this.status = status;
            Outcome::<(), ()>::Ok(())
        }
    );
    types.func_wrap(
        "[method]outgoing-response.headers",
        |mut cx, (this,): (Resource<OutgoingResponse>,)| {
            let ctx = cx.data_mut().wasi();
            let headers = ctx.table.get(&this)?.headers.clone();
            copy(ctx, headers)
        },
    )?;
    types.func_wrap(
        "[method]outgoing-response.body",
        |mut cx, (this,): (Resource<OutgoingResponse>,)| {
            let ctx = cx.data_mut().wasi();
            let taken = std::mem::replace(&mut ctx.table.get_mut(&this)?.body_taken, true);
            Ok((body(ctx, taken)?,))
        },
    )?;

    types.func_wrap(
        "[method]outgoing-body.write",
        |mut cx, (this,): (Resource<OutgoingBody>,)| {
            let ctx = cx.data_mut().wasi();
            let taken = std::mem::replace(&mut ctx.table.get_mut(&this)?.stream_taken, true);
            let stream: Outcome<Resource<Output>, ()> = match taken {
                true => Err(()),
                false => Ok(ctx.table.push(Output::new(NullOutput))?),
            };
            Ok((stream,))
        },
    )?;
    types.func_wrap(
        "[static]outgoing-body.finish",
        |mut cx, (this, trailers): (Resource<OutgoingBody>, Option<Resource<Fields>>)| {
            let table = &mut cx.data_mut().wasi().table;
            table.delete(this)?;
            trailers
                .map(|trailers| table.delete(trailers))
                .transpose()?;
            Ok((Outcome::<(), ErrorCode>::Ok(()),))
        },
    )?;

    types.func_wrap("[constructor]request-options", |mut cx, (): ()| {
        Ok((cx.data_mut().wasi().table.push(RequestOptions::default())?,))
    })?;
    macro_rules! timeout {
        ($get:literal, $set:literal, $field:ident) => {
            method!(types, RequestOptions, $get, |this| this.$field);
            method!(types, RequestOptions, $set, |this, value: Option<u64>| {
                this.$field = value;
                Outcome::<(), ()>::Ok(())
            });
        };
    }
    timeout!(
        "[method]request-options.connect-timeout",
        "[method]request-options.set-connect-timeout",
        connect
    );
    timeout!(
        "[method]request-options.first-byte-timeout",
        "[method]request-options.set-first-byte-timeout",
        first_byte
    );
    timeout!(
        "[method]request-options.between-bytes-timeout",
        "[method]request-options.set-between-bytes-timeout",
        between_bytes
    );
    Ok(())
}

fn incoming<T: WasiView>(types: &mut LinkerInstance<'_, T>) -> Result<()> {
    type Headers = Resource<Fields>;
    resource::<IncomingRequest, T>(types, "incoming-request")?;
    resource::<IncomingResponse, T>(types, "incoming-response")?;
    resource::<IncomingBody, T>(types, "incoming-body")?;
    resource::<FutureTrailers, T>(types, "future-trailers")?;
    resource::<FutureIncomingResponse, T>(types, "future-incoming-response")?;
    resource::<ResponseOutparam, T>(types, "response-outparam")?;

    unreachable_function!(types, "[method]incoming-request.method", (Resource<IncomingRequest>) -> Method);
    unreachable_function!(types, "[method]incoming-request.path-with-query", (Resource<IncomingRequest>) -> Option<String>);
    unreachable_function!(types, "[method]incoming-request.scheme", (Resource<IncomingRequest>) -> Option<Scheme>);
    unreachable_function!(types, "[method]incoming-request.authority", (Resource<IncomingRequest>) -> Option<String>);
    unreachable_function!(types, "[method]incoming-request.headers", (Resource<IncomingRequest>) -> Headers);
    unreachable_function!(types, "[method]incoming-request.consume", (Resource<IncomingRequest>) -> Outcome<Resource<IncomingBody>, ()>);
    unreachable_function!(
        types,
        "[static]response-outparam.set",
        (
            Resource<ResponseOutparam>,
            Outcome<Resource<OutgoingResponse>, ErrorCode>
        )
    );
    unreachable_function!(types, "[method]incoming-response.status", (Resource<IncomingResponse>) -> u16);
    unreachable_function!(types, "[method]incoming-response.headers", (Resource<IncomingResponse>) -> Headers);
    unreachable_function!(types, "[method]incoming-response.consume", (Resource<IncomingResponse>) -> Outcome<Resource<IncomingBody>, ()>);
    unreachable_function!(types, "[method]incoming-body.stream", (Resource<IncomingBody>) -> Outcome<Resource<Input>, ()>);
    unreachable_function!(types, "[static]incoming-body.finish", (Resource<IncomingBody>) -> Resource<FutureTrailers>);
    unreachable_function!(types, "[method]future-trailers.subscribe", (Resource<FutureTrailers>) -> Resource<Pollable>);
    unreachable_function!(types, "[method]future-trailers.get", (Resource<FutureTrailers>) -> Option<Outcome<Outcome<Option<Headers>, ErrorCode>, ()>>);
    unreachable_function!(types, "[method]future-incoming-response.subscribe", (Resource<FutureIncomingResponse>) -> Resource<Pollable>);
    unreachable_function!(types, "[method]future-incoming-response.get", (Resource<FutureIncomingResponse>) -> Option<Outcome<Outcome<Resource<IncomingResponse>, ErrorCode>, ()>>);
    Ok(())
}
