//! `wasi:sockets/ip-name-lookup`.

use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::network::{ErrorCode, IpAddress};
use wasi_guests::{finish, network, run};

fn main() {
    run(&[("localhost", localhost), ("denied", denied)]);
}

fn resolve(name: &str) -> Result<Vec<IpAddress>, ErrorCode> {
    let stream = resolve_addresses(&network(), name)?;
    let pollable = stream.subscribe();
    let mut addresses = Vec::new();
    while let Some(address) = finish(&pollable, || stream.resolve_next_address())? {
        addresses.push(address);
    }
    Ok(addresses)
}

/// The name `localhost` is granted, and no other.
fn localhost(_: &[String]) {
    let addresses = resolve("LocalHost").unwrap();
    assert!(!addresses.is_empty());
    // The same name in the wide letters of Japanese: names beyond ASCII are translated.
    assert!(!resolve("ｌｏｃａｌｈｏｓｔ").unwrap().is_empty());
    for address in addresses {
        let known = matches!(
            address,
            IpAddress::Ipv4((127, 0, 0, 1)) | IpAddress::Ipv6((0, 0, 0, 0, 0, 0, 0, 1))
        );
        assert!(known, "{address:?}");
    }
    // What is an address already needs no asking.
    let literal = resolve("[2001:db8::1]").unwrap();
    assert!(matches!(
        literal[..],
        [IpAddress::Ipv6((0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))]
    ));
    for name in [
        "",
        " ",
        "a.b<&>",
        "127.0.0.1:80",
        "[::]:80",
        "http://example.com/",
        "\u{fffd}.example",
    ] {
        assert_eq!(
            resolve(name).err(),
            Some(ErrorCode::InvalidArgument),
            "{name:?}"
        );
    }
    for name in ["example.com", "münchen.example"] {
        assert_eq!(resolve(name).err(), Some(ErrorCode::AccessDenied), "{name}");
    }
}

fn denied(_: &[String]) {
    for name in ["localhost", "example.com", "127.0.0.1"] {
        assert_eq!(resolve(name).err(), Some(ErrorCode::AccessDenied), "{name}");
    }
}
