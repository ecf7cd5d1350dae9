//! The control surface in Rust: what a test does to the server and reads back from it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

use crate::credentials::{Credentials, Login, Role};
use crate::faults::{Fault, FaultHandle};
use crate::ledger::Certificate;
use crate::pem;
use crate::recording::RecordedRequest;
use crate::route::Endpoint;
use crate::settings::Settings;
use crate::tokens::Token;
use crate::users::{EXTERNAL, MissingProject, User, X509Type};
use crate::world::World;

/// A handle on a running server. Clones act on the same server.
#[derive(Clone)]
pub struct Control {
    pub(crate) world: Arc<World>,
    pub(crate) runtime: Handle,
}

/// Projects and users.
impl Control {
    /// Adds a project; one that exists stays as it is.
    pub fn add_project(&self, project: &str) {
        self.world.directory.add_project(project);
    }

    /// Removes a project with its users. Its certificates stay in the record and log nobody in.
    pub fn remove_project(&self, project: &str) {
        self.world.directory.remove_project(project);
    }

    /// The ids of all projects.
    pub fn projects(&self) -> Vec<String> {
        self.world.directory.projects()
    }

    /// Adds a user in `$external`, or replaces it; adds the project too if there is none.
    pub fn add_user(&self, project: &str, name: &str, x509_type: X509Type) {
        self.add_user_in(project, EXTERNAL, name, x509_type);
    }

    /// Adds a user in this authentication database, or replaces it; adds the project too if there is none.
    pub fn add_user_in(&self, project: &str, database: &str, name: &str, x509_type: X509Type) {
        self.add_project(project);
        let user = User::new(project, database, name, x509_type);
        self.world
            .directory
            .project(project, |project| project.put(database, name, user));
    }

    /// Makes the API refuse every request for the project, as it does for a project that does not exist, until
    /// [`Self::show_project`]. Users, certificates and TLS logins stay.
    pub fn hide_project(&self, project: &str, as_missing: MissingProject) {
        self.world.directory.project(project, |project| {
            project.hidden = Some(as_missing);
        });
    }

    /// Ends [`Self::hide_project`].
    pub fn show_project(&self, project: &str) {
        self.world
            .directory
            .project(project, |project| project.hidden = None);
    }

    /// Removes a user; its certificates live on. False if there was none.
    pub fn remove_user(&self, project: &str, name: &str) -> bool {
        let key = (EXTERNAL.to_owned(), name.to_owned());
        self.world
            .directory
            .project(project, |project| project.users.remove(&key))
            .flatten()
            .is_some()
    }

    /// Gives the project a certificate authority of its own, which stops Atlas from issuing, or takes it away.
    pub fn set_customer_ca(&self, project: &str, ca_pem: Option<&str>) {
        self.world.directory.project(project, |project| {
            project.customer_ca = ca_pem.map(str::to_owned);
        });
    }

    /// The certificate of the authority that signs for a project; made now if there is none yet.
    ///
    /// # Panics
    /// When its key cannot be made.
    pub fn project_ca_pem(&self, project: &str) -> String {
        let authority = self.world.authorities.of(project, &self.world.keys);
        let authority = authority.unwrap_or_else(|error| panic!("{error}"));
        pem::encode("CERTIFICATE", &authority.certificate)
    }
}

/// Time.
impl Control {
    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Makes it `now`; time goes on from there.
    pub fn set_clock(&self, now: Timestamp) {
        self.world.clock.set(now);
    }

    /// Sets the server's time to real time plus `offset`.
    pub fn set_clock_offset(&self, offset: SignedDuration) {
        self.world.clock.set_offset(offset);
    }

    /// Real time plus this is the server's time.
    pub fn clock_offset(&self) -> SignedDuration {
        self.world.clock.offset()
    }

    /// Moves the server's time forward.
    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
    }

    /// Makes the `Date` header, and nothing else, wrong by `skew`.
    pub fn set_date_skew(&self, skew: SignedDuration) {
        self.world.clock.set_date_skew(skew);
    }
}

/// Certificates.
impl Control {
    /// Every certificate ever issued to a user, expired ones too, in the order of their issue.
    pub fn certificates(&self, project: &str, user: &str) -> Vec<Certificate> {
        self.world.ledger.of(project, user)
    }

    /// Every certificate ever issued.
    pub fn all_certificates(&self) -> Vec<Certificate> {
        self.world.ledger.all()
    }

    /// How many were ever issued.
    pub fn issued_count(&self) -> usize {
        self.world.ledger.count()
    }

    /// Issues a certificate as if somebody else had asked for it.
    ///
    /// # Panics
    /// When a key cannot be made, or `months` lead beyond the end of time.
    pub fn issue(&self, project: &str, user: &str, months: u32) -> Certificate {
        let signed = self.world.sign(project, user, months);
        let signed = signed.unwrap_or_else(|error| panic!("{error}"));
        let certificate = Certificate::new(project, user, months, signed);
        self.world
            .ledger
            .enter(certificate.clone(), None, self.world.clock.now());
        certificate
    }

    /// Takes an unexpired certificate off the lists and refuses its logins, as a revocation would.
    /// False if there is none of this id.
    pub fn withdraw_certificate(&self, id: u64) -> bool {
        self.world.ledger.withdraw(id)
    }
}

/// Logins.
impl Control {
    /// What logs in at present.
    pub fn credentials(&self) -> Credentials {
        self.world.logins.credentials()
    }

    /// Replaces them all. Tokens already issued stay valid.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.world.logins.change(|current| *current = credentials);
    }

    /// Sets what a login may do in every project.
    pub fn set_role(&self, login: Login, role: Role) {
        self.world.logins.set_role(login, None, role);
    }

    /// Sets what a login may do in one project, whatever it may do elsewhere.
    pub fn set_project_role(&self, login: Login, project: &str, role: Role) {
        self.world.logins.set_role(login, Some(project), role);
    }

    /// Every access token ever issued.
    pub fn tokens(&self) -> Vec<Token> {
        self.world.tokens.all()
    }

    /// Ends every access token of the service account now.
    pub fn expire_tokens(&self) {
        self.world.tokens.expire_all(self.world.clock.now());
    }

    /// Makes every digest nonce stale.
    pub fn expire_nonces(&self) {
        self.world.nonces.expire_all();
    }
}

/// Behaviour and faults.
impl Control {
    /// The present settings.
    pub fn settings(&self) -> Settings {
        self.world.settings()
    }

    /// Changes settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        self.world.configure(change);
    }

    /// Adds a fault. Of several that hit a request, the first added is applied.
    pub fn add_fault(&self, fault: Fault) -> FaultHandle {
        FaultHandle::new(self.world.faults.add(fault), self.runtime.clone())
    }

    /// Forgets a fault and lets go what it holds; false if there is none of this id.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.world.faults.remove(id)
    }

    /// Forgets all faults and lets go what they hold.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// The faults that have hit fewer requests than they were to hit.
    pub fn unused_faults(&self) -> Vec<Fault> {
        let all = self.world.faults.all();
        all.iter()
            .filter(|armed| !armed.is_used_up())
            .map(|armed| armed.fault.clone())
            .collect()
    }

    /// Fails a test whose faults did not all happen.
    ///
    /// # Panics
    /// When one did not.
    pub fn assert_all_faults_used(&self) {
        let unused = self.unused_faults();
        assert!(
            unused.is_empty(),
            "these faults did not happen, or not often enough: {unused:#?}"
        );
    }
}

/// The record, and the connections.
impl Control {
    /// Every request so far, in the order of arrival. Those of the control surface are not in it.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world.recording.all()
    }

    /// Those to one endpoint.
    pub fn requests_to(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.endpoint == Some(endpoint));
        requests
    }

    /// How many requests one endpoint has received since the start or [`Self::clear_requests`].
    pub fn request_count(&self, endpoint: Endpoint) -> usize {
        self.requests_to(endpoint).len()
    }

    /// How many connections the API has accepted, those included whose TLS handshake failed.
    pub fn connection_count(&self) -> u64 {
        self.world.door.accepted.load(Ordering::SeqCst)
    }

    /// Empties the record.
    pub fn clear_requests(&self) {
        self.world.recording.clear();
    }

    /// Drops the next connections as soon as they are accepted, before a byte is read.
    pub fn cut_next_connections(&self, count: u32) {
        self.world.door.to_drop.store(count, Ordering::SeqCst);
    }

    /// Ends every connection of the API, idle or not.
    pub fn close_connections(&self) {
        self.world
            .door
            .generation
            .send_modify(|generation| *generation += 1);
    }

    /// Closes the API's port, so that connections are refused, and ends those there are.
    pub async fn stop_listening(&self) {
        self.open_door(false).await;
        self.close_connections();
    }

    /// Opens the same port again.
    pub async fn resume_listening(&self) {
        self.open_door(true).await;
    }

    async fn open_door(&self, open: bool) {
        let mut is_open = self.world.door.is_open.subscribe();
        self.world.door.wanted_open.send_replace(open);
        // The sender lives as long as `self`.
        let _ = is_open.wait_for(|it| *it == open).await;
    }
}
