//! The client: an actor that works when it is sent something and sends back what it learned.

use super::aggregator::{FederationAction, FederationMessage};
use super::codec::{Receiver, Sender};
use super::deployment::Deployment;
use super::local::{LocalResult, LocalState, participate};
use super::parcel::{Contents, Parcel};
use super::recorder::Record;
use super::references::References;
use crate::kernel::{ActorId, Behaviour, Cancellation, Job, JobOutput};
use crate::time::SimTime;
use crate::world::{Action, Message, Outcome, Ticket, Token};
use fedstill_models::ModelError;
use std::sync::Arc;

/// A client as an actor.
pub(crate) struct Client {
    deployment: Arc<Deployment>,
    number: usize,
    state: Arc<LocalState>,
    /// The participation under way, and the optimiser steps that it takes.
    under_way: Option<(Ticket, u64)>,
    /// What codecs remember of what was received and sent; of none without a memory.
    receivers: References<Receiver>,
    senders: References<Sender>,
}

impl Client {
    pub(crate) fn new(deployment: Arc<Deployment>, number: usize) -> Self {
        let state = Arc::new(LocalState::at_start(&deployment, number));
        Self {
            deployment,
            number,
            state,
            under_way: None,
            receivers: References::default(),
            senders: References::default(),
        }
    }

    fn begin(&mut self, ticket: Ticket, parcel: Parcel, actions: &mut Vec<FederationAction>) {
        let known = parcel.known();
        let received = (parcel.bytes() > 0).then(|| self.open(ticket, &parcel));
        let me = ActorId(u32::try_from(self.number + 1).expect("client numbers are checked"));
        let cost = self.deployment.cost(me, known);
        if !self
            .deployment
            .client(self.number)
            .device
            .fits(cost.memory_bytes)
        {
            let outcome = Outcome::Unfit;
            actions.push(Action::Refuse { ticket, outcome });
            return;
        }
        let steps = self.deployment.steps(self.number, known);
        self.under_way = Some((ticket, steps));
        let (deployment, state) = (Arc::clone(&self.deployment), Arc::clone(&self.state));
        let number = self.number;
        let senders = self.senders.known().to_vec();
        let job: Job = Box::new(move |cancellation: &Cancellation| {
            let cancelled = || cancellation.is_cancelled();
            Box::new(participate(
                &deployment,
                number,
                &state,
                received.as_ref(),
                &senders,
                &cancelled,
            ))
        });
        actions.push(Action::Compute {
            token: Token(ticket.number),
            ticket,
            work: cost.work,
            job: Some(job),
        });
    }

    /// Decodes what was received, in step with what the aggregator knows to have arrived.
    fn open(&mut self, ticket: Ticket, parcel: &Parcel) -> Contents {
        let wires = self.deployment.wires_down(self.number);
        if !self.deployment.codecs_remember() {
            return parcel.decode(&wires, &[]).0;
        }
        let arrived = parcel.arrived();
        self.receivers.settle(arrived);
        self.senders.settle(arrived);
        let (contents, next) = parcel.decode(&wires, self.receivers.known());
        self.receivers.propose(ticket.number, next);
        contents
    }

    fn deliver(&mut self, output: JobOutput, actions: &mut Vec<FederationAction>) {
        let Some((ticket, steps)) = self.under_way.take() else {
            return;
        };
        let result: Box<Result<LocalResult, ModelError>> =
            output.downcast().expect("a client's job gives its result");
        let result = match *result {
            Ok(result) => result,
            Err(ModelError::Diverged { .. }) => {
                let outcome = Outcome::Diverged;
                actions.push(Action::Refuse { ticket, outcome });
                return;
            }
            Err(error) => unreachable!("client {}: {error}", self.number),
        };
        self.state = Arc::new(result.state);
        if self.deployment.codecs_remember() {
            self.senders.propose(ticket.number, result.if_arrived);
        }
        actions.push(Action::Report {
            ticket,
            samples: self.deployment.shard(self.number).train.len() as u64,
            steps,
        });
        actions.push(Action::Record(Record::Trained {
            client: self.number,
            parameters: Arc::clone(&self.state.parameters),
            companion: result.companion,
        }));
        actions.push(Action::Send {
            to: ticket.aggregator,
            ticket,
            what: self.deployment.what_travels(),
            bytes: result.contribution.bytes(),
            payload: result.contribution,
        });
    }
}

impl Behaviour for Client {
    type Message = FederationMessage;
    type Action = FederationAction;

    fn react(
        &mut self,
        _: SimTime,
        message: FederationMessage,
        actions: &mut Vec<FederationAction>,
    ) {
        match message {
            Message::Arrived { ticket, payload } => self.begin(ticket, payload, actions),
            Message::Computed { output, .. } => {
                let output = output.expect("a client computes with a job");
                self.deliver(output, actions);
            }
            // What was being computed is lost; the state is that of the last participation.
            Message::Cut(_) => self.under_way = None,
            Message::Start
            | Message::Wake(_)
            | Message::CheckedIn { .. }
            | Message::Lost(_)
            | Message::Refused(..)
            | Message::Passed { .. }
            | Message::Sent { .. }
            | Message::Controlled { .. }
            | Message::Online(_) => unreachable!("only aggregators and peers are told this"),
        }
    }
}
