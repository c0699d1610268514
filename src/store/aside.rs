//! What the writer does between records: incidents that end or are written to, and what people say.
//!
//! Each is one short transaction; a failure concerns who asked and nobody else.

use tokio::sync::oneshot;

use super::{
    StoreError,
    incidents::{Incident, IncidentChange, IncidentEdit, IncidentNews, Ledger},
    recorder::{Message, Recorder},
    signals::{Signal, SignalError},
    writer::Writer,
};
use crate::domain::Timestamp;

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Aside {
    /// Close the incidents that have been quiet for long enough.
    Sweep(oneshot::Sender<()>),
    /// Change what somebody says of an incident.
    Edit(String, IncidentEdit, oneshot::Sender<Result<Option<(Incident, Incident)>, StoreError>>),
    /// Write down a signal.
    Say(Box<Signal>, oneshot::Sender<Result<Signal, SignalError>>),
}

impl Recorder {
    /// Closes the incidents that have been quiet for long enough by now.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the writer has ended.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        self.tell(Message::Aside(Aside::Sweep(done)))?;
        wait.await.map_err(|_| StoreError::Closed)
    }

    /// Changes what somebody says of an incident; what it was and is, `None` if there is none of that id.
    ///
    /// # Errors
    /// When the database fails or the store is closed.
    pub async fn edit_incident(
        &self,
        id: &str,
        edit: IncidentEdit,
    ) -> Result<Option<(Incident, Incident)>, StoreError> {
        let (done, wait) = oneshot::channel();
        self.tell(Message::Aside(Aside::Edit(id.to_owned(), edit, done)))?;
        wait.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes down what somebody says of a record or a model; its `seq` is set here.
    ///
    /// # Errors
    /// When there are too many already, the database fails or the store is closed.
    pub async fn say(&self, signal: Signal) -> Result<Signal, SignalError> {
        let (done, wait) = oneshot::channel();
        self.tell(Message::Aside(Aside::Say(Box::new(signal), done)))?;
        wait.await.map_err(|_| StoreError::Closed)?
    }
}

impl Writer {
    /// Does what it is asked. Who asked may have gone.
    pub(super) async fn aside(&mut self, aside: Aside) {
        match aside {
            Aside::Sweep(done) => {
                let (judging, gauges) = (self.gauges.judging(), &self.gauges);
                let swept = self.incidents.sweep(&self.pool, &judging.incidents, Timestamp::now(), |news| {
                    gauges.tell_incident(news);
                });
                if let Err(error) = swept.await {
                    // They are closed a second later.
                    tracing::warn!(%error, "incidents could not be closed");
                }
                let _ = done.send(());
            }
            Aside::Edit(id, edit, done) => {
                let edited = Ledger::edit(&self.pool, &id, &edit, Timestamp::now()).await;
                if let Ok(Some((_, after))) = &edited {
                    let incident = std::sync::Arc::new(after.clone());
                    self.gauges.tell_incident(IncidentNews { change: IncidentChange::Updated, incident });
                }
                let _ = done.send(edited);
            }
            Aside::Say(signal, done) => {
                let said = self.signals.say(&self.pool, *signal).await;
                if said.is_ok() {
                    self.gauges.tell_signal();
                }
                let _ = done.send(said);
            }
        }
    }
}
