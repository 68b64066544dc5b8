//! Who did something, and from where.

use std::net::IpAddr;

/// Who did something, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    /// An e-mail address or local name, `cli:<system user>`, or `waybill` for the program itself.
    pub name: &'a str,
    /// Where the request came from, if it came over the network.
    pub network: Option<IpAddr>,
}

impl<'a> Actor<'a> {
    /// The program itself, on its own initiative.
    pub const PROGRAM: Actor<'static> = Actor { name: "waybill", network: None };

    /// An actor on this machine.
    #[must_use]
    pub fn local(name: &'a str) -> Self {
        Self { name, network: None }
    }

    /// An actor whose request came over the network.
    #[must_use]
    pub fn remote(name: &'a str, network: IpAddr) -> Self {
        Self { name, network: Some(network) }
    }
}
