//! Everything that commands left behind, searched for secrets in any spelling.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    io::{Cursor, Read as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tf_harness::cli::{Output, Workspace};

/// How many bytes in a row count as a leak.
const RUN: usize = 12;

/// The log of CLI and provider, from [`LeakScanner::start`] on.
const LOG: &str = "trace.log";

/// State files, plan files, logs and printed text, as they were after each command.
#[derive(Default)]
pub struct LeakScanner {
    pieces: Vec<(String, Vec<u8>)>,
}

impl LeakScanner {
    /// Makes all later commands log everything they can.
    pub fn start(workspace: &mut Workspace) -> Self {
        let log = workspace.path().join(LOG);
        workspace.set_env("TF_LOG", "TRACE");
        workspace.set_env("TF_LOG_PATH", log.to_str().expect("a folder with a plain name"));
        Self::default()
    }

    /// Takes the printed text of a command and all files, except configuration and the provider itself. The log is removed,
    /// so that the next call finds only new lines.
    pub fn collect(&mut self, workspace: &Workspace, output: &Output) {
        let printed = format!("{}{}", output.stdout, output.stderr);
        self.pieces.push(("the printed text".to_owned(), printed.into_bytes()));
        for entry in fs::read_dir(workspace.path()).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
            let extension = path.extension().and_then(|extension| extension.to_str());
            if path.is_dir() || matches!(extension, Some("tf" | "tfrc")) {
                continue;
            }
            let bytes = fs::read(&path).expect("the file can be read");
            if extension == Some("tfplan") {
                self.unzip(name, bytes);
            } else {
                self.pieces.push((name.to_owned(), bytes));
            }
        }
        let log = workspace.path().join(LOG);
        let text = fs::read_to_string(&log).expect("every command logs");
        assert!(text.contains("provider.terraform-provider-atlas"), "the provider logs, too");
        fs::remove_file(&log).expect("it exists");
    }

    /// The places that contain the secret.
    pub fn occurrences(&self, secret: &Secret) -> Vec<&str> {
        self.places(|bytes| secret.is_in(bytes))
    }

    /// The names of all places that were searched.
    pub fn all_occurrences(&self) -> Vec<&str> {
        self.places(|_| true)
    }

    fn places(&self, is_included: impl Fn(&[u8]) -> bool) -> Vec<&str> {
        let pieces = self.pieces.iter().filter(|(_, bytes)| is_included(bytes));
        let places: BTreeSet<&str> = pieces.map(|(place, _)| place.as_str()).collect();
        places.into_iter().collect()
    }

    fn unzip(&mut self, name: &str, bytes: Vec<u8>) {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a plan file is a zip");
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).expect("the archive is whole");
            let place = format!("{name}:{}", file.name().expect("a plain name"));
            let mut content = Vec::new();
            file.read_to_end(&mut content).expect("the archive is whole");
            self.pieces.push((place, content));
        }
    }
}

/// A secret in every spelling that it may have.
pub struct Secret {
    runs: HashSet<[u8; RUN]>,
    /// Which two bytes a run begins with: that excludes nearly every place.
    beginnings: Vec<bool>,
}

impl Secret {
    /// A text such as a password: as it is, in UTF-16, and encoded.
    pub fn text(text: &str) -> Self {
        assert!(text.len() >= 20, "too short for a run of {RUN} bytes in base64");
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        Self::of(&[text.as_bytes(), &utf16])
    }

    /// Bytes such as an archive, or the part of one that all archives have in common.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::of(&[bytes])
    }

    /// A private key in PEM: the lines of the text, the text without line ends, and the DER.
    pub fn key(pem: &str) -> Self {
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(lines.concat()).expect("a key in PEM");
        Self::of(&[lines.join("\n").as_bytes(), lines.concat().as_bytes(), &der])
    }

    fn of(forms: &[&[u8]]) -> Self {
        let mut runs: HashSet<[u8; RUN]> = HashSet::new();
        let mut add = |bytes: &[u8]| {
            runs.extend(bytes.windows(RUN).map(|run| <[u8; RUN]>::try_from(run).expect("a run")));
        };
        for form in forms {
            add(form);
            let hex = form.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            add(hex.as_bytes());
            add(hex.to_uppercase().as_bytes());
            // As a list of numbers, the way a careless log line shows bytes.
            add(form.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").as_bytes());
            // As a part of something longer, the text may begin at any of three offsets.
            for offset in 0..3 {
                let whole = form.get(offset..).unwrap_or_default();
                add(STANDARD.encode(&whole[..whole.len() / 3 * 3]).as_bytes());
            }
        }
        assert!(!runs.is_empty(), "there is nothing to search for");
        let mut beginnings = vec![false; 1 << 16];
        for run in &runs {
            beginnings[beginning(run)] = true;
        }
        Self { runs, beginnings }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let is_run = |run: &[u8]| self.beginnings[beginning(run)] && self.runs.contains(run);
        bytes.windows(RUN).any(is_run)
    }
}

fn beginning(run: &[u8]) -> usize {
    usize::from(run[0]) << 8 | usize::from(run[1])
}
