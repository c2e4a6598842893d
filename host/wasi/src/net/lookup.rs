//! Looking up names. The system's resolver blocks, so it runs on a thread of its own; the guest waits on a pipe whose other end
//! the thread drops when it is done. A resolver that takes longer than the guest's call is left to end by itself.

use std::collections::VecDeque;
use std::io::PipeReader;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use super::name::ascii;
use super::{ErrorCode, NetResult, Network};
use crate::readiness::{Readiness, is_ready};

/// `resolve-address-stream`.
pub(crate) struct Lookup {
    found: NetResult<VecDeque<IpAddr>>,
    /// Where the answer will be, and what becomes readable then.
    running: Option<(Answer, Arc<PipeReader>)>,
}

type Answer = Arc<Mutex<Option<NetResult<VecDeque<IpAddr>>>>>;

impl Lookup {
    /// Begins to look up `name`. An address in text is its own answer.
    pub fn start(network: &Network, name: &str) -> NetResult<Self> {
        if !network.policy.has_names() {
            return Err(ErrorCode::AccessDenied);
        }
        if let Some(address) = literal(name) {
            return Ok(Lookup {
                found: Ok(VecDeque::from([address])),
                running: None,
            });
        }
        let name = ascii(name)?;
        if !network.policy.allows_name(&name) {
            return Err(ErrorCode::AccessDenied);
        }
        let ticket = network.lookup_ticket()?;
        let (reader, writer) = std::io::pipe().map_err(|_| ErrorCode::NewSocketLimit)?;
        let answer = Answer::default();
        let to = answer.clone();
        std::thread::Builder::new()
            .name("wasi-lookup".to_owned())
            .spawn(move || {
                let found = resolve(&name);
                *to.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                drop((ticket, writer));
            })
            .map_err(|_| ErrorCode::TemporaryResolverFailure)?;
        Ok(Lookup {
            found: Ok(VecDeque::new()),
            running: Some((answer, Arc::new(reader))),
        })
    }

    /// The next address, or none when there are no more.
    pub fn next(&mut self) -> NetResult<Option<IpAddr>> {
        if let Some((answer, _)) = &self.running {
            if !is_ready(&self.readiness()) {
                return Err(ErrorCode::WouldBlock);
            }
            let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.found = answer.unwrap_or(Err(ErrorCode::PermanentResolverFailure));
            self.running = None;
        }
        match &mut self.found {
            Ok(addresses) => Ok(addresses.pop_front()),
            Err(code) => Err(*code),
        }
    }

    pub fn readiness(&self) -> Readiness {
        match &self.running {
            Some((_, done)) => Readiness::Readable(done.clone()),
            None => Readiness::Ready,
        }
    }
}

fn literal(name: &str) -> Option<IpAddr> {
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Some(address.into());
    }
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(name);
    Some(bare.parse::<Ipv6Addr>().ok()?.to_canonical())
}

fn resolve(name: &str) -> NetResult<VecDeque<IpAddr>> {
    let mut addresses = VecDeque::new();
    match (name, 0).to_socket_addrs() {
        Ok(found) => {
            for address in found.map(|address| address.ip().to_canonical()) {
                if !addresses.contains(&address) {
                    addresses.push_back(address);
                }
            }
        }
        Err(error) => {
            tracing::debug!(name, %error, "name not resolved");
            // The standard library keeps the resolver's code to itself, but not its words.
            return Err(if error.to_string().contains("Temporary failure") {
                ErrorCode::TemporaryResolverFailure
            } else {
                ErrorCode::NameUnresolvable
            });
        }
    }
    if addresses.is_empty() {
        return Err(ErrorCode::NameUnresolvable);
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_text_are_their_own_answer() {
        let v6 = |text: &str| Some(IpAddr::V6(text.parse().unwrap()));
        assert_eq!(literal("127.0.0.1"), Some(IpAddr::from([127, 0, 0, 1])));
        assert_eq!(literal("[::]"), v6("::"));
        assert_eq!(literal("DEAD:BEEF::0"), v6("dead:beef::"));
        assert_eq!(literal("::ffff:1.2.3.4"), Some(IpAddr::from([1, 2, 3, 4])));
        for name in ["", "localhost", "127.0.0.1:80", "[::]:80", "1.2.3"] {
            assert_eq!(literal(name), None, "{name}");
        }
    }
}
