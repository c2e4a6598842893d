//! `wasi:http`: a request is put together and refused.

use wasi::http::outgoing_handler::handle;
use wasi::http::types::{
    ErrorCode, Fields, HeaderError, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};

fn main() {
    let headers = Fields::from_list(&[("Accept".to_owned(), b"text/plain".to_vec())]).unwrap();
    headers.append("X-More", b"1".as_ref()).unwrap();
    headers
        .set("x-more", &[b"2".to_vec(), b"3".to_vec()])
        .unwrap();
    assert_eq!(headers.get("X-MORE"), [b"2", b"3"]);
    assert!(headers.has("accept") && !headers.has("none"));
    assert!(matches!(
        headers.append("bad name", b"x".as_ref()),
        Err(HeaderError::InvalidSyntax)
    ));
    let request = OutgoingRequest::new(headers.clone());
    request.set_method(&Method::Post).unwrap();
    request.set_scheme(Some(&Scheme::Http)).unwrap();
    request.set_authority(Some("127.0.0.1:80")).unwrap();
    request.set_path_with_query(Some("/")).unwrap();
    assert_eq!(request.headers().entries().len(), 3);
    let body = request.body().unwrap();
    assert!(request.body().is_err());
    let stream = body.write().unwrap();
    stream.blocking_write_and_flush(b"for nobody").unwrap();
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
    let options = RequestOptions::new();
    options.set_connect_timeout(Some(1)).unwrap();
    assert!(matches!(
        handle(request, Some(options)),
        Err(ErrorCode::HttpRequestDenied)
    ));
}
