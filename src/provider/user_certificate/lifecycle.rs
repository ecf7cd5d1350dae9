//! Create, update and delete: what a plan decided is carried out.

use secrecy::SecretString;
use tf_provider::{
    ApplyResponse, CancellationToken, CreateRequest, DeleteRequest, Diagnostic, Diagnostics,
    UpdateRequest, Value,
};

use super::{
    farewell::farewell,
    model::settle,
    private::Private,
    receive::{Asked, Form, Received, archive, hold, receive},
    schema::{self, ISSUED},
};
use crate::{
    atlas::{Months, ProjectId, Username},
    provider::{
        arguments,
        client::{IssueRequest, ProviderClient, Session},
        timeouts,
    },
};

/// Issues the first certificate.
pub(super) async fn create(client: &ProviderClient, request: CreateRequest) -> ApplyResponse {
    client.mark_applying();
    let failed = |diagnostics: Diagnostics| ApplyResponse {
        state: Value::Null,
        private: Vec::new(),
        diagnostics,
    };
    let form = match Form::of(&request.planned, &request.config) {
        Ok(form) => form,
        Err(error) => return failed(error.into()),
    };
    let issue = Issue {
        planned: request.planned,
        form,
        operation: "create",
    };
    match issue.carry_out(client, &Value::Null, &request.cancel).await {
        Ok(Received::Certificate(state, diagnostics)) => ApplyResponse {
            state,
            private: Vec::new(),
            diagnostics,
        },
        Ok(Received::Unread { text, mut error }) => {
            error.detail += UNREAD_CREATE;
            ApplyResponse {
                state: raw_object(issue.planned, &issue.form, text),
                private: Vec::new(),
                diagnostics: error.into(),
            }
        }
        Ok(Received::Lost(error)) | Err(error) => failed(error.into()),
    }
}

/// Carries out a change in place: by a new certificate, by sealing or archiving the key in state, or in state alone.
pub(super) async fn update(client: &ProviderClient, request: UpdateRequest) -> ApplyResponse {
    client.mark_applying();
    let mut private = Private::parse(&request.private);
    private.destroy_told = false;
    let UpdateRequest {
        prior,
        planned,
        config,
        cancel,
        ..
    } = request;
    let form = match Form::of(&planned, &config) {
        Ok(form) => form,
        Err(error) => {
            return ApplyResponse {
                state: prior,
                private: private.to_bytes(),
                diagnostics: error.into(),
            };
        }
    };
    form.seal_all(&mut private.unread_answers);
    if planned.get("certificate_id").is_unknown() {
        let issue = Issue {
            planned,
            form,
            operation: "update",
        };
        return match issue.carry_out(client, &prior, &cancel).await {
            Ok(Received::Certificate(state, diagnostics)) => ApplyResponse {
                state,
                private: private.to_bytes(),
                diagnostics,
            },
            Ok(Received::Unread { text, mut error }) => {
                private.unread_answers.push(text);
                error.detail += UNREAD_UPDATE;
                ApplyResponse {
                    state: prior,
                    private: private.to_bytes(),
                    diagnostics: error.into(),
                }
            }
            Ok(Received::Lost(error)) | Err(error) => ApplyResponse {
                state: prior,
                private: private.to_bytes(),
                diagnostics: error.into(),
            },
        };
    }
    let mut diagnostics = Diagnostics::new();
    let state = match in_state(&prior, planned, &form, &mut diagnostics) {
        Ok(state) => state,
        Err(error) => {
            diagnostics.push(error);
            prior
        }
    };
    ApplyResponse {
        state,
        private: private.to_bytes(),
        diagnostics,
    }
}

/// Forgets the object. Atlas cannot revoke a certificate, so there is nothing to call.
pub(super) fn delete(request: &DeleteRequest) -> ApplyResponse {
    let private = Private::parse(&request.private);
    let diagnostics = if private.destroy_told {
        None
    } else {
        farewell(&request.prior, &private)
    };
    ApplyResponse {
        state: Value::Null,
        private: Vec::new(),
        diagnostics: diagnostics.into_iter().collect(),
    }
}

/// One certificate to ask for.
struct Issue {
    planned: Value,
    form: Form,
    operation: &'static str,
}

impl Issue {
    async fn carry_out(
        &self,
        client: &ProviderClient,
        predecessor: &Value,
        cancel: &CancellationToken,
    ) -> Result<Received, Diagnostic> {
        let session = client.session()?;
        let (project, username, months) = self.asked()?;
        let call = Session::call(cancel, timeouts::timeout(&self.planned, self.operation));
        let request = IssueRequest {
            project: &project,
            username: &username,
            months,
            is_sealed: self.form.is_sealed(),
            predecessor_id: predecessor.get("certificate_id").as_str(),
        };
        let issued = session.issue(&request, &call).await?;
        let asked = Asked {
            project: &project,
            username: &username,
        };
        let received = receive(&issued, &asked, &self.planned, &self.form, predecessor);
        Ok(match received {
            Received::Certificate(object, mut diagnostics) => {
                diagnostics.extend(session.warnings(issued.server_time));
                Received::Certificate(object, diagnostics)
            }
            other @ (Received::Unread { .. } | Received::Lost(_)) => other,
        })
    }

    fn asked(&self) -> Result<(ProjectId, Username, Months), Diagnostic> {
        let parts = (
            arguments::project_id(&self.planned)?,
            arguments::username(&self.planned)?,
            arguments::months(&self.planned)?,
        );
        match parts {
            (Some(project), Some(username), Some(months)) => Ok((project, username, months)),
            _ => Err(Diagnostic::error(
                "Plan cannot be applied",
                "An argument that must be known by now is not. Please report this as a bug of the provider.",
            )),
        }
    }
}

/// What needs no call: the key changes its form, or nothing but arguments change.
fn in_state(
    prior: &Value,
    mut planned: Value,
    form: &Form,
    diagnostics: &mut Diagnostics,
) -> Result<Value, Diagnostic> {
    let key = prior.get("combined_pem").as_str().map(SecretString::from);
    if let Some(key) = key {
        if planned.get("sealed_pem").is_unknown() {
            hold(&mut planned, &key, form, diagnostics).map_err(|problem| {
                let text = format!("It stays in state as it was: {problem}.");
                Diagnostic::error("Private key could not be sealed", text)
            })?;
        } else if planned.get("pkcs12_base64").is_unknown() {
            let archive = archive(&key, form, diagnostics);
            planned.set("pkcs12_base64", archive);
        }
    }
    settle(&mut planned, schema::object_type());
    Ok(planned)
}

/// An object that holds the arguments and the answer as it came, and nothing that a certificate would tell.
fn raw_object(planned: Value, form: &Form, text: String) -> Value {
    let mut object = planned;
    for name in ISSUED {
        object.set(name, Value::Null);
    }
    object.set("superseded_certificates", Value::List(Vec::new()));
    let holder = if form.is_sealed() {
        "sealed_pem"
    } else {
        "combined_pem"
    };
    object.set(holder, text);
    settle(&mut object, schema::object_type());
    object
}

const UNREAD_CREATE: &str = "\n\nWhat came is stored unchanged (as combined_pem, or sealed as sealed_pem), and nothing of it is lost. Terraform marks the \
    resource as tainted and would issue another certificate at the next apply. To keep what came instead, run: terraform untaint ADDRESS. The \
    provider then leaves it alone; look at it with: terraform state pull.";

const UNREAD_UPDATE: &str = "\n\nThe previous certificate and its key stay in place and keep working. What came is kept unchanged (sealed, in sealed \
    mode) in the private data of this resource in the state file (terraform state pull, base64 under \"private\"). The next apply asks for another \
    certificate.";
