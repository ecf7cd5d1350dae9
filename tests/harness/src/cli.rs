//! The real Terraform or `OpenTofu`, in a folder of its own and with an environment of its own.

use std::{
    env,
    ffi::OsStr,
    fmt, fs, io,
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
    /// The binary that the variable `TERRAFORM_CLI` names; if it is not set, `terraform` or `tofu` on PATH.
    ///
    /// # Errors
    /// There is none. The text says what to install.
    pub fn find() -> Result<Self, String> {
        if let Some(path) = env::var_os("TERRAFORM_CLI") {
            return Self::at(Path::new(&path));
        }
        let folders = env::var_os("PATH").unwrap_or_default();
        let names = ["terraform", "tofu"].map(|name| format!("{name}{}", env::consts::EXE_SUFFIX));
        let mut candidates = names
            .iter()
            .flat_map(|name| env::split_paths(&folders).map(move |folder| folder.join(name)));
        candidates.find(|path| path.is_file()).map(|path| Self { path }).ok_or_else(|| {
            "neither terraform nor tofu is on PATH: install Terraform 1.5 or OpenTofu 1.6, or later, or set TERRAFORM_CLI to the binary"
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
            _ => Err(format!("there is no Terraform or OpenTofu binary at {}", path.display())),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version that `version -json` prints.
    ///
    /// # Errors
    /// The command fails or prints no JSON.
    pub fn version(&self) -> io::Result<Version> {
        let mut command = Command::new(&self.path);
        command.args(["version", "-json"]).env("CHECKPOINT_DISABLE", "1");
        let output = command.env_remove("TF_CLI_CONFIG_FILE").output()?;
        let json: Json = serde_json::from_slice(&output.stdout)?;
        let text = json["terraform_version"].as_str().unwrap_or_default().to_owned();
        let mut parts = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        let name = self.path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let tofu = name.contains("tofu");
        Ok(Version { text, major, minor, tofu })
    }
}

/// The version of a CLI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub text: String,
    pub major: u32,
    pub minor: u32,
    pub tofu: bool,
}

impl Version {
    /// Whether it is at least this Terraform 1.x, or this `OpenTofu` 1.x.
    pub fn has(&self, terraform_minor: u32, tofu_minor: u32) -> bool {
        let minor = if self.tofu { tofu_minor } else { terraform_minor };
        (self.major, self.minor) >= (1, minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = if self.tofu { "OpenTofu" } else { "Terraform" };
        write!(f, "{product} {}", self.text)
    }
}

/// The result of a command.
#[derive(Debug, Clone)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Both streams with white space and the frames of diagnostics folded, so that a sentence is found at any terminal
    /// width.
    pub fn text(&self) -> String {
        let joined = format!("{}\n{}", self.stdout, self.stderr);
        let words = joined.split_whitespace().filter(|word| !["│", "╷", "╵"].contains(word));
        words.collect::<Vec<_>>().join(" ")
    }

    /// The output of a command that must succeed.
    #[track_caller]
    pub fn success(self) -> Self {
        self.ended(true)
    }

    /// The output of a command that must fail.
    #[track_caller]
    pub fn failure(self) -> Self {
        self.ended(false)
    }

    #[track_caller]
    fn ended(self, success: bool) -> Self {
        let Self { status, stdout, stderr } = &self;
        assert_eq!(status.success(), success, "{status}\n{stdout}\n{stderr}");
        self
    }
}

/// A folder with a configuration, its state, and the environment in which commands run.
#[derive(Debug)]
pub struct Workspace {
    cli: Cli,
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Workspace {
    /// An empty folder in which the provider `example/atlas` is the binary at `provider`.
    pub fn new(cli: &Cli, provider: &Path) -> io::Result<Self> {
        let workspace = Self::empty(cli)?;
        workspace.override_providers(&[(SOURCE, provider)])?;
        Ok(workspace)
    }

    /// An empty folder without providers.
    pub fn empty(cli: &Cli) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("atlas-").tempdir()?;
        Ok(Self { cli: cli.clone(), folder, environment: Vec::new() })
    }

    /// Makes each source address mean the binary beside it.
    pub fn override_providers(&self, providers: &[(&str, &Path)]) -> io::Result<()> {
        let mut overrides = String::new();
        for (source, binary) in providers {
            let kind = source.rsplit('/').next().unwrap_or(source);
            let folder = self.path().join(".providers").join(source.replace('/', "-"));
            fs::create_dir_all(&folder)?;
            let name = format!("terraform-provider-{kind}{}", env::consts::EXE_SUFFIX);
            let link = folder.join(name);
            let _ = fs::remove_file(&link);
            // A copy would need a hundred megabytes for each test in the dev profile.
            if fs::hard_link(binary, &link).is_err() {
                fs::copy(binary, &link)?;
            }
            overrides += &format!("    {source:?} = {:?}\n", folder.display().to_string());
        }
        let text = format!(
            "provider_installation {{\n  dev_overrides {{\n{overrides}  }}\n  direct {{}}\n}}\n"
        );
        fs::write(self.path().join("cli.tfrc"), text)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps the folder when this is dropped, and returns its path.
    pub fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    pub fn cli(&self) -> &Cli {
        &self.cli
    }

    /// Sets a variable for all later commands.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file of the configuration, and its folders.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.path().join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)
    }

    /// A command that is ready to run.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.cli.path);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("TF_CLI_CONFIG_FILE", self.path().join("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in ["PATH", "TMPDIR", "SystemRoot", "TEMP", "TMP", "USERPROFILE"] {
            command.envs(env::var_os(name).map(|value| (name, value)));
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        Self::finish(self.spawn(arguments))
    }

    /// Starts a command.
    ///
    /// # Panics
    /// If it cannot be started.
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
    /// If its streams cannot be read.
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
        self.run([&["apply", "-auto-approve", "-no-color", "-input=false"], more].concat())
    }

    /// `plan`, with more arguments.
    #[track_caller]
    pub fn plan(&self, more: &[&str]) -> Output {
        self.run([&["plan", "-no-color", "-input=false"], more].concat())
    }

    /// `destroy -auto-approve`, with more arguments.
    #[track_caller]
    pub fn destroy(&self, more: &[&str]) -> Output {
        self.run([&["destroy", "-auto-approve", "-no-color", "-input=false"], more].concat())
    }

    /// Whether a plan has no changes.
    ///
    /// # Panics
    /// If the plan fails.
    #[track_caller]
    pub fn plans_nothing(&self) -> bool {
        let output = self.plan(&["-detailed-exitcode"]);
        match output.status.code() {
            Some(0) => true,
            Some(2) => false,
            _ => panic!("{}\n{}", output.stdout, output.stderr),
        }
    }

    /// The state file; null if there is none.
    ///
    /// # Panics
    /// If it is not JSON.
    #[track_caller]
    pub fn state(&self) -> Json {
        let Ok(bytes) = fs::read(self.path().join("terraform.tfstate")) else {
            return Json::Null;
        };
        match serde_json::from_slice(&bytes) {
            Ok(json) => json,
            Err(error) => panic!("the state file is not JSON: {error}"),
        }
    }

    /// The attributes of every instance of a managed resource type, in the order of the state file.
    #[track_caller]
    pub fn instances(&self, resource_type: &str) -> Vec<Json> {
        let state = self.state();
        let resources = state["resources"].as_array().into_iter().flatten();
        let ours = resources.filter(|it| it["type"] == resource_type && it["mode"] == "managed");
        let instances = ours.flat_map(|it| it["instances"].as_array().into_iter().flatten());
        instances.map(|instance| instance["attributes"].clone()).collect()
    }
}
