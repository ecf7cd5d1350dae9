//! The real Terraform or `OpenTofu`, run on a folder of its own with nothing taken from the environment.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use serde_json::Value as Json;

/// The source address under which configurations name the provider.
pub const SOURCE: &str = "example/atlas";

/// A Terraform or `OpenTofu` binary.
#[derive(Debug, Clone)]
pub struct Cli {
    path: PathBuf,
}

impl Cli {
    /// `terraform`, else `tofu`, from PATH; or the one that the variable `TERRAFORM_CLI` names.
    ///
    /// # Errors
    /// There is none: the text says what to install.
    pub fn find() -> Result<Self, String> {
        if let Some(path) = std::env::var_os("TERRAFORM_CLI") {
            return Self::at(Path::new(&path));
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let candidates =
            ["terraform", "tofu"].map(|name| format!("{name}{}", std::env::consts::EXE_SUFFIX));
        candidates
            .iter()
            .flat_map(|name| std::env::split_paths(&folders).map(move |folder| folder.join(name)))
            .find(|path| path.is_file())
            .map(|path| Self { path })
            .ok_or_else(|| {
                "neither terraform nor tofu is on PATH: install Terraform 1.5 or OpenTofu 1.6, or later, or let TERRAFORM_CLI name the binary"
                    .to_owned()
            })
    }

    /// The binary at this path.
    ///
    /// # Errors
    /// There is no file.
    pub fn at(path: &Path) -> Result<Self, String> {
        match fs::canonicalize(path) {
            Ok(path) if path.is_file() => Ok(Self { path }),
            _ => Err(format!(
                "there is no Terraform or OpenTofu binary at {}",
                path.display()
            )),
        }
    }

    /// Where the binary is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `version -json` calls `terraform_version`, as (major, minor), and whether it is `OpenTofu`.
    ///
    /// # Errors
    /// The binary does not answer as Terraform does.
    pub fn version(&self) -> io::Result<Version> {
        let output = Command::new(&self.path)
            .args(["version", "-json"])
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_CLI_CONFIG_FILE")
            .output()?;
        let json: Json = serde_json::from_slice(&output.stdout)?;
        let text = json["terraform_version"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut parts = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        let tofu = self
            .path
            .file_stem()
            .and_then(OsStr::to_str)
            .is_some_and(|name| name.contains("tofu"));
        Ok(Version {
            text,
            major,
            minor,
            tofu,
        })
    }
}

/// Which Terraform or `OpenTofu` it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// As it names itself.
    pub text: String,
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// Whether it is `OpenTofu`.
    pub tofu: bool,
}

impl Version {
    /// Whether it is at least this Terraform 1.x, or this `OpenTofu` 1.x.
    pub fn has(&self, terraform_minor: u32, tofu_minor: u32) -> bool {
        let minor = if self.tofu {
            tofu_minor
        } else {
            terraform_minor
        };
        (self.major, self.minor) >= (1, minor)
    }
}

/// A folder with a configuration, its state and the environment that commands run in.
#[derive(Debug)]
pub struct Workspace {
    cli: Cli,
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// What a command printed and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Both streams, blanks and the frames of diagnostics folded, so that a sentence is found however wide the terminal is.
    pub fn text(&self) -> String {
        let joined = format!("{}\n{}", self.stdout, self.stderr);
        let words = joined
            .split_whitespace()
            .filter(|word| !["│", "╷", "╵"].contains(word));
        words.collect::<Vec<_>>().join(" ")
    }

    /// The output of a command that must succeed.
    ///
    /// # Panics
    /// It did not: both streams are shown.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(
            self.status.success(),
            "{}\n{}\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The output of a command that must fail.
    ///
    /// # Panics
    /// It did not: both streams are shown.
    #[track_caller]
    pub fn failure(self) -> Self {
        assert!(
            !self.status.success(),
            "{}\n{}\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }
}

impl Workspace {
    /// An empty folder in which the provider `example/atlas` is the binary at `provider`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn new(cli: &Cli, provider: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("atlas-").tempdir()?;
        let workspace = Self {
            cli: cli.clone(),
            folder,
            environment: Vec::new(),
        };
        workspace.override_providers(&[(SOURCE, provider)])?;
        Ok(workspace)
    }

    /// Lets each source address mean the binary beside it.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn override_providers(&self, providers: &[(&str, &Path)]) -> io::Result<()> {
        let mut overrides = Vec::new();
        for (source, binary) in providers {
            let kind = source.rsplit('/').next().unwrap_or(source);
            let folder = self
                .path()
                .join(".providers")
                .join(source.replace('/', "-"));
            fs::create_dir_all(&folder)?;
            let link = folder.join(format!(
                "terraform-provider-{kind}{}",
                std::env::consts::EXE_SUFFIX
            ));
            let _ = fs::remove_file(&link);
            // A copy would cost a hundred megabytes a test in the dev profile.
            if fs::hard_link(binary, &link).is_err() {
                fs::copy(binary, &link)?;
            }
            overrides.push(format!(
                "    {source:?} = {:?}\n",
                folder.display().to_string()
            ));
        }
        let overrides = overrides.concat();
        let text = format!(
            "provider_installation {{\n  dev_overrides {{\n{overrides}  }}\n  direct {{}}\n}}\n"
        );
        fs::write(self.path().join("cli.tfrc"), text)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps the folder when this is dropped, and tells where it is.
    pub fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// The CLI in use.
    pub fn cli(&self) -> &Cli {
        &self.cli
    }

    /// Sets a variable for all later commands.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file of the configuration, folders included.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.path().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    }

    /// A command that is ready to run.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.cli.path);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("TF_CLI_CONFIG_FILE", self.path().join("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in ["TMPDIR", "SystemRoot", "TEMP", "TMP", "USERPROFILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// It cannot be started.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        Self::finish(self.spawn(arguments))
    }

    /// Starts a command.
    ///
    /// # Panics
    /// It cannot be started.
    #[track_caller]
    pub fn spawn<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Child {
        match self.command(arguments).spawn() {
            Ok(child) => child,
            Err(error) => panic!("{} cannot be started: {error}", self.cli.path.display()),
        }
    }

    /// Waits for the end of a command that was started.
    ///
    /// # Panics
    /// Its streams cannot be read.
    #[track_caller]
    pub fn finish(child: Child) -> Output {
        match child.wait_with_output() {
            Ok(output) => Output {
                status: output.status,
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            },
            Err(error) => panic!("the command's output cannot be read: {error}"),
        }
    }

    /// `apply -auto-approve`, with more arguments.
    #[track_caller]
    pub fn apply(&self, more: &[&str]) -> Output {
        self.run(
            ["apply", "-auto-approve", "-no-color", "-input=false"]
                .iter()
                .chain(more),
        )
    }

    /// `plan`, with more arguments.
    #[track_caller]
    pub fn plan(&self, more: &[&str]) -> Output {
        self.run(["plan", "-no-color", "-input=false"].iter().chain(more))
    }

    /// `destroy -auto-approve`, with more arguments.
    #[track_caller]
    pub fn destroy(&self, more: &[&str]) -> Output {
        self.run(
            ["destroy", "-auto-approve", "-no-color", "-input=false"]
                .iter()
                .chain(more),
        )
    }

    /// Whether a plan finds nothing to do.
    ///
    /// # Panics
    /// The plan fails.
    #[track_caller]
    pub fn plans_nothing(&self) -> bool {
        let output = self.plan(&["-detailed-exitcode"]);
        match output.status.code() {
            Some(0) => true,
            Some(2) => false,
            _ => panic!("{}\n{}", output.stdout, output.stderr),
        }
    }

    /// The state file; null where there is none.
    ///
    /// # Panics
    /// It is no JSON.
    #[track_caller]
    pub fn state(&self) -> Json {
        match fs::read(self.path().join("terraform.tfstate")) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(json) => json,
                Err(error) => panic!("the state file is no JSON: {error}"),
            },
            Err(_) => Json::Null,
        }
    }

    /// The attributes of every instance of a resource type, in the state file's order.
    #[track_caller]
    pub fn instances(&self, resource_type: &str) -> Vec<Json> {
        let state = self.state();
        let resources = state["resources"].as_array().cloned().unwrap_or_default();
        resources
            .iter()
            .filter(|resource| resource["type"] == resource_type && resource["mode"] == "managed")
            .flat_map(|resource| {
                resource["instances"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default()
            })
            .map(|instance| instance["attributes"].clone())
            .collect()
    }
}
