//! The functions, wherever the real CLI evaluates them.

use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Core, Settings},
    plugin::{Provider, SpawnOptions},
    value::{is_unknown, unknown},
};

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, certificate},
    leak_scanner::{LeakScanner, Secret},
    terraform::{bare_workspace, cli_has, provider, write_main},
};

const FUNCTIONS: [(&str, &str); 3] =
    [("parse_certificate", "pem"), ("split_pem", "bundle"), ("x509_uri", "uri")];
const X509: &str = "authMechanism=MONGODB-X509&authSource=%24external";

#[test]
fn functions_work_in_validate_plan_and_apply_and_in_modules() {
    if !has_functions() {
        return;
    }
    let t = Fixture::new(
        &(certificate("")
            + "module \"parts\" {\n  source = \"./parts\"\n  bundle = atlas_user_certificate.app.combined_pem\n  \
               uri = terraform_data.later.output\n}\n\
               resource \"terraform_data\" \"later\" {\n  input = \"mongodb://user:secret@db.example.net/admin\"\n}\n\
               output \"parts\" {\n  value = module.parts\n  sensitive = true\n}\n\
               output \"uri\" {\n  value = module.parts.uri\n}\n"),
    );
    let module = "terraform {\n  required_providers {\n    atlas = {\n      source = \"example/atlas\"\n    }\n  }\n}\n\
        variable \"bundle\" {\n  type = string\n}\nvariable \"uri\" {\n  type = string\n}\n\
        locals {\n  parts = provider::atlas::split_pem(var.bundle)\n}\n\
        output \"serial\" {\n  value = nonsensitive(provider::atlas::parse_certificate(local.parts.certificate_pem).serial_number)\n}\n\
        output \"key\" {\n  value = local.parts.private_key_pem\n  sensitive = true\n}\n\
        output \"uri\" {\n  value = provider::atlas::x509_uri(var.uri)\n}\n";
    t.workspace.write("parts/main.tf", module).expect("the module is written");
    // Modules are installed by init, which leaves overridden providers alone.
    t.workspace.run(["get", "-no-color"]).success();
    t.workspace.run(["validate", "-no-color"]).success();
    let plan = t.workspace.plan(&[]).success().text();
    assert!(plan.contains("uri = (known after apply)"), "an unknown argument: {plan}");
    t.workspace.apply(&[]).success();
    let parts = &t.workspace.state()["outputs"]["parts"]["value"];
    let issued = t.newest();
    assert_eq!(parts["serial"], issued.serial);
    assert_eq!(parts["key"], issued.key_pem);
    assert_eq!(parts["uri"], format!("mongodb://db.example.net/admin?{X509}&tls=true"));
    assert!(t.plans_nothing());
}

#[test]
fn an_error_points_at_the_argument_and_shows_nothing_of_a_secret() {
    if !has_functions() {
        return;
    }
    let key = Fixture::new("").atlas.control().issue(PROJECT, "app", 1).key_pem;
    let password = "hunter2-hunter2-hunter2";
    let uri = format!("mongodb://u:{password}@h/?authMechanism={password}");
    let mut workspace = bare_workspace("");
    let mut traces = LeakScanner::start(&mut workspace);
    for ((function, parameter), text) in FUNCTIONS.into_iter().zip([&key, &key, &uri]) {
        write_main(
            &workspace,
            &format!(
                "variable \"text\" {{\n  type = string\n  sensitive = true\n}}\n\
                 output \"it\" {{\n  value = provider::atlas::{function}(var.text)\n  sensitive = true\n}}\n"
            ),
        );
        workspace.set_env("TF_VAR_text", text);
        let output = workspace.plan(&[]).failure();
        let named =
            if function == "x509_uri" { "option 1, authMechanism" } else { "no certificate" };
        for words in [&format!("Invalid value for \"{parameter}\" parameter"), named] {
            assert!(output.text().contains(words), "{}", output.text());
        }
        traces.collect(&workspace, &output);
    }
    for secret in &[Secret::key(&key), Secret::text(password)] {
        assert_eq!(traces.occurrences(secret), Vec::<&str>::new());
    }
    assert!(traces.all_occurrences().contains(&"trace.log"));

    for (function, parameter) in [FUNCTIONS[0], FUNCTIONS[2]] {
        let null = format!("output \"it\" {{\n  value = provider::atlas::{function}(null)\n}}\n");
        write_main(&workspace, &null);
        let printed = workspace.run(["validate", "-no-color"]).failure().text();
        for words in [&format!("\"{parameter}\""), "must not be null"] {
            assert!(printed.contains(words), "{printed}");
        }
    }
}

#[tokio::test]
async fn null_and_unknown_arguments_are_accepted_or_refused_on_an_unconfigured_process() {
    for settings in
        [Settings::terraform("1.8.5"), Settings::terraform("1.11.4"), Settings::opentofu("1.12.6")]
    {
        let provider = Provider::spawn(SpawnOptions::new(provider())).await.unwrap();
        let core = Core::new(provider, settings).await.unwrap();
        for (name, _) in FUNCTIONS {
            let result = core.call(name, [unknown()]).await.unwrap().unwrap();
            assert!(is_unknown(&result), "{name}");
            let error = core.call(name, ["hunter2".into()]).await.unwrap().unwrap_err();
            assert_eq!(error.function_argument, Some(0), "{name}");
            assert!(!error.text.contains("hunter2"), "{error:?}");
        }
        let nulls = core.call("split_pem", [Json::Null]).await.unwrap().unwrap();
        assert_eq!(nulls, json!({ "certificate_pem": null, "private_key_pem": null }));
    }
}

fn has_functions() -> bool {
    cli_has("a provider function", 8, 7)
}
