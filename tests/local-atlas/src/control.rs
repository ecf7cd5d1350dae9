//! The control interface in Rust: what a test changes on the server and reads back from it.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

use crate::{
    credentials::{Credentials, Login, Role},
    faults::{Fault, FaultHandle},
    oauth::Token,
    route::Endpoint,
    settings::Settings,
    state::{RecordedRequest, State},
    stores::{Certificate, EXTERNAL, MissingProject, Project, X509Type},
};

/// Controls a running server. Clones control the same server.
#[derive(Clone)]
pub struct Control {
    pub(crate) state: Arc<State>,
    pub(crate) runtime: Handle,
}

impl Control {
    /// Adds a project; an existing one stays as it is.
    pub fn add_project(&self, project: &str) {
        self.state.lock().projects.entry(project.to_owned()).or_default();
    }

    /// Removes a project with its users. Its certificates stay in the record; no user belongs to them.
    pub fn remove_project(&self, project: &str) {
        self.state.lock().projects.remove(project);
    }

    /// Makes the API refuse every request for the project, as it does for a project that does not exist, until
    /// [`Self::show_project`]. Users, certificates and TLS logins stay.
    pub fn hide_project(&self, project: &str, as_missing: MissingProject) {
        self.change_project(project, |project| project.hidden = Some(as_missing));
    }

    /// Ends [`Self::hide_project`].
    pub fn show_project(&self, project: &str) {
        self.change_project(project, |project| project.hidden = None);
    }

    /// Sets or removes the customer's own certificate authority. While it is set, Atlas issues no certificates.
    pub fn set_customer_ca(&self, project: &str, is_set: bool) {
        self.change_project(project, |project| project.customer_ca = is_set);
    }

    /// Adds a user in `$external`, or replaces it, and adds its project.
    pub fn add_user(&self, project: &str, name: &str, x509_type: X509Type) {
        self.add_user_in(project, EXTERNAL, name, x509_type);
    }

    /// Adds a user in an authentication database, or replaces it, and adds its project.
    pub fn add_user_in(&self, project: &str, database: &str, name: &str, x509_type: X509Type) {
        self.add_project(project);
        let key = (database.to_owned(), name.to_owned());
        self.change_project(project, |project| _ = project.users.insert(key, x509_type));
    }

    /// Removes a user of `$external`; its certificates stay. False if it does not exist.
    pub fn remove_user(&self, project: &str, name: &str) -> bool {
        let key = (EXTERNAL.to_owned(), name.to_owned());
        let mut removed = false;
        self.change_project(project, |project| removed = project.users.remove(&key).is_some());
        removed
    }

    fn change_project(&self, project: &str, change: impl FnOnce(&mut Project)) {
        if let Some(project) = self.state.lock().projects.get_mut(project) {
            change(project);
        }
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    /// Sets the server's time to `now`; it continues from there.
    pub fn set_clock(&self, now: Timestamp) {
        self.set_clock_offset(now.duration_since(Timestamp::now()));
    }

    /// Sets the server's time to real time plus `offset`.
    pub fn set_clock_offset(&self, offset: SignedDuration) {
        self.state.clock.set_offset(offset);
    }

    /// Moves the server's time forward.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.set_clock_offset(self.state.clock.offset().saturating_add(by));
    }

    /// Every certificate ever issued to a user, expired ones too, in the order of issue.
    pub fn certificates(&self, project: &str, user: &str) -> Vec<Certificate> {
        self.state.lock().certificates_of(project, user).cloned().collect()
    }

    /// Every certificate ever issued.
    pub fn all_certificates(&self) -> Vec<Certificate> {
        self.state.lock().certificates.clone()
    }

    /// The number of certificates ever issued.
    pub fn issued_count(&self) -> usize {
        self.state.lock().certificates.len()
    }

    /// Issues a certificate as another client of Atlas would.
    ///
    /// # Panics
    /// If a key cannot be generated, or the expiry is not a valid time.
    pub fn issue(&self, project: &str, user: &str, months: u32) -> Certificate {
        let certificate = self.state.authorities.sign(project, user, months, self.now());
        let certificate = certificate.unwrap_or_else(|error| panic!("{error}"));
        self.state.lock().certificates.push(certificate.clone());
        certificate
    }

    /// Removes an unexpired certificate from the lists and refuses its TLS logins, as a revocation would.
    /// False if there is none of this id.
    pub fn unlist_certificate(&self, id: u64) -> bool {
        let mut data = self.state.lock();
        let certificate = data.certificates.iter_mut().find(|it| it.id == id);
        certificate.map(|certificate| certificate.unlisted = true).is_some()
    }

    /// The accepted credentials.
    pub fn credentials(&self) -> Credentials {
        self.state.lock().credentials.clone()
    }

    /// Sets the role of a kind of credentials.
    pub fn set_role(&self, login: Login, role: Role) {
        self.state.lock().roles.insert(login, role);
    }

    /// Every access token ever issued.
    pub fn tokens(&self) -> Vec<Token> {
        self.state.lock().tokens.clone()
    }

    /// Ends the validity of every access token of the service account.
    pub fn expire_tokens(&self) {
        let now = self.now();
        for token in &mut self.state.lock().tokens {
            token.expires_at = token.expires_at.min(now);
        }
    }

    /// The current settings.
    pub fn settings(&self) -> Settings {
        self.state.lock().settings.clone()
    }

    /// Changes settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings();
        change(&mut settings);
        self.state.lock().settings = settings;
    }

    /// Adds a fault. Of several that match a request, the one added first applies.
    pub fn add_fault(&self, fault: Fault) -> FaultHandle {
        FaultHandle { fault: self.state.faults.add(fault), runtime: self.runtime.clone() }
    }

    /// Removes a fault and releases the requests it holds; false if there is none of this id.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.state.faults.remove(id)
    }

    /// Removes all faults and releases the requests they hold.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Fails a test with faults that applied to fewer requests than they should.
    ///
    /// # Panics
    /// If there is such a fault.
    pub fn assert_all_faults_used(&self) {
        let mut unused = self.state.faults.all();
        unused.retain(|fault| !fault.is_used_up());
        assert!(unused.is_empty(), "these faults did not apply, or not often enough: {unused:#?}");
    }

    /// Every request so far, in the order of arrival, without those to the control interface.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.lock().requests.clone()
    }

    /// The requests to one endpoint.
    pub fn requests_to(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.endpoint == Some(endpoint));
        requests
    }

    /// The number of requests to one endpoint since the start or [`Self::clear_requests`].
    pub fn request_count(&self, endpoint: Endpoint) -> usize {
        self.requests_to(endpoint).len()
    }

    /// Empties the record.
    pub fn clear_requests(&self) {
        self.state.lock().requests.clear();
    }

    /// Closes every connection of the API, idle or not.
    pub fn close_connections(&self) {
        self.state.listener.generation.send_modify(|generation| *generation += 1);
    }

    /// Closes the API's port, so that connections are refused, and every open connection.
    pub async fn stop_listening(&self) {
        self.set_closed(true).await;
        self.close_connections();
    }

    /// Opens the same port again.
    pub async fn resume_listening(&self) {
        self.set_closed(false).await;
    }

    async fn set_closed(&self, close: bool) {
        let listener = &self.state.listener;
        let mut is_closed = listener.is_closed.subscribe();
        listener.close.send_replace(close);
        // The sender lives as long as `self`.
        let _ = is_closed.wait_for(|it| *it == close).await;
    }
}
