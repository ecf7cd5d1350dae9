//! The functions, wherever the real CLI evaluates them.

use std::{fs, io::Write as _, path::Path, process::Stdio};

use serde_json::{Value as Json, json};
use tf_harness::{
    cli::{Output, Workspace},
    core::{Core, Settings},
    plugin::{Provider, SpawnOptions},
    value::{is_unknown, unknown},
};

use crate::support::{
    atlas::{PROJECT, atlas},
    leak_scanner::{LeakScanner, Secret},
    terraform::{bare_workspace, cli_has, provider, workspace, write_main},
};

#[test]
fn the_console_evaluates_each_function_in_its_example() {
    if !has_functions() {
        return;
    }
    let atlas = atlas(&["app-user"]);
    let issued = atlas.control().issue(PROJECT, "app-user", 3);
    let mut workspace = workspace(&atlas, "");
    example(&workspace, "parse_certificate");
    workspace.set_env("TF_VAR_certificate_pem", &issued.certificate_pem);
    let serial = console(
        &workspace,
        "provider::atlas::parse_certificate(var.certificate_pem).serial_number",
    );
    assert_eq!(serial, format!("{:?}", issued.serial));
    assert_eq!(console(&workspace, "local.certificate.subject"), "\"CN=app-user\"");

    example(&workspace, "x509_uri");
    let wanted = "mongodb+srv://cluster0.abcde.mongodb.net/?retryWrites=true&w=majority&authMechanism=MONGODB-X509&authSource=%24external";
    assert_eq!(
        console(&workspace, "provider::atlas::x509_uri(var.connection_string)"),
        format!("{wanted:?}")
    );

    example(&workspace, "split_pem");
    workspace.apply(&[]).success();
    let certificate = atlas.control().certificates(PROJECT, "app-user").pop().expect("the newest");
    let same = |part: &str, pem: &str| {
        let expression = format!(
            "nonsensitive(provider::atlas::split_pem(atlas_user_certificate.app.combined_pem).{part}) == {pem:?}"
        );
        console(&workspace, &expression)
    };
    assert_eq!(same("certificate_pem", &certificate.certificate_pem), "true");
    assert_eq!(same("private_key_pem", &certificate.key_pem), "true");
    assert_eq!(
        console(&workspace, "provider::atlas::split_pem(null).private_key_pem"),
        "tostring(null)"
    );
}

#[test]
fn functions_work_in_validate_plan_and_apply_and_in_modules() {
    if !has_functions() {
        return;
    }
    let atlas = atlas(&["app"]);
    let workspace = workspace(
        &atlas,
        &format!(
            "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n}}\n\
             module \"parts\" {{\n  source = \"./parts\"\n  bundle = atlas_user_certificate.app.combined_pem\n  \
             uri = \"mongodb://user:secret@db.example.net/admin\"\n}}\n\
             output \"parts\" {{\n  value = module.parts\n  sensitive = true\n}}\n"
        ),
    );
    let module = "terraform {\n  required_providers {\n    atlas = {\n      source = \"example/atlas\"\n    }\n  }\n}\n\
        variable \"bundle\" {\n  type = string\n}\nvariable \"uri\" {\n  type = string\n}\n\
        locals {\n  parts = provider::atlas::split_pem(var.bundle)\n}\n\
        output \"serial\" {\n  value = nonsensitive(provider::atlas::parse_certificate(local.parts.certificate_pem).serial_number)\n}\n\
        output \"key\" {\n  value = local.parts.private_key_pem\n  sensitive = true\n}\n\
        output \"uri\" {\n  value = provider::atlas::x509_uri(var.uri)\n}\n";
    workspace.write("parts/main.tf", module).expect("the module is written");
    // Modules are installed by init, which leaves overridden providers alone.
    workspace.run(["get", "-no-color"]).success();
    workspace.run(["validate", "-no-color"]).success();
    workspace.plan(&[]).success();
    workspace.apply(&[]).success();
    let parts = &workspace.state()["outputs"]["parts"]["value"];
    let issued = atlas.control().certificates(PROJECT, "app").pop().expect("a certificate");
    assert_eq!(parts["serial"], issued.serial);
    assert_eq!(parts["key"], issued.key_pem);
    assert_eq!(
        parts["uri"],
        "mongodb://db.example.net/admin?authMechanism=MONGODB-X509&authSource=%24external&tls=true"
    );
    assert!(workspace.plans_nothing());
}

#[test]
fn an_error_points_at_the_argument_and_shows_nothing_of_a_secret() {
    if !has_functions() {
        return;
    }
    let atlas = atlas(&["app"]);
    let issued = atlas.control().issue(PROJECT, "app", 1);
    let key = &issued.key_pem;
    let password = "hunter2-hunter2-hunter2";
    let uri = format!("mongodb://u:{password}@h/?authMechanism={password}");
    let mut workspace = bare_workspace("");
    let mut traces = LeakScanner::start(&mut workspace);
    for (function, parameter, text, named) in [
        ("parse_certificate", "pem", key, "no certificate"),
        ("split_pem", "bundle", key, "no certificate"),
        ("x509_uri", "uri", &uri, "option 1, authMechanism"),
    ] {
        let variable = "variable \"text\" {\n  type = string\n  sensitive = true\n}\n";
        let call = format!("provider::atlas::{function}(var.text)");
        let output = format!("output \"it\" {{\n  value = {call}\n  sensitive = true\n}}\n");
        write_main(&workspace, &format!("{variable}{output}"));
        workspace.set_env("TF_VAR_text", text);
        let output = workspace.plan(&[]).failure();
        let printed = output.text();
        let marker = format!("Invalid value for \"{parameter}\" parameter");
        assert!(printed.contains(&marker), "{printed}");
        assert!(printed.contains(named), "{named:?} is not in {printed}");
        traces.collect(&workspace, &output);
    }
    for secret in &[Secret::key(key), Secret::text(password)] {
        assert_eq!(traces.occurrences(secret), Vec::<&str>::new());
    }
    assert!(traces.all_occurrences().contains(&"trace.log"));
}

#[tokio::test]
async fn null_and_unknown_arguments_are_treated_as_each_function_says_on_an_unconfigured_process() {
    for settings in
        [Settings::terraform("1.8.5"), Settings::terraform("1.11.4"), Settings::opentofu("1.12.6")]
    {
        let provider = Provider::spawn(SpawnOptions::new(provider())).await.unwrap();
        let core = Core::new(provider, settings).await.unwrap();
        for name in ["parse_certificate", "split_pem", "x509_uri"] {
            let result = core.call(name, [unknown()]).await.unwrap().unwrap();
            assert!(is_unknown(&result), "{name}");
        }
        let nulls = core.call("split_pem", [Json::Null]).await.unwrap().unwrap();
        assert_eq!(nulls, json!({ "certificate_pem": null, "private_key_pem": null }));
        for name in ["parse_certificate", "split_pem", "x509_uri"] {
            let error = core.call(name, ["hunter2".into()]).await.unwrap().unwrap_err();
            assert_eq!(error.function_argument, Some(0), "{name}");
            assert!(!error.text.contains("hunter2"), "{error:?}");
        }
    }
}

#[test]
fn a_null_where_none_is_allowed_is_refused_by_the_cli_and_an_unknown_stays_unknown() {
    if !has_functions() {
        return;
    }
    let atlas = atlas(&["app"]);
    let workspace = workspace(
        &atlas,
        "resource \"terraform_data\" \"later\" {\n  input = \"mongodb://db.example.net\"\n}\n\
         output \"uri\" {\n  value = provider::atlas::x509_uri(terraform_data.later.output)\n}\n",
    );
    let plan = workspace.plan(&[]).success().text();
    assert!(plan.contains("uri = (known after apply)"), "{plan}");
    workspace.apply(&[]).success();
    assert_eq!(
        workspace.state()["outputs"]["uri"]["value"],
        "mongodb://db.example.net/?authMechanism=MONGODB-X509&authSource=%24external&tls=true"
    );
    for (function, parameter) in [("parse_certificate", "pem"), ("x509_uri", "uri")] {
        write_main(
            &workspace,
            &format!("output \"it\" {{\n  value = provider::atlas::{function}(null)\n}}\n"),
        );
        let said = workspace.run(["validate", "-no-color"]).failure().text();
        assert!(
            said.contains(&format!("\"{parameter}\"")) && said.contains("must not be null"),
            "{said}"
        );
    }
}

fn has_functions() -> bool {
    cli_has("a provider function", 8, 7)
}

/// Makes the example of a function the configuration.
fn example(workspace: &Workspace, function: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/functions")
        .join(function)
        .join("function.tf");
    let text = fs::read_to_string(file).expect("the example is there");
    workspace.write("main.tf", &text).expect("written");
}

/// What the console prints for an expression.
#[track_caller]
fn console(workspace: &Workspace, expression: &str) -> String {
    let mut child = workspace
        .command(["console", "-no-color"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("piped");
    writeln!(input, "{expression}").expect("it reads");
    drop(input);
    let output: Output = Workspace::finish(child).success();
    output.stdout.trim().to_owned()
}
