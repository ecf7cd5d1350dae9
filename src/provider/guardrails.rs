//! Guardrails of the provider block: limits that every issued certificate must respect.
//!
//! [`Guardrails::check`] is called during plan, and once more immediately before each certificate request. Operations
//! that issue nothing are never refused.

use tf_provider::{Attribute, Diagnostic, Diagnostics, Path, Type, Value};

use super::{
    arguments::{Problems, invalid_argument, to_sentence},
    attr::{Attr, read_number},
    client::not_known_yet,
};
use crate::atlas::{Months, ProjectId};

/// The guardrails of one provider block. An omitted one refuses nothing; one unknown during plan is checked in apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guardrails {
    allowed_project_ids: Attr<Vec<ProjectId>>,
    max_months: Attr<Months>,
    require_recipients: Attr<bool>,
}

/// A certificate to issue, as far as guardrails limit it. A field is `None` while it is unknown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Issuance<'a> {
    pub(crate) project_id: Option<&'a ProjectId>,
    pub(crate) months: Option<Months>,
    /// Whether the private key will be stored encrypted to age keys only.
    pub(crate) is_sealed: Option<bool>,
}

const PROJECTS: &str = "allowed_project_ids";
const MONTHS: &str = "max_months_until_expiration";
const RECIPIENTS: &str = "require_private_key_recipients";

#[rustfmt::skip]
pub(super) fn attributes() -> [Attribute; 3] {
    [
        Attribute::new(PROJECTS, Type::list(Type::String),
            "Guardrail: the only projects in which certificates may be issued. A plan or apply that would issue one \
             in another project fails. If omitted, every project is allowed.").optional(),
        Attribute::new(MONTHS, Type::Number,
            "Guardrail: the longest validity, in months (`1` to `24`), of a certificate that may be issued. A \
             resource that omits `months_until_expiration` counts as 3 when it is created.").optional(),
        Attribute::new(RECIPIENTS, Type::Bool,
            "Guardrail: if `true`, certificates may only be issued by resources that set `private_key_recipients`, so \
             that no private key is stored in plain text. Defaults to `false`.").optional(),
    ]
}

impl Guardrails {
    pub(super) fn parse(block: &Value) -> Result<Self, Diagnostics> {
        let parse = |months| Months::parse(months).ok();
        let max_months = read_number(block, MONTHS, "months from 1 to 24", parse);
        let mut problems = Problems::default();
        let guardrails = Self {
            allowed_project_ids: problems.take(project_ids(block)).unwrap_or_default(),
            max_months: problems.take(max_months).unwrap_or_default(),
            require_recipients: problems.take(Attr::read(block, RECIPIENTS)).unwrap_or_default(),
        };
        problems.finish(guardrails)
    }

    /// Whether a private key must not be stored in plain text.
    pub(crate) fn requires_recipients(&self) -> bool {
        self.require_recipients == Attr::Known(true)
    }

    /// Every guardrail that issuing would break, each at the argument to blame. Unknown values are not checked.
    pub(crate) fn check(&self, issuance: &Issuance<'_>) -> Diagnostics {
        let mut refusals = Diagnostics::new();
        if let (Attr::Known(allowed), Some(project)) =
            (&self.allowed_project_ids, issuance.project_id)
            && !allowed.contains(project)
        {
            refusals.push(refusal(
                "Project not allowed by the provider configuration",
                "project_id",
                &format!("project {project} is not in {PROJECTS} of the provider block"),
            ));
        }
        if let (Attr::Known(max), Some(months)) = (&self.max_months, issuance.months)
            && months > *max
        {
            refusals.push(refusal(
                "Validity not allowed by the provider configuration",
                "months_until_expiration",
                &format!("its validity would be {months} months, more than {MONTHS} = {max} of the provider block"),
            ));
        }
        if self.requires_recipients() && issuance.is_sealed == Some(false) {
            refusals.push(refusal(
                "Private key recipients required by the provider configuration",
                "private_key_recipients",
                &format!("its private key would be stored in plain text, and {RECIPIENTS} is set in the provider block"),
            ));
        }
        refusals
    }

    /// Like [`check`](Self::check), for the moment before the request: a guardrail that is still unknown refuses too.
    pub(super) fn check_all_known(&self, issuance: &Issuance<'_>) -> Result<(), Diagnostic> {
        let unknown = [
            (PROJECTS, self.allowed_project_ids.is_unknown()),
            (MONTHS, self.max_months.is_unknown()),
            (RECIPIENTS, self.require_recipients.is_unknown()),
        ];
        if let Some((argument, _)) = unknown.into_iter().find(|(_, is_unknown)| *is_unknown) {
            return Err(not_known_yet(argument));
        }
        self.check(issuance).into_iter().next().map_or(Ok(()), Err)
    }
}

fn refusal(summary: &str, argument: &str, reason: &str) -> Diagnostic {
    let detail = format!(
        "No certificate is issued: {reason}. Change {argument}, or the guardrail. If this stops a terraform destroy, run it with -refresh=false."
    );
    Diagnostic::error(summary, detail).at(argument)
}

fn project_ids(block: &Value) -> Result<Attr<Vec<ProjectId>>, Diagnostics> {
    let value = block.get(PROJECTS);
    let Some(elements) = value.as_list().filter(|_| value.is_wholly_known()) else {
        return Ok(if value.is_null() { Attr::Null } else { Attr::Unknown });
    };
    if elements.is_empty() {
        let problem = "The list is empty, so no certificate could be issued at all. Add a project id, or omit the argument to allow every project.";
        return Err(invalid_argument(PROJECTS, problem.to_owned()).into());
    }
    let mut problems = Problems::default();
    let parsed = (0..).zip(elements).filter_map(|(index, element)| {
        let id = match element.as_str().map(ProjectId::parse) {
            Some(id) => id.map_err(to_sentence),
            None => Err("A project id must not be null.".to_owned()),
        };
        let path = Path::from(PROJECTS).at_index(index);
        problems.take(id.map_err(|problem| invalid_argument(PROJECTS, problem).at(path)))
    });
    let ids = parsed.collect();
    problems.finish(Attr::Known(ids))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::testing::block;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
    const OTHER: &str = "0123456789abcdef01234567";

    fn ids(ids: &[&str]) -> Value {
        Value::List(ids.iter().map(|id| (*id).into()).collect())
    }

    fn refused(arguments: &[(&'static str, Value)], issuance: &Issuance<'_>) -> Vec<String> {
        let guardrails = Guardrails::parse(&block(arguments)).unwrap();
        let refusals = guardrails.check(issuance);
        let is_first = guardrails.check_all_known(issuance).err();
        assert_eq!(is_first, refusals.first().cloned(), "plan and request agree");
        refusals.iter().map(|refusal| refusal.path.as_ref().unwrap().to_string()).collect()
    }

    #[test]
    fn a_certificate_outside_of_a_guardrail_is_refused_at_the_argument_to_blame() {
        let project = ProjectId::parse(PROJECT).unwrap();
        let issuance = |months, is_sealed| Issuance {
            project_id: Some(&project),
            months: Some(Months::parse(months).unwrap()),
            is_sealed: Some(is_sealed),
        };
        let plain = issuance(3, false);
        assert_eq!(refused(&[], &plain), [""; 0]);
        assert_eq!(refused(&[(PROJECTS, ids(&[OTHER, PROJECT]))], &plain), [""; 0]);
        assert_eq!(refused(&[(PROJECTS, ids(&[OTHER]))], &plain), ["project_id"]);
        assert_eq!(refused(&[(MONTHS, 3.into())], &plain), [""; 0]);
        assert_eq!(
            refused(&[(MONTHS, 3.into())], &issuance(4, false)),
            ["months_until_expiration"]
        );
        assert_eq!(refused(&[(RECIPIENTS, false.into())], &plain), [""; 0]);
        assert_eq!(refused(&[(RECIPIENTS, true.into())], &plain), ["private_key_recipients"]);
        assert_eq!(refused(&[(RECIPIENTS, true.into())], &issuance(3, true)), [""; 0]);
        let all = [(PROJECTS, ids(&[OTHER])), (MONTHS, 1.into()), (RECIPIENTS, true.into())];
        assert_eq!(
            refused(&all, &plain),
            ["project_id", "months_until_expiration", "private_key_recipients"]
        );
        assert_eq!(refused(&all, &Issuance::default()), [""; 0], "unknown values are not checked");
    }

    #[test]
    fn an_unknown_guardrail_is_not_checked_in_plan_and_refuses_the_request() {
        for argument in [PROJECTS, MONTHS, RECIPIENTS] {
            let guardrails = Guardrails::parse(&block(&[(argument, Value::Unknown)])).unwrap();
            assert!(guardrails.check(&Issuance::default()).is_empty(), "{argument}");
            let refusal = guardrails.check_all_known(&Issuance::default()).unwrap_err();
            assert!(refusal.detail.contains(argument), "{refusal:?}");
        }
        let partly = Value::List(vec![PROJECT.into(), Value::Unknown]);
        assert!(
            Guardrails::parse(&block(&[(PROJECTS, partly)]))
                .unwrap()
                .check_all_known(&Issuance::default())
                .is_err()
        );
    }

    #[test]
    fn an_invalid_guardrail_is_an_error_at_its_argument() {
        let paths = |arguments: &[(&'static str, Value)]| -> Vec<String> {
            let problems = Guardrails::parse(&block(arguments)).unwrap_err();
            problems.iter().map(|problem| problem.path.as_ref().unwrap().to_string()).collect()
        };
        assert_eq!(paths(&[(PROJECTS, ids(&[]))]), [PROJECTS]);
        let list = Value::List(vec![PROJECT.into(), Value::Null, "x".into()]);
        assert_eq!(
            paths(&[(PROJECTS, list)]),
            ["allowed_project_ids[1]", "allowed_project_ids[2]"]
        );
        for months in [0, 25, -1] {
            assert_eq!(paths(&[(MONTHS, months.into())]), [MONTHS]);
        }
    }
}
