//! `x509_uri(uri)`: a connection string for authentication with a client certificate.

mod connection_string;

use tf_provider::{Function, FunctionError, Parameter, Signature, Type, Value};

use self::connection_string::with_x509;
use super::text;

pub(super) struct X509Uri;

impl Function for X509Uri {
    fn name(&self) -> &'static str {
        "x509_uri"
    }

    fn signature(&self) -> Signature {
        Signature {
            parameters: vec![Parameter {
                name: "uri",
                ty: Type::String,
                allow_null: false,
                description: "A connection string that begins with `mongodb://` or `mongodb+srv://`, such as \
                    `mongodbatlas_cluster.this.connection_strings[0].standard_srv`.",
            }],
            returns: Type::String,
            summary: "Prepares a connection string for authentication with a client certificate",
            description: DESCRIPTION,
        }
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        with_x509(text(&arguments).unwrap_or_default())
            .map(Value::from)
            .map_err(|error| FunctionError::at(0, error.to_string()))
    }
}

const DESCRIPTION: &str = "\
Adds to a MongoDB connection string the options for authentication with a client certificate: `authMechanism=MONGODB-X509`, \
`authSource=%24external` and, unless the scheme implies it, `tls=true`. It calls no service and needs no provider configuration.

Every connection string that Atlas returns is accepted, SRV or not: its `authSource=admin` is replaced. A user name and a password \
are removed, because the server takes the user from the certificate. Hosts, ports, the database and all other options stay \
unchanged, byte for byte and in their order.

A string with another `authMechanism` or `authSource`, or with TLS switched off, is an error. So is a malformed one: reserved \
characters (`: / ? # [ ] @`) in a user name, a password or an option must be percent-encoded, otherwise a part of the password could \
be mistaken for something else and be kept.

The location of the certificate is not part of the result: add `tlsCertificateKeyFile=<path>` as an option (the path \
percent-encoded), or give the file to your driver or `mongosh` in another way.";
