//! The Terraform provider `atlas`: X.509 client certificates for `MongoDB` Atlas database users.
//!
//! A request goes right through the layers and its answer comes straight back. `tf_provider` speaks the plugin protocol and
//! calls [`provider`], which decides; [`provider`] awaits one method of [`atlas`], the Admin API client. Beside them stand
//! what needs no neighbour: [`x509`] reads certificates, [`sealing`] and [`pkcs12`] wrap keys, [`clock`] tells the time.

pub mod atlas;
pub mod clock;
pub mod pkcs12;
pub mod provider;
pub mod sealing;
pub mod x509;
