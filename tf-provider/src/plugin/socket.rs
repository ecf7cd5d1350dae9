//! The unix socket: a fresh directory that only its owner may enter, and the socket in it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::net::UnixListener;

use super::environment::Environment;
use super::error::Error;

/// The directory with our socket in it; both are gone when this is dropped.
#[derive(Debug)]
pub(super) struct SocketDirectory {
    _guard: TempDir,
}

/// Listens on a new socket and gives its path.
pub(super) fn bind(
    environment: &Environment,
) -> Result<(UnixListener, SocketDirectory, String), Error> {
    let (directory, path) = first_announceable(&parents(environment))?;
    let listener = UnixListener::bind(&path).map_err(|source| Error::Listen {
        address: path.clone(),
        source,
    })?;
    match environment.socket_group.as_deref() {
        Some(group) => {
            let number = group_number(group).ok_or_else(|| Error::UnknownGroup {
                group: group.to_owned(),
            })?;
            share(directory.path(), Path::new(&path), number).map_err(Error::SocketAccess)?;
        }
        None => {
            fs::set_permissions(&path, Permissions::from_mode(0o600))
                .map_err(Error::SocketAccess)?;
        }
    }
    Ok((listener, SocketDirectory { _guard: directory }, path))
}

/// Where to try, in order. A host that names a directory looks nowhere else.
fn parents(environment: &Environment) -> Vec<PathBuf> {
    match &environment.socket_directory {
        Some(directory) => vec![directory.clone()],
        None => vec![
            environment.temp_directory.clone(),
            PathBuf::from(LAST_RESORT),
        ],
    }
}

fn first_announceable(parents: &[PathBuf]) -> Result<(TempDir, String), Error> {
    let mut refusal = Error::SocketPath {
        parent: PathBuf::new(),
    };
    for parent in parents {
        match fresh_directory(parent) {
            Ok((directory, Some(path))) => return Ok((directory, path)),
            Ok((_, None)) => {
                refusal = Error::SocketPath {
                    parent: parent.clone(),
                };
            }
            Err(source) => {
                refusal = Error::SocketDirectory {
                    parent: parent.clone(),
                    source,
                };
            }
        }
    }
    Err(refusal)
}

fn fresh_directory(parent: &Path) -> io::Result<(TempDir, Option<String>)> {
    let directory = tempfile::Builder::new()
        .prefix("plugin")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(std::path::absolute(parent)?)?;
    let path = announceable(&directory.path().join(SOCKET_NAME));
    Ok((directory, path))
}

/// The path as the handshake line can carry it, and as the system can bind it.
fn announceable(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let breaks_the_line = text.contains(|c: char| c == '|' || c.is_control());
    let fits = SocketAddr::from_pathname(path).is_ok();
    (fits && !breaks_the_line).then(|| text.to_owned())
}

/// Lets the group's members connect: through the directory, but not list it, and to the socket.
fn share(directory: &Path, socket: &Path, group: u32) -> io::Result<()> {
    chown(socket, None, Some(group))?;
    fs::set_permissions(socket, Permissions::from_mode(0o660))?;
    chown(directory, None, Some(group))?;
    fs::set_permissions(directory, Permissions::from_mode(0o710))
}

fn group_number(group: &str) -> Option<u32> {
    group.parse().ok().or_else(|| {
        let table = fs::read(GROUP_TABLE).ok()?;
        number_in(&String::from_utf8_lossy(&table), group)
    })
}

/// Finds a name in a table of lines `name:password:number:members`.
fn number_in(table: &str, group: &str) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?;
        (name == group).then(|| number.parse().ok()).flatten()
    })
}

const SOCKET_NAME: &str = "socket";
const LAST_RESORT: &str = "/tmp";
const GROUP_TABLE: &str = "/etc/group";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::plugin::environment::tests::environment;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn is_reachable_by_its_owner_only_and_gone_afterwards() {
        let parent = tempfile::tempdir().unwrap();
        let variables = [("PLUGIN_UNIX_SOCKET_DIR", parent.path().to_str().unwrap())];
        let (listener, directory, path) = bind(&environment(&variables)).unwrap();

        let socket = Path::new(&path);
        assert!(socket.starts_with(parent.path()));
        assert_eq!(mode(socket), 0o600);
        assert_eq!(mode(socket.parent().unwrap()), 0o700);
        std::os::unix::net::UnixStream::connect(socket).unwrap();

        drop((listener, directory));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn lets_the_named_group_in_and_nobody_else() {
        let own_group = fs::metadata(tempfile::tempdir().unwrap().path())
            .unwrap()
            .gid();
        let variables = [("PLUGIN_UNIX_SOCKET_GROUP", own_group.to_string())];
        let variables = [(variables[0].0, variables[0].1.as_str())];
        let (_listener, _directory, path) = bind(&environment(&variables)).unwrap();

        let socket = Path::new(&path);
        assert_eq!(mode(socket), 0o660);
        assert_eq!(mode(socket.parent().unwrap()), 0o710);
        assert_eq!(fs::metadata(socket).unwrap().gid(), own_group);
    }

    #[tokio::test]
    async fn refuses_a_group_that_does_not_exist_and_leaves_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        let refused = bind(&environment(&[
            ("PLUGIN_UNIX_SOCKET_DIR", parent.path().to_str().unwrap()),
            ("PLUGIN_UNIX_SOCKET_GROUP", "no such group"),
        ]));
        assert!(matches!(refused, Err(Error::UnknownGroup { .. })));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn falls_back_to_a_short_path_unless_the_host_named_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let long = home.path().join("x".repeat(90));
        fs::create_dir(&long).unwrap();

        let mut settings = environment(&[]);
        settings.temp_directory.clone_from(&long);
        let (_directory, path) = first_announceable(&parents(&settings)).unwrap();
        assert!(path.starts_with("/tmp/plugin"), "{path}");

        settings.socket_directory = Some(long.clone());
        let refused = first_announceable(&parents(&settings));
        assert!(matches!(refused, Err(Error::SocketPath { .. })));
        assert_eq!(fs::read_dir(&long).unwrap().count(), 0);
    }

    #[test]
    fn announces_only_what_the_handshake_line_can_carry() {
        for good in ["/tmp/plugin1/socket", "/tmp/with space/socket"] {
            assert_eq!(announceable(Path::new(good)).as_deref(), Some(good));
        }
        for bad in ["/tmp/a|b", "/tmp/a\nb", &format!("/{}", "x".repeat(110))] {
            assert_eq!(announceable(Path::new(bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn finds_a_group_by_number_or_by_its_exact_name() {
        let table =
            "root:x:0:\n# comment\nstaff:x:50:ann,bob\nstaffer:x:51:\nbroken:x\n\nodd:x:y:\n";
        for (name, number) in [
            ("root", Some(0)),
            ("staff", Some(50)),
            ("staffer", Some(51)),
            ("sta", None),
            ("broken", None),
            ("odd", None),
            ("", None),
        ] {
            assert_eq!(number_in(table, name), number, "{name:?}");
        }
        assert_eq!(group_number("1234"), Some(1234));
    }
}
