//! Signature verification against the SDKs' own signer: what it signs is let in, and nothing else is.

mod accepted;
mod altered;
mod refused;
mod sent;
