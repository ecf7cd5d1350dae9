//! The Terraform provider `atlas`: X.509 client certificates for `MongoDB` Atlas database users.
//!
//! A request passes through the layers in one direction and its response returns the same way. `tf_provider` implements
//! the plugin protocol and calls [`provider`], which decides; [`provider`] awaits one method of [`atlas`], the Admin
//! API client. [`x509`] parses certificates, [`sealing`] and [`pkcs12`] store keys, [`clock`] reads the time; they use
//! no other layer.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod atlas;
pub mod clock;
pub mod pkcs12;
pub mod provider;
pub mod sealing;
#[cfg(test)]
mod tests;
pub mod x509;
