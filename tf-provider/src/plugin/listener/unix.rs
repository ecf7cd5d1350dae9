//! A unix socket in a new directory that only its owner may enter.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        net::SocketAddr,
    },
    path::Path,
    sync::{Arc, Mutex},
};

use nix::unistd::Group;
use tempfile::TempDir;
pub(in super::super) use tokio::net::{UnixListener as Listener, UnixStream as Stream};

use super::{
    super::{environment::Environment, error::Error},
    Endpoint, SocketDir,
};

pub(in super::super) fn bind(environment: &Environment) -> Result<(Listener, Endpoint), Error> {
    let (directory, address) = new_socket_path(environment)?;
    let listener =
        Listener::bind(&address).map_err(Error::during(format!("listen on {address}")))?;
    let socket = Path::new(&address);
    match environment.socket_group.as_deref() {
        Some(group) => grant_group_access(directory.path(), socket, group_id(group)?),
        None => fs::set_permissions(socket, Permissions::from_mode(0o600)),
    }
    .map_err(Error::during(SET_ACCESS))?;
    let socket_dir = Arc::new(SocketDir(Mutex::new(Some(directory))));
    Ok((listener, Endpoint { network: "unix", address, socket_dir }))
}

/// In the directory that the host names. If it names none, `/tmp` replaces an unusable directory for temporary files.
fn new_socket_path(environment: &Environment) -> Result<(TempDir, String), Error> {
    match &environment.socket_dir {
        Some(directory) => new_directory(directory),
        None => new_directory(&environment.temp_dir).or_else(|_| new_directory("/tmp".as_ref())),
    }
}

fn new_directory(parent: &Path) -> Result<(TempDir, String), Error> {
    let shown = parent.display();
    let directory = std::path::absolute(parent)
        .and_then(|parent| {
            tempfile::Builder::new()
                .prefix("plugin")
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(parent)
        })
        .map_err(Error::during(format!("create a directory for the socket in {shown}")))?;
    let path = printable(&directory.path().join("socket")).ok_or_else(|| {
        Error::Environment(format!(
            "a socket in {shown} cannot be announced: the path is too long or contains unusual characters"
        ))
    })?;
    Ok((directory, path))
}

/// The path as text, if it can be bound and fits into the handshake line.
fn printable(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let breaks_the_line = text.contains(|c: char| c == '|' || c.is_control());
    let can_be_bound = SocketAddr::from_pathname(path).is_ok();
    (can_be_bound && !breaks_the_line).then(|| text.to_owned())
}

/// Allows the members of the group to pass through the directory, but not to list it, and to use the socket.
fn grant_group_access(directory: &Path, socket: &Path, group: u32) -> io::Result<()> {
    chown(socket, None, Some(group))?;
    fs::set_permissions(socket, Permissions::from_mode(0o660))?;
    chown(directory, None, Some(group))?;
    fs::set_permissions(directory, Permissions::from_mode(0o710))
}

/// The id of a group, by number or by name: names are looked up by the system, so that those of LDAP and SSSD are found.
fn group_id(group: &str) -> Result<u32, Error> {
    if let Ok(id) = group.parse() {
        return Ok(id);
    }
    let found = Group::from_name(group).map_err(Error::during(SET_ACCESS))?;
    found.map(|found| found.gid.as_raw()).ok_or_else(|| {
        Error::Environment(format!("no group {group:?}, as required by PLUGIN_UNIX_SOCKET_GROUP"))
    })
}

const SET_ACCESS: &str = "set the group and mode of the socket";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::plugin::environment::tests::environment;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn socket_is_reachable_by_its_owner_only_and_removed_afterwards() {
        let parent = tempfile::tempdir().unwrap();
        let variables = [("PLUGIN_UNIX_SOCKET_DIR", parent.path().to_str().unwrap())];
        let (_listener, endpoint) = bind(&environment(&variables)).unwrap();

        let socket = Path::new(&endpoint.address);
        assert!(socket.starts_with(parent.path()));
        assert_eq!(mode(socket), 0o600);
        assert_eq!(mode(socket.parent().unwrap()), 0o700);
        std::os::unix::net::UnixStream::connect(socket).unwrap();

        endpoint.socket_dir.remove();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn socket_is_reachable_by_the_named_group_only() {
        let own_group = fs::metadata(tempfile::tempdir().unwrap().path()).unwrap().gid();
        let variables = [("PLUGIN_UNIX_SOCKET_GROUP", own_group.to_string())];
        let variables = [(variables[0].0, variables[0].1.as_str())];
        let (_listener, endpoint) = bind(&environment(&variables)).unwrap();

        let socket = Path::new(&endpoint.address);
        assert_eq!(mode(socket), 0o660);
        assert_eq!(mode(socket.parent().unwrap()), 0o710);
        assert_eq!(fs::metadata(socket).unwrap().gid(), own_group);
    }

    #[tokio::test]
    async fn unknown_group_is_an_error_and_leaves_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        let refused = bind(&environment(&[
            ("PLUGIN_UNIX_SOCKET_DIR", parent.path().to_str().unwrap()),
            ("PLUGIN_UNIX_SOCKET_GROUP", "no such group"),
        ]));
        assert!(refused.unwrap_err().to_string().starts_with("no group"));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn long_path_is_replaced_unless_the_host_named_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let long = home.path().join("x".repeat(90));
        fs::create_dir(&long).unwrap();

        let mut settings = environment(&[]);
        settings.temp_dir.clone_from(&long);
        let (_directory, path) = new_socket_path(&settings).unwrap();
        assert!(path.starts_with("/tmp/plugin"), "{path}");

        settings.socket_dir = Some(long.clone());
        let refused = new_socket_path(&settings);
        assert!(refused.unwrap_err().to_string().contains("cannot be announced"));
        assert_eq!(fs::read_dir(&long).unwrap().count(), 0);
    }

    #[test]
    fn path_must_fit_into_the_handshake_line() {
        for good in ["/tmp/plugin1/socket", "/tmp/with space/socket"] {
            assert_eq!(printable(Path::new(good)).as_deref(), Some(good));
        }
        for bad in ["/tmp/a|b", "/tmp/a\nb", &format!("/{}", "x".repeat(110))] {
            assert_eq!(printable(Path::new(bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn group_is_found_by_number_and_by_name_in_the_system() {
        assert_eq!(group_id("1234").unwrap(), 1234);
        let own = Group::from_gid(nix::unistd::getgid()).unwrap().unwrap();
        assert_eq!(group_id(&own.name).unwrap(), own.gid.as_raw());
        for unknown in ["no such group", ""] {
            let error = group_id(unknown).unwrap_err();
            assert!(error.to_string().starts_with("no group"), "{unknown:?}");
        }
    }
}
