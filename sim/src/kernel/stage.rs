//! The stage: actix actors, told one message at a time in lockstep with the event queue.
//!
//! An actix runtime delivers messages when its scheduler comes round to them,
//! which is an order of its own. Here the event queue alone decides: the stage
//! owns every actor's context, puts one message into its mailbox and polls that
//! context until the handler has run. No timer, no thread and no other actor
//! can come between.

use crate::time::SimTime;
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task;

/// Names an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(pub u32);

impl ActorId {
    /// The actor's place in a vector over all actors.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an actor does: it is told the time and a message, and answers with actions.
pub trait Behaviour: Unpin + 'static {
    /// What it can be told.
    type Message: Send + 'static;
    /// What it can answer with.
    type Action: 'static;

    /// Reacts to one message; what it wants done is pushed to `actions`, in order.
    fn react(&mut self, now: SimTime, message: Self::Message, actions: &mut Vec<Self::Action>);
}

/// The actors that have started, by number.
pub struct Stage<M: Send + 'static, A: 'static> {
    seats: Vec<Option<Box<dyn Seat<M>>>>,
    answers: Rc<RefCell<Vec<A>>>,
}

/// One delivery: the actix message behind every [`Stage::tell`].
struct Told<M> {
    now: SimTime,
    message: M,
}

impl<M: 'static> Message for Told<M> {
    type Result = ();
}

/// A [`Behaviour`] as an actix actor.
struct Player<B: Behaviour> {
    behaviour: B,
    answers: Rc<RefCell<Vec<B::Action>>>,
}

impl<B: Behaviour> Actor for Player<B> {
    type Context = Context<Self>;
}

impl<B: Behaviour> Handler<Told<B::Message>> for Player<B> {
    type Result = ();

    fn handle(&mut self, told: Told<B::Message>, _: &mut Context<Self>) {
        let mut answers = self.answers.borrow_mut();
        self.behaviour.react(told.now, told.message, &mut answers);
    }
}

/// An actor's address and the context that runs it.
struct Running<B: Behaviour> {
    address: Addr<Player<B>>,
    context: Pin<Box<dyn Future<Output = ()>>>,
}

trait Seat<M> {
    fn tell(&mut self, now: SimTime, message: M);
}

impl<B: Behaviour> Seat<B::Message> for Running<B> {
    fn tell(&mut self, now: SimTime, message: B::Message) {
        self.address.do_send(Told { now, message });
        let mut waker = task::Context::from_waker(task::Waker::noop());
        // The address is held here, so the context never ends by itself.
        let polled = self.context.as_mut().poll(&mut waker);
        debug_assert!(polled.is_pending(), "an actor stopped by itself");
    }
}

impl<M: Send + 'static, A: 'static> Default for Stage<M, A> {
    fn default() -> Self {
        Self {
            seats: Vec::new(),
            answers: Rc::default(),
        }
    }
}

impl<M: Send + 'static, A: 'static> Stage<M, A> {
    /// A stage without actors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether an actor has started.
    pub fn has_started(&self, actor: ActorId) -> bool {
        self.seats.get(actor.index()).is_some_and(Option::is_some)
    }

    /// Starts an actor. One that never starts costs a pointer.
    pub fn start<B>(&mut self, actor: ActorId, behaviour: B)
    where
        B: Behaviour<Message = M, Action = A>,
    {
        if self.seats.len() <= actor.index() {
            self.seats.resize_with(actor.index() + 1, || None);
        }
        let context = Context::new();
        let address = context.address();
        let player = Player {
            behaviour,
            answers: Rc::clone(&self.answers),
        };
        self.seats[actor.index()] = Some(Box::new(Running {
            address,
            context: Box::pin(context.into_future(player)),
        }));
    }

    /// Tells a started actor a message; its actions are appended to `actions`, in order.
    ///
    /// # Panics
    /// If the actor has not started.
    pub fn tell(&mut self, actor: ActorId, now: SimTime, message: M, actions: &mut Vec<A>) {
        self.seats
            .get_mut(actor.index())
            .and_then(Option::as_mut)
            .expect("an actor is started before it is told anything")
            .tell(now, message);
        actions.append(&mut self.answers.borrow_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Adder(u64);

    impl Behaviour for Adder {
        type Message = u64;
        type Action = (SimTime, u64);

        fn react(&mut self, now: SimTime, message: u64, actions: &mut Vec<Self::Action>) {
            self.0 += message;
            actions.push((now, self.0));
            actions.push((now, message));
        }
    }

    #[test]
    fn an_actor_answers_each_message_before_the_next_is_told() {
        let mut stage = Stage::new();
        stage.start(ActorId(3), Adder(10));
        assert!(stage.has_started(ActorId(3)) && !stage.has_started(ActorId(0)));
        let mut actions = Vec::new();
        let (first, second) = (SimTime::from_nanos(1), SimTime::from_nanos(2));
        stage.tell(ActorId(3), first, 5, &mut actions);
        assert_eq!(actions, [(first, 15), (first, 5)]);
        stage.tell(ActorId(3), second, 7, &mut actions);
        assert_eq!(actions[2..], [(second, 22), (second, 7)]);
    }
}
