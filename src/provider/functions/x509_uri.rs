//! `x509_uri(uri)`: a connection string that logs in with a client certificate.

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
                allow_unknown: false,
                description: "A connection string that begins with `mongodb://` or `mongodb+srv://`, such as \
                    `mongodbatlas_cluster.this.connection_strings[0].standard_srv`.",
            }],
            variadic: None,
            returns: Type::String,
            summary: "Makes a connection string log in with a client certificate",
            description: DESCRIPTION,
        }
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        with_x509(text(&arguments).unwrap_or_default())
            .map(Value::from)
            .map_err(|refusal| FunctionError::at(0, refusal.to_string()))
    }
}

const DESCRIPTION: &str = "\
Adds to a MongoDB connection string what a login with a client certificate needs: `authMechanism=MONGODB-X509`, \
`authSource=%24external` and, where the scheme does not imply it, `tls=true`. It calls nothing and needs no provider configuration.

A user name and a password in the string are left out: the server takes the user from the certificate. Hosts, ports, the database \
and all other options stay as they are, byte for byte and in their order.

Nothing is replaced silently. A string that names another `authMechanism` or `authSource`, or that switches TLS off, is an error. So \
is one that is not well formed: reserved characters (`: / ? # [ ] @`) in a user name, a password or an option must be \
percent-encoded, otherwise a part of the password could be taken for something else and be kept.

Where the certificate is stays for you to say: add `tlsCertificateKeyFile=<path>` as an option (the path percent-encoded), or give the \
file to your driver or `mongosh` in another way.";
